//! The fastest way to move the messages of one connection: frames in two buffers, and as few system calls as there can be.
//!
//! It is for framings whose messages end by themselves, on connections without heartbeats. All other connections go
//! through the session, in `dialogue`. The connection is only asked for its socket.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use framelink_transport::{Codec, Decode, Decoded, Ends, FramingPair, Profile};
use tokio::net::TcpStream;

use super::failures::Kind;
use super::local::{Local, Phase};
use super::plan::Plan;
use super::timer::Timer;
use super::traffic::{End, Hold, Traffic};

/// Once this many bytes wait, they are written before another message is added.
const MOST_OUTPUT: usize = 64 * 1024;
/// The input buffer of a connection has room for the replies in flight, between these sizes.
const LEAST_INPUT: usize = 2 * 1024;
const MOST_INPUT: usize = 64 * 1024;

/// Returns whether the connections of this profile can be driven without a session.
pub(super) fn is_enough_for(profile: &Profile, framing: &FramingPair) -> bool {
    framing.ends() == Ends::Itself
        && profile.heartbeat().is_none()
        && profile.preamble().is_empty()
        && profile.sign_on().is_none()
        && profile.sign_off().is_none()
}

/// Sends the messages of a worker on this connection and checks the replies, until the worker is done or the connection
/// has ended.
pub(super) async fn run(
    local: &Local,
    place: usize,
    stream: &TcpStream,
    traffic: Traffic<'_>,
    timer: &mut Timer,
) -> (End, bool) {
    let plan = &*local.plan;
    let input = (plan.depth.saturating_mul(plan.payloads.extremes().1 + 16)).clamp(LEAST_INPUT, MOST_INPUT);
    let mut wire = Wire {
        local,
        plan,
        stream,
        traffic,
        codec: Codec::new(plan.frames.framing),
        input: vec![0; input],
        filled: 0,
        output: Vec::new(),
        written: 0,
    };
    let end = poll_fn(|context| {
        local.listen(place, context);
        wire.poll(context, timer)
    })
    .await;
    (end, wire.traffic.has_replied)
}

struct Wire<'l> {
    local: &'l Local,
    plan: &'l Plan,
    stream: &'l TcpStream,
    traffic: Traffic<'l>,
    codec: Codec<FramingPair>,
    /// The first `filled` bytes were read, and are not yet taken as messages.
    input: Vec<u8>,
    filled: usize,
    output: Vec<u8>,
    written: usize,
}

/// What a look at the socket found.
enum Read {
    Bytes,
    Nothing,
    Ended(End),
}

