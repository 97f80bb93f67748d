//! Helpers of all tests: a plain peer, traits over the drivers, and counts of a process's resources.

#![allow(dead_code, unused_imports, unused_macros, reason = "each program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

pub(crate) mod baseline;
#[cfg(feature = "tls")]
pub(crate) mod certificates;
pub(crate) mod driver;
pub(crate) mod echo;
pub(crate) mod gates;
pub(crate) mod many;
pub(crate) mod party;
pub(crate) mod peer;
pub(crate) mod server;
pub(crate) mod streams;
pub(crate) mod task;
#[cfg(feature = "tls")]
pub(crate) mod tls;
#[cfg(not(feature = "tls"))]
#[path = "no_tls.rs"]
pub(crate) mod tls;
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

/// Gives a listener, a connector or a client TLS, in a test that runs over TLS.
#[cfg(feature = "tls")]
macro_rules! secured {
    ($side:ident, $method:ident($($by_reference:tt)?), $plain:expr) => {
        match $crate::support::tls::is_on() {
            true => $plain.$method($($by_reference)? $crate::support::tls::$side()),
            false => $plain,
        }
    };
}
#[cfg(not(feature = "tls"))]
macro_rules! secured {
    ($side:ident, $method:ident($($by_reference:tt)?), $plain:expr) => {
        $plain
    };
}
pub(crate) use secured;

/// Makes a test of each rule for each driver's type in a module of this folder: over TCP, and with `tls` over TLS too.
macro_rules! on_every_driver_of {
    (tls $face:ident: $($rule:ident),*) => {
        $(
            mod $rule {
                #[cfg(feature = "tls")]
                mod tls {
                    use crate::support::$face::{Blocking, NonBlocking, Tokio};
                    use crate::support::tls::over_tls;

                    #[test]
                    fn blocking() {
                        over_tls(super::super::$rule::<Blocking>);
                    }

                    #[test]
                    fn nonblocking() {
                        over_tls(super::super::$rule::<NonBlocking>);
                    }

                    #[test]
                    fn tokio() {
                        over_tls(super::super::$rule::<Tokio>);
                    }
                }

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
