//! The non-blocking driver in an event loop that follows the driver's documentation.

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

/// A reply that has arrived when a call is over is still taken for 250 ms while bytes arrive without end.
const FLOOD: &[Duration] = &[Duration::from_millis(50); 7];

/// The socket of a world. Its waker stands for the system's event.
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

/// Returns the connection of a scene, the flag that its events raise, and its heartbeats.
fn connect(scene: &Scene) -> (Connection<FramingPair, Stream>, Arc<Flag>, Option<LivenessHandle>) {
    let flag = Flag::up();
    let stream = Stream { world: scene.world.clone(), waker: flag.waker(), gathers: scene.gathers };
    let mut connection = Connection::new(stream, Arc::clone(&FRAMING));
    let liveness = scene.heartbeat.as_ref().map(|(heartbeat, role)| connection.watch(Arc::clone(heartbeat), *role));
    (connection, flag, liveness)
}

/// Returns whether a turn begins: there was an event, or a time is over.
fn is_turn(flag: &Flag, deadline: Option<Duration>, world: &Shared) -> bool {
    world.with(World::begin_call);
    flag.lower() || deadline == Some(Duration::ZERO)
}

/// Returns whether a turn ends after this many messages, because messages arrive without end.
fn is_enough(world: &Shared, taken: usize) -> bool {
    world.with(|world| {
        assert!(taken < 1000 || world.is_flooding(), "messages come without end");
        world.begin_call();
        taken >= 16 && world.is_flooding()
    })
}