impl Wire<'_> {
    /// Does what can be done now.
    fn poll(&mut self, context: &mut Context<'_>, timer: &mut Timer) -> Poll<End> {
        let mut now = self.local.now();
        loop {
            if self.local.phase() == Phase::Cut {
                self.traffic.fail_all(Kind::Cut, "a second signal ended the program before the reply");
                return Poll::Ready(End::Done);
            }
            if self.traffic.expire(now) {
                return Poll::Ready(End::Lost);
            }
            let hold = match self.send(context, now) {
                Ok(hold) => hold,
                Err(end) => return Poll::Ready(end),
            };
            match self.receive(context, &mut now) {
                Read::Bytes => continue,
                Read::Ended(end) => return Poll::Ready(end),
                Read::Nothing if hold == Hold::Over && self.traffic.window.is_empty() => return Poll::Ready(End::Done),
                Read::Nothing => {}
            }
            let Some(at) = self.traffic.wake_at(hold) else { return Poll::Pending };
            let is_set = now < at && timer.is_set_to(self.local.at(at));
            if is_set || timer.poll(context, self.local.at(at)).is_pending() {
                return Poll::Pending;
            }
            now = self.local.now();
        }
    }

    /// Writes all messages that can be sent now.
    #[inline]
    fn send(&mut self, context: &mut Context<'_>, now: Duration) -> Result<Hold, End> {
        loop {
            let hold = self.fill(now)?;
            if !self.write(context)? {
                // The socket is full; the task is woken when it has room.
                return Ok(if hold == Some(Hold::Over) { Hold::Over } else { Hold::Reply });
            }
            if let Some(hold) = hold {
                return Ok(hold);
            }
        }
    }

    /// Adds messages to the output; `None` while more could be sent.
    #[inline]
    fn fill(&mut self, now: Duration) -> Result<Option<Hold>, End> {
        let (mut sent, mut bytes) = (0, 0);
        let hold = loop {
            if self.output.len() >= MOST_OUTPUT {
                break None;
            }
            let number = match self.traffic.next(now) {
                Ok(number) => number,
                Err(hold) => break Some(hold),
            };
            sent += 1;
            match self.plan.frames.append(&self.plan.payloads, number, &mut self.output) {
                Ok(len) => bytes += len as u64,
                Err(error) => {
                    self.count_sent(sent, bytes);
                    self.traffic.fail_all(Kind::NotSent, &error);
                    return Err(End::Lost);
                }
            }
        };
        self.count_sent(sent, bytes);
        Ok(hold)
    }

    fn count_sent(&self, sent: u64, bytes: u64) {
        if sent > 0 {
            let tally = &mut *self.local.tally.borrow_mut();
            tally.sent += sent;
            tally.sent_bytes += bytes;
        }
    }

    /// Returns whether all output is written.
    #[inline]
    fn write(&mut self, context: &mut Context<'_>) -> Result<bool, End> {
        while self.written < self.output.len() {
            match self.stream.try_write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    match self.stream.poll_write_ready(context) {
                        Poll::Ready(Ok(())) => {}
                        Poll::Ready(Err(error)) => return Err(self.lost(&error)),
                        Poll::Pending => return Ok(false),
                    }
                }
                // What the peer has sent before is received first: it may be the reason.
                Err(error) if is_closed(&error) => return Ok(false),
                Err(error) => return Err(self.lost(&error)),
            }
        }
        self.output.clear();
        self.written = 0;
        Ok(true)
    }

    /// Reads once, and takes all whole messages that were read.
    #[inline]
    fn receive(&mut self, context: &mut Context<'_>, now: &mut Duration) -> Read {
        loop {
            match self.stream.poll_read_ready(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Read::Ended(self.lost(&error)),
                Poll::Pending => return Read::Nothing,
            }
            match read(self.stream, &mut self.input[self.filled..]) {
                Ok(0) => return Read::Ended(self.closed()),
                Ok(count) => {
                    *now = self.local.now();
                    self.filled += count;
                    return match self.take(*now) {
                        Ok(()) => Read::Bytes,
                        Err(end) => Read::Ended(end),
                    };
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Read::Ended(self.lost(&error)),
            }
        }
    }

    /// Takes all whole messages from the input.
    #[inline]
    fn take(&mut self, now: Duration) -> Result<(), End> {
        let local = self.local;
        let mut tally = local.tally.borrow_mut();
        let (mut taken, before) = (0, tally.replied);
        let cut = loop {
            let rest = &self.input[taken..self.filled];
            if rest.is_empty() {
                break Ok(());
            }
            match self.codec.cut(rest, None) {
                Ok(Decoded::Frame(frame)) => {
                    self.traffic.on_message(&mut tally, frame.payload(rest), now);
                    taken += frame.frame_len;
                }
                Ok(Decoded::Incomplete(_)) => break Ok(()),
                Err(fault) => break Err(fault.to_string()),
            }
        };
        let replied = tally.replied - before;
        tally.on_replies_at(replied, now);
        local.show(&tally);
        drop(tally);
        if taken > 0 {
            self.input.copy_within(taken..self.filled, 0);
            self.filled -= taken;
        }
        if self.filled == self.input.len() {
            // A message that is longer than the buffer; the framing limits how long it can be.
            self.input.resize(self.filled * 2, 0);
        }
        cut.map_err(|fault| self.ended(Kind::Malformed, &fault))
    }

    #[cold]
    fn closed(&mut self) -> End {
        if self.filled > 0 {
            let fault = format!("the peer closed the connection inside a frame, {} bytes of which came", self.filled);
            return self.ended(Kind::Closed, &fault);
        }
        self.ended(Kind::Closed, "the peer closed the connection before the reply")
    }

    #[cold]
    fn lost(&mut self, error: &io::Error) -> End {
        self.ended(Kind::Lost, &format!("the connection failed before the reply: {error}"))
    }

    #[cold]
    fn ended(&mut self, kind: Kind, why: &str) -> End {
        self.traffic.fail_all(kind, why);
        End::Lost
    }
}

/// Whether a failed write means that the peer has ended the connection: a read says how.
fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected)
}

/// Reads once. After a read that did not fill the space, the socket is empty, and the runtime is told so: that saves the
/// read that would find nothing.
#[cfg(unix)]
fn read(stream: &TcpStream, space: &mut [u8]) -> io::Result<usize> {
    use rustix::net::{RecvFlags, recv};

    let mut partly = None;
    let read = stream.try_io(tokio::io::Interest::READABLE, || {
        let (_, count) = recv(stream, &mut *space, RecvFlags::empty())?;
        if count == 0 || count == space.len() {
            return Ok(count);
        }
        partly = Some(count);
        Err(io::ErrorKind::WouldBlock.into())
    });
    partly.map_or(read, Ok)
}

#[cfg(not(unix))]
fn read(stream: &TcpStream, space: &mut [u8]) -> io::Result<usize> {
    stream.try_read(space)
}
