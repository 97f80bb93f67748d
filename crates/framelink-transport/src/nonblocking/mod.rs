//! The non-blocking driver: a session on a socket whose operations answer at once, on mio.
//!
//! [`Connector`] and [`Listener`] make a [`Connection`]. Its `try_…` operations answer at once and say when to ask again; it
//! registers with an event loop of mio as it is. Without an event loop, `…_within` and `call` wait for its one socket.
//! Everything that decides anything is in the [`session`](crate::session).

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
