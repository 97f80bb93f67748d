//! The number of heartbeats is small.

use std::time::Duration;

use framelink_heartbeat::{By, Form, Heartbeat, Life};

use crate::world::{World, ms};

fn defaults() -> Vec<Heartbeat> {
    let forms = [
        Form::empty(),
        Form::Empty { answered: true },
        Form::beat(b"PING"),
        Form::literal(b"PING", b"PONG"),
        Form::literal(b"PING", b"PING"),
        Form::Numbered,
    ];
    let relaxed = forms.iter().cloned().map(Heartbeat::relaxed);
    let both = forms.iter().cloned().map(|form| Heartbeat::relaxed(form).by(By::Both));
    relaxed.chain(both).collect()
}

/// Includes heartbeats that count only heartbeats as life.
fn all() -> Vec<Heartbeat> {
    let heartbeats = defaults().into_iter().map(|heartbeat| heartbeat.counting(Life::Heartbeats));
    defaults().into_iter().chain(heartbeats).collect()
}

#[test]
fn two_framelink_ends_send_at_most_two_heartbeats_in_an_interval() {
    for heartbeat in all() {
        let interval = heartbeat.times().0;
        for jitter in [[0, 0], [0, u32::MAX], [u32::MAX, 0], [u32::MAX, u32::MAX], [1 << 31, 1 << 30]] {
            for latency in [0, 1, 50, 2000] {
                let mut world = World::new(&heartbeat, jitter);
                world.latency = ms(latency);
                world.run_until(interval * 100);
                let mut sent: Vec<_> = world.wires.iter().flat_map(|wire| wire.heartbeats(&heartbeat)).collect();
                sent.sort_unstable();
                for window in sent.windows(3) {
                    let span = window[2] - window[0];
                    // An answer arrives one latency after its probe, so the next probe is that much closer to it.
                    assert!(span + ms(latency) * 2 >= interval, "{heartbeat}, {jitter:?}, {latency} ms: {window:?}");
                }
                let most = 2 * 100 + 2;
                assert!(sent.len() <= most && sent.len() >= 100, "{heartbeat}, {jitter:?}: {}", sent.len());
                assert!(world.ends.iter().all(|end| end.dead.is_none()));
            }
        }
    }
}

#[test]
fn no_end_beats_while_traffic_flows() {
    for heartbeat in defaults() {
        let mut world = World::new(&heartbeat, [0, 0]);
        for end in &mut world.ends {
            end.sends_every = Some(Duration::from_secs(10));
        }
        world.run_until(Duration::from_secs(3600));
        for wire in &world.wires {
            assert_eq!(wire.heartbeats(&heartbeat), [], "{heartbeat}");
        }
    }
}

#[test]
fn traffic_does_not_count_if_only_heartbeats_count() {
    let heartbeat = Heartbeat::relaxed(Form::Numbered).counting(Life::Heartbeats);
    let mut world = World::new(&heartbeat, [0, 0]);
    for end in &mut world.ends {
        end.sends_every = Some(Duration::from_secs(10));
    }
    world.run_until(Duration::from_secs(3600));
    let sent = world.wires[0].heartbeats(&heartbeat).len();
    assert!((115..=122).contains(&sent), "one in each 30 s: {sent}");
    let round_trips = world.ends[0].liveness.round_trips();
    assert_eq!((round_trips.count, round_trips.last, round_trips.longest), (sent as u64, ms(4), ms(4)));
}

#[test]
fn heartbeats_carry_the_data_of_the_application() {
    let heartbeat = Heartbeat::relaxed(Form::Numbered).by(By::Both);
    let mut world = World::new(&heartbeat, [0, 0]);
    world.ends[0].liveness.supply(b"load 7");
    world.run_until(Duration::from_secs(31));
    assert_eq!(world.ends[1].liveness.received(), b"load 7");
    assert_eq!(world.ends[0].liveness.received(), b"", "the server has said nothing");
    assert!(world.ends.iter().all(|end| end.delivered.is_empty()));
}
