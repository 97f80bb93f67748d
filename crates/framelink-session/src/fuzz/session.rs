//! A model test of a session.

use std::collections::VecDeque;
use std::str::FromStr;
use std::time::Duration;

use framelink_codec::{Decode, Encode, Ends, Fault, check};

use crate::calls::{Exchange, Unclean};
use crate::receiving::{Received, Receiving};
use crate::sending::{SendRefused, Sending, Sent, Ticket, Transmit};
use crate::session::Session;

/// A framing that parses any notation.
pub trait Framing: Decode<Error: Copy + PartialEq> + Encode<Error: PartialEq> + FromStr + Copy {}

impl<F: Decode<Error: Copy + PartialEq> + Encode<Error: PartialEq> + FromStr + Copy> Framing for F {}

/// Drives a session by random steps beside a model. Received bytes are split as the framing says, however they arrive.
/// Frames are written one after the other. A passed deadline has an effect. The exchange is unclean while a reply is
/// owed.
///
/// `F` parses framings with a length and framings without.
///
/// # Panics
/// If that does not hold.
pub fn session<F: Framing>(data: &[u8]) {
    let Some((&[receive, send], data)) = data.split_first_chunk::<2>() else { return };
    let [receive, send] = [receive, send].map(any_framing::<F>);
    let mut session = Session::new(receive, send);
    let mut peer = Peer::new(receive);
    let mut outlet = Outlet::new(send);
    let mut reply_owed = false;
    let mut now = Duration::ZERO;
    let mut steps = Steps(data);
    while let Some([step, size]) = steps.step() {
        let size = usize::from(size);
        match step % 16 {
            0 | 1 => peer.sends(steps.take(size % 24)),
            2..=4 => peer.is_read(&mut session.receiving, size, now),
            5 => {
                now += Duration::from_millis(size as u64);
                peer.is_waited_for(&mut session.receiving, now);
            }
            6 if size < 16 => peer.closes(&mut session.receiving),
            6 => session.receiving.release(),
            7 => outlet.queues(&mut session.sending, steps.take(size % 24)),
            8 => outlet.queues_in_place(&mut session.sending, steps.take(size % 24), size / 24),
            9 => outlet.writes_first(&mut session.sending, steps.take(size % 24), size / 24, now),
            10..=12 => outlet.writes(&mut session.sending, size % 32, now),
            13 if size < 8 => outlet.finishes(&mut session.sending),
            13 if size < 12 => outlet.fails(&mut session.sending),
            13 => outlet.is_shut_down(&mut session.sending),
            14 => {
                assert_eq!(session.exchange.begin(), if reply_owed { Err(Unclean) } else { Ok(()) });
                reply_owed = true;
            }
            _ => {
                session.exchange.settle();
                reply_owed = false;
            }
        }
        peer.check(&mut session.receiving, step & 16 != 0, now);
        outlet.check(&session.sending);
        check_exchange(session.exchange, reply_owed);
    }
    peer.check_all();
}

fn check_exchange(exchange: Exchange, reply_owed: bool) {
    assert_eq!(exchange.check().is_err(), reply_owed, "clean while a reply is owed, or unclean when none is");
}

/// The bytes that choose the steps.
struct Steps<'a>(&'a [u8]);

impl<'a> Steps<'a> {
    fn step(&mut self) -> Option<[u8; 2]> {
        let (&step, rest) = self.0.split_first_chunk::<2>()?;
        self.0 = rest;
        Some(step)
    }

    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// The received bytes, and the messages that they contain.
struct Peer<F: Framing> {
    framing: F,
    /// Bytes that were sent and not read.
    wire: VecDeque<u8>,
    /// All bytes that were read.
    read: Vec<u8>,
    /// Bytes that no silence, read or close has ended yet, for framings that end messages that way.
    open: Vec<u8>,
    /// Messages that were ended by silence, a read or the close.
    ended: Vec<Vec<u8>>,
    heard_at: Duration,
    is_closed: bool,
    /// The messages that the session delivered.
    messages: Vec<Vec<u8>>,
    fault: Option<Fault<<F as Decode>::Error>>,
}

impl<F: Framing> Peer<F> {
    fn new(framing: F) -> Self {
        let (wire, read, open, ended, messages, heard_at, is_closed, fault) = Default::default();
        Self { framing, wire, read, open, ended, heard_at, is_closed, messages, fault }
    }

    /// Sends a frame, or the bytes as they are if they cannot be framed.
    fn sends(&mut self, payload: &[u8]) {
        let (head, suffix) = match self.framing.envelope(payload) {
            Ok(envelope) => (envelope.head, envelope.suffix),
            Err(_) => Default::default(),
        };
        self.wire.extend(head.as_ref().iter().chain(payload).chain(suffix.as_ref()));
    }

