//! The non-blocking driver: connections on mio sockets, whose `try_…` operations return at once.
//!
//! [`Connector`] and [`Listener`] make a [`Connection`], which can be registered with an event loop of mio. Each
//! `try_…` operation says when to call again. Without an event loop, `…_within` and `call` wait for the connection's
//! socket. The [`session`](crate::session) makes all decisions about the protocol.

#[cfg(unix)]
mod client;
mod connection;
mod connector;
#[cfg(unix)]
mod dialling;
#[cfg(unix)]
mod driver;
mod duplex;
mod halves;
mod listener;
mod port;
mod served;
#[cfg(unix)]
mod serving;
mod stream;
#[cfg(unix)]
mod upstream;
#[cfg(unix)]
mod waiting;

#[cfg(unix)]
pub use client::Client;
pub use connection::Connection;
pub use connector::{Connector, NonBlocking};
pub use duplex::Duplex;
pub use halves::{RecvHalf, SendHalf};
pub use listener::Listener;
pub use served::Served;
pub use stream::WriteStream;
#[cfg(unix)]
pub use upstream::Upstream;

pub use crate::calls::{Event, TryCall};
pub use crate::drive::{CloseReport, TryRecv, TrySend};
pub use crate::error::{Blame, CallError, Cause, ConnectError, Error, Operation};
#[cfg(unix)]
pub use crate::upstream::States;
