//! The rules of serving, on a virtual clock.

mod in_place;
mod requests;
#[cfg(feature = "tokio")]
mod run;