    fn is_read(&mut self, receiving: &mut Receiving<F>, size: usize, now: Duration) {
        let space = receiving.space();
        assert!(!space.is_empty(), "a read is offered something");
        let count = size.min(space.len()).min(self.wire.len());
        if count == 0 || self.is_closed || self.fault.is_some() {
            return;
        }
        let bytes: Vec<u8> = self.wire.drain(..count).collect();
        space.iter_mut().zip(&bytes).for_each(|(place, byte)| *place = *byte);
        receiving.on_read(count, now);
        self.heard_at = now;
        self.read.extend_from_slice(&bytes);
        match self.framing.ends() {
            Ends::Read(most) => {
                assert!(count <= most);
                self.ended.push(bytes);
            }
            Ends::Itself => {}
            _ => self.open.extend(bytes),
        }
    }

    fn is_waited_for(&mut self, receiving: &mut Receiving<F>, now: Duration) {
        receiving.on_deadline(now);
        if matches!(self.framing.ends(), Ends::Quiet(silence) if now >= self.heard_at + silence) {
            self.end();
        }
    }

    fn closes(&mut self, receiving: &mut Receiving<F>) {
        receiving.on_closed();
        self.is_closed = true;
        self.end();
    }

    fn end(&mut self) {
        if !self.open.is_empty() {
            self.ended.push(std::mem::take(&mut self.open));
        }
    }

    /// Takes all messages, or reads them in the buffer (`in_place`), and checks the answer of the session after them.
    fn check(&mut self, receiving: &mut Receiving<F>, in_place: bool, now: Duration) {
        loop {
            match receiving.poll_place() {
                Ok(Received::Message(place)) => {
                    assert_eq!(self.fault, None, "a message after the fault");
                    let message = receiving.message_at(place).to_vec();
                    assert!(in_place || receiving.take_at(place)[..] == message, "the same message");
                    self.messages.push(message);
                }
                Ok(Received::Closed) => {
                    assert!(self.is_closed && !receiving.is_inside_message());
                    return;
                }
                Ok(Received::Wait { until }) => {
                    assert!(!self.is_closed, "nothing comes after the close");
                    match self.framing.ends() {
                        Ends::Quiet(silence) if !self.open.is_empty() => {
                            assert_eq!(until, Some(self.heard_at + silence));
                        }
                        _ => assert_eq!(until, None),
                    }
                    if until.is_none_or(|at| at > now) {
                        return;
                    }
                    // The deadline has passed, so reporting it must make progress.
                    self.is_waited_for(receiving, now);
                    let Ok(Received::Message(message)) = receiving.poll() else {
                        panic!("a deadline that has passed changes nothing")
                    };
                    self.messages.push(message.to_vec());
                }
                Err(fault) => {
                    assert!(self.fault.is_none_or(|first| first == fault), "a fault stays as it is");
                    self.fault = Some(fault);
                    return;
                }
            }
        }
    }

    /// Checks that the messages are those of all bytes decoded at once.
    fn check_all(&self) {
        if self.framing.ends() != Ends::Itself {
            assert_eq!((self.fault, &self.messages), (None, &self.ended));
            return;
        }
        let (messages, fault) = check::read(&self.framing, &self.read, &[usize::MAX]);
        assert_eq!(self.messages, messages);
        match (self.fault, fault) {
            (Some(Fault::Wrong { error: one, .. }), Some(Fault::Wrong { error: other, .. })) => assert_eq!(one, other),
            (
                Some(Fault::Truncated { came: one, missing: owed, .. }),
                Some(Fault::Truncated { came: other, missing, .. }),
            ) => assert_eq!((one, owed), (other, missing)),
            (None, Some(Fault::Truncated { .. })) => assert!(!self.is_closed),
            (one, other) => assert_eq!(one, other),
        }
    }
}

/// The messages to send, and the bytes that must be written.
struct Outlet<F> {
    framing: F,
    /// Bytes that were accepted and not written.
    owed: VecDeque<u8>,
    /// The number of bytes that were accepted, and that were written.
    accepted: u64,
    written: u64,
    /// Each message, and where it begins and ends among the accepted bytes.
    tickets: Vec<(Ticket, u64, u64)>,
    state: ModelState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ModelState {
    Open,
    Finishing,
    Finished,
    Failed,
}

impl<F: Framing> Outlet<F> {
    const fn new(framing: F) -> Self {
        let owed = VecDeque::new();
        Self { framing, owed, accepted: 0, written: 0, tickets: Vec::new(), state: ModelState::Open }
    }

    fn queues(&mut self, sending: &mut Sending<F>, payload: &[u8]) {
        let ticket = sending.queue(payload);
        self.accepts(payload, ticket, 0);
    }

