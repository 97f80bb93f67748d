//! Whether each driver goes on wherever it can: random schedules of a peer, an application and a clock, where readiness is an edge.

mod asynchronous;
mod blocking;
mod model;
mod nonblocking;
mod operation;
mod peer;
mod step;
mod world;

#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::heartbeat::{By, Form, Heartbeat, Role};
use crate::profile::{Framing, FramingPair};
use crate::session::{KeyRule, Matching};

use self::step::Steps;
use self::world::Shared;

/// Runs a schedule on one of the drivers: a byte for the driver and its shape, a byte for what there is at first, and two bytes for each step.
/// After each step nothing that an operation waits for is unseen, no deadline has passed, and no call has worked without end.
///
/// # Panics
/// When that does not hold.
pub fn progress(data: &[u8]) {
    let Some((&which, data)) = data.split_first() else { return };
    MODELS[usize::from(which) % MODELS.len()](data);
}

/// A model of each shape of each driver.
const MODELS: &[fn(&[u8])] = &[
    asynchronous::connection,
    asynchronous::duplex,
    blocking::connection,
    nonblocking::connection,
    nonblocking::duplex,
    nonblocking::served,
];

/// How a schedule begins.
struct Scene {
    world: Shared,
    heartbeat: Option<(Arc<Heartbeat>, Role)>,
    /// Whether the stream takes part in the turns of tasks, as sockets do.
    one_at_a_time: bool,
    /// Whether the parts of a frame leave together.
    gathers: bool,
    /// Whether replies come in the order of their requests, and have no key.
    in_order: bool,
}

impl Scene {
    fn of(data: &[u8]) -> Option<(Self, Steps<'_>)> {
        let (&how, steps) = data.split_first()?;
        let window = match how >> 4 & 3 {
            0 => 0,
            1 => 7,
            2 => 100,
            _ => usize::MAX / 2,
        };
        let heartbeat = (how & 3 != 0).then(|| {
            let role = if how & 1 == 0 { Role::Client } else { Role::Server };
            (Arc::clone(&HEARTBEAT), role)
        });
        let world = Shared::new(window);
        let [one_at_a_time, gathers, in_order] = [how & 4 == 0, how & 8 == 0, how & 0xC0 == 0];
        Some((Self { world, heartbeat, one_at_a_time, gathers, in_order }, Steps::new(steps)))
    }

    /// How replies find their calls, of which so many may be in flight.
    fn matching(&self, window: usize) -> Matching {
        let matching = match self.in_order {
            true => Matching::in_order(),
            false => Matching::by_key(KeyRule::at("1:1".parse().expect("a place"))),
        };
        matching.window(window)
    }
}

/// Patient, so that few schedules end because the peer is dead.
static HEARTBEAT: LazyLock<Arc<Heartbeat>> = LazyLock::new(|| {
    let heartbeat = Heartbeat::strict(Form::literal(peer::PROBE, peer::ANSWER)).by(By::Both);
    let heartbeat = heartbeat.interval(Duration::from_millis(400)).expect("in bounds");
    Arc::new(heartbeat.timeout(Duration::from_secs(20)).expect("in bounds"))
});

static FRAMING: LazyLock<Arc<FramingPair>> = LazyLock::new(|| {
    let framing: Framing = "net:2".parse().expect("a notation");
    Arc::new(framing.into())
});
