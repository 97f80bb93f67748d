//! Two sides on one connection, with clocks that may differ: how many heartbeats they exchange.

use std::collections::VecDeque;
use std::time::Duration;

use framelink_heartbeat::{By, Due, Form, Heartbeat, Life, Liveness, Role};
use proptest::prelude::*;

const INTERVAL: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(10);
const INTERVALS: u32 = 100;

/// One side. Its clock counts `rate` millionths of the real time.
struct End {
    liveness: Liveness,
    rate: u32,
    /// How often the application sends a message, in real time.
    sends_every: Option<Duration>,
    next_send: Duration,
    /// Frames on their way to this side, with the time of arrival; `None` is a message.
    arriving: VecDeque<(Duration, Option<Vec<u8>>)>,
    /// Our probes, of which any may be answered.
    probes: Vec<Vec<u8>>,
}

struct World {
    heartbeat: Heartbeat,
    ends: [End; 2],
    latency: Duration,
    now: Duration,
    /// When either side sent a heartbeat.
    sent: Vec<Duration>,
}

/// The variables of a case, besides the heartbeat.
#[derive(Clone, Copy, Debug)]
struct Case {
    jitter: [u32; 2],
    rates: [u32; 2],
    latency: Duration,
    sends_every: [Option<Duration>; 2],
}

impl World {
    fn new(heartbeat: &Heartbeat, case: Case) -> Self {
        let end = |which: usize, role| End {
            liveness: heartbeat.liveness(role, case.jitter[which], Duration::ZERO),
            rate: case.rates[which],
            sends_every: case.sends_every[which],
            next_send: Duration::ZERO,
            arriving: VecDeque::new(),
            probes: Vec::new(),
        };
        let ends = [end(0, Role::Client), end(1, Role::Server)];
        Self { heartbeat: heartbeat.clone(), ends, latency: case.latency, now: Duration::ZERO, sent: Vec::new() }
    }

    fn run_until(&mut self, until: Duration) {
        while self.now < until {
            for which in 0..2 {
                self.live(which);
            }
            let next = self.ends.iter().filter_map(|end| end.next_event()).min().expect("something is always due");
            // At least a millisecond: a rounded reading of a clock may be a little early.
            self.now = next.max(self.now + Duration::from_millis(1));
        }
    }

    /// Input first, then time.
    fn live(&mut self, which: usize) {
        while self.ends[which].arriving.front().is_some_and(|(at, _)| *at <= self.now) {
            let end = &mut self.ends[which];
            let Some((_, frame)) = end.arriving.pop_front() else { break };
            let local = end.local(self.now);
            end.liveness.on_heard(local);
            let Some(heartbeat) = frame else { continue };
            let form = self.heartbeat.form();
            let after = |probe: Option<&Vec<u8>>| form.recognise_after(&heartbeat, probe.map(|probe| &probe[..]));
            let seen = end.probes.iter().find_map(|probe| after(Some(probe))).or_else(|| after(None));
            let seen = seen.expect("a heartbeat");
            if end.liveness.on_seen(seen, local) {
                end.liveness.on_sent(local);
                let answer = self.heartbeat.form().answer(&heartbeat).expect("an answer");
                self.send(which, Some(answer));
            }
        }
        let end = &mut self.ends[which];
        let local = end.local(self.now);
        if let Some(every) = end.sends_every.filter(|_| end.next_send <= self.now) {
            end.next_send = self.now + every;
            end.liveness.on_sent(local);
            self.send(which, None);
        }
        match self.ends[which].liveness.poll(local) {
            Due::Beat(number) | Due::Probe(number) => {
                self.ends[which].liveness.on_written(local);
                let probe = self.heartbeat.form().probe(number, local, b"").into_owned();
                self.ends[which].probes.push(probe.clone());
                self.send(which, Some(probe));
            }
            Due::Wait(_) => {}
            Due::Dead(verdict) => panic!("{}: {verdict} at {:?}", self.heartbeat, self.now),
        }
    }

