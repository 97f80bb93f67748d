//! A server from its first connection to its last.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use futures_util::FutureExt;

use crate::admission::Admission;
use crate::profile::Profile;
use crate::server::{DrainReport, ServerControl, ServerDriver, ServerRules, run};
use framelink_profile::Framing;

/// A connection, or why there is none. At the first `None` a drain of 8 s is ordered.
type Accepted = io::Result<Option<u32>>;

/// A server without sockets. Its clock goes on where the server waits.
struct Scripted {
    control: Arc<ServerControl>,
    world: Arc<Mutex<World>>,
}

#[derive(Default)]
struct World {
    now: Duration,
    accepts: VecDeque<Accepted>,
    queued: VecDeque<Accepted>,
    /// How long to wait for handshakes, once.
    handshakes: Option<Duration>,
    serves_for: Duration,
    /// Until when connections are served.
    serving: Vec<Duration>,
    /// What the server did, and when in milliseconds.
    log: Vec<(u128, String)>,
}

impl World {
    fn note(&mut self, what: impl Into<String>) {
        self.log.push((self.now.as_millis(), what.into()));
    }
}

impl Scripted {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

impl ServerDriver for Scripted {
    type Connection = u32;

    fn now(&self) -> Duration {
        self.world().now
    }

    fn control(&self) -> &ServerControl {
        &self.control
    }

    async fn accept(&mut self) -> Accepted {
        let accepted = self.world().accepts.pop_front().unwrap_or(Ok(None));
        if matches!(accepted, Ok(None)) {
            self.control.order(self.now(), Duration::from_secs(8));
        }
        accepted
    }

    async fn accept_queued(&mut self) -> Accepted {
        self.world().queued.pop_front().unwrap_or(Ok(None))
    }

    fn handshake_pause(&mut self) -> Option<Duration> {
        self.world().handshakes.take()
    }

    fn close_listener(&mut self) {
        self.world().note("closed");
    }

    fn serve(&mut self, _: &ServerRules, connection: u32) -> io::Result<()> {
        let mut world = self.world();
        let until = world.now.saturating_add(world.serves_for);
        world.serving.push(until);
        world.note(format!("serves {connection}"));
        Ok(())
    }

    fn is_serving(&self) -> bool {
        !self.world().serving.is_empty()
    }

    async fn changed(&mut self, until: Duration) {
        let mut world = self.world();
        let now = world.serving.iter().copied().fold(until, Duration::min);
        world.now = now;
        world.serving.retain(|end| *end > now);
    }

    fn abort(&mut self) {
        self.world().note("aborted");
    }
}

fn too_many_files() -> Accepted {
    Err(io::Error::other("too many open files"))
}

/// Asserts what the server did, and what it told its observer.
fn assert_log(world: World, expected: &[(u128, &str)]) {
    let profile = Arc::new(Profile::builder("net:2".parse::<Framing>().unwrap()).build().unwrap());
    let control = Arc::new(ServerControl::new(Admission::new(&profile)));
    let world = Arc::new(Mutex::new(world));
    let mut rules = ServerRules::new(&profile);
    let observed = Arc::clone(&world);
    rules.observe(&control, Arc::new(move |event| observed.lock().unwrap().note(event.to_string())));
    let report = run(Scripted { control, world: Arc::clone(&world) }, rules).now_or_never();
    assert_eq!(report, Some(DrainReport::default()), "nothing was counted");
    let world = world.lock().unwrap();
    let log: Vec<_> = world.log.iter().map(|(at, what)| (*at, what.as_str())).collect();
    assert_eq!(log, expected);
}

#[test]
fn a_system_that_cannot_accept_is_asked_again_and_both_ends_of_that_are_told_once() {
    let accepts = [too_many_files(), too_many_files(), too_many_files(), Ok(Some(1)), Ok(Some(2))].into();
    let first = (0, "accepting: too many open files; trying again in 10ms");
    let then = [(70, "serves 1"), (70, "accepting again"), (70, "serves 2"), (70, "closed"), (70, "aborted")];
    assert_log(World { accepts, ..World::default() }, &[&[first], &then[..]].concat());
}

#[test]
fn connections_that_waited_when_the_drain_began_are_served() {
    let queued = [Ok(Some(1)), too_many_files(), Ok(Some(2)), Ok(None), Ok(Some(3))].into();
    let (serves_for, handshakes) = (Duration::from_secs(1), Some(Duration::from_millis(5)));
    let first = [(0, "serves 1"), (0, "accepting: too many open files; trying again in 10ms")];
    let then = [(10, "serves 2"), (15, "serves 3"), (15, "closed"), (1015, "aborted")];
    assert_log(World { queued, serves_for, handshakes, ..World::default() }, &[&first[..], &then].concat());
}

#[test]
fn a_queue_that_cannot_be_accepted_is_given_up_when_the_time_of_the_drain_is_over() {
    let queued = (0..1000).map(|_| too_many_files()).collect();
    let first = (0, "accepting: too many open files; trying again in 10ms");
    assert_log(World { queued, ..World::default() }, &[first, (8000, "closed"), (8000, "aborted")]);
}

#[test]
fn a_handler_that_does_not_return_is_left_alone_a_moment_after_the_drain() {
    let (accepts, serves_for) = ([Ok(Some(1))].into(), Duration::MAX);
    assert_log(World { accepts, serves_for, ..World::default() }, &[(0, "serves 1"), (0, "closed"), (8250, "aborted")]);
}
