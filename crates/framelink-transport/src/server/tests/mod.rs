//! The rules of serving, on a virtual clock.

#[cfg(feature = "tokio")]
mod deadline;
#[cfg(feature = "nonblocking")]
mod event_loop;
mod in_place;
mod requests;
#[cfg(feature = "tokio")]
mod run;
