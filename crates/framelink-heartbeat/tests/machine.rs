//! The state machine of one side, on a virtual clock.

use std::time::Duration;

use framelink_heartbeat::{By, Due, Form, Heartbeat, Life, Liveness, Role, Seen, Standing};

const fn s(count: u64) -> Duration {
    Duration::from_secs(count)
}

fn client(form: Form) -> Liveness {
    Heartbeat::relaxed(form).liveness(Role::Client, u32::MAX, s(0))
}

fn probe(liveness: &mut Liveness, now: Duration) -> u64 {
    let Due::Probe(number) = liveness.poll(now) else { panic!("no probe at {now:?}") };
    liveness.on_written(now);
    liveness.on_sent(now);
    number
}

#[test]
fn tries_are_numbered_and_the_answer_to_any_of_them_counts() {
    let heartbeat = Heartbeat::relaxed(Form::Numbered).tries(3).expect("in bounds").counting(Life::Heartbeats);
    let mut liveness = heartbeat.liveness(Role::Client, u32::MAX, s(0));
    let numbers = [probe(&mut liveness, s(30)), probe(&mut liveness, s(40)), probe(&mut liveness, s(50))];
    assert_eq!(numbers, [1, 2, 3]);
    assert!(matches!(liveness.standing(s(51)), Standing::Asked { probes: 3, .. }));
    assert!(!liveness.on_seen(Seen::Answer { number: Some(1) }, s(52)), "an answer is not answered");
    assert_eq!(liveness.standing(s(52)), Standing::Alive { silent_for: s(0) });
    assert_eq!(liveness.round_trips().count, 0, "it says nothing of how long the last one took");
    // An answer without a probe has no effect.
    probe(&mut liveness, s(82));
    liveness.on_seen(Seen::Answer { number: Some(77) }, s(83));
    assert!(liveness.is_asked());
    liveness.on_seen(Seen::Answer { number: Some(4) }, s(84));
    assert_eq!((liveness.round_trips().count, liveness.round_trips().last), (1, s(2)));
}

#[test]
fn a_probe_that_waits_to_be_written_is_not_followed_by_another() {
    let heartbeat = Heartbeat::relaxed(Form::Numbered).tries(2).expect("in bounds");
    let mut liveness = heartbeat.liveness(Role::Client, u32::MAX, s(0));
    assert!(matches!(liveness.poll(s(30)), Due::Probe(1)));
    assert_eq!(liveness.poll(s(40)), Due::Wait(Some(s(50))), "the second try is the same probe");
    assert!(
        matches!(liveness.poll(s(50)), Due::Dead(verdict) if verdict.probes == 2),
        "a peer that takes nothing is dead in time"
    );

    // While the peer takes bytes before the probe, it is not judged.
    let mut liveness = heartbeat.liveness(Role::Client, u32::MAX, s(0));
    assert!(matches!(liveness.poll(s(30)), Due::Probe(1)));
    for now in (31..200).map(s) {
        liveness.on_sent(now);
        assert!(matches!(liveness.poll(now), Due::Wait(Some(at)) if at == now + s(10)));
    }
}

#[test]
fn two_sides_that_answer_each_others_answers_come_to_rest() {
    let mut ends = [Role::Client, Role::Server]
        .map(|role| Heartbeat::relaxed(Form::Empty { answered: true }).by(By::Both).liveness(role, 0, s(0)));
    // An empty frame without a probe: a stray one, or a duplicate.
    let (mut frames, mut now, mut to) = (0, s(1), 0);
    while ends[to].on_seen(Seen::Either, now) {
        frames += 1;
        (to, now) = (1 - to, now + Duration::from_millis(1));
        assert!(frames < 10, "a storm");
    }
    assert!(frames <= 2, "{frames}");
}

#[test]
fn a_flood_of_probes_is_answered_ten_times_a_second() {
    let mut liveness = client(Form::literal(b"PING", b"PONG"));
    let answers = (0..100_000).filter(|n| liveness.on_seen(Seen::Probe, Duration::from_micros(100 * n))).count();
    assert!((100..=116).contains(&answers), "{answers} in ten seconds");
    assert_eq!(liveness.refused(), 100_000 - answers as u64);
    // A peer that probes at its interval is always answered.
    for second in 20..1000 {
        assert!(liveness.on_seen(Seen::Probe, s(second)));
    }
}

