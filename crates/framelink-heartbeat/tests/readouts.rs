//! What a driver reads from one side, and how holding, finishing and sleeping change it.

use std::time::Duration;

use framelink_heartbeat::{By, Due, Form, Heartbeat, Life, Liveness, Role, Seen, Standing};

const fn s(count: u64) -> Duration {
    Duration::from_secs(count)
}

const fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

/// One side without jitter, so that its first interval is not shortened.
fn side(heartbeat: &Heartbeat, role: Role) -> Liveness {
    heartbeat.liveness(role, u32::MAX, s(0))
}

fn due(liveness: &mut Liveness, now: Duration) {
    assert!(matches!(liveness.poll(now), Due::Probe(_) | Due::Beat(_)), "nothing is due at {now:?}");
    liveness.on_written(now);
}

#[test]
fn heartbeats_of_ours_are_counted_and_a_dead_peer_has_a_verdict() {
    let mut liveness = side(&Heartbeat::relaxed(Form::Numbered), Role::Client);
    assert_eq!((liveness.sent(), liveness.verdict()), (0, None));
    for count in 1..=3 {
        due(&mut liveness, s(30 * count));
        assert_eq!(liveness.sent(), count);
        liveness.on_heard(s(30 * count));
    }
    due(&mut liveness, s(120));
    let Due::Dead(verdict) = liveness.poll(s(130)) else { panic!("alive") };
    assert_eq!((liveness.sent(), liveness.verdict()), (4, Some(verdict)));
    assert_eq!(liveness.standing(s(200)), Standing::Dead(verdict));
}

/// If no call was made within 250 ms after a verdict was due, the state of the peer is unknown.
#[test]
fn without_a_call_in_time_the_state_is_unknown() {
    let silent = |at| Standing::Alive { silent_for: at };
    let heartbeat = Heartbeat::relaxed(Form::empty()).by(By::Server);
    let mut liveness = side(&heartbeat, Role::Client);
    let last = s(40) + ms(250);
    assert_eq!(liveness.standing(last), silent(last));
    let after = last + ms(1);
    assert_eq!(liveness.standing(after), Standing::Unknown { unwatched_for: after });
    // During an exchange no call is expected.
    liveness.hold();
    assert_eq!(liveness.standing(after), silent(after));

    let mut liveness = side(&Heartbeat::relaxed(Form::Numbered), Role::Client);
    due(&mut liveness, s(30));
    assert_eq!(liveness.standing(last), Standing::Asked { silent_for: last, probes: 1 });
    assert_eq!(liveness.standing(after), Standing::Unknown { unwatched_for: after - s(30) });
}

/// A caller that has not handled all received bytes does not judge the peer. Heartbeats are due all the same.
#[test]
fn poll_unjudged_passes_no_verdict() {
    let mut liveness = side(&Heartbeat::relaxed(Form::Numbered), Role::Client);
    assert!(matches!(liveness.poll_unjudged(s(30)), Due::Probe(1)));
    liveness.on_written(s(30));
    assert_eq!(liveness.poll_unjudged(s(40)), Due::Wait(Some(s(40))));
    assert!(matches!(liveness.poll(s(40)), Due::Dead(_)));
}

/// The peer gets the time in which the caller did not read, up to its answer time.
#[test]
fn a_peer_has_more_time_after_a_pause_of_reading() {
    for (away, more) in [(s(4), s(4)), (s(600), s(10))] {
        let mut liveness = side(&Heartbeat::relaxed(Form::empty()).by(By::Server), Role::Client);
        let back = s(38) + away;
        liveness.back(s(38), back);
        assert_eq!(liveness.deadline(), Some(back + more));
        assert!(matches!(liveness.poll(back + more), Due::Dead(_)));

        // An open probe gets its answer time from then on, too.
        let mut liveness = side(&Heartbeat::relaxed(Form::Numbered), Role::Client);
        due(&mut liveness, s(30));
        liveness.back(s(38), back);
        assert_eq!(liveness.deadline(), Some(back + more));
    }
}

/// After our side has ended nothing is due, and only a peer that sends by itself is judged.
#[test]
fn after_our_end_nothing_is_due_and_nothing_is_answered() {
    for (by, judged_at) in [(By::Client, None), (By::Server, Some(s(40))), (By::Both, Some(s(45)))] {
        let mut liveness = side(&Heartbeat::relaxed(Form::Numbered).by(by), Role::Client);
        liveness.finish();
        assert_eq!((liveness.deadline(), liveness.beat_at()), (judged_at, None), "{by:?}");
        assert!(!liveness.on_seen(Seen::Probe, s(0)), "{by:?}");
        assert_eq!(liveness.look_within(), None, "{by:?}");
    }
}

/// A sleeping caller has to read in time if the peer sends probes.
#[test]
fn a_sleeping_caller_reads_if_the_peer_sends_probes() {
    let look = |form: Form, by, role| side(&Heartbeat::relaxed(form).by(by), role).look_within();
    let quarter = Some(ms(2500));
    assert_eq!(look(Form::Numbered, By::Server, Role::Client), quarter);
    assert_eq!(look(Form::Numbered, By::Both, Role::Client), quarter);
    assert_eq!(look(Form::Numbered, By::Client, Role::Server), quarter);
    assert_eq!(look(Form::Numbered, By::Client, Role::Client), None, "only we ask");
    assert_eq!(look(Form::empty(), By::Both, Role::Client), None, "nothing is answered");
    let mut held = side(&Heartbeat::relaxed(Form::Numbered).by(By::Server), Role::Client);
    held.hold();
    assert_eq!(held.look_within(), None, "an exchange is under way");
    held.resume(s(1));
    assert_eq!(held.look_within(), quarter);
}

/// Only the side that waits longer gives a peer that sends probes a round trip more.
#[test]
fn a_beat_waits_for_the_probe_of_a_peer_that_sends_probes() {
    for (role, is_asked, beats_at) in [
        (Role::Client, false, s(50)),
        (Role::Client, true, s(50)),
        (Role::Server, false, s(55)),
        (Role::Server, true, s(60)),
    ] {
        for life in [Life::Bytes, Life::Heartbeats] {
            let heartbeat = Heartbeat::relaxed(Form::Numbered).by(By::Both).counting(life);
            let mut liveness = side(&heartbeat, role);
            if is_asked {
                assert!(liveness.on_seen(Seen::Probe, s(20)));
                liveness.on_sent(s(20));
            } else {
                assert_eq!(liveness.poll_beat(s(20)), None);
                liveness.on_sent(s(20));
            }
            // The peer lives, so no probe is due.
            liveness.on_heard(s(45));
            liveness.on_seen(Seen::Beat, s(45));
            let expected = match life {
                Life::Heartbeats if !is_asked => beats_at - s(20),
                _ => beats_at,
            };
            assert_eq!(liveness.deadline(), Some(expected), "{role:?} {is_asked} {life:?}");
        }
    }
}

/// It gives that time only to a peer that has sent a probe since our last one.
#[test]
fn a_peer_that_stops_sending_probes_is_not_waited_for() {
    let mut liveness = side(&Heartbeat::relaxed(Form::Numbered).by(By::Both), Role::Server);
    assert!(liveness.on_seen(Seen::Probe, s(20)));
    liveness.on_sent(s(20));
    liveness.on_heard(s(45));
    due(&mut liveness, s(60));
    liveness.on_heard(s(80));
    assert_eq!(liveness.deadline(), Some(s(95)));
}
