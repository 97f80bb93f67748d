//! Two ends, a wire in each direction, and a clock that moves only when all due work is done.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::Frames;
use framelink_heartbeat::{Heartbeat, Role, Verdict};
use framelink_profile::Framing;
use framelink_session::{LivenessHandle, Received, Session, Transmit};
use framelink_template::Inputs;

pub(crate) const MS: Duration = Duration::from_millis(1);

pub(crate) fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// One end: a program with a session.
pub(crate) struct End {
    session: Session<Framing, Framing>,
    pub(crate) liveness: LivenessHandle,
    heartbeat: Arc<Heartbeat>,
    /// Bytes that arrived and were not read.
    arrived: VecDeque<u8>,
    /// Messages that the application received.
    pub(crate) delivered: Vec<Vec<u8>>,
    /// The interval at which the application sends messages.
    pub(crate) sends_every: Option<Duration>,
    next_send: Duration,
    pub(crate) sent: u64,
    /// The period in which the application receives no messages.
    pub(crate) away: Option<(Duration, Duration)>,
    /// The period in which the program is stopped.
    pub(crate) frozen: Option<(Duration, Duration)>,
    /// Whether the program crashed.
    pub(crate) gone_at: Option<Duration>,
    /// Whether the program knows no heartbeats: it answers no probes and sends no beats.
    pub(crate) is_mute: bool,
    pub(crate) dead: Option<(Duration, Verdict)>,
}

/// One direction of the connection.
#[derive(Default)]
pub(crate) struct Wire {
    in_flight: VecDeque<(Duration, Vec<u8>)>,
    /// The period in which no bytes pass. Bytes sent in this period are sent again later.
    pub(crate) cut: Option<(Duration, Duration)>,
    /// Frames, and when they were sent.
    pub(crate) log: Vec<(Duration, Vec<u8>)>,
    unframed: Vec<u8>,
}

pub(crate) struct World {
    pub(crate) now: Duration,
    pub(crate) ends: [End; 2],
    /// The wire from the first end to the second, and the wire back.
    pub(crate) wires: [Wire; 2],
    pub(crate) latency: Duration,
    /// The idle time after which a firewall forgets the connection and drops all later bytes.
    pub(crate) idle_limit: Option<Duration>,
    last_packet: Duration,
    is_evicted: bool,
}

pub(crate) const FOREVER: Duration = Duration::from_secs(1_000_000);

impl World {
    /// Creates a client and a server with equal heartbeats.
    pub(crate) fn new(heartbeat: &Heartbeat, jitter: [u32; 2]) -> Self {
        let heartbeat = Arc::new(heartbeat.clone());
        let ends = [(Role::Client, jitter[0]), (Role::Server, jitter[1])];
        Self {
            now: Duration::ZERO,
            ends: ends.map(|(role, jitter)| End::new(&heartbeat, role, jitter)),
            wires: Default::default(),
            latency: ms(2),
            idle_limit: None,
            last_packet: Duration::ZERO,
            is_evicted: false,
        }
    }

    pub(crate) fn run_until(&mut self, until: Duration) {
        loop {
            self.settle();
            match self.next_event().filter(|at| *at <= until) {
                Some(at) => {
                    assert!(at > self.now, "time stands still at {:?}", self.now);
                    self.now = at;
                }
                None => {
                    self.now = until;
                    return;
                }
            }
        }
    }

    /// Does all work that is due now, also if a wire takes no time.
    fn settle(&mut self) {
        self.act();
        let mut rounds = 0;
        while self.wires.iter().any(|wire| wire.in_flight.front().is_some_and(|(at, _)| *at <= self.now)) {
            self.act();
            rounds += 1;
            assert!(rounds < 100, "they answer each other without end");
        }
    }

    fn act(&mut self) {
        let now = self.now;
        for (wire, receiver) in [(0, 1), (1, 0)] {
            while self.wires[wire].in_flight.front().is_some_and(|(at, _)| *at <= now) {
                let (_, bytes) = self.wires[wire].in_flight.pop_front().unwrap();
                self.ends[receiver].arrived.extend(bytes);
            }
        }
        for (sender, end) in self.ends.iter_mut().enumerate() {
            for bytes in end.live(now) {
                if self.idle_limit.is_some_and(|limit| now - self.last_packet > limit) {
                    self.is_evicted = true;
                }
                self.last_packet = now;
                self.wires[sender].send(now, self.latency, bytes, self.is_evicted);
            }
        }
    }

    fn next_event(&self) -> Option<Duration> {
        let arrivals = self.wires.iter().filter_map(|wire| wire.in_flight.front().map(|(at, _)| *at));
        let ends = self.ends.iter().filter_map(|end| end.next_event(self.now));
        arrivals.chain(ends).min()
    }
}