#[test]
fn first_heartbeats_are_spread_over_half_an_interval() {
    let firsts: Vec<_> = (0..=16_u32)
        .map(|n| {
            let jitter = u32::MAX / 16 * n;
            Heartbeat::relaxed(Form::empty()).liveness(Role::Client, jitter, s(0)).deadline().expect("a beat")
        })
        .collect();
    assert!(firsts.is_sorted() && firsts[0] == s(15) && firsts[16] > Duration::from_millis(29_999), "{firsts:?}");
    assert!(firsts.windows(2).all(|pair| pair[1] - pair[0] < s(1)));
}

#[test]
fn while_held_nothing_is_due_and_no_peer_is_judged() {
    let mut liveness = client(Form::Numbered);
    liveness.hold();
    assert_eq!(liveness.poll(s(1000)), Due::Wait(None));
    liveness.resume(s(1000));
    assert!(matches!(liveness.poll(s(1000)), Due::Probe(_)), "it has been long enough");
    liveness.on_written(s(1000));
    assert!(matches!(liveness.poll(s(1009)), Due::Wait(Some(at)) if at == s(1010)));
    assert!(matches!(liveness.poll(s(1010)), Due::Dead(_)));
}

#[test]
fn a_verdict_has_its_evidence() {
    let mut liveness = client(Form::Numbered);
    liveness.on_heard(s(5));
    liveness.on_sent(s(20));
    probe(&mut liveness, s(35));
    let Due::Dead(verdict) = liveness.poll(s(45)) else { panic!("alive") };
    assert_eq!(
        (verdict.silent_for, verdict.last_in, verdict.last_out, verdict.probes),
        (s(40), Some(s(40)), Some(s(10)), 1)
    );
    assert_eq!(
        verdict.to_string(),
        "the peer is gone: nothing came for 40s, 1 probe was not answered, our last byte went 10s ago"
    );
    assert_eq!(liveness.poll(s(50)), Due::Dead(verdict), "for good");
    assert_eq!(liveness.deadline(), None);
}

