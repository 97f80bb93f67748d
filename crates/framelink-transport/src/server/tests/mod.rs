//! The rules of serving, on a virtual clock.

mod requests;
#[cfg(feature = "tokio")]
mod run;