impl End {
    fn new(heartbeat: &Arc<Heartbeat>, role: Role, jitter: u32) -> Self {
        let framing: Framing = "net:2".parse().unwrap();
        let mut session = Session::new(framing, framing);
        let liveness = session.watch(Arc::clone(heartbeat), role, jitter, Duration::ZERO);
        Self {
            session,
            liveness,
            heartbeat: Arc::clone(heartbeat),
            arrived: VecDeque::new(),
            delivered: Vec::new(),
            sends_every: None,
            next_send: Duration::ZERO,
            sent: 0,
            away: None,
            frozen: None,
            gone_at: None,
            is_mute: false,
            dead: None,
        }
    }

    fn is_out(&self, now: Duration) -> bool {
        self.dead.is_some() || self.gone_at.is_some_and(|at| at <= now) || is_in(self.frozen, now)
    }

    /// Returns what this end writes now.
    fn live(&mut self, now: Duration) -> Vec<Vec<u8>> {
        if self.is_out(now) {
            return Vec::new();
        }
        let mut written = Vec::new();
        if self.sends_every.is_some_and(|every| {
            let is_due = self.next_send <= now;
            if is_due {
                self.next_send = now + every;
            }
            is_due
        }) {
            self.session.sending.queue(format!("message {}", self.sent).as_bytes()).unwrap();
            self.sent += 1;
            self.write(now, &mut written);
        }
        if is_in(self.away, now) {
            return written;
        }
        self.read(now);
        // Received bytes are handled before the time.
        let is_due = self.session.receiving.alive_at().is_some_and(|at| at <= now);
        if is_due && let Err(verdict) = self.session.receiving.on_time(now) {
            self.dead = Some((now, verdict));
            return written;
        }
        while self.session.sending.queue_beat(|numbers| Inputs::system(numbers)).unwrap() {
            self.write(now, &mut written);
        }
        if self.is_mute { Vec::new() } else { written }
    }

    fn write(&mut self, now: Duration, written: &mut Vec<Vec<u8>>) {
        while let Transmit::Write(bytes) = self.session.sending.poll() {
            let bytes = bytes.to_vec();
            self.session.sending.on_written(bytes.len(), now);
            written.push(bytes);
        }
    }

    fn read(&mut self, now: Duration) {
        if !self.arrived.is_empty() {
            let (front, back) = self.arrived.as_slices();
            let bytes = [front, back].concat();
            self.arrived.clear();
            self.session.receiving.on_bytes(&bytes, now);
        }
        while let Received::Message(message) = self.session.receiving.poll().unwrap() {
            assert!(self.heartbeat.form().recognise(&message).is_none(), "a heartbeat was delivered");
            self.delivered.push(message.to_vec());
        }
    }

    fn next_event(&self, now: Duration) -> Option<Duration> {
        if self.dead.is_some() || self.gone_at.is_some_and(|at| at <= now) {
            return None;
        }
        let back = [self.frozen, self.away].into_iter().flatten();
        let back = back.filter(|(from, until)| (*from..*until).contains(&now)).map(|(_, until)| until);
        if is_in(self.frozen, now) {
            return back.min();
        }
        let send = self.sends_every.map(|_| self.next_send);
        let alive = self.session.receiving.alive_at().filter(|_| !is_in(self.away, now));
        let begins = [self.frozen, self.away].into_iter().flatten().map(|(from, _)| from);
        send.into_iter().chain(alive).chain(back).chain(begins).chain(self.gone_at).filter(|at| *at > now).min()
    }
}

impl Wire {
    fn send(&mut self, now: Duration, latency: Duration, bytes: Vec<u8>, is_evicted: bool) {
        self.unframed.extend_from_slice(&bytes);
        let framing: Framing = "net:2".parse().unwrap();
        let mut whole = 0;
        for frame in Frames::new(&framing, &self.unframed) {
            let frame = frame.expect("nothing but frames on the wire");
            self.log.push((now, frame.payload.to_vec()));
            whole += frame.wire.len();
        }
        self.unframed.drain(..whole);
        let sent = match self.cut {
            _ if is_evicted => return,
            Some((_, until)) if is_in(self.cut, now) && until >= FOREVER => return,
            // Sent again when the wire passes bytes.
            Some((_, until)) if is_in(self.cut, now) => until,
            _ => now,
        };
        self.in_flight.push_back((sent + latency, bytes));
    }

    /// When heartbeats were sent.
    pub(crate) fn heartbeats(&self, heartbeat: &Heartbeat) -> Vec<Duration> {
        let is_one = |payload: &[u8]| heartbeat.form().recognise(payload).is_some();
        self.log.iter().filter(|(_, payload)| is_one(payload)).map(|(at, _)| *at).collect()
    }
}

fn is_in(span: Option<(Duration, Duration)>, now: Duration) -> bool {
    span.is_some_and(|(from, until)| from <= now && now < until)
}
