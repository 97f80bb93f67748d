//! The threads of one connection. In each direction one thread reads and another writes, so that a delay does not block
//! reading.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Builder};
use std::time::{Duration, Instant};

use socket2::SockRef;

use super::boundaries::{Boundaries, FrameLen};
use super::control::{Control, Cut, Direction};
use crate::stop::Stop;

/// The chunks that may wait in one direction. When they are used up, the sender is held back.
const CHUNKS: usize = 64;
const CHUNK_SIZE: usize = 16 * 1024;
/// How often a blocked write checks whether the connection is cut.
const LOOK: Duration = Duration::from_millis(20);
/// The writes in a second with a rate limit.
const SLICES: u32 = 50;

/// The result of one read, and its time.
struct Chunk {
    came: Came,
    at: Instant,
}

enum Came {
    Bytes(Vec<u8>),
    End,
    Reset,
}

/// The state that the four threads of a connection share.
struct Line<'a> {
    client: Arc<TcpStream>,
    server: Arc<TcpStream>,
    control: &'a Control,
    /// How the connection was cut, if it was.
    cut: Mutex<Option<Cut>>,
    is_cut: AtomicBool,
}

/// Passes bytes both ways until both sides have ended or the connection is cut.
pub(super) fn join(client: TcpStream, server: TcpStream, control: &Control, stop: &Stop, frame_len: Option<&FrameLen>) {
    let (client, server) = (Arc::new(client), Arc::new(server));
    for stream in [&client, &server] {
        let is_ready = stream.set_nodelay(true).and_then(|()| stream.set_write_timeout(Some(LOOK)));
        if is_ready.is_err() {
            return;
        }
        stop.watch(stream);
    }
    let line = Line { client, server, control, cut: Mutex::new(None), is_cut: AtomicBool::new(false) };
    thread::scope(|scope| {
        for direction in [Direction::ToServer, Direction::ToClient] {
            let (sender, chunks) = sync_channel(CHUNKS);
            let line = &line;
            let begun = Builder::new().spawn_scoped(scope, move || line.read(direction, &sender)).and_then(|_| {
                let write = move || line.write(direction, chunks, Boundaries::new(frame_len.cloned()));
                Builder::new().spawn_scoped(scope, write)
            });
            if begun.is_err() {
                // The system has no thread left.
                return line.cut(Cut::Reset);
            }
        }
    });
}

impl Line<'_> {
    fn read(&self, direction: Direction, chunks: &SyncSender<Chunk>) {
        let (mut from, _) = self.ends(direction);
        let mut space = vec![0; CHUNK_SIZE];
        loop {
            let came = match from.read(&mut space) {
                Ok(0) => Came::End,
                Ok(count) => Came::Bytes(space.get(..count).unwrap_or_default().to_vec()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => Came::Reset,
            };
            let is_last = !matches!(came, Came::Bytes(_));
            // After a cut, bytes are read and discarded, so that unread bytes do not turn an end into a reset.
            let _ = chunks.send(Chunk { came, at: Instant::now() });
            if is_last || self.was_reset() {
                return;
            }
        }
    }

    fn write(&self, direction: Direction, chunks: Receiver<Chunk>, mut boundaries: Boundaries) {
        let (_, to) = self.ends(direction);
        let mut passed = 0;
        for chunk in chunks {
            let due = chunk.at + self.control.rules(direction).delay;
            self.control.wait_due(direction, due, || self.is_cut());
            if self.is_cut() {
                continue;
            }
            match chunk.came {
                Came::Bytes(bytes) => {
                    for piece in boundaries.pieces(bytes) {
                        // Decided before the piece passes: a test that has seen a message and wants the next one
                        // duplicated gets the next one.
                        let again = piece.whole.filter(|_| self.control.take_duplicate(direction));
                        self.pass(direction, &piece.bytes, &mut passed);
                        if let Some(whole) = again {
                            self.pass(direction, &whole, &mut passed);
                        }
                    }
                }
                // The other side may be gone already.
                Came::End => drop(to.shutdown(Shutdown::Write)),
                Came::Reset => self.cut(Cut::Reset),
            }
        }
    }

    /// Writes bytes as the rules allow.
    fn pass(&self, direction: Direction, mut bytes: &[u8], passed: &mut u64) {
        let (_, mut to) = self.ends(direction);
        while !bytes.is_empty() && !self.is_cut() {
            let rules = self.control.rules(direction);
            let slice = rules.bytes_per_second.map_or(usize::MAX, |rate| usize_of((rate / SLICES).max(1).into()));
            let left = rules.cut.map_or(u64::MAX, |(limit, _)| limit.saturating_sub(*passed));
            let now = bytes.get(..bytes.len().min(slice).min(usize_of(left))).unwrap_or_default();
            if let (Some((_, cut)), true) = (rules.cut, now.is_empty()) {
                return self.cut(cut);
            }
            match to.write(now) {
                Ok(count) => {
                    bytes = bytes.get(count..).unwrap_or_default();
                    let count_passed = u64::try_from(count).unwrap_or(u64::MAX);
                    *passed += count_passed;
                    self.control.add_passed(direction, count);
                    if let Some((limit, cut)) = rules.cut
                        && *passed >= limit
                    {
                        return self.cut(cut);
                    }
                    if let Some(rate) = rules.bytes_per_second {
                        let time = Duration::from_secs(1).mul_f64(count as f64 / f64::from(rate.max(1)));
                        self.control.wait_due(direction, Instant::now() + time, || self.is_cut());
                    }
                }
                Err(error)
                    if matches!(
                        error.kind(),
                        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted
                    ) => {}
                Err(_) => return self.cut(Cut::Reset),
            }
        }
    }

    /// Ends both sides. The threads of the other direction see it.
    fn cut(&self, cut: Cut) {
        {
            let mut how = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
            if how.is_some() {
                return;
            }
            *how = Some(cut);
        }
        self.is_cut.store(true, Ordering::SeqCst);
        for stream in [&self.client, &self.server] {
            // A closed socket needs no cut.
            let _ = match cut {
                Cut::Fin => stream.shutdown(Shutdown::Write),
                // Shutting down reads only wakes the reader. Shutting down writes would send an end before the reset.
                Cut::Reset => SockRef::from(&**stream)
                    .set_linger(Some(Duration::ZERO))
                    .and_then(|()| stream.shutdown(Shutdown::Read)),
            };
        }
        self.control.wake();
    }

    fn is_cut(&self) -> bool {
        self.is_cut.load(Ordering::SeqCst)
    }

    fn was_reset(&self) -> bool {
        *self.cut.lock().unwrap_or_else(PoisonError::into_inner) == Some(Cut::Reset)
    }

    fn ends(&self, direction: Direction) -> (&TcpStream, &TcpStream) {
        match direction {
            Direction::ToServer => (&self.client, &self.server),
            Direction::ToClient => (&self.server, &self.client),
        }
    }
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
