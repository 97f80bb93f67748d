//! The tokio driver, its tasks polled by hand when their wakers say so.

mod connection;
mod duplex;
#[cfg(test)]
mod orders;
mod stream;

pub(super) use connection::connection;
pub(super) use duplex::duplex;

use tokio::runtime::{Builder, Runtime};

use super::Scene;
use super::step::Steps;
use super::world::Shared;
use crate::fuzz::simulated::Simulation;
use crate::tokio::Connection;

use stream::{Reader, Writer};

thread_local! {
    /// One for all schedules of a thread. Its clock only moves when a schedule says so.
    static RUNTIME: Runtime =
        Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
}

/// Runs a schedule in a runtime.
fn run(data: &[u8], schedule: impl AsyncFnOnce(Scene, Steps<'_>)) {
    let _simulation = Simulation::begin();
    if let Some((scene, steps)) = Scene::of(data) {
        RUNTIME.with(|runtime| runtime.block_on(schedule(scene, steps)));
    }
}

/// The connection of a scene.
fn connect(scene: &Scene) -> Connection<crate::Directions, Reader, Writer> {
    let reader = Reader { world: scene.world.clone(), takes_turns: scene.takes_turns };
    let writer = Writer { world: scene.world.clone(), takes_turns: scene.takes_turns, gathers: scene.gathers };
    let framing = std::sync::Arc::clone(&super::FRAMING);
    let mut connection = Connection::from_parts(reader, writer, framing);
    if let Some((heartbeat, role)) = &scene.heartbeat {
        connection.watch(std::sync::Arc::clone(heartbeat), *role);
    }
    connection
}
