//! The fastest way to move the messages of one connection: frames in two buffers, and as few system calls as there can be.
//!
//! It is for framings whose messages end by themselves, on connections without heartbeats. All other connections go
//! through the session, in `dialogue`. The connection is only asked for its socket.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::ops::Range;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use framelink_transport::tokio::Connection;
use framelink_transport::{Codec, Decoded, FramingPair};

use super::failures::Kind;
use super::phases::Phase;
use super::sockets::{Driven, Socket};
use super::timer::Timer;
use super::traffic::{End, Ended, Hold, Traffic};

/// The least space for a read, and the most bytes of a frame that wait outside of the buffer that connections share.
const INPUT: usize = 256 * 1024;
const MOST_APART: usize = 64 * 1024;

/// Sends the messages of a worker on this connection and checks the replies, until the worker is done or the connection
/// has ended.
pub(super) async fn run(place: usize, connection: Connection, traffic: Traffic, timer: &mut Timer) -> Ended {
    let local = Rc::clone(&traffic.local);
    let socket = connection.into_stream().ok_or_else(|| io::ErrorKind::NotConnected.into()).and_then(Socket::new);
    let failed = |error: io::Error| local.fail(Kind::Connect, || format!("the socket cannot be watched: {error}"));
    let socket = match socket {
        Ok(socket) => socket,
        Err(error) => {
            failed(error);
            return traffic.ended(End::Done);
        }
    };
    let wire = Rc::new(RefCell::new(Wire::new(traffic, socket)));
    let end = match local.sockets.add(Rc::clone(&wire) as Rc<RefCell<dyn Driven>>) {
        Ok(_registered) => {
            poll_fn(|context| {
                local.listen(place, context);
                wire.borrow_mut().poll(context, timer)
            })
            .await
        }
        Err(error) => {
            failed(error);
            End::Done
        }
    };
    let wire = wire.borrow();
    wire.traffic.ended(end)
}

/// One connection.
pub(super) struct Wire {
    traffic: Traffic,
    socket: Socket,
    codec: Codec<FramingPair>,
    /// The first `filled` bytes are the start of a frame whose other bytes have not arrived.
    input: Vec<u8>,
    filled: usize,
    /// Frames that the socket had no room for. The first `written` bytes are written.
    output: Vec<u8>,
    written: usize,
    /// The task of the connection, which has its timer.
    task: Waker,
    /// When the task is woken by its timer.
    wakes_at: Option<Duration>,
    /// The connection ended outside of its task.
    end: Option<End>,
}

/// What a connection waits for.
enum Step {
    Held(Hold),
    Ended(End),
}

/// A connection that has this much to read gives way to others.
const MOST_READS: u32 = 8;

impl Wire {
    fn new(traffic: Traffic, socket: Socket) -> Self {
        Self {
            codec: Codec::new(traffic.local.plan.framing),
            traffic,
            socket,
            input: Vec::new(),
            filled: 0,
            output: Vec::new(),
            written: 0,
            task: Waker::noop().clone(),
            wakes_at: None,
            end: None,
        }
    }

    /// Does what can be done now, in the task of the connection.
    fn poll(&mut self, context: &mut Context<'_>, timer: &mut Timer) -> Poll<End> {
        if !self.task.will_wake(context.waker()) {
            self.task.clone_from(context.waker());
        }
        if let Some(end) = self.end {
            return Poll::Ready(end);
        }
        loop {
            let hold = match self.advance() {
                Step::Held(hold) => hold,
                Step::Ended(end) => return Poll::Ready(end),
            };
            if self.socket.poll_ready(context, !self.output.is_empty()) {
                continue;
            }
            self.wakes_at = self.traffic.wake_at(hold);
            match self.wakes_at.map(|at| self.traffic.local.at(at)) {
                Some(at) if timer.poll(context, at).is_ready() => {}
                _ => return Poll::Pending,
            }
        }
    }

    /// Reads, checks replies and sends until the socket is empty or full. In most calls the clock is read once.
    #[inline]
    fn advance(&mut self) -> Step {
        if self.traffic.local.phase() == Phase::Cut {
            self.traffic.fail_all(Kind::Cut, "a second signal ended the program before the reply");
            return Step::Ended(End::Done);
        }
        let (mut now, mut reads) = (None, 0);
        loop {
            if self.socket.is_readable
                && let Err(end) = self.receive(&mut now)
            {
                return Step::Ended(end);
            }
            let at = *now.get_or_insert_with(|| self.traffic.local.now());
            if self.traffic.expire(at) {
                return Step::Ended(End::Lost);
            }
            let hold = match self.send(at) {
                Ok(hold) => hold,
                Err(end) => return Step::Ended(end),
            };
            if self.socket.is_readable && reads < MOST_READS {
                reads += 1;
                continue;
            }
            if self.socket.is_readable {
                self.task.wake_by_ref();
            }
            if hold == Hold::Over && self.traffic.window.is_empty() {
                return Step::Ended(End::Done);
            }
            return Step::Held(hold);
        }
    }

