//! One end of a message connection, without I/O and without a clock.
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
//!
//! A driver passes bytes and the time to a session. The session returns messages, bytes to write and the next deadline.
//! A session opens no socket, never sleeps and reads no clock: `now` is a [`Duration`](std::time::Duration) since a
//! moment that the driver chooses. The rules are therefore written once and hold on every kind of socket: where a
//! message ends, what an incomplete frame means, when silence ends a message, and which reply belongs to which request.
//! The drivers are in `framelink-transport`.
//!
//! ```text
//!                 ┌───────────── Session ──────────────┐
//!   bytes read ──►│ Receiving   codec, buffer, silence │──► messages, the next deadline
//!                 │ Exchange    is a reply owed?       │
//!   messages ────►│ Sending     codec, queue           │──► bytes to write, "shut down"
//!                 └────────────────────────────────────┘
//! ```
//!
//! On top of the session:
//!
//! | type | side | tracks |
//! | --- | --- | --- |
//! | [`InFlight`] | client | the calls in flight |
//! | [`Replies`] | server | the replies that are owed |
//! | [`Outbox`] | server | the messages that wait to be pushed |
//!
//! Two threads can drive the two halves. They share only a few small values: their activity, their
//! failures, and, with heartbeats, the [`LivenessHandle`], to which both report bytes.

#![cfg_attr(docsrs, feature(doc_cfg))]

mod append;
mod calls;
mod dialogue;
#[cfg(feature = "fuzz")]
#[doc(hidden)] // for fuzz targets and tests
pub mod fuzz;
mod lifetime;
mod liveness;
pub mod memory;
mod message;
mod opening;
mod receiving;
mod sending;
mod serving;
mod session;
mod shared;

pub use calls::{
    Arrived, CallId, Ended, Exchange, InFlight, Key, KeyPlaces, KeyRule, Late, Leg, Legs, Matching, NotBegun, Unclean,
};
pub use dialogue::{
    Ask, Cut, Dialogue, DialogueError, DialoguePart, DialogueRules, Greeting, Heard, Meanwhile, OnRefusal, Relayed,
    Sign, Step, StepFraming, StepMessage, Unexpected,
};
pub use lifetime::{Ending, Lifetime, Notice, NoticeStage, Tallied, Tally};
pub use liveness::LivenessHandle;
pub use message::{Incoming, LateReply, Message, MessageRef};
pub use opening::{Opening, OpeningFault, advance_dialogue};
pub use receiving::{MessagePlace, OnUnread, Part, ProxyHeader, Received, Receiving, Unfinished, WrongPreamble};
pub use sending::{OutgoingFrame, Packed, Reply, SendRefused, Sending, Sent, Ticket, Transmit};
pub use serving::{
    Backlog, Concurrency, LastBytes, Offered, Outbox, PushCounts, Replies, ReplyFault, ReplyHeader, ReplyOrder,
    ReplyRule, ReplyRules, ReplySlot, RuledReply, SlowRule,
};
pub use session::{Session, leave_out_numbers, limit_lifetime, share_liveness, watch};
pub use shared::ByteCount;

pub use framelink_template::{Encoding, Inputs, Match, NumberRange, Numbers, NumbersError, Place, Reserve, Template};

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
