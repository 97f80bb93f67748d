//! The waiting queue under many orders in which its threads run.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use shuttle::sync::{Condvar, Mutex};
use shuttle::{check_pct, check_random, future, thread};

use crate::drive;
use crate::error::{ConnectError, PoolError};
use crate::pool::shared::Lock;
use crate::pool::{CloseReason, Job, PoolState, Poolable, PooledSlot, SharedPool};
use crate::profile::Pooled;

impl Lock for Mutex<PoolState<Socket>> {
    type Member = Socket;

    fn with<R>(&self, work: impl FnOnce(&mut PoolState<Socket>) -> R) -> R {
        work(&mut self.lock().unwrap())
    }
}

#[test]
fn waiters_are_served_in_order_under_any_schedule() {
    check_random(served_in_order, 25_000);
    check_pct(served_in_order, 10_000, 3);
}

#[test]
fn cancelled_waiters_and_failed_dials_lose_no_slot_and_no_wake_under_any_schedule() {
    check_random(cancelled, 25_000);
    check_pct(cancelled, 10_000, 3);
}

#[test]
fn closing_wakes_all_waiters_under_any_schedule() {
    check_random(closed, 25_000);
    check_pct(closed, 10_000, 3);
}

/// One connection, and three threads that each use it twice.
fn served_in_order() {
    let world = World::new(1, 0);
    let borrow = |world: World| {
        for _ in 0..2 {
            let (lent, place) = world.lend().unwrap();
            world.served.lock().unwrap().extend(place);
            world.shared.give_back(lent);
        }
    };
    world.run([borrow; 3]);
    let places = world.served.lock().unwrap().clone();
    assert!(places.is_sorted(), "{places:?}");
}

/// Two connections whose dials may fail, two threads that want one, and one that gives up.
fn cancelled() {
    let world = World::new(2, 3);
    let borrow: fn(World) = |world| {
        for _ in 0..2 {
            // Half of them wait as tasks do.
            let (lent, _) = world.lend().unwrap();
            world.shared.give_back(lent);
            let mut lend = world.shared.lend(Duration::MAX);
            let lent = poll_fn(|context| lend.ask(context.waker()).map_or(Poll::Pending, Poll::Ready));
            let lent = future::block_on(lent).unwrap();
            drop(lend);
            world.shared.give_back(lent);
        }
    };
    let give_up = |world: World| {
        for _ in 0..2 {
            let bell = ThreadWaker::new();
            let waker = bell.waker();
            let mut lend = world.shared.lend(Duration::MAX);
            if let Some(lent) = lend.ask(&waker) {
                world.shared.give_back(lent.unwrap());
            }
            thread::yield_now();
        }
    };
    world.run([borrow, borrow, give_up]);
}

/// Closes the pool while other threads want a connection.
fn closed() {
    let world = World::new(1, 0);
    let borrow: fn(World) = |world| {
        while let Ok((lent, _)) = world.lend() {
            thread::yield_now();
            world.shared.give_back(lent);
        }
    };
    let close = |world: World| {
        thread::yield_now();
        world.close();
    };
    world.run([borrow, borrow, close]);
}

/// A pool, with the number of open sockets.
#[derive(Clone)]
struct World {
    shared: Arc<SharedPool<Mutex<PoolState<Socket>>, Counting>>,
    bell: Arc<ThreadWaker>,
    max: u32,
    sockets: Arc<AtomicU32>,
    /// How many dials fail first.
    failing: Arc<AtomicU32>,
    /// The places of the callers that had to wait, in the order in which they were served.
    served: Arc<std::sync::Mutex<Vec<Duration>>>,
}

impl World {
    fn new(max: u32, failing: u32) -> Self {
        let mut rules = Pooled::new(max);
        rules.min = 0;
        rules.wait = Some(Duration::from_secs(1 << 30));
        rules.lifetime = Duration::from_secs(1 << 30);
        rules.idle = rules.lifetime;
        let bell = ThreadWaker::new();
        let lending = PoolState::new(rules, None, 0, Duration::ZERO);
        let shared = SharedPool::new(Mutex::new(lending), Counting::default(), bell.waker());
        let failing = Arc::new(AtomicU32::new(failing));
        Self { shared: Arc::new(shared), bell, max, sockets: Arc::default(), failing, served: Arc::default() }
    }

