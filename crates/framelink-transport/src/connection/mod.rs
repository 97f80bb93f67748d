//! A connection is a session and a socket. This module holds its rules, each of them once for all drivers.
//!
//! A driver implements [`Endpoint`] for its connection: it gives access to the session, and opens the socket without
//! waiting longer than the driver says. Each rule is a step that is done at once, or returns what to wait for.
//!
//! Public methods that several drivers have are macros, with their documentation. A driver expands them inside its
//! `impl`. Where tokio awaits (`awaited!`), the other drivers have the plain expression (`plain!`).

mod docs;
mod endpoint;
mod inspect;
mod methods;
pub(crate) mod peer_addr;
mod polled;
mod recv_half;
mod send_half;
pub(crate) mod setup;
#[cfg(test)]
mod tests;
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
pub(crate) use inspect::inspect;
pub(crate) use traffic::Traffic;