fn at(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The sending half begins a beat that is not written yet. The receiving half needs a probe and uses the beat. The peer
/// answers it in time.
#[test]
fn an_answer_to_a_beat_taken_as_probe_counts() {
    let heartbeat = Heartbeat::relaxed(Form::Numbered).counting(Life::Heartbeats);
    let mut liveness = heartbeat.liveness(Role::Client, u32::MAX, at(0));
    let number = liveness.poll_beat(at(30_300)).expect("a beat");
    assert!(matches!(liveness.poll(at(30_310)), Due::Wait(_)), "asked; the one that waits is as good");
    assert!(liveness.is_asked());
    liveness.on_written(at(30_320));
    liveness.on_heard(at(30_400));
    liveness.on_seen(Seen::Answer { number: Some(number) }, at(30_400));
    assert!(!liveness.is_asked(), "it was answered");
    assert!(!matches!(liveness.poll(at(40_400)), Due::Dead(_)), "dead, though it answered after 80 ms");
}

/// After our side has ended, a peer that sends beats by itself is still judged.
#[test]
fn a_peer_that_should_beat_is_judged_after_finish() {
    let heartbeat = Heartbeat::relaxed(Form::Numbered).by(By::Both);
    let mut liveness = heartbeat.liveness(Role::Client, u32::MAX, at(0));
    liveness.finish();
    let mut now = at(0);
    while now < at(1_000_000) {
        now += at(200);
        if let Due::Dead(_) = liveness.poll(now) {
            return;
        }
    }
    panic!("silent for a thousand seconds, and lives");
}

/// Very long and very short times, and a clock near its end.
#[test]
fn times_at_their_ends() {
    for interval in [at(1), Heartbeat::LONGEST] {
        for timeout in [at(1), Heartbeat::LONGEST] {
            for tries in [1, 100] {
                for now in [Duration::ZERO, Duration::MAX] {
                    for form in [Form::Numbered, Form::empty(), Form::Empty { answered: true }] {
                        for by in [By::Client, By::Server, By::Both] {
                            for jitter in [0, 1, u32::MAX] {
                                let heartbeat = Heartbeat::relaxed(form.clone()).by(by);
                                let heartbeat = heartbeat
                                    .interval(interval)
                                    .expect("in bounds")
                                    .timeout(timeout)
                                    .expect("in bounds");
                                let heartbeat = heartbeat.tries(tries).expect("in bounds");
                                for role in [Role::Client, Role::Server] {
                                    let _ = heartbeat.detection_bound(role);
                                    let mut liveness = heartbeat.liveness(role, jitter, now);
                                    for _ in 0..300 {
                                        let _ = liveness.poll(now);
                                        let _ = liveness.poll_beat(now);
                                        liveness.on_sent(now);
                                        liveness.on_seen(Seen::Either, now);
                                        liveness.back(Duration::ZERO, now);
                                        liveness.hold();
                                        liveness.resume(now);
                                        let _ = (liveness.standing(now), liveness.deadline());
                                        liveness.on_written(now);
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// The sending half sends beats while a probe is not answered. They are no sign of life of the peer.
#[test]
fn our_own_beats_are_no_sign_of_life_of_the_peer() {
    let heartbeat = Heartbeat::relaxed(Form::Numbered).tries(3).expect("in bounds");
    let mut liveness = heartbeat.liveness(Role::Client, u32::MAX, s(0));
    let (mut now, mut beats) = (s(0), 0);
    loop {
        now += at(100);
        if liveness.poll_beat(now).is_some() {
            beats += 1;
            liveness.on_written(now);
            liveness.on_sent(now);
        }
        match liveness.poll(now) {
            Due::Dead(_) => break,
            Due::Wait(_) => {}
            Due::Beat(_) | Due::Probe(_) => {
                liveness.on_written(now);
                liveness.on_sent(now);
            }
        }
        assert!(now < s(70), "it lives on our own beats, of which there were {beats}");
    }
    assert!(now <= s(61) && beats == 0, "{now:?}: the receiving side goes first, {beats} beats");
}

/// The driver is late again and again. The peer gets its answer time once more after each sign of life, not after each
/// delay.
#[test]
fn a_driver_that_is_always_late_still_finds_a_dead_peer_dead() {
    let mut liveness = client(Form::Numbered);
    for began in [0, 100] {
        liveness.on_heard(s(began));
        probe(&mut liveness, s(began + 31));
        assert_eq!(liveness.poll(s(began + 42)), Due::Wait(Some(s(began + 52))), "late for the first time");
    }
    assert!(matches!(liveness.poll(s(153)), Due::Dead(_)), "late once more, and the peer had its time");

    // The same result without probes, when only silence is judged.
    let mut liveness = Heartbeat::relaxed(Form::empty()).by(By::Server).liveness(Role::Client, 0, s(0));
    assert_eq!(liveness.poll(s(41)), Due::Wait(Some(s(51))));
    assert!(matches!(liveness.poll(s(52)), Due::Dead(_)));
}

/// The sending half lets the receiving half go first: it waits 250 ms, or a quarter of the timeout if that is less.
#[test]
fn a_beat_of_the_sending_half_comes_a_moment_later() {
    for (timeout, grace) in [(at(10_000), at(250)), (at(400), at(100))] {
        let heartbeat = Heartbeat::relaxed(Form::Numbered).timeout(timeout).expect("in bounds");
        let mut liveness = heartbeat.liveness(Role::Client, u32::MAX, s(0));
        let due = s(30) + grace;
        assert_eq!(liveness.beat_at(), Some(due));
        assert_eq!(liveness.poll_beat(due - at(1)), None);
        assert_eq!(liveness.poll_beat(due), Some(1));
        assert_eq!(liveness.beat_at(), None, "it waits to be written");
    }
    // While a probe waits for its answer, only the receiving half acts.
    let mut liveness = client(Form::Numbered);
    liveness.on_sent(s(5));
    probe(&mut liveness, s(30));
    assert_eq!(
        liveness.beat_at(),
        Some(s(60) + at(250)),
        "an interval after the probe, which is later than its answer time"
    );
    let tight = Heartbeat::relaxed(Form::Numbered).interval(s(5)).expect("in bounds");
    let mut liveness = tight.liveness(Role::Client, u32::MAX, s(0));
    probe(&mut liveness, s(5));
    assert_eq!(liveness.beat_at(), Some(s(15) + at(250)), "and not before its answer time is over");
}

/// An answer of ours shows the peer that we live, as a beat does.
#[test]
fn an_answer_shows_that_we_live() {
    let heartbeat = Heartbeat::relaxed(Form::Numbered).by(By::Both).counting(Life::Heartbeats);
    let mut liveness = heartbeat.liveness(Role::Client, u32::MAX, s(0));
    assert!(liveness.on_seen(Seen::Probe, s(20)));
    assert_eq!(liveness.deadline(), Some(s(50)));
    assert!(!liveness.on_seen(Seen::Beat, s(25)), "this one is not answered, and shows nothing of us");
    assert_eq!(liveness.deadline(), Some(s(50)));
}
