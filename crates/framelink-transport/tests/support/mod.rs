//! Helpers of all tests: a plain peer, traits over the drivers, and counts of a process's resources.

#![allow(dead_code, unused_imports, unused_macros, reason = "each program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

pub(crate) mod baseline;
pub(crate) mod driver;
pub(crate) mod echo;
pub(crate) mod gates;
pub(crate) mod many;
pub(crate) mod party;
pub(crate) mod peer;
pub(crate) mod server;
pub(crate) mod streams;
pub(crate) mod task;
pub(crate) mod waiting;
pub(crate) mod wire;

use std::time::Duration;

/// Every event that a test waits for happens within this time, or the test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

/// Returns one framing for both directions.
pub(crate) fn framing(notation: &str) -> framelink_transport::FramingPair {
    let framing: framelink_transport::Framing = notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}"));
    framing.into()
}

/// Returns a runtime of one thread, which runs only inside `block_on`.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

/// Makes a test of each rule for each driver's type in a module of this folder.
macro_rules! on_every_driver_of {
    ($face:ident: $($rule:ident),*) => {
        $(
            mod $rule {
                #[test]
                fn blocking() {
                    super::$rule::<crate::support::$face::Blocking>();
                }

                #[test]
                fn nonblocking() {
                    super::$rule::<crate::support::$face::NonBlocking>();
                }

                #[test]
                fn tokio() {
                    super::$rule::<crate::support::$face::Tokio>();
                }
            }
        )*
    };
}
pub(crate) use on_every_driver_of;
