//! Network faults between two living ends.

use std::time::Duration;

use framelink_heartbeat::{By, Form, Heartbeat};

use crate::world::{World, ms};

const INTERVAL: Duration = Duration::from_secs(30);

fn heartbeats() -> Vec<Heartbeat> {
    let forms = [Form::empty(), Form::literal(b"PING", b"PONG"), Form::Numbered];
    let each =
        forms.into_iter().flat_map(|form| [Heartbeat::relaxed(form.clone()), Heartbeat::relaxed(form).by(By::Both)]);
    each.collect()
}

#[test]
fn a_partition_that_heals_before_the_deadline_costs_nothing() {
    for heartbeat in heartbeats() {
        for (cut_a, cut_b) in [(true, true), (true, false), (false, true)] {
            for from in (1..70).step_by(3).map(Duration::from_secs) {
                let mut world = World::new(&heartbeat, [0, u32::MAX]);
                let cut = Some((from, from + Duration::from_millis(9900)));
                world.wires[0].cut = cut.filter(|_| cut_a);
                world.wires[1].cut = cut.filter(|_| cut_b);
                for end in &mut world.ends {
                    end.sends_every = Some(Duration::from_secs(17));
                }
                world.run_until(Duration::from_secs(400));
                for (end, other) in [(0, 1), (1, 0)] {
                    assert!(world.ends[end].dead.is_none(), "{heartbeat}, cut at {from:?}: {:?}", world.ends[end].dead);
                    let sent: Vec<_> = (0..world.ends[end].sent).map(|n| format!("message {n}").into_bytes()).collect();
                    let came = &world.ends[other].delivered;
                    assert!(sent.starts_with(came) && came.len() + 1 >= sent.len(), "no loss, no duplicate");
                }
            }
        }
    }
}

#[test]
fn both_ends_detect_a_partition() {
    for heartbeat in heartbeats() {
        for from in (1..100).map(Duration::from_secs) {
            let mut world = World::new(&heartbeat, [0, u32::MAX]);
            for wire in &mut world.wires {
                wire.cut = Some((from, crate::world::FOREVER));
            }
            world.run_until(from + Duration::from_secs(46));
            for end in &world.ends {
                let (at, verdict) = end.dead.expect("noticed");
                assert!(at >= from && verdict.silent_for >= Duration::from_secs(10), "{at:?}: {verdict}");
            }
        }
    }
}

#[test]
fn an_end_that_was_stopped_beats_once_and_declares_no_peer_dead() {
    for heartbeat in heartbeats() {
        for from in (1..90).step_by(2).map(Duration::from_secs) {
            for long in [Duration::from_secs(20), Duration::from_secs(600)] {
                let mut world = World::new(&heartbeat, [0, u32::MAX]);
                world.ends[0].frozen = Some((from, from + long));
                // The peer is stopped too, as when a machine sleeps, so it does not give up.
                world.ends[1].frozen = Some((from, from + long));
                world.run_until(from + long);
                let before: Vec<_> = world.wires.iter().map(|wire| wire.heartbeats(&heartbeat).len()).collect();
                world.run_until(from + long + Duration::from_secs(9));
                for (wire, before) in world.wires.iter().zip(before) {
                    let after = wire.heartbeats(&heartbeat).len();
                    // One beat, or one probe and the answer to the other end's probe.
                    assert!(after - before <= 2, "{heartbeat}, stopped at {from:?}: {}", after - before);
                }
                for end in &world.ends {
                    assert!(end.dead.is_none(), "{heartbeat}, stopped at {from:?} for {long:?}: {:?}", end.dead);
                }
                world.run_until(from + long + Duration::from_secs(100));
                assert!(world.ends.iter().all(|end| end.dead.is_none()), "{heartbeat}");
            }
        }
    }
}

#[test]
fn a_healthy_peer_of_one_that_was_stopped_has_its_answer_time() {
    for heartbeat in heartbeats() {
        for from in (1..90).map(Duration::from_secs) {
            let mut world = World::new(&heartbeat, [0, u32::MAX]);
            world.latency = ms(40);
            world.ends[0].frozen = Some((from, from + Duration::from_secs(39)));
            world.run_until(from + Duration::from_secs(120));
            if let Some((at, verdict)) = world.ends[0].dead {
                // The peer gave up before.
                let (theirs, _) = world.ends[1].dead.expect("a healthy peer was killed");
                assert!(at > theirs + Duration::from_secs(9), "{heartbeat}: {verdict}");
            }
        }
    }
}

#[test]
fn beats_keep_a_firewall_from_forgetting_the_connection() {
    for heartbeat in heartbeats() {
        let mut world = World::new(&heartbeat, [0, u32::MAX]);
        world.idle_limit = Some(INTERVAL + Duration::from_secs(5));
        world.run_until(Duration::from_secs(7200));
        assert!(world.ends.iter().all(|end| end.dead.is_none()), "{heartbeat}");

        // The firewall forgets connections faster than heartbeats are sent. The loss is detected within the bound.
        let mut world = World::new(&heartbeat, [u32::MAX, u32::MAX]);
        world.idle_limit = Some(Duration::from_secs(20));
        world.run_until(INTERVAL * 2 + Duration::from_secs(60));
        for end in &world.ends {
            let (at, _) = end.dead.unwrap_or_else(|| panic!("{heartbeat}: not noticed"));
            assert!(at <= Duration::from_secs(45), "{heartbeat}: {at:?}");
        }
    }
}
