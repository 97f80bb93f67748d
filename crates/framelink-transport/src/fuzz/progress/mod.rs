//! Checks that each driver makes progress whenever it can, with random schedules and edge-triggered readiness.

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

/// Runs a schedule on one of the drivers: one byte for the driver and its shape, one byte for the initial state, and
/// two bytes for each step. After each step no event that an operation waits for is unseen, no deadline has passed, and
/// no call has worked without end.
///
/// # Panics
/// If an invariant does not hold.
pub fn progress(data: &[u8]) {
    let Some((&which, data)) = data.split_first() else { return };
    MODELS[usize::from(which) % MODELS.len()](data);
}

/// The models: each shape of each driver.
const MODELS: &[fn(&[u8])] = &[
    asynchronous::connection,
    asynchronous::duplex,
    blocking::connection,
    nonblocking::connection,
    nonblocking::duplex,
    nonblocking::served,
];

/// The start of a schedule.
struct Scene {
    world: Shared,
    heartbeat: Option<(Arc<Heartbeat>, Role)>,
    /// Whether the stream uses tokio's budget of its task, as sockets do.
    one_at_a_time: bool,
    /// Whether the parts of a frame are written together.
    gathers: bool,
    /// Whether replies are matched by their order and have no key.
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

    /// Returns how replies find their calls. At most `window` calls may be in flight.
    fn matching(&self, window: usize) -> Matching {
        let matching = match self.in_order {
            true => Matching::in_order(),
            false => Matching::by_key(KeyRule::at("1:1".parse().expect("a place"))),
        };
        matching.window(window)
    }
}

/// A heartbeat with a long timeout, so that few schedules end because the peer is dead.
static HEARTBEAT: LazyLock<Arc<Heartbeat>> = LazyLock::new(|| {
    let heartbeat = Heartbeat::strict(Form::literal(peer::PROBE, peer::ANSWER)).by(By::Both);
    let heartbeat = heartbeat.interval(Duration::from_millis(400)).expect("in bounds");
    Arc::new(heartbeat.timeout(Duration::from_secs(20)).expect("in bounds"))
});

static FRAMING: LazyLock<Arc<FramingPair>> = LazyLock::new(|| {
    let framing: Framing = "net:2".parse().expect("a notation");
    Arc::new(framing.into())
});
