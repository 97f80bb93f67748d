//! The fastest way to move the messages of one connection: frames in two buffers, and as few system calls as there can be.
//!
//! It is for framings whose messages end by themselves, on connections without heartbeats. All other connections go
//! through the session, in `dialogue`. The connection is only asked for its socket.

use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::task::{Context, Poll};
use std::time::Duration;

use framelink_transport::{Codec, Decode, Decoded, Ends, FramingPair, Profile};
use tokio::net::TcpStream;

use super::failures::Kind;
use super::frames::Frames;
use super::local::{Local, Phase};
use super::plan::Plan;
use super::timer::Timer;
use super::traffic::{End, Hold, Traffic};

/// The least space for a read, and the most bytes of a frame that wait outside of the buffer that connections share.
const INPUT: usize = 256 * 1024;
const MOST_APART: usize = 64 * 1024;

/// What the connections of a thread use in turn: small memory that stays in the caches of the processor.
pub(super) struct Buffers {
    input: Vec<u8>,
    frames: Frames,
}

impl Buffers {
    pub(super) fn new(plan: &Plan) -> Self {
        Self { input: Vec::new(), frames: plan.frames.clone() }
    }
}

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
    let codec = Codec::new(local.plan.framing);
    let mut wire = Wire { local, stream, traffic, codec, input: Vec::new(), filled: 0, output: Vec::new(), written: 0 };
    let end = poll_fn(|context| {
        local.listen(place, context);
        wire.poll(context, timer)
    })
    .await;
    (end, wire.traffic.has_replied)
}

