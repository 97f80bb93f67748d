//! The run of a server.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::admission::Admission;
use crate::profile::Profile;
use crate::server::{ServedGuard, ServerControl, ServerListener, run};
use crate::tokio::Tokio;
use framelink_profile::Framing;

/// A connection, or why there is none. At the first `None` a drain of 8 s is ordered.
type Accepted = io::Result<Option<u32>>;

/// A listener without sockets, on a clock that moves when all tasks wait.
struct Scripted {
    control: Arc<ServerControl<Tokio>>,
    world: Arc<Mutex<World>>,
    tasks: JoinSet<()>,
}

#[derive(Default)]
struct World {
    began: Option<Instant>,
    accepts: VecDeque<Accepted>,
    queued: VecDeque<Accepted>,
    /// How long to wait for handshakes, once.
    handshakes: Option<Duration>,
    serves_for: Duration,
    /// The acts of the server, with their times in milliseconds.
    log: Vec<(u128, String)>,
}

impl World {
    fn note(&mut self, what: impl Into<String>) {
        let began = *self.began.get_or_insert_with(Instant::now);
        self.log.push((began.elapsed().as_millis(), what.into()));
    }
}

impl Scripted {
    fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap()
    }
}

impl ServerListener for Scripted {
    type Driver = Tokio;
    type Connection = u32;

    async fn accept(&mut self, _: impl Future<Output = ()> + Send) -> Accepted {
        let accepted = self.world().accepts.pop_front().unwrap_or(Ok(None));
        if matches!(accepted, Ok(None)) {
            self.control.order(Duration::from_secs(8));
        }
        accepted
    }

    async fn accept_queued(&mut self) -> Accepted {
        self.world().queued.pop_front().unwrap_or(Ok(None))
    }

    fn handshake_pause(&mut self) -> Option<Duration> {
        self.world().handshakes.take()
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        guard: ServedGuard<Tokio>,
        serve: impl FnOnce(ServedGuard<Tokio>) -> F + Send + 'static,
    ) -> io::Result<()> {
        self.tasks.spawn(serve(guard.begun()));
        Ok(())
    }

    fn close(self) -> impl Send {
        self.world().note("closed");
        self
    }
}

impl Drop for Scripted {
    fn drop(&mut self) {
        self.world().note("aborted");
    }
}

fn too_many_files() -> Accepted {
    Err(io::Error::other("too many open files"))
}

/// Asserts what the server did, what it told its observer, and how many connections it cut.
async fn assert_log(mut world: World, expected: &[(u128, &str)], cut: u64) {
    world.began = Some(Instant::now());
    let profile = Arc::new(Profile::builder("net:2".parse::<Framing>().unwrap()).build().unwrap());
    let control = ServerControl::new(Admission::new(&profile));
    let world = Arc::new(Mutex::new(world));
    let observed = Arc::clone(&world);
    control.stats.admission.observe(move |event| observed.lock().unwrap().note(event.to_string()));
    let serving = Arc::clone(&world);
    let serve = move |connection, guard| {
        let mut world = serving.lock().unwrap();
        world.note(format!("serves {connection}"));
        let ended = sleep(world.serves_for);
        async move {
            let _guard: ServedGuard<_> = guard;
            ended.await;
        }
    };
    let scripted = Scripted { control: Arc::clone(&control), world: Arc::clone(&world), tasks: JoinSet::new() };
    let report = run(scripted, control, serve).await;
    assert_eq!((report.connections_cut, report.closed, report.answered), (cut, 0, 0), "{report:?}");
    let world = world.lock().unwrap();
    let log: Vec<_> = world.log.iter().map(|(at, what)| (*at, what.as_str())).collect();
    assert_eq!(log, expected);
}

#[tokio::test(start_paused = true)]
async fn a_failing_accept_is_tried_again_and_its_begin_and_end_are_reported_once() {
    let accepts = [too_many_files(), too_many_files(), too_many_files(), Ok(Some(1)), Ok(Some(2))].into();
    let first = (0, "accepting: too many open files; trying again in 10ms");
    let then = [(70, "serves 1"), (70, "accepting again"), (70, "serves 2"), (70, "closed"), (70, "aborted")];
    assert_log(World { accepts, ..World::default() }, &[&[first], &then[..]].concat(), 2).await;
}

#[tokio::test(start_paused = true)]
async fn connections_that_waited_when_the_drain_began_are_served() {
    let queued = [Ok(Some(1)), too_many_files(), Ok(Some(2)), Ok(None), Ok(Some(3))].into();
    let (serves_for, handshakes) = (Duration::from_secs(1), Some(Duration::from_millis(5)));
    let first = [(0, "serves 1"), (0, "accepting: too many open files; trying again in 10ms")];
    let then = [(10, "serves 2"), (15, "serves 3"), (15, "closed"), (1015, "aborted")];
    assert_log(World { queued, serves_for, handshakes, ..World::default() }, &[&first[..], &then].concat(), 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_queue_that_cannot_be_accepted_is_given_up_at_the_end_of_the_drain() {
    let queued = (0..1000).map(|_| too_many_files()).collect();
    let first = (0, "accepting: too many open files; trying again in 10ms");
    assert_log(World { queued, ..World::default() }, &[first, (8000, "closed"), (8000, "aborted")], 0).await;
}

#[tokio::test(start_paused = true)]
async fn a_handler_that_does_not_return_is_left_alone_a_moment_after_the_drain() {
    let (accepts, serves_for) = ([Ok(Some(1))].into(), Duration::MAX);
    let log = [(0, "serves 1"), (0, "closed"), (8250, "aborted")];
    assert_log(World { accepts, serves_for, ..World::default() }, &log, 1).await;
}