    /// Runs these threads at a time, beside the task that dials and closes. In the end nothing is left.
    fn run(&self, acts: [fn(Self); 3]) {
        let spawn = |act: fn(Self)| {
            let world = self.clone();
            thread::spawn(move || act(world))
        };
        let (keeper, acts) = (spawn(|world| world.keep()), acts.map(spawn));
        acts.into_iter().for_each(|act| act.join().unwrap());
        self.close();
        keeper.join().unwrap();
        let status = self.shared.with(|lending, _| lending.status());
        assert_eq!((status.lent, status.waiting, self.sockets.load(Ordering::Relaxed)), (0, 0, 0), "{status:?}");
    }

    fn keep(&self) {
        while let Some((jobs, next)) = self.shared.look_after(false) {
            let is_idle = jobs.is_empty();
            for job in jobs {
                match job {
                    Job::Dial if self.failing.load(Ordering::Relaxed) > 0 => {
                        self.failing.fetch_sub(1, Ordering::Relaxed);
                        let late = ConnectError::NoneInTime { after: Duration::ZERO };
                        self.shared.with(|lending, now| lending.dial_failed(late, now));
                    }
                    Job::Dial => {
                        let socket = Socket::new(&self.sockets, self.max);
                        self.shared.with(|lending, now| lending.dialled(socket, now));
                    }
                    Job::Close(socket, _) => {
                        drop(socket);
                        self.shared.with(|lending, now| lending.closed(now));
                    }
                }
            }
            match next {
                // The pause before a dial ends sooner or later.
                Some(at) if is_idle && at < Duration::from_secs(1 << 20) => self.shared.clock.pass_to(at),
                _ if is_idle => self.bell.wait(),
                _ => {}
            }
        }
    }

    /// Waits as a thread does. Also returns its place in the queue, if it had to wait.
    fn lend(&self) -> Result<(PooledSlot<Socket>, Option<Duration>), PoolError> {
        let mut lend = self.shared.lend(Duration::MAX);
        // Asks as a pool does: a waker is made only when the caller has to wait.
        if let Some(lent) = lend.ask(Waker::noop()) {
            return lent.map(|lent| (lent, None));
        }
        let (bell, place) = (ThreadWaker::new(), lend.until());
        let waker = bell.waker();
        loop {
            if let Some(lent) = lend.ask(&waker) {
                return lent.map(|lent| (lent, place));
            }
            bell.wait();
        }
    }

    fn close(&self) {
        let bell = ThreadWaker::new();
        let waker = bell.waker();
        self.shared.with(|lending, now| lending.close(now));
        while !self.shared.with(|lending, _| lending.poll_drained(&waker)) {
            bell.wait();
        }
        self.shared.with(|lending, now| lending.cut(now));
    }
}

/// A connection. There are never more than the maximum.
struct Socket(Arc<AtomicU32>);

impl Socket {
    fn new(sockets: &Arc<AtomicU32>, max: u32) -> Self {
        assert!(sockets.fetch_add(1, Ordering::Relaxed) < max, "one too many");
        Self(Arc::clone(sockets))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Poolable for Socket {
    type Handle = ();

    fn inspect(&mut self) -> Result<Option<Duration>, CloseReason> {
        Ok(None)
    }

    fn is_to_move(&self) -> bool {
        false
    }

    fn begin(&mut self) {}

    fn end(&mut self) -> bool {
        true
    }

    fn leave(&mut self, _reason: CloseReason) {}
}

/// A clock on which each look is later than the one before.
#[derive(Default)]
struct Counting(AtomicU64);

impl Counting {
    fn pass_to(&self, at: Duration) {
        self.0.fetch_max(u64::try_from(at.as_nanos()).unwrap(), Ordering::Relaxed);
    }
}

impl drive::Clock for Counting {
    fn now(&self) -> Duration {
        Duration::from_nanos(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// Waits as the blocking driver does, with a lock whose order the schedule decides.
struct ThreadWaker {
    is_rung: Mutex<bool>,
    rung: Condvar,
}

impl ThreadWaker {
    fn new() -> Arc<Self> {
        Arc::new(Self { is_rung: Mutex::new(false), rung: Condvar::new() })
    }

    fn waker(self: &Arc<Self>) -> Waker {
        Arc::clone(self).into()
    }

    fn wait(&self) {
        let mut is_rung = self.is_rung.lock().unwrap();
        while !*is_rung {
            is_rung = self.rung.wait(is_rung).unwrap();
        }
        *is_rung = false;
    }
}

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        *self.is_rung.lock().unwrap() = true;
        self.rung.notify_all();
    }
}
