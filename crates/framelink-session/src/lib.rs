//! One end of a connection, without the connection.
//!
//! Bytes and time go in; messages, bytes to write and the next deadline come out. A session opens nothing, sleeps never
//! and asks no clock: `now` is a [`Duration`](std::time::Duration) since a moment that its driver chose. So each rule (where a message
//! ends, what half a frame means, when silence ends a message, which reply belongs to which request) is written here once and holds on
//! every kind of socket. `framelink-transport` has the drivers.
//!
//! ```text
//!                 ┌───────────── Session ──────────────┐
//!   bytes read ──►│ Receiving   codec, buffer, silence │──► messages, the next deadline
//!                 │ Exchange    is a reply owed?       │
//!   messages ────►│ Sending     codec, queue           │──► bytes to write, "shut down"
//!                 └────────────────────────────────────┘
//! ```
//!
//! Above them, for a client, [`InFlight`] knows which calls are under way; for a server, [`Replies`] knows what is owed, and an
//! [`Outbox`] what waits to be pushed.
//!
//! The halves can be driven from two threads. They share nothing but a small cell, where heartbeats are wanted: the [`LivenessHandle`], to
//! which both tell when bytes came and went.
//!
//! ```
//! use std::time::Duration;
//! use framelink_length::Length;
//! use framelink_session::{Received, Session, Transmit};
//!
//! let framing: Length = "bcd:2".parse()?;
//! let mut session = Session::new(framing, framing);
//! let now = Duration::ZERO;
//!
//! // 0x00 0x05 | 'h' 'e' 'l' 'l' 'o'
//! session.sending.queue(b"hello")?;
//! let Transmit::Write(bytes) = session.sending.poll() else { panic!() };
//! assert_eq!(bytes, b"\x00\x05hello");
//! session.sending.on_written(7, now);
//!
//! session.receiving.space()[..4].copy_from_slice(b"\x00\x02ok");
//! session.receiving.on_read(4, now);
//! let Received::Message(message) = session.receiving.poll()? else { panic!() };
//! assert_eq!(&message[..], b"ok");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

#![cfg_attr(docsrs, feature(doc_cfg))]

mod append;
mod calls;
#[cfg(feature = "fuzz")]
#[doc(hidden)] // for fuzz targets and tests
pub mod fuzz;
mod lifetime;
mod liveness;
pub mod memory;
mod message;
mod receiving;
mod sending;
mod serving;
mod session;
mod shared;

pub use calls::{
    Arrived, Assigned, CallId, Ended, Exchange, InFlight, Key, KeyPlace, KeyRule, Late, Leg, Legs, Matching, NotBegun,
    Unclean,
};
pub use lifetime::{Ending, Lifetime, Notice, NoticeStage, Tallied, Tally};
pub use liveness::LivenessHandle;
pub use message::{Incoming, LateReply, Message};
pub use receiving::{OnUnread, Part, ProxyHeader, Received, Receiving, Unfinished, WrongPreamble};
pub use sending::{OutgoingFrame, Packed, SendRefused, Sending, Sent, Ticket, Transmit};
pub use serving::{Backlog, Concurrency, Offered, Outbox, PushCounts, Replies, ReplyOrder, ReplySlot, SlowRule};
pub use session::{Session, limit_lifetime, share_liveness, watch};
pub use shared::ByteCount;

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
