//! One connection of a peer: decodes and encodes messages, and counts them.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use framelink_codec::{Decode, Encode, Ends, FrameReader, ReadError};

use super::Event;
use super::counts::{Counts, Tally};
use super::plan::Plan;
use crate::random::Random;
use crate::stop::Stop;

/// How often an idle connection is checked for a reset.
const LOOK: Duration = Duration::from_millis(50);

/// One connection, and what its thread needs.
pub(super) struct Talk<F: Decode> {
    pub(super) plan: Arc<Plan<F>>,
    pub(super) stop: Arc<Stop>,
    pub(super) tally: Arc<Tally>,
    peer: SocketAddr,
    pub(super) stream: Arc<TcpStream>,
    reader: FrameReader<Reading, Arc<Plan<F>>>,
    pub(super) random: Random,
    /// The counts of this connection.
    pub(super) counts: Counts,
    /// Messages that went through [`Talk::deliver`].
    pub(super) delivered: usize,
    /// The time of the last write.
    sent_at: Instant,
}

/// Whether a conversation continues, or why it ends.
pub(super) enum Next {
    GoOn,
    /// A bad frame was sent: the other side should close.
    Broken,
    Over(String),
}

/// The result of waiting for a message.
pub(super) enum Received {
    Message(Vec<u8>),
    /// No message within the time.
    Nothing,
    /// The peer has ended its side, or sent bytes that are no message.
    Ended(String),
}

/// The plan decodes as its framing: the reader holds it while the connection lasts.
impl<F: Decode> Decode for Plan<F> {
    type Error = F::Error;

    fn decode(
        &self,
        input: &[u8],
        looked_at: usize,
        end: Option<framelink_codec::End>,
    ) -> Result<framelink_codec::Decoded, F::Error> {
        self.framing.decode(input, looked_at, end)
    }

    fn ends(&self) -> Ends {
        self.framing.ends()
    }
}

impl<F: Decode + Encode> Talk<F> {
    pub(super) fn new(
        stream: TcpStream,
        peer: SocketAddr,
        plan: &Arc<Plan<F>>,
        stop: &Arc<Stop>,
        tally: &Arc<Tally>,
    ) -> io::Result<Self> {
        if let Some(prepare) = &plan.prepare {
            prepare(&stream)?;
        }
        // One write makes one segment.
        stream.set_nodelay(true)?;
        let stream = Arc::new(stream);
        stop.watch(&stream);
        let connection = tally.change(|counts| {
            counts.connections += 1;
            counts.connections
        });
        let reading = Reading { stream: Arc::clone(&stream), tally: Arc::clone(tally) };
        Ok(Self {
            reader: FrameReader::new(reading, Arc::clone(plan)),
            random: Random::new(plan.seed, connection),
            plan: Arc::clone(plan),
            stop: Arc::clone(stop),
            tally: Arc::clone(tally),
            peer,
            stream,
            counts: Counts::default(),
            delivered: 0,
            sent_at: Instant::now(),
        })
    }

    /// Plays a role until the connection ends.
    pub(super) fn run(mut self, role: impl FnOnce(&mut Self) -> io::Result<Next>) {
        self.tell(&Event::Connected);
        let why = match role(&mut self) {
            _ if self.stop.is_stopped() => "stopped".to_owned(),
            Ok(Next::Over(why)) => why,
            Ok(Next::GoOn | Next::Broken) => "done".to_owned(),
            Err(error) => error.to_string(),
        };
        let Counts { messages_received, messages_sent, .. } = self.counts;
        let (plan, peer, tally) = (Arc::clone(&self.plan), self.peer, Arc::clone(&self.tally));
        // The connection is closed before its end is counted.
        drop(self);
        tally.change(|counts| counts.ended += 1);
        if let Some(observer) = &plan.observer {
            observer(peer, &Event::Ended { why, messages_received, messages_sent });
        }
    }

    /// Reports what the fault did.
    pub(super) fn did(&self, what: impl std::fmt::Display) {
        self.tell(&Event::Did(format!("{}: {what}", self.plan.fault)));
    }

