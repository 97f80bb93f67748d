//! The blocking driver: connections on sockets whose reads and writes wait. It needs only the standard library.
//!
//! [`Connector`] and [`Listener`] make a [`Connection`], which sends, receives and calls. It can be split into two
//! halves for two threads, which share no lock. The [`session`](crate::session) makes all decisions about the protocol.
//!
//! # System calls
//!
//! - A message that arrives in one read costs one system call.
//! - A message that is sent costs one system call: head, payload and suffix are written together, without being copied.
//! - The socket's read timeout is set again only when it changes by more than 1/256, or by more than 1 ms.
//! - A [`call`](Connection::call) first reads once, without waiting, to find bytes that could be taken for its reply.

mod caller;
mod client;
mod connection;
pub(crate) mod connector;
mod driver;
mod halves;
mod link;
mod listener;
mod mux;
mod pool;
mod port;
mod receiver;
mod serve_queue;
mod server;
mod serving;
mod shared;
mod stopper;
mod stream;
mod turn;
mod upstream;

pub use caller::Caller;
pub use client::Client;
pub use connection::Connection;
pub use connector::{Blocking, Connector};
pub use halves::{RecvHalf, SendHalf};
pub use link::{Inbox, Link, Links, ReplySender};
pub use listener::Listener;
pub use pool::{Pool, PooledConnection};
pub use receiver::Receiver;
pub use server::{Server, ServerHandle};
pub use shared::Shared;
pub use stopper::Stopper;
pub use stream::{Closer, ReadStream, WriteStream};
pub use upstream::Upstream;

pub use crate::upstream::States;

pub use crate::drive::{CloseReport, TryRecv};
pub use crate::error::{Blame, CallError, Cause, ConnectError, Error, Operation};
pub use crate::link::LinkEvent;