    fn send(&mut self, from: usize, frame: Option<Vec<u8>>) {
        if frame.is_some() {
            self.sent.push(self.now);
        }
        self.ends[1 - from].arriving.push_back((self.now + self.latency, frame));
    }
}

impl End {
    fn local(&self, now: Duration) -> Duration {
        now * self.rate / 1_000_000
    }

    fn next_event(&self) -> Option<Duration> {
        let due = self.liveness.deadline().map(|at| at * 1_000_000 / self.rate);
        let arrival = self.arriving.front().map(|(at, _)| *at);
        let send = self.sends_every.map(|_| self.next_send);
        [due, arrival, send].into_iter().flatten().min()
    }
}

fn forms() -> Vec<Form> {
    vec![
        Form::empty(),
        Form::Empty { answered: true },
        Form::beat(b"PING"),
        Form::literal(b"PING", b"PONG"),
        Form::literal(b"PING", b"PING"),
        Form::Numbered,
        "smpp".parse::<Heartbeat>().expect("a preset").form().clone(),
    ]
}

fn all() -> Vec<Heartbeat> {
    let mut all = Vec::new();
    for form in forms() {
        for by in [By::Client, By::Server, By::Both] {
            for life in [Life::Bytes, Life::Heartbeats] {
                let heartbeat = Heartbeat::relaxed(form.clone()).by(by).counting(life);
                all.push(heartbeat.interval(INTERVAL).expect("in bounds").timeout(TIMEOUT).expect("in bounds"));
            }
        }
    }
    all
}

/// Runs both sides for a hundred intervals of the faster clock, and checks that there are at most two frames for each interval on average.
/// Returns when they were sent.
fn exchanges_two_at_most(heartbeat: &Heartbeat, case: Case) -> Vec<Duration> {
    let mut world = World::new(heartbeat, case);
    let fastest = case.rates.into_iter().max().expect("two");
    world.run_until(INTERVAL * 1_000_000 / fastest * INTERVALS);
    let most = 2 * INTERVALS as usize + 2;
    let count = world.sent.len();
    assert!(count <= most, "{heartbeat}, {case:?}: {count} heartbeats in {INTERVALS} intervals");
    world.sent
}

#[test]
fn two_ends_exchange_at_most_two_heartbeats_in_an_interval() {
    let seconds = Duration::from_secs;
    for heartbeat in all() {
        for jitter in [[0, 0], [0, u32::MAX], [u32::MAX, 0], [u32::MAX, u32::MAX]] {
            // A round trip takes less than the time for an answer.
            for latency in [0, 50, 2000, 4900].map(Duration::from_millis) {
                for sends_every in
                    [[None, None], [Some(seconds(7)), None], [None, Some(seconds(7))], [Some(seconds(7)); 2]]
                {
                    let case = Case { jitter, rates: [1_000_000; 2], latency, sends_every };
                    let sent = exchanges_two_at_most(&heartbeat, case);
                    for window in sent.windows(3) {
                        // An answer is sent one latency after its probe, so the next probe follows that much sooner.
                        let span = window[2] - window[0] + latency * 2;
                        assert!(span >= INTERVAL, "{heartbeat}, {case:?}: {window:?}");
                    }
                }
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    /// Clocks that differ by up to 1 %, any latency at which answers arrive in time, any rate of messages.
    #[test]
    fn clocks_that_differ_cause_no_more_heartbeats(
        which in any::<prop::sample::Index>(),
        jitter in any::<[u32; 2]>(),
        rates in [990_000_u32..=1_000_000, 990_000_u32..=1_000_000],
        latency in 0_u64..4800,
        paces in [prop::option::of(100_u64..90_000), prop::option::of(100_u64..90_000)],
    ) {
        let sends_every = paces.map(|pace| pace.map(Duration::from_millis));
        let case = Case { jitter, rates, latency: Duration::from_millis(latency), sends_every };
        exchanges_two_at_most(which.get(&all()), case);
    }
}