    /// Returns the next message, or waits for it at most this long.
    pub(super) fn receive(&mut self, within: Option<Duration>) -> Received {
        let quiet = match self.plan.framing.ends() {
            Ends::Quiet(quiet) => Some(quiet),
            _ => None,
        };
        // A time beyond the end of the clock is no limit.
        let until = within.and_then(|within| Instant::now().checked_add(within));
        loop {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return Received::Nothing;
            }
            let beat = match self.beat() {
                Ok(beat) => beat,
                Err(error) => return Received::Ended(error.to_string()),
            };
            let wait = [quiet, left, beat].into_iter().flatten().min();
            if let Err(error) = self.stream.set_read_timeout(wait) {
                return Received::Ended(error.to_string());
            }
            match self.reader.read() {
                Ok(Some(frame)) => {
                    let payload = frame.payload.to_vec();
                    if let Some(answer) = self.plan.hear.as_ref().and_then(|hear| hear(&payload)) {
                        match answer.map_or(Ok(()), |answer| self.send_heartbeat(&answer)) {
                            Ok(()) => continue,
                            Err(error) => return Received::Ended(error.to_string()),
                        }
                    }
                    self.counts.messages_received += 1;
                    self.tally.change(|counts| counts.messages_received += 1);
                    return Received::Message(payload);
                }
                Ok(None) => return Received::Ended("the other side closed".to_owned()),
                Err(ReadError::Io(error)) if is_timeout(&error) => {}
                Err(ReadError::Io(error)) => return Received::Ended(error.to_string()),
                Err(error) => return Received::Ended(format!("the other side sent no message: {error}")),
            }
        }
    }

    /// Reads and discards until the end, or until nothing arrives for this time.
    pub(super) fn drain(&mut self, quiet: Option<Duration>) -> io::Result<Next> {
        loop {
            match self.receive(quiet) {
                Received::Message(_) => {}
                Received::Nothing => return Ok(Next::Over("nothing came any more".to_owned())),
                Received::Ended(why) => return self.discard(quiet, why),
            }
        }
    }

    /// Reads bytes that need not be messages, so that no reset destroys what was sent.
    fn discard(&self, quiet: Option<Duration>, why: String) -> io::Result<Next> {
        self.stream.set_read_timeout(quiet)?;
        while !matches!((&*self.stream).read(&mut [0; 4096]), Ok(0) | Err(_)) {}
        Ok(Next::Over(why))
    }

    /// Sends a heartbeat if it is due, and returns the time until the next one, unless another message is sent before.
    fn beat(&mut self) -> io::Result<Option<Duration>> {
        let plan = Arc::clone(&self.plan);
        let Some((every, heartbeat)) = &plan.beat else { return Ok(None) };
        if self.sent_at.elapsed() >= *every {
            self.send_heartbeat(heartbeat)?;
        }
        // A timeout of zero would mean no limit.
        Ok(Some(every.saturating_sub(self.sent_at.elapsed()).max(Duration::from_millis(1))))
    }

    /// Sends a heartbeat. It does not count as a message.
    fn send_heartbeat(&mut self, payload: &[u8]) -> io::Result<()> {
        let frame = self.frame(payload)?;
        self.write(&frame.bytes)
    }

    /// Sends a message without a fault.
    pub(super) fn send(&mut self, payload: &[u8]) -> io::Result<()> {
        let frame = self.frame(payload)?;
        self.write(&frame.bytes)?;
        self.sent(&frame)
    }

    /// Keeps the connection without reading or writing, until it is reset or the peer is stopped.
    pub(super) fn hold(&self) -> io::Result<Next> {
        self.did("keeps the connection, and neither reads nor writes");
        loop {
            if self.stop.wait(LOOK) {
                return Ok(Next::GoOn);
            }
            if let Some(error) = self.stream.take_error()? {
                return Ok(Next::Over(error.to_string()));
            }
        }
    }

    /// Shuts down writing.
    pub(super) fn finish(&self) {
        // If the connection has ended in another way, there is nothing to shut down.
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    pub(super) fn frame(&self, payload: &[u8]) -> io::Result<Wire> {
        let envelope = self.plan.framing.envelope(payload).map_err(io::Error::other)?;
        let bytes = [envelope.head.as_ref(), payload, envelope.suffix.as_ref()].concat();
        let header_len = match envelope.head.len() {
            0 => bytes.len(), // it is in the payload, or there is none
            len => len,
        };
        Ok(Wire { bytes, header_len, ends_stream: envelope.ends_stream })
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.sent_at = Instant::now();
        while !bytes.is_empty() {
            match (&*self.stream).write(bytes) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    bytes = bytes.get(count..).unwrap_or_default();
                    let count = u64::try_from(count).unwrap_or(u64::MAX);
                    self.tally.change(|counts| counts.bytes_sent += count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Counts a frame that was written.
    pub(super) fn sent(&mut self, frame: &Wire) -> io::Result<()> {
        self.counts.messages_sent += 1;
        self.tally.change(|counts| counts.messages_sent += 1);
        if frame.ends_stream { self.stream.shutdown(Shutdown::Write) } else { Ok(()) }
    }

    fn tell(&self, event: &Event) {
        if let Some(observer) = &self.plan.observer {
            observer(self.peer, event);
        }
    }
}

/// The bytes of a frame.
pub(super) struct Wire {
    pub(super) bytes: Vec<u8>,
    pub(super) header_len: usize,
    ends_stream: bool,
}

/// Counts the bytes that are read.
struct Reading {
    stream: Arc<TcpStream>,
    tally: Arc<Tally>,
}

impl Read for Reading {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = (&*self.stream).read(into)?;
        self.tally.change(|counts| counts.bytes_received += u64::try_from(count).unwrap_or(u64::MAX));
        Ok(count)
    }
}

fn is_timeout(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut)
}
