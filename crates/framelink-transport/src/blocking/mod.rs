//! The blocking driver: a session on a socket whose reads and writes wait, on std alone.
//!
//! [`Connector`] and [`Listener`] make a [`Connection`]; that sends, receives and calls, and splits into two halves
//! for two threads, which share no lock. Everything that decides anything is in the [`session`](crate::session).
//!
//! # System calls
//!
//! A message that comes in one read costs one system call, and so does one that goes: head, payload and suffix are written
//! together from where they lie. How long a read may wait is told to the system only when it changes by more than 1/256, or a millisecond.
//! A [`call`](Connection::call) looks once, without waiting, for bytes that came unasked and could be taken for its reply.

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
pub use link::{Inbox, Link, Links};
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
