//! A connection: a session and a socket. Its rules are here, each of them once.
//!
//! A driver shows its connection as an [`Endpoint`]: where the session lies, and how the socket is used without waiting longer than the
//! driver says. What follows from that answers at once: it is done, or it says what to wait for. Waiting is the driver's part.
//!
//! The public methods that more than one driver has are written once too, with their documentation, as macros that a driver invokes inside
//! its `impl`. Where tokio awaits, the other drivers have the same expression without `.await`: `awaited!` or `plain!`.

#![cfg_attr(
    not(all(feature = "blocking", feature = "nonblocking", feature = "tokio")),
    allow(
        dead_code,
        unused_imports,
        unused_macros,
        reason = "a driver uses a part; with all of them each item is used"
    )
)]

mod docs;
mod endpoint;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod inspect;
mod methods;
mod polled;
mod recv_half;
mod send_half;
pub(crate) mod setup;
#[cfg(test)]
mod tests;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod traffic;

pub(crate) use docs::docs;
pub(crate) use endpoint::{
    Elapsed, Endpoint, Open, Parts, SessionParts, Step, attend, session_parts, session_parts_in_halves,
};
pub(crate) use methods::{
    connection_methods, exchanging_connection_methods, maintaining_connection_methods, socket_connection_methods,
    waiting_connection_methods,
};
pub(crate) use polled::polled_send_methods;
pub(crate) use recv_half::{ends_reading, recv_half_methods, waiting_recv_half_methods};
pub(crate) use send_half::{send_half_maintain, send_half_methods, waiting_send_half_methods};

pub(crate) use crate::error::{CallErrorOf, CauseOf, ErrorOf};
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use inspect::inspect;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use traffic::Traffic;
