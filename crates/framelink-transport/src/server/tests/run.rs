//! A server from its first connection to its last.

use std::collections::VecDeque;
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::admission::Admission;
use crate::framing::Framing;
use crate::profile::Profile;
use crate::server::{DrainReport, ServerControl, ServerDriver, ServerRules, run};
use crate::session::Stage;

const DRAIN: Duration = Duration::from_secs(8);

/// A connection that was accepted, or what came instead. At `None` a drain is ordered, or there is none now.
type Accepted = io::Result<Option<u32>>;

/// A server without sockets. Its clock goes on where the server waits.
#[derive(Clone)]
struct Scripted {
    control: Arc<ServerControl>,
    world: Arc<Mutex<World>>,
}

#[derive(Default)]
struct World {
    now: Duration,
    accepts: VecDeque<Accepted>,
    queued: VecDeque<Accepted>,
    /// How long each connection is served, and how long is waited for handshakes, once.
    serves_for: Duration,
    handshakes: Option<Duration>,
    /// Connections that are served, and until when.
    serving: Vec<(u32, Duration)>,
    /// What the server did, and when.
    log: Vec<(Duration, String)>,
}

impl World {
    fn note(&mut self, what: impl Into<String>) {
        self.log.push((self.now, what.into()));
    }
}

impl ServerDriver for Scripted {
    type Connection = u32;

    fn now(&self) -> Duration {
        self.world.lock().unwrap().now
    }

    fn control(&self) -> &ServerControl {
        &self.control
    }

    async fn accept(&mut self) -> Accepted {
        let (accepted, now) = {
            let mut world = self.world.lock().unwrap();
            (world.accepts.pop_front().unwrap_or(Ok(None)), world.now)
        };
        if matches!(accepted, Ok(None)) {
            self.control.order(now, DRAIN);
        }
        accepted
    }

    async fn accept_queued(&mut self) -> Accepted {
        self.world.lock().unwrap().queued.pop_front().unwrap_or(Ok(None))
    }

    fn handshake_pause(&mut self) -> Option<Duration> {
        self.world.lock().unwrap().handshakes.take()
    }

    fn close_listener(&mut self) {
        self.world.lock().unwrap().note("closed");
    }

    fn serve(&mut self, _: &ServerRules, connection: u32) -> io::Result<()> {
        let mut world = self.world.lock().unwrap();
        let until = world.now.saturating_add(world.serves_for);
        world.serving.push((connection, until));
        world.note(format!("serves {connection}"));
        Ok(())
    }

    fn is_serving(&self) -> bool {
        !self.world.lock().unwrap().serving.is_empty()
    }

    async fn changed(&mut self, until: Duration) {
        let mut world = self.world.lock().unwrap();
        let end = world.serving.iter().map(|(_, end)| *end).min();
        world.now = end.map_or(until, |end| end.min(until));
        let now = world.now;
        world.serving.retain(|(_, end)| *end > now);
    }

    fn abort(&mut self) {
        self.world.lock().unwrap().note("aborted");
    }
}

fn too_many_files() -> Accepted {
    Err(io::Error::other("too many open files"))
}

/// What the server did and what it told its observer, in milliseconds.
fn play(world: World) -> Vec<(u128, String)> {
    let framing: Framing = "net:2".parse().unwrap();
    let profile = Arc::new(Profile::builder(framing).build().unwrap());
    let control = Arc::new(ServerControl::new(Admission::new(&profile)));
    let world = Arc::new(Mutex::new(world));
    let mut rules = ServerRules::new(&profile);
    let observed = Arc::clone(&world);
    rules.observe(&control, Arc::new(move |event| observed.lock().unwrap().note(event.to_string())));
    let report = at_once(run(Scripted { control, world: Arc::clone(&world) }, rules));
    assert_eq!(report, DrainReport::default(), "nothing was counted");
    let world = world.lock().unwrap();
    world.log.iter().map(|(at, what)| (at.as_millis(), what.clone())).collect()
}

/// Nothing waits here but the clock.
fn at_once<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("suspended"),
    }
}

fn lines(log: &[(u128, String)]) -> Vec<(u128, &str)> {
    log.iter().map(|(at, what)| (*at, what.as_str())).collect()
}

#[test]
fn a_system_that_cannot_accept_is_asked_again_and_both_ends_of_that_are_told_once() {
    let accepts = [too_many_files(), too_many_files(), too_many_files(), Ok(Some(1)), Ok(Some(2))].into();
    let log = play(World { accepts, ..World::default() });
    let expected = [
        (0, "accepting: too many open files; trying again in 10ms"),
        (70, "serves 1"),
        (70, "accepting again"),
        (70, "serves 2"),
        (70, "closed"),
        (70, "aborted"),
    ];
    assert_eq!(lines(&log), expected);
}

#[test]
fn connections_that_waited_when_the_drain_began_are_served() {
    let queued = [Ok(Some(1)), too_many_files(), Ok(Some(2)), Ok(None), Ok(Some(3))].into();
    let (serves_for, handshakes) = (Duration::from_secs(1), Some(Duration::from_millis(5)));
    let log = play(World { queued, serves_for, handshakes, ..World::default() });
    let expected = [
        (0, "serves 1"),
        (0, "accepting: too many open files; trying again in 10ms"),
        (10, "serves 2"),
        (15, "serves 3"),
        (15, "closed"),
        (1015, "aborted"),
    ];
    assert_eq!(lines(&log), expected);
}

#[test]
fn a_queue_that_cannot_be_accepted_is_given_up_when_the_time_of_the_drain_is_over() {
    let queued = (0..1000).map(|_| too_many_files()).collect();
    let log = play(World { queued, ..World::default() });
    assert_eq!(lines(&log)[1..], [(8000, "closed"), (8000, "aborted")]);
}

#[test]
fn a_handler_that_does_not_return_is_left_alone_a_moment_after_the_drain() {
    let (accepts, serves_for) = ([Ok(Some(1))].into(), Duration::MAX);
    let log = play(World { accepts, serves_for, ..World::default() });
    assert_eq!(lines(&log), [(0, "serves 1"), (0, "closed"), (8250, "aborted")]);
}

#[test]
fn connections_are_told_each_stage_of_the_drain() {
    let framing: Framing = "net:2".parse().unwrap();
    let profile = Profile::builder(framing).build().unwrap();
    let admission = Admission::new(&profile);
    let permit = admission.admit(([192, 0, 2, 1], 1).into()).unwrap();
    let control = ServerControl::new(admission);
    let at = Duration::from_secs;
    control.order(at(0), DRAIN);
    assert_eq!((permit.notice().stage(), control.next_at(at(0))), (Stage::Draining, Some(at(4))));
    control.order(at(1), Duration::ZERO);
    assert_eq!((permit.notice().stage(), control.next_at(at(1))), (Stage::Cut, None));
}
