//! The non-blocking driver in an event loop, as its documentation says.

mod connection;
mod duplex;
mod served;

pub(super) use connection::connection;
pub(super) use duplex::duplex;
pub(super) use served::served;

use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use super::world::{Shared, World, joined};
use super::{FRAMING, Scene};
use crate::nonblocking::{Connection, WriteStream};
use crate::profile::FramingPair;
use crate::session::LivenessHandle;
use crate::simulated::flag::Flag;

/// What has arrived when the time of a call is over is taken for 250 ms more, where something always arrives.
const FLOOD: &[Duration] = &[Duration::from_millis(50); 7];

/// The socket of a world. Its waker stands for the event of the system.
struct Stream {
    world: Shared,
    waker: Waker,
    gathers: bool,
}

impl Read for Stream {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.world.with(|world| world.read(space, &self.waker))
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.world.with(|world| world.write(bytes, &self.waker))
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write(&joined(parts))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteStream for Stream {
    fn shut_down(&mut self) -> io::Result<()> {
        self.world.with(World::shut_down)
    }

    fn gathers(&self) -> bool {
        self.gathers
    }
}

/// The connection of a scene, what its events raise, and its heartbeats.
fn connect(scene: &Scene) -> (Connection<FramingPair, Stream>, Arc<Flag>, Option<LivenessHandle>) {
    let flag = Flag::up();
    let stream = Stream { world: scene.world.clone(), waker: flag.waker(), gathers: scene.gathers };
    let mut connection = Connection::new(stream, Arc::clone(&FRAMING));
    let liveness = scene.heartbeat.as_ref().map(|(heartbeat, role)| connection.watch(Arc::clone(heartbeat), *role));
    (connection, flag, liveness)
}

/// Whether a turn begins: there was an event, or a time is over.
fn is_turn(flag: &Flag, deadline: Option<Duration>, world: &Shared) -> bool {
    world.with(World::begin_call);
    flag.lower() || deadline == Some(Duration::ZERO)
}

/// Whether a turn that has taken so many messages is over, for they come without end. If it is not, it calls the driver once more.
fn is_enough(world: &Shared, taken: usize) -> bool {
    world.with(|world| {
        assert!(taken < 1000 || world.is_flooding(), "messages come without end");
        world.begin_call();
        taken >= 16 && world.is_flooding()
    })
}
