//! The bodies of the fuzz targets. Plain tests run them too.

use core::time::Duration;

use crate::{By, Due, Form, Heartbeat, Life, Liveness, Numbered, Own, Pattern, Role, Seen, Standing};

/// Drives the state machine with random times and events. A dead peer is noticed within the bound and a healthy peer is
/// never judged dead; each step moves time or state; at most one probe is open.
///
/// # Panics
/// If an invariant does not hold.
pub fn liveness(bytes: &[u8]) {
    let Some((&[by, form, life, role, tries, jitter], steps)) = bytes.split_first_chunk() else { return };
    let heartbeat = settings(by, form, life, tries);
    let us = if role % 2 == 0 { Role::Client } else { Role::Server };
    Run::new(&heartbeat, us, u32::from(jitter) << 24).go(steps);
}

/// Recognises any bytes as a heartbeat of each form without a panic, and recognises every heartbeat that a form makes.
///
/// # Panics
/// If an invariant does not hold.
pub fn forms(bytes: &[u8]) {
    let (number, message) = bytes.split_first_chunk().map_or((0, bytes), |(n, rest)| (u64::from_be_bytes(*n), rest));
    let now = Duration::from_micros(number >> 12); // times of patterns have a date
    let mut all = alloc::vec![
        Form::empty(),
        Form::Empty { answered: true },
        Form::beat(b"PING"),
        Form::literal(b"PING", b"PONG"),
        Form::literal(b"PING", b"PING"),
        Form::Numbered,
        Form::Own(Own::new(|m| (m == b"x").then_some(Seen::Beat), |_| b"x".to_vec())),
    ];
    if let Some((&[offset, len], template)) = message.split_first_chunk()
        && let Some(mark) = template.get(usize::from(offset)..usize::from(offset).saturating_add(usize::from(len % 8)))
        && let Ok(pattern) = Pattern::new(template, usize::from(offset), mark)
    {
        let answered = pattern.clone().answered(usize::from(offset), &alloc::vec![!mark[0]; mark.len()]);
        let numbered =
            |pattern: &Pattern| pattern.clone().numbered(usize::from(offset) + mark.len(), usize::from(len % 9));
        all.extend(numbered(&pattern).map(Form::Pattern));
        all.extend(answered.iter().flat_map(numbered).map(Form::Pattern));
        all.extend(answered.map(Form::Pattern));
        all.push(Form::Pattern(pattern));
    }
    all.extend(crate::PRESETS.iter().map(|preset| preset.notation.parse::<Heartbeat>().expect("a preset").form));
    for form in all {
        let _ = (form.recognise(message), form.recognise_after(message, Some(message)));
        let probe = form.probe(number, now, message);
        let seen = form.recognise(&probe);
        assert!(matches!(seen, Some(Seen::Beat | Seen::Probe | Seen::Either)), "{form:?}: {seen:?}");
        let answer = form.answer(&probe);
        assert_eq!(answer.is_some(), form.is_answered(), "{form:?}");
        let seen = answer.map(|answer| form.recognise_after(&answer, Some(&probe)));
        assert!(matches!(seen, None | Some(Some(Seen::Answer { .. } | Seen::Either))), "{form:?}: {seen:?}");
        assert!(form.answer(message).is_none() || form.is_answered());
    }
    if let Some(numbered) = Numbered::parse(message) {
        assert_eq!(numbered.to_vec(), message);
    }
}

/// Parses a notation. What is accepted prints and parses again.
///
/// # Panics
/// If an invariant does not hold.
pub fn notation(bytes: &[u8]) {
    let Ok(text) = core::str::from_utf8(bytes) else { return };
    match text.parse::<Heartbeat>() {
        Ok(heartbeat) => {
            let printed = alloc::string::ToString::to_string(&heartbeat);
            assert_eq!(printed.parse::<Heartbeat>().as_ref(), Ok(&heartbeat), "{text}: {printed}");
            let form = heartbeat.form();
            let probe = form.probe(7, Duration::from_secs(1_800_000_000), b"");
            for message in [bytes, &probe] {
                if matches!(form.recognise(message), Some(Seen::Probe | Seen::Either)) && form.answer(message).is_none()
                {
                    assert!(matches!(form, Form::Pattern(_)), "{text}: a probe without an answer");
                }
                let _ = form.recognise_after(message, Some(&probe));
            }
        }
        Err(error) => {
            let end = text.chars().count() + 1;
            assert!((1..=end).contains(&error.column()) && error.column() + error.len() <= end, "{text}: {error}");
        }
    }
}

fn settings(by: u8, form: u8, life: u8, tries: u8) -> Heartbeat {
    let form = match form % 5 {
        0 => Form::empty(),
        1 => Form::Empty { answered: true },
        2 => Form::literal(b"PING", b"PONG"),
        3 => Form::Numbered,
        _ => Form::beat(b"PING"),
    };
    let by = [By::Client, By::Server, By::Both][usize::from(by % 3)];
    let life = if life.is_multiple_of(4) { Life::Heartbeats } else { Life::Bytes };
    let heartbeat = Heartbeat::strict(form).by(by).counting(life);
    let heartbeat = heartbeat.interval(Duration::from_millis(60)).expect("in bounds");
    let heartbeat = heartbeat.timeout(Duration::from_millis(30)).expect("in bounds");
    heartbeat.tries(u32::from(tries % 4) + 1).expect("in bounds")
}