    /// Writes all messages that can be sent now.
    #[inline]
    fn send(&mut self, now: Duration) -> Result<Hold, End> {
        loop {
            if !self.write_rest()? {
                // The socket is full; the connection is told when it has room.
                return Ok(Hold::Reply);
            }
            if let Some(hold) = self.fill(now)? {
                let is_written = self.write_rest()?;
                return Ok(if is_written || hold == Hold::Over { hold } else { Hold::Reply });
            }
        }
    }

    /// Frames messages and writes them; `None` while more could be sent. What the socket has no room for is kept.
    #[inline]
    fn fill(&mut self, now: Duration) -> Result<Option<Hold>, End> {
        let local = Rc::clone(&self.traffic.local);
        let mut buffers = local.buffers.borrow_mut();
        let frames = &mut buffers.frames;
        frames.clear();
        let (mut sent, mut bytes) = (0, 0);
        let filled = loop {
            let room = frames.room();
            if room == 0 {
                break Ok(None);
            }
            let row = match self.traffic.next_row(now, room) {
                Ok(row) => row,
                Err(hold) => break Ok(Some(hold)),
            };
            sent += row.len as u64;
            match frames.add(&local.plan.payloads, row) {
                Ok(len) => bytes += len,
                Err(error) => break Err(error),
            }
        };
        if sent > 0 {
            local.tally.borrow_mut().on_sent(sent, bytes, now);
        }
        let frames = frames.as_bytes();
        if !frames.is_empty() {
            // If the write fails, writing the rest finds the error again.
            let written = self.socket.write(frames).unwrap_or_default();
            self.output.extend_from_slice(&frames[written..]);
        }
        filled.map_err(|error| self.ended(Kind::NotSent, &error))
    }

    /// Returns whether all frames are written.
    #[inline]
    fn write_rest(&mut self) -> Result<bool, End> {
        while self.written < self.output.len() {
            match self.socket.write(&self.output[self.written..]) {
                Ok(count) => self.written += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
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
    fn receive(&mut self, now: &mut Option<Duration>) -> Result<(), End> {
        let mut buffer = self.space();
        let (outcome, rest) = match self.socket.read(&mut buffer[self.filled..]) {
            Ok(0) => (Err(self.closed()), 0..0),
            Ok(count) => {
                let (at, filled) = (self.traffic.local.now(), self.filled + count);
                *now = Some(at);
                match self.take(&buffer[..filled], at) {
                    Ok(taken) => (Ok(()), taken..filled),
                    Err(end) => (Err(end), 0..0),
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => (Ok(()), 0..self.filled),
            Err(error) => (Err(self.lost(&error)), 0..0),
        };
        self.keep(buffer, rest);
        outcome
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
        let mut buffer = apart.unwrap_or_else(|| std::mem::take(&mut self.traffic.local.buffers.borrow_mut().input));
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
            self.traffic.local.buffers.borrow_mut().input = buffer;
        }
    }

    /// Takes all whole messages from the input. Returns how many bytes they have.
    #[inline]
    fn take(&mut self, input: &[u8], now: Duration) -> Result<usize, End> {
        let local = Rc::clone(&self.traffic.local);
        let mut tally = local.tally.borrow_mut();
        let (mut taken, before) = (0, tally.replied);
        let cut = loop {
            let rest = &input[taken..];
            if rest.is_empty() {
                break Ok(());
            }
            let frame = match self.codec.whole_frame(rest) {
                Some(frame) => frame,
                None => match self.codec.cut(rest, None) {
                    Ok(Decoded::Frame(frame)) => frame,
                    Ok(Decoded::Incomplete(_)) => break Ok(()),
                    Err(fault) => break Err(fault.to_string()),
                },
            };
            self.traffic.on_message(&mut tally, frame.payload(rest), now);
            taken += frame.frame_len;
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

impl Driven for Wire {
    fn socket(&mut self) -> &mut Socket {
        &mut self.socket
    }

    /// Wakes the task only if the task has something to do.
    #[inline]
    fn on_ready(&mut self) {
        if self.end.is_some() {
            return;
        }
        match self.advance() {
            Step::Held(hold) => match (self.traffic.wake_at(hold), self.wakes_at) {
                (None, _) => {}
                (Some(at), Some(wakes_at)) if wakes_at <= at => {}
                (Some(_), _) => self.task.wake_by_ref(),
            },
            Step::Ended(end) => {
                self.end = Some(end);
                self.task.wake_by_ref();
            }
        }
    }
}

/// Whether a failed write means that the peer has ended the connection: a read says how.
fn is_closed(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::NotConnected)
}
