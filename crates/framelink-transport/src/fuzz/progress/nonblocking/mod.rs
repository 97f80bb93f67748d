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

use super::bell::Bell;
use super::step::{Step, Steps};
use super::world::{Shared, World};
use super::{FRAMING, Scene};
use crate::Directions;
use crate::fuzz::simulated::{self, Simulation};
use crate::nonblocking::{Connection, WriteStream};
use crate::session::Pulse;

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
        let bytes: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        self.write(&bytes)
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

/// What an event loop does with a connection of some shape.
trait Driven {
    /// After an event, or when the deadline has come. False once it has ended.
    fn turn(&mut self, world: &Shared) -> bool;
    /// After so long it wants its turn though no event comes.
    fn deadline(&self) -> Option<Duration>;
    /// Whether it reads all that comes.
    fn is_reading(&self, world: &World) -> bool;
    /// Whether it hands over what it reads.
    fn is_taking(&self) -> bool;
    fn unwritten_bytes(&self) -> usize;
    /// How many messages it has taken.
    fn taken(&self) -> u64;
    /// When the first of its operations has to be over, as the simulated clock says.
    fn until(&self) -> Option<Duration>;
}

/// What had come when the time of a call was over is taken for 250 ms more, where something always comes.
const FLOOD_GRACE: Duration = Duration::from_millis(400);

/// What turns an event loop for one connection.
struct Loop {
    world: Shared,
    bell: Bell,
    pulse: Option<Pulse>,
    start: std::time::Instant,
}

impl Loop {
    /// With the connection of a scene.
    fn new(scene: Scene) -> (Self, Connection<Directions, Stream>) {
        let bell = Bell::rung();
        let stream = Stream { world: scene.world.clone(), waker: bell.waker.clone(), gathers: scene.gathers };
        let mut connection = Connection::new(stream, Arc::clone(&FRAMING));
        let pulse = scene.heartbeat.map(|(heartbeat, role)| connection.watch(heartbeat, role));
        let start = simulated::now().expect("a simulation");
        (Self { world: scene.world, bell, pulse, start }, connection)
    }

    fn now(&self) -> Duration {
        simulated::now().expect("a simulation") - self.start
    }

    /// What does not concern the application. False once the connection has ended.
    fn step(&self, driven: &mut impl Driven, step: Step) -> bool {
        match step {
            Step::Peer(change) => self.world.with(|world| world.change(change)),
            Step::Wait(time) => simulated::advance(time),
            Step::Flood(flood, time) => {
                self.world.with(|world| world.begin_flood(flood));
                let goes_on = self.flooded(driven, time);
                self.world.with(World::end_flood);
                self.bell.ring();
                if !goes_on {
                    return false;
                }
            }
            Step::GiveUp(_) | Step::Begin(_) => {}
        }
        self.settle(driven)
    }

    /// Turns as long as there is a reason to.
    fn settle(&self, driven: &mut impl Driven) -> bool {
        let mut turns = 0;
        while self.bell.take() || driven.deadline() == Some(Duration::ZERO) {
            turns += 1;
            assert!(turns < 100, "it wants another turn again and again, and does nothing");
            if !driven.turn(&self.world) {
                return false;
            }
        }
        self.check(driven);
        true
    }

    /// The peer sends without end, for so long and a little longer.
    fn flooded(&self, driven: &mut impl Driven, time: Duration) -> bool {
        let little = FLOOD_GRACE / 8;
        for passes in [Duration::ZERO, time, little, little, little, little, little, little, little] {
            simulated::advance(passes);
            self.bell.ring();
            if !driven.turn(&self.world) {
                return false;
            }
        }
        self.check_time(driven, FLOOD_GRACE, "a deadline passes while the peer sends without end");
        true
    }

    fn check_time(&self, driven: &impl Driven, grace: Duration, why: &str) {
        assert!(driven.until().is_none_or(|until| until + grace > self.now()), "{why}");
    }

    /// Neither an event nor a time is waited for that has come already.
    fn check(&self, driven: &impl Driven) {
        self.check_time(driven, Duration::ZERO, "a deadline has passed");
        self.world.with(|world| {
            assert!(driven.unwritten_bytes() == 0 || !world.takes_more(), "a message could leave");
            if driven.is_reading(world) {
                assert!(!world.has_unread(), "something to read was not seen");
                let is_taken = world.arrived_messages() <= driven.taken() || !driven.is_taking();
                assert!(is_taken, "a message has arrived and was not delivered");
                if let Some(pulse) = &self.pulse {
                    assert!(!(pulse.has_due() && world.takes_more()), "a heartbeat is due and could leave");
                    assert!(pulse.deadline().is_none_or(|at| at >= self.now()), "a heartbeat is due and was forgotten");
                }
            }
        });
    }

    /// In the end the peer does all that is wanted of it, without any time.
    fn relieve(&self, driven: &mut impl Driven) -> bool {
        for round in 0..3 {
            self.world.with(|world| match round {
                1 => world.open(usize::MAX / 4),
                _ => world.answer_all(),
            });
            if !self.settle(driven) {
                return false;
            }
        }
        true
    }
}

/// Whether a turn that has taken so many messages is over, for they come without end. If it is not, it calls the driver once more.
fn is_enough(world: &Shared, taken: usize) -> bool {
    world.with(|world| {
        assert!(taken < 1000 || world.is_flooding(), "messages come without end");
        world.begin_call();
        taken >= 16 && world.is_flooding()
    })
}

/// Runs a schedule on a simulated clock.
fn run(data: &[u8], schedule: impl FnOnce(Scene, Steps<'_>)) {
    let _simulation = Simulation::begin();
    if let Some((scene, steps)) = Scene::of(data) {
        schedule(scene, steps);
    }
}