struct Wire<'l> {
    local: &'l Local,
    stream: &'l TcpStream,
    traffic: Traffic<'l>,
    codec: Codec<FramingPair>,
    /// The first `filled` bytes are the start of a frame whose other bytes have not arrived.
    input: Vec<u8>,
    filled: usize,
    /// Frames that the socket had no room for. The first `written` bytes are written.
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
    /// Does what can be done now. In most calls the clock is read once.
    fn poll(&mut self, context: &mut Context<'_>, timer: &mut Timer) -> Poll<End> {
        let (mut now, mut held) = (None, None);
        loop {
            if self.local.phase() == Phase::Cut {
                self.traffic.fail_all(Kind::Cut, "a second signal ended the program before the reply");
                return Poll::Ready(End::Done);
            }
            let read = self.receive(context, &mut now);
            let at = *now.get_or_insert_with(|| self.local.now());
            match read {
                Read::Ended(end) => return Poll::Ready(end),
                Read::Bytes => held = None,
                Read::Nothing => {}
            }
            if held.is_none() {
                if self.traffic.expire(at) {
                    return Poll::Ready(End::Lost);
                }
                match self.send(context, at) {
                    Ok(hold) => held = Some(hold),
                    Err(end) => return Poll::Ready(end),
                }
            }
            let (Read::Nothing, Some(hold)) = (read, held) else { continue };
            if hold == Hold::Over && self.traffic.window.is_empty() {
                return Poll::Ready(End::Done);
            }
            let Some(wake_at) = self.traffic.wake_at(hold) else { return Poll::Pending };
            let is_set = at < wake_at && timer.is_set_to(self.local.at(wake_at));
            if is_set || timer.poll(context, self.local.at(wake_at)).is_pending() {
                return Poll::Pending;
            }
            (now, held) = (Some(self.local.now()), None);
        }
    }

    /// Writes all messages that can be sent now.
    #[inline]
    fn send(&mut self, context: &mut Context<'_>, now: Duration) -> Result<Hold, End> {
        loop {
            if !self.write_rest(context)? {
                // The socket is full; the task is woken when it has room.
                return Ok(Hold::Reply);
            }
            if let Some(hold) = self.fill(now)? {
                let is_written = self.write_rest(context)?;
                return Ok(if is_written || hold == Hold::Over { hold } else { Hold::Reply });
            }
        }
    }

    /// Frames messages and writes them; `None` while more could be sent. What the socket has no room for is kept.
    #[inline]
    fn fill(&mut self, now: Duration) -> Result<Option<Hold>, End> {
        let local = self.local;
        let frames = &mut local.buffers.borrow_mut().frames;
        frames.clear();
        let (mut sent, mut bytes) = (0, 0);
        let filled = loop {
            if frames.is_full() {
                break Ok(None);
            }
            let number = match self.traffic.next(now) {
                Ok(number) => number,
                Err(hold) => break Ok(Some(hold)),
            };
            sent += 1;
            match frames.add(&local.plan.payloads, number) {
                Ok(len) => bytes += len as u64,
                Err(error) => break Err(error),
            }
        };
        if sent > 0 {
            local.tally.borrow_mut().on_sent(sent, bytes, now);
        }
        let frames = frames.as_bytes();
        if !frames.is_empty() {
            let written = match write(self.stream, frames) {
                Ok(written) => written,
                // Writing what is left finds the error again.
                Err(_) => 0,
            };
            self.output.extend_from_slice(&frames[written..]);
        }
        filled.map_err(|error| self.ended(Kind::NotSent, &error))
    }

    /// Returns whether all frames are written.
    #[inline]
    fn write_rest(&mut self, context: &mut Context<'_>) -> Result<bool, End> {
        while self.written < self.output.len() {
            match write(self.stream, &self.output[self.written..]) {
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
    fn receive(&mut self, context: &mut Context<'_>, now: &mut Option<Duration>) -> Read {
        let local = self.local;
        loop {
            match self.stream.poll_read_ready(context) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Read::Ended(self.lost(&error)),
                Poll::Pending => return Read::Nothing,
            }
            let mut buffer = self.space();
            let (outcome, rest) = match read(self.stream, &mut buffer[self.filled..]) {
                Ok(0) => (Some(Read::Ended(self.closed())), 0..0),
                Ok(count) => {
                    let (at, filled) = (local.now(), self.filled + count);
                    *now = Some(at);
                    match self.take(&buffer[..filled], at) {
                        Ok(taken) => (Some(Read::Bytes), taken..filled),
                        Err(end) => (Some(Read::Ended(end)), 0..0),
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => (None, 0..self.filled),
                Err(error) => (Some(Read::Ended(self.lost(&error))), 0..0),
            };
            self.keep(buffer, rest);
            if let Some(outcome) = outcome {
                return outcome;
            }
        }
    }

    /// A long frame is received in a buffer of its connection: it would take long to copy it for each read.
    const fn is_apart(&self) -> bool {
        self.filled > MOST_APART
    }

    /// Returns the buffer for a read. It begins with the start of a frame that has arrived before.
    #[inline]
    fn space(&mut self) -> Vec<u8> {
        let apart = self.is_apart().then(|| std::mem::take(&mut self.input));
        let is_apart = apart.is_some();
        let mut buffer = apart.unwrap_or_else(|| std::mem::take(&mut self.local.buffers.borrow_mut().input));
        let least = (self.filled * 2).max(INPUT);
        if buffer.len() < least {
            buffer.resize(least, 0);
        }
        if !is_apart {
            buffer[..self.filled].copy_from_slice(&self.input);
        }
        buffer
    }

    /// Keeps the bytes of a frame that has not arrived as a whole.
    #[inline]
    fn keep(&mut self, mut buffer: Vec<u8>, rest: Range<usize>) {
        let was_apart = self.is_apart();
        self.filled = rest.len();
        if self.is_apart() {
            if rest.start > 0 {
                buffer.copy_within(rest, 0);
            }
            self.input = buffer;
            return;
        }
        self.input.clear();
        self.input.extend_from_slice(&buffer[rest]);
        if !was_apart {
            self.local.buffers.borrow_mut().input = buffer;
        }
    }

    /// Takes all whole messages from the input. Returns how many bytes they have.
    #[inline]
    fn take(&mut self, input: &[u8], now: Duration) -> Result<usize, End> {
        let local = self.local;
        let mut tally = local.tally.borrow_mut();
        let (mut taken, before) = (0, tally.replied);
        let cut = loop {
            let rest = &input[taken..];
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
        cut.map(|()| taken).map_err(|fault| self.ended(Kind::Malformed, &fault))
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

/// Writes once.
#[cfg(unix)]
fn write(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    use rustix::net::{SendFlags, send};

    let flags = if cfg!(target_vendor = "apple") { SendFlags::empty() } else { SendFlags::NOSIGNAL };
    stream.try_io(tokio::io::Interest::WRITABLE, || Ok(send(stream, bytes, flags)?))
}

#[cfg(not(unix))]
fn write(stream: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    stream.try_write(bytes)
}

#[cfg(not(unix))]
fn read(stream: &TcpStream, space: &mut [u8]) -> io::Result<usize> {
    stream.try_read(space)
}
