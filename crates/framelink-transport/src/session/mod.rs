//! One end of a connection, without the connection.
//!
//! Bytes and time go in; messages, bytes to write and the next deadline come out. A session opens nothing, sleeps never
//! and asks no clock: `now` is a [`Duration`] since a moment that whoever drives it chose. So each
//! rule (where a message ends, what half a frame means, when silence ends one, which reply is whose) is written here
//! once and holds on every kind of socket.
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
//! The halves can be driven from two threads. They share nothing but a small cell, where heartbeats are wanted: the [`Pulse`], to
//! which both tell when bytes came and went.
//!
//! ```
//! use std::time::Duration;
//! use framelink_transport::{Framing, session::{Received, Session, Transmit}};
//!
//! let framing: Framing = "bcd:2".parse()?;
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

mod activity;
mod append;
mod byte_count;
mod call_end;
mod empties;
mod exchange;
mod in_flight;
mod key;
mod legs;
mod matching;
pub(crate) mod memory;
mod notice;
mod outbox;
mod outgoing;
mod packed;
mod preamble;
mod proxy_header;
mod pulse;
mod receiving;
mod replies;
mod send_refused;
mod sending;
mod spare;
mod tally;
mod tenure;
mod ticket;
mod torn;
mod unfinished;

pub use byte_count::ByteCount;
pub use call_end::{Arrived, CallId, Ended, Late, NotBegun};
pub use exchange::{Exchange, Unclean};
pub use in_flight::InFlight;
pub use key::{Assigned, Key, KeyPlace, KeyRule};
pub use legs::{Leg, Legs};
pub use matching::Matching;
pub use notice::{Notice, Stage};
pub use outbox::{Backlog, Offered, Outbox, PushCounts, SlowRule};
pub use outgoing::Outgoing;
pub use packed::Packed;
pub use preamble::WrongPreamble;
pub use proxy_header::ProxyHeader;
pub use pulse::Pulse;
#[cfg(feature = "socket")]
pub(crate) use receiving::OnUnread;
pub use receiving::{Received, Receiving};
pub use replies::{Concurrency, Place, Replies, ReplyOrder};
pub use send_refused::SendRefused;
pub use sending::{Sending, Transmit};
pub use tenure::{Ending, Tenure};
pub use ticket::{Sent, Ticket};
pub use unfinished::{Part, Unfinished};

pub(crate) use activity::Activity;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub(crate) use tally::Tallied;
pub(crate) use tally::Tally;

use std::sync::Arc;
use std::time::Duration;

use framelink_codec::{Decode, Encode};
use framelink_heartbeat::{Heartbeat, Role};

/// The two halves of one end of a connection, and what is between them.
///
/// See [the module](self) for an example.
#[derive(Debug)]
pub struct Session<D: Decode, E: Encode> {
    /// What comes.
    pub receiving: Receiving<D>,
    /// What goes.
    pub sending: Sending<E>,
    /// Which of what comes answers which of what goes.
    pub exchange: Exchange,
}

impl<D: Decode, E: Encode> Session<D, E> {
    /// A session at the start of a connection, with a framing for each direction.
    pub fn new(receive: D, send: E) -> Self {
        let receiving = Receiving::new(receive);
        let sending = Sending::beside(send, receiving.torn());
        Self { receiving, sending, exchange: Exchange::new() }
    }

    /// Has it send and expect heartbeats from now on. `jitter` is any number, another one for each connection; see
    /// [`Heartbeat::liveness`].
    pub fn watch(&mut self, heartbeat: Arc<Heartbeat>, us: Role, jitter: u32, now: Duration) -> Pulse {
        watch(&mut self.receiving, &mut self.sending, heartbeat, us, jitter, now)
    }

    /// Has it end when its time is over.
    pub fn keep_for(&mut self, tenure: Tenure) {
        keep_for(&mut self.receiving, &mut self.sending, tenure);
    }
}

/// Another number for each connection.
#[cfg(feature = "socket")]
pub(crate) fn jitter() -> u32 {
    use std::hash::{BuildHasher, RandomState};
    #[cfg(any(test, feature = "fuzz"))]
    if crate::fuzz::simulated::now().is_some() {
        // A schedule that is run again runs as it did.
        return u32::MAX / 2;
    }
    let [.., a, b, c, d] = RandomState::new().hash_one(()).to_ne_bytes();
    u32::from_ne_bytes([a, b, c, d])
}

/// The same for the halves of a connection.
pub(crate) fn keep_for<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    mut tenure: Tenure,
) {
    sending.set_tenure(tenure.activity().clone(), tenure.notice().cloned());
    receiving.set_tenure(tenure);
}

/// The same for the halves of a connection.
pub(crate) fn watch<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    heartbeat: Arc<Heartbeat>,
    us: Role,
    jitter: u32,
    now: Duration,
) -> Pulse {
    let pulse = Pulse::new(heartbeat, us, jitter, now);
    receiving.set_pulse(Some(pulse.clone()));
    sending.set_pulse(Some(pulse.clone()));
    pulse
}

/// Has the two directions of a pair of connections that are used share one pulse: what comes on one shows that the peer lives which the
/// other sends to. The two that are not used have none. Whoever dialled the connection that is sent on is the client of the pair.
#[cfg(feature = "socket")]
pub(crate) fn join<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    watched: &mut Receiving<D>,
    unused: &mut Sending<E>,
    now: Duration,
) {
    if let Some(pulse) = sending.pulse().or(receiving.pulse()) {
        let (heartbeat, us) = pulse.terms();
        watch(receiving, sending, heartbeat, us, jitter(), now);
    }
    watched.set_pulse(None);
    unused.set_pulse(None);
}
