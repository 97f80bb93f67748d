//! The tokio driver: a session on a socket, driven by tokio.
//!
//! [`Connector`] and [`Listener`] make a [`Connection`]; that sends, receives and calls, and splits into two halves
//! for two tasks. Everything that decides anything is in the [`session`](crate::session).
//!
//! # Cancelling
//!
//! Every future here can be dropped at any time, so all of them work in `select!`:
//!
//! - [`recv`](Connection::recv): no byte is lost, the next call goes on.
//! - [`send`](Connection::send), [`flush`](Connection::flush): the message is either not accepted at all, or what is left
//!   of it leaves before anything else that is sent. A dropped `send` alone does not write it: some later call does.
//! - [`call`](Connection::call): the connection cannot be used any more, for the reply that may still come must not answer
//!   the next request. Everything that is asked of it then is an error that says so.

mod alarm;
mod caller;
mod client;
mod clock;
mod connection;
pub(crate) mod connector;
mod driver;
mod halves;
mod handlers;
mod link;
mod listener;
mod lookup;
mod mux;
mod pool;
mod port;
mod receiver;
mod resolver;
mod server;
#[cfg(feature = "tower")]
mod service;
mod serving;
mod upstream;

pub use caller::Caller;
pub use client::Client;
pub use connection::Connection;
pub use connector::{Connector, Tokio};
pub use halves::{RecvHalf, SendHalf};
pub use link::{Inbox, Link, Links};
pub use listener::Listener;
#[cfg(test)]
pub(crate) use mux::Offer;
pub use pool::{Pool, PooledConnection};
pub use receiver::Receiver;
pub use server::{Server, ServerHandle};
#[cfg(feature = "tower")]
pub use service::{Sequential, Timed};
pub use upstream::{States, Upstream};

pub use crate::drive::{CloseReport, TryRecv};
pub use crate::error::{Blame, CallError, Cause, ConnectError, Error, Operation};
pub use crate::link::LinkEvent;
