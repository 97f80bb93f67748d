//! The rules of serving, on a virtual clock.

mod requests;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod run;