/// One state machine, and what the test knows about it.
struct Run<'h> {
    heartbeat: &'h Heartbeat,
    liveness: Liveness,
    bound: Option<Duration>,
    now: Duration,
    /// The last sign of life that counts.
    life_at: Duration,
    /// The end of the last pause in which no caller was there. The bound begins anew.
    was_away: Duration,
    /// A heartbeat is due and is not written yet.
    is_unwritten: bool,
    is_held: bool,
}

impl<'h> Run<'h> {
    fn new(heartbeat: &'h Heartbeat, us: Role, jitter: u32) -> Self {
        let liveness = heartbeat.liveness(us, jitter, Duration::ZERO);
        let bound = heartbeat.detection_bound(us);
        let (now, life_at, was_away) = Default::default();
        Self { heartbeat, liveness, bound, now, life_at, was_away, is_unwritten: false, is_held: false }
    }

    fn go(&mut self, steps: &[u8]) {
        for &step in steps {
            match step % 16 {
                // Time passes, with a call at each deadline.
                0..=7 => self.wait(Duration::from_millis(u64::from(step / 16) * 4 + 1)),
                8 | 9 => {
                    self.liveness.on_heard(self.now);
                    self.lives(Life::Bytes);
                }
                10 => {
                    self.liveness.on_sent(self.now);
                    self.progresses();
                }
                11 if self.is_unwritten => {
                    self.liveness.on_written(self.now);
                    self.is_unwritten = false;
                    self.progresses();
                }
                12 => self.see(step / 16),
                13 => self.away(Duration::from_millis(u64::from(step / 16) * 40)),
                14 => {
                    self.liveness.hold();
                    self.is_held = true;
                }
                15 if self.is_held => {
                    self.liveness.resume(self.now);
                    self.is_held = false;
                    self.was_away = self.now;
                }
                _ => {}
            }
            if !self.poll() {
                return;
            }
        }
    }

    /// Waits with a call at each deadline.
    fn wait(&mut self, time: Duration) {
        let until = self.now + time;
        while let Some(at) = self.liveness.deadline().filter(|at| *at <= until) {
            assert!(at >= self.now || self.is_held, "time goes back");
            self.now = self.now.max(at);
            if !self.poll() {
                return;
            }
        }
        self.now = until;
    }

    /// Lets time pass without a call.
    fn away(&mut self, time: Duration) {
        self.now += time;
        self.was_away = self.now;
        let _ = self.liveness.standing(self.now);
    }

    fn see(&mut self, which: u8) {
        let probe = self.heartbeat.form().probe(1, self.now, b"");
        let seen = match which % 3 {
            0 => self.heartbeat.form().recognise(&probe),
            1 => self.heartbeat.form().answer(&probe).and_then(|answer| self.heartbeat.form().recognise(&answer)),
            _ => Some(Seen::Answer { number: Some(u64::from(which)) }),
        };
        let Some(seen) = seen else { return };
        let answers = self.liveness.on_seen(seen, self.now);
        assert!(!answers || matches!(seen, Seen::Probe | Seen::Either), "answers only probes");
        // Only the machine knows whether an answer belongs to one of its probes.
        let is_life = match self.liveness.standing(self.now) {
            Standing::Alive { silent_for } | Standing::Asked { silent_for, .. } => silent_for.is_zero(),
            Standing::Unknown { .. } | Standing::Dead(_) => false,
        };
        assert!(is_life || matches!(seen, Seen::Answer { .. }) || self.is_held, "{seen:?} shows life");
        if is_life {
            self.lives(Life::Heartbeats);
        }
    }

    fn lives(&mut self, how: Life) {
        if how == Life::Heartbeats || self.heartbeat.life() == Life::Bytes {
            self.life_at = self.now;
        }
    }

    /// Bytes before the probe were written, so the peer has its answer time from now.
    fn progresses(&mut self) {
        self.was_away = self.now;
    }

    /// Returns false when the peer is dead.
    fn poll(&mut self) -> bool {
        let since = self.life_at.max(self.was_away);
        match self.liveness.poll(self.now) {
            Due::Dead(verdict) => {
                let least = self.heartbeat.times().1;
                assert!(
                    self.now >= self.life_at + least,
                    "{:?} dead {verdict} after {:?}",
                    self.heartbeat,
                    self.life_at
                );
                assert!(matches!(self.liveness.standing(self.now), Standing::Dead(_)));
                assert!(self.bound.is_some(), "nothing could tell");
                return false;
            }
            Due::Probe(_) | Due::Beat(_) => {
                assert!(!self.is_unwritten, "one at a time");
                assert!(!self.is_held, "nothing while it is held");
                self.is_unwritten = true;
                match self.liveness.poll(self.now) {
                    Due::Wait(at) => assert!(at.is_none_or(|at| at > self.now), "it would spin"),
                    Due::Dead(_) => return self.poll(),
                    again => panic!("two at a time: {again:?}"),
                }
            }
            Due::Wait(Some(at)) => assert!(at > self.now, "it would spin"),
            Due::Wait(None) => assert!(self.is_held || self.is_unwritten || self.liveness.deadline().is_none()),
        }
        if let Some(bound) = self.bound.filter(|_| !self.is_held) {
            let slack = self.heartbeat.times().0 + self.heartbeat.times().1;
            assert!(
                self.now <= since + bound + slack,
                "{:?}: still alive {:?} after {since:?}",
                self.heartbeat,
                self.now
            );
        }
        true
    }
}
