//! A model test of two sessions with heartbeats.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use framelink_heartbeat::{By, Form, Heartbeat, Life, Role};
use framelink_length::Length;
use framelink_template::Inputs;

use crate::receiving::Received;
use crate::sending::Transmit;
use crate::session::Session;

/// Drives two ends of a connection by random steps of time, messages, and partial writes and reads. No heartbeat is
/// delivered, no message is lost or changed, and no step spins. A peer is dead exactly if it is silent beyond the
/// bound.
///
/// # Panics
/// If that does not hold.
pub fn liveness(bytes: &[u8]) {
    let Some((&[by, form, life, jitter], steps)) = bytes.split_first_chunk() else { return };
    let heartbeat = Arc::new(settings(by, form, life));
    let roles = [Role::Client, Role::Server];
    let mut ends = roles.map(|role| End::new(&heartbeat, role, u32::from(jitter) << 24));
    let mut now = Duration::ZERO;
    for &step in steps {
        let (end, size) = (usize::from(step >> 7), usize::from(step >> 3 & 15) + 1);
        match step & 7 {
            0..=2 => now += Duration::from_millis(size as u64 * 3),
            3 => ends[end].send(),
            5 => ends[end].is_away ^= true,
            6 => ends[end].is_cut ^= true,
            what => {
                // One end reads some or all bytes that the other end has written.
                let wire = ends[end].write(if what == 4 { size * 4 } else { usize::MAX }, now);
                ends[1 - end].read(&wire, now);
            }
        }
        for end in &mut ends {
            end.look(now);
        }
    }
    let sent = ends.each_ref().map(|end| end.sent);
    for (end, sent) in ends.iter().zip([sent[1], sent[0]]) {
        assert!(end.delivered <= sent, "{} of {sent}", end.delivered);
    }
}

fn settings(by: u8, form: u8, life: u8) -> Heartbeat {
    let form = match form % 6 {
        0 => Form::empty(),
        1 => Form::Empty { answered: true },
        2 => Form::literal(b"PING", b"PONG"),
        3 => Form::Numbered,
        4 => {
            let notation = "pattern:'text:P{number:9}{utc:%S}',probe='0:1=text:P,len=12',answer='text:A{request:1:9}',\
                            answered-by='0:1=text:A,1:9=request,len=10'";
            notation.parse::<Heartbeat>().expect("a notation").form().clone()
        }
        _ => Form::beat(b"PING"),
    };
    let by = [By::Client, By::Server, By::Both][usize::from(by % 3)];
    let life = if life.is_multiple_of(4) { Life::Heartbeats } else { Life::Bytes };
    let heartbeat = Heartbeat::strict(form).by(by).counting(life);
    let heartbeat = heartbeat.interval(Duration::from_millis(60)).expect("in bounds");
    heartbeat.timeout(Duration::from_millis(30)).expect("in bounds")
}

struct End {
    session: Session<Length, Length>,
    /// The latest detection of a dead peer, after the last byte in either direction.
    bound: Option<Duration>,
    since: Duration,
    /// Bytes that were written and not read by the other end.
    wire: VecDeque<u8>,
    sent: u64,
    delivered: u64,
    /// Whether this end reads no bytes.
    is_away: bool,
    /// Whether the bytes that this end writes are lost.
    is_cut: bool,
    has_lost: bool,
    is_dead: bool,
}

impl End {
    fn new(heartbeat: &Arc<Heartbeat>, role: Role, jitter: u32) -> Self {
        let framing: Length = "net:2".parse().expect("a notation");
        let mut session = Session::new(framing, framing);
        session.watch(Arc::clone(heartbeat), role, jitter, Duration::ZERO);
        let bound = heartbeat.detection_bound(role);
        let (since, wire, sent, delivered, is_away, is_cut, has_lost, is_dead) = Default::default();
        Self { session, bound, since, wire, sent, delivered, is_away, is_cut, has_lost, is_dead }
    }

    fn send(&mut self) {
        if !self.is_dead && self.session.sending.has_room() {
            self.session.sending.queue(&self.sent.to_be_bytes()).expect("a short message");
            self.sent += 1;
        }
    }

    /// Writes at most this many bytes.
    fn write(&mut self, most: usize, now: Duration) -> Vec<u8> {
        let mut written = Vec::new();
        while written.len() < most && !self.is_dead {
            if self.session.sending.is_empty() {
                let was_owed = self.session.sending.owes_beat();
                let is_queued = self.session.sending.queue_beat(|numbers| Inputs::system(numbers)).expect("it fits");
                assert_eq!(was_owed, is_queued, "a due heartbeat is queued if no other is");
                assert!(
                    !self.session.sending.queue_beat(|numbers| Inputs::system(numbers)).expect("it fits"),
                    "one at a time"
                );
            }
            let Transmit::Write(bytes) = self.session.sending.poll() else { break };
            let count = bytes.len().min(most - written.len());
            written.extend_from_slice(&bytes[..count]);
            self.session.sending.on_written(count, now);
            self.since = now;
        }
        // A stream has no holes: all later bytes are lost too.
        self.has_lost |= self.is_cut && !written.is_empty();
        if self.has_lost { Vec::new() } else { written }
    }

    fn read(&mut self, bytes: &[u8], now: Duration) {
        self.wire.extend(bytes);
        if self.is_away || self.is_dead || self.wire.is_empty() {
            return;
        }
        let bytes: Vec<_> = self.wire.drain(..).collect();
        self.session.receiving.on_bytes(&bytes, now);
        self.since = now;
    }

    /// Decodes the received bytes, and then checks what is due.
    fn look(&mut self, now: Duration) {
        if self.is_dead {
            return;
        }
        if self.is_away {
            self.since = now;
            return;
        }
        self.read(&[], now);
        while let Received::Message(message) = self.session.receiving.poll().expect("nothing but frames") {
            // Of the probes of a pattern, 16 are remembered. The answer to an older one is a message.
            if message.starts_with(b"A") {
                let (sent, _) = self.session.receiving.liveness().expect("heartbeats").counts();
                assert!(sent > 16, "an answer was delivered");
                continue;
            }
            assert_eq!(message[..], self.delivered.to_be_bytes(), "in order, and none of them a heartbeat");
            self.delivered += 1;
            self.session.receiving.on_asked(now);
        }
        let mut looks = 0;
        while self.session.receiving.alive_at().is_some_and(|at| at <= now) {
            if self.session.receiving.on_time(now).is_err() {
                self.is_dead = true;
                return;
            }
            looks += 1;
            assert!(looks < 8, "it spins");
        }
        // No end is polled during a step of time.
        let slack = Duration::from_millis(48 * 3);
        // If only heartbeats count as life, other bytes do not restart the bound. Here they do, which allows more time.
        if let Some(bound) = self.bound {
            assert!(now <= self.since + bound + slack, "silent since {:?}, alive at {now:?}", self.since);
        }
    }
}
