//! The tokio driver: connections, clients, links, pools and servers for async programs.
//!
//! A [`Connector`] or a [`Listener`] creates a [`Connection`]. A connection sends, receives and makes calls, and can be
//! split into two halves for two tasks. All decisions are in the [`session`](crate::session).
//!
//! # Cancellation
//!
//! Every future here can be dropped at any time, so all of them work in `select!`:
//!
//! - [`recv`](Connection::recv): no byte is lost, and the next call continues.
//! - [`send`](Connection::send), [`flush`](Connection::flush): either the message is not accepted at all, or the rest
//!   of it is written before anything else. A dropped `send` does not write the rest by itself; the next operation
//!   does.
//! - [`call`](Connection::call): the connection can no longer be used, because the late reply must not answer the next
//!   request. All later operations return an error that says so.

mod alarm;
mod caller;
mod client;
mod clock;
mod connection;
pub(crate) mod connector;
mod driver;
mod forward;
mod halves;
mod handlers;
mod link;
mod listener;
mod lookup;
mod moment;
mod mux;
mod pool;
mod port;
mod receiver;
mod resolver;
mod server;
#[cfg(feature = "tower")]
mod service;
mod serving;
mod tasks;
mod upstream;

pub use caller::Caller;
pub use client::Client;
pub use connection::Connection;
pub use connector::{Connector, Tokio};
pub use halves::{RecvHalf, SendHalf};
pub use link::{Inbox, Link, Links, ReplySender};
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