    /// Writes a message into the queue, in two pieces and perhaps for nothing.
    fn queues_in_place(&mut self, sending: &mut Sending<F>, payload: &[u8], first: usize) {
        let before = sending.queued_len();
        let accepted = sending.queue_in_place(|reply| {
            let (one, two) = payload.split_at(first.min(payload.len()));
            reply.extend_from_slice(one);
            reply.extend_from_slice(two);
            assert_eq!(&reply[..], payload);
            if first == 10 {
                reply.skip();
            }
        });
        match accepted {
            Ok(((), None)) => assert_eq!((sending.queued_len(), first), (before, 10), "a skipped message"),
            Ok(((), Some(ticket))) => self.accepts(payload, Ok(ticket), 0),
            Err(refused) => {
                assert_eq!(sending.queued_len(), before, "nothing of it is queued");
                self.accepts(payload, Err(refused), 0);
            }
        }
    }

    /// Writes a message from where it lies, as a driver does if no message is queued.
    fn writes_first(&mut self, sending: &mut Sending<F>, payload: &[u8], size: usize, now: Duration) {
        if !sending.is_empty() {
            return;
        }
        let accepted = match sending.outgoing(payload) {
            Ok(outgoing) => {
                assert_eq!(outgoing.parts().concat().len(), outgoing.frame_len());
                let written = size.min(outgoing.frame_len());
                Ok((sending.queue_rest(&outgoing, written, now), written))
            }
            Err(refused) => Err(refused),
        };
        let written = accepted.as_ref().map_or(0, |&(_, written)| written);
        self.accepts(payload, accepted.map(|(ticket, _)| ticket), written);
    }

    fn accepts(&mut self, payload: &[u8], ticket: Result<Ticket, SendRefused<<F as Encode>::Error>>, written: usize) {
        let envelope = self.framing.envelope(payload);
        let ticket = match (self.state, &envelope) {
            (ModelState::Finishing | ModelState::Finished, _) => return assert_eq!(ticket, Err(SendRefused::Finished)),
            (ModelState::Failed, _) => return assert_eq!(ticket, Err(SendRefused::Failed)),
            (ModelState::Open, Err(error)) => return assert_eq!(ticket, Err(SendRefused::Encode(*error))),
            (ModelState::Open, Ok(_)) => ticket.expect("nothing speaks against it"),
        };
        let Ok(envelope) = envelope else { return };
        let frame = [envelope.head.as_ref(), payload, envelope.suffix.as_ref()].concat();
        self.owed.extend(frame.get(written..).unwrap_or_default());
        let start = self.accepted;
        self.accepted += frame.len() as u64;
        self.written += written as u64;
        self.tickets.push((ticket, start, self.accepted));
        if envelope.ends_stream {
            self.state = ModelState::Finishing;
        }
    }

    fn writes(&mut self, sending: &mut Sending<F>, size: usize, now: Duration) {
        if let Transmit::Write(bytes) = sending.poll() {
            let count = size.min(bytes.len());
            assert!(self.owed.drain(..count).eq(bytes.iter().copied().take(count)), "frame after frame");
            sending.on_written(count, now);
            self.written += count as u64;
        }
    }

    fn finishes(&mut self, sending: &mut Sending<F>) {
        sending.finish();
        if self.state == ModelState::Open {
            self.state = ModelState::Finishing;
        }
    }

    fn is_shut_down(&mut self, sending: &mut Sending<F>) {
        if sending.poll() == Transmit::ShutDown {
            sending.on_shut_down();
            self.state = ModelState::Finished;
        }
    }

    fn fails(&mut self, sending: &mut Sending<F>) {
        sending.on_failed();
        if self.state != ModelState::Finished {
            self.state = ModelState::Failed;
        }
        self.owed.clear();
    }

    fn check(&mut self, sending: &Sending<F>) {
        let owed = &*self.owed.make_contiguous();
        let expected = match self.state {
            ModelState::Failed => Transmit::Failed,
            _ if !owed.is_empty() => Transmit::Write(owed),
            ModelState::Finishing => Transmit::ShutDown,
            ModelState::Open | ModelState::Finished => Transmit::Idle,
        };
        assert_eq!(sending.poll(), expected);
        assert_eq!((sending.queued_len(), sending.is_empty()), (owed.len(), owed.is_empty()));
        for &(ticket, start, end) in &self.tickets {
            let sent = if self.written <= start { Sent::Not } else { Sent::Perhaps };
            assert_eq!((sending.sent(ticket), sending.is_written(ticket)), (sent, self.written >= end));
        }
    }
}

/// Returns one of a list of framings of all kinds.
fn any_framing<F: Framing>(choice: u8) -> F {
    const NOTATIONS: &str = "net:2 net:1,max=9 net:2,counts=self,suffix=03 ascii:2 bcd:1 netstring varint tpkt modbus line \
        line,lf,max=9 mllp delim:0303 fixed:3 until-close quiet:50ms quiet:1ms each-read each-read,max=5";
    let mut notations = NOTATIONS.split_whitespace();
    let notation = notations.nth(usize::from(choice) % notations.clone().count()).unwrap_or_default();
    notation.parse().ok().expect("a notation of the table")
}
