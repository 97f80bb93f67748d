//! A dead peer is detected no later than the bound, and a living peer never counts as dead.

use std::time::Duration;

use framelink_heartbeat::{By, Form, Heartbeat, Life, Role, Standing};

use crate::world::{FOREVER, MS, World, ms};

const INTERVAL: Duration = Duration::from_millis(60);
const TIMEOUT: Duration = Duration::from_millis(30);

fn forms() -> Vec<Form> {
    vec![
        Form::empty(),
        Form::Empty { answered: true },
        Form::beat(b"PING"),
        Form::literal(b"PING", b"PONG"),
        Form::literal(b"PING", b"PING"),
        Form::Numbered,
        "smpp".parse::<Heartbeat>().unwrap().form().clone(),
        "iso8583".parse::<Heartbeat>().unwrap().form().clone(),
    ]
}

/// Each form, by which side, what counts as life, and how often.
fn all() -> Vec<Heartbeat> {
    let mut all = Vec::new();
    for form in forms() {
        for by in [By::Client, By::Server, By::Both] {
            for life in [Life::Bytes, Life::Heartbeats] {
                for tries in [1, 3] {
                    let heartbeat = Heartbeat::relaxed(form.clone()).by(by).counting(life).tries(tries).unwrap();
                    all.push(heartbeat.interval(INTERVAL).unwrap().timeout(TIMEOUT).unwrap());
                }
            }
        }
    }
    all
}

/// How an end loses the other end.
#[derive(Clone, Copy, Debug)]
enum Loss {
    /// The peer's program and system are gone.
    Crash,
    /// Bytes from the peer are lost.
    Inbound,
    /// Bytes to the peer are lost. The peer receives no bytes, and this side receives no answers.
    Outbound,
}

#[test]
fn for_every_moment_of_loss_death_is_noticed_in_time() {
    let mut rows = 0;
    for heartbeat in all() {
        for (us, role) in [(0, Role::Client), (1, Role::Server)] {
            let Some(bound) = heartbeat.detection_bound(role) else { continue };
            for sends in [None, Some(ms(7))] {
                for lost_at in 1..=u64::try_from((bound + INTERVAL).as_millis()).unwrap() {
                    rows += 1;
                    notices(&heartbeat, us, bound, sends, ms(lost_at), Loss::Crash);
                    if lost_at % 7 == 0 {
                        notices(&heartbeat, us, bound, sends, ms(lost_at), Loss::Inbound);
                    }
                }
            }
        }
    }
    println!("{rows} moments");
    assert!(rows > 20_000, "{rows}");
}

fn notices(heartbeat: &Heartbeat, us: usize, bound: Duration, sends: Option<Duration>, lost_at: Duration, loss: Loss) {
    let mut world = World::new(heartbeat, [u32::MAX / 3, u32::MAX / 2]);
    world.ends[us].sends_every = sends;
    match loss {
        Loss::Crash => world.ends[1 - us].gone_at = Some(lost_at),
        Loss::Inbound => world.wires[1 - us].cut = Some((lost_at, FOREVER)),
        Loss::Outbound => world.wires[us].cut = Some((lost_at, FOREVER)),
    }
    // The last effect arrives one latency later.
    let latest = lost_at + world.latency + bound;
    world.run_until(latest + MS);
    let what = format!("{heartbeat}, {us}, lost at {lost_at:?} by {loss:?}, sending {sends:?}");
    let Some((at, verdict)) = world.ends[us].dead else {
        panic!("{what}: not noticed by {latest:?}: {:?}", world.ends[us].liveness.standing(world.now))
    };
    assert!(at <= latest, "{what}: noticed at {at:?}, and not by {latest:?}");
    assert!(at >= lost_at, "{what}: noticed before it died, at {at:?}: {verdict}");
    assert!(matches!(world.ends[us].liveness.standing(world.now), Standing::Dead(told) if told == verdict));
}

/// Bytes from one side are lost. The side that probes gets no answers. The peer receives no bytes.
#[test]
fn a_loss_of_one_direction_is_noticed_on_both_ends() {
    for heartbeat in all() {
        for us in 0..2 {
            let role = if us == 0 { Role::Client } else { Role::Server };
            // This side can learn of the loss only if the other end sends heartbeats by itself.
            let asks = heartbeat.form().is_answered() && heartbeat.sent_by().is(role);
            let peer_speaks = heartbeat.sent_by().is(role.other());
            for lost_at in (1..200).step_by(3).map(ms) {
                if asks && !peer_speaks {
                    let bound = heartbeat.detection_bound(role).unwrap();
                    notices(&heartbeat, us, bound, None, lost_at, Loss::Outbound);
                }
                if let Some(bound) = heartbeat.detection_bound(role.other()) {
                    notices(&heartbeat, 1 - us, bound, None, lost_at, Loss::Inbound);
                }
            }
        }
    }
}

#[test]
fn a_peer_that_answers_in_time_is_never_dead() {
    for heartbeat in all() {
        for sends in [[None, None], [Some(ms(7)), None], [None, Some(ms(11))], [Some(ms(7)), Some(ms(11))]] {
            // The round trip is just shorter than the time for an answer.
            for latency in [0, 1, 7, 14] {
                for jitter in [[0, 0], [0, u32::MAX], [u32::MAX, 0], [u32::MAX / 2, u32::MAX / 2]] {
                    let mut world = World::new(&heartbeat, jitter);
                    world.latency = ms(latency);
                    world.ends[0].sends_every = sends[0];
                    world.ends[1].sends_every = sends[1];
                    world.run_until(ms(2000));
                    for end in &world.ends {
                        assert!(end.dead.is_none(), "{heartbeat}, {latency} ms, {sends:?}: {:?}", end.dead);
                    }
                    assert!(world.ends[1].delivered.len() as u64 + 3 >= world.ends[0].sent);
                }
            }
        }
    }
}

#[test]
fn while_the_application_reads_nothing_no_peer_counts_as_dead() {
    for heartbeat in all() {
        for away_at in (5..200).step_by(9).map(ms) {
            let mut world = World::new(&heartbeat, [0, u32::MAX]);
            world.ends[0].away = Some((away_at, away_at + ms(2000)));
            world.run_until(away_at + ms(1900));
            let standing = world.ends[0].liveness.standing(world.now);
            if heartbeat.detection_bound(Role::Client).is_some() {
                assert!(matches!(standing, Standing::Unknown { .. }), "{heartbeat}: {standing:?}");
            }
            // The peer receives no bytes meanwhile, and may give up. An application that reads again does not end the
            // connection itself.
            world.run_until(away_at + ms(2000) + TIMEOUT / 2);
            assert!(world.ends[0].dead.is_none(), "{heartbeat}: {:?}", world.ends[0].dead);
        }
    }
}

#[test]
fn bounds_of_known_protocols() {
    let seconds = Duration::from_secs;
    for form in forms() {
        for role in [Role::Client, Role::Server] {
            let [relaxed, strict] = [Heartbeat::relaxed(form.clone()), Heartbeat::strict(form.clone())];
            assert_eq!(relaxed.detection_bound(role), Some(seconds(40)), "{relaxed}");
            assert_eq!(strict.detection_bound(role), Some(seconds(9)), "{strict}");
        }
    }
}
