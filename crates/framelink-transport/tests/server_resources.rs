//! The resources that strangers can make a server hold, and that all are freed when the strangers are gone. This
//! program has one test, because the test looks at the process.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use framelink_transport::profile::WhenFull;
use framelink_transport::{DrainReport, Framing, Profile, ProfileBuilder, ServerCounts, blocking, tokio as driver};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::baseline::Baseline;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const KIB: usize = 1024;
const STRANGERS: usize = 400;
/// The allowance for memory of allocators, runtimes and the test itself.
const SLACK: usize = 64 * KIB;
const DEADLINE: Duration = Duration::from_secs(10);

fn profile() -> ProfileBuilder {
    let framing: Framing = "net:2".parse().unwrap();
    Profile::builder(framing).connections(2000).close_timeout(Duration::from_millis(200))
}

/// A running server of either driver.
struct Running {
    address: SocketAddr,
    counts: Box<dyn Fn() -> ServerCounts>,
    drain: Box<dyn Fn(Duration)>,
    tasks: Box<dyn Fn() -> usize>,
    ended: JoinHandle<DrainReport>,
    /// The condition for which a hanging handler waits.
    may_go: Arc<AtomicBool>,
}

type Start = fn(&ProfileBuilder) -> Running;
/// The name of a row, and its function.
type Row = (&'static str, fn(Start));

fn on_tokio(profile: &ProfileBuilder) -> Running {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(driver::Server::bind("127.0.0.1:0", &Arc::new(profile.build().unwrap()))).unwrap();
    let (address, handle, metrics) = (server.local_addr().unwrap(), server.handle(), runtime.metrics());
    let counts = handle.clone();
    let served = server.run(|message| async move {
        if message[..] == *b"hang" {
            std::future::pending::<()>().await;
        }
        answer(&message)
    });
    Running {
        address,
        counts: Box::new(move || counts.counts()),
        drain: Box::new(move |within| handle.drain(within)),
        tasks: Box::new(move || metrics.num_alive_tasks()),
        ended: thread::spawn(move || runtime.block_on(served)),
        may_go: Arc::default(),
    }
}

fn on_threads(profile: &ProfileBuilder) -> Running {
    let server = blocking::Server::bind("127.0.0.1:0", &Arc::new(profile.build().unwrap())).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let may_go = Arc::new(AtomicBool::new(false));
    let (counts, waits_for) = (handle.clone(), Arc::clone(&may_go));
    let serve = move || {
        server.run(move |message| {
            while message[..] == *b"hang" && !waits_for.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
            }
            answer(&message)
        })
    };
    Running {
        address,
        counts: Box::new(move || counts.counts()),
        drain: Box::new(move |within| handle.drain(within)),
        tasks: Box::new(|| 0),
        ended: thread::spawn(serve),
        may_go,
    }
}

fn answer(message: &[u8]) -> Option<Vec<u8>> {
    assert_ne!(message, b"panic", "a panic on purpose");
    Some(message.to_vec())
}

impl Running {
    #[track_caller]
    fn eventually(&self, what: &str, said: impl Fn(&ServerCounts) -> bool) {
        let began = Instant::now();
        while !said(&(self.counts)()) {
            assert!(began.elapsed() < DEADLINE, "{what}: {:?}", (self.counts)());
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn end(self, within: Duration) -> DrainReport {
        (self.drain)(within);
        let report = self.ended.join().unwrap();
        self.may_go.store(true, Ordering::SeqCst);
        report
    }
}

/// Dials from an address that a hundred clients share.
fn dial(address: SocketAddr, number: usize) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let source = Ipv4Addr::new(127, 3, 0, u8::try_from(1 + number / 100).unwrap());
    socket.bind(&SocketAddr::from((source, 0)).into()).unwrap();
    socket.connect(&address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn asks(stream: &mut TcpStream, message: &[u8]) {
    stream.write_all(&[0, u8::try_from(message.len()).unwrap()]).unwrap();
    stream.write_all(message).unwrap();
}

fn has_ended(stream: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).is_ok() && rest.is_empty()
}

#[test]
fn a_stranger_uses_few_resources_and_leaves_none_behind() {
    // The first backtrace loads debug information and keeps it, so panics are printed without one.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    for (driver, start) in [("tokio", on_tokio as Start), ("blocking", on_threads)] {
        // The first server allocates shared state, which is not counted.
        honest(start(&profile()));
        let rows: &[Row] = &[
            ("strangers hold little", strangers_hold_little),
            ("honest clients", |start| honest(start(&profile()))),
            ("a panic", panics),
            ("a handler that hangs is cut", hangs),
            ("idle ones", idle),
            ("a flood of refused ones", refused),
            ("oldest ones dropped", dropped),
        ];
        for (row, run) in rows {
            let before = Baseline::with_heap(ALLOCATOR, SLACK);
            run(start);
            before.assert_freed(&format!("{driver}: {row}"));
        }
    }
}

/// The strangers are connected and silent, or have sent one byte.
fn strangers_hold_little(start: Start) {
    let server = start(&profile());
    let before = Baseline::with_heap(ALLOCATOR, SLACK).held.heap;
    let mut strangers = Vec::with_capacity(STRANGERS);
    strangers.extend((0..STRANGERS).map(|number| dial(server.address, number)));
    server.eventually("all are admitted", |counts| counts.connections == STRANGERS);
    assert_little("connected", before);
    for stranger in &mut strangers {
        stranger.write_all(&[0]).unwrap();
    }
    // The server reads them before a client that connects later.
    let mut last = dial(server.address, STRANGERS);
    asks(&mut last, b"hello");
    server.eventually("the last is answered", |counts| counts.answered == 1);
    thread::sleep(Duration::from_millis(100));
    assert_little("a byte sent", before);
    drop((strangers, last));
    assert!(server.end(DEADLINE).is_clean());
}

#[track_caller]
fn assert_little(what: &str, before: usize) {
    let each = Baseline::with_heap(ALLOCATOR, SLACK).held.heap.saturating_sub(before) / STRANGERS;
    println!("{what}: {each} bytes each");
    assert!(each <= 4 * KIB, "{what}: {each} bytes each");
}

fn honest(server: Running) {
    let mut clients: Vec<_> = (0..10).map(|number| dial(server.address, number)).collect();
    for client in &mut clients {
        asks(client, b"hello");
        client.read_exact(&mut [0; 7]).unwrap();
    }
    (server.drain)(DEADLINE);
    assert!(clients.iter_mut().all(has_ended));
    drop(clients);
    let tasks = server.tasks.as_ref();
    while tasks() > 0 {
        thread::sleep(Duration::from_millis(1));
    }
    assert!(server.end(DEADLINE).is_clean());
}

fn panics(start: Start) {
    let server = start(&profile());
    let mut client = dial(server.address, 0);
    asks(&mut client, b"panic");
    assert!(has_ended(&mut client));
    server.eventually("the panic is counted", |counts| counts.closed.panicked == 1);
    assert!(server.end(DEADLINE).is_clean());
}

fn hangs(start: Start) {
    let server = start(&profile());
    let mut client = dial(server.address, 0);
    asks(&mut client, b"hang");
    server.eventually("the request is accepted", |counts| counts.in_flight == 1);
    let report = server.end(Duration::from_millis(100));
    assert_eq!((report.cut, report.connections_cut), (1, 1), "{report:?}");
}

fn idle(start: Start) {
    let server = start(&profile().idle_timeout(Duration::from_millis(100)));
    let mut clients: Vec<_> = (0..50).map(|number| dial(server.address, number)).collect();
    assert!(clients.iter_mut().all(has_ended));
    drop(clients);
    server.eventually("all are counted", |counts| counts.closed.idle == 50);
    assert!(server.end(DEADLINE).is_clean());
}

fn refused(start: Start) {
    let server = start(&profile().connections(1));
    let mut first = dial(server.address, 0);
    asks(&mut first, b"hello");
    first.read_exact(&mut [0; 7]).unwrap();
    for number in 1..500 {
        drop(dial(server.address, number));
    }
    server.eventually("all are refused", |counts| counts.admission.refused() == 499);
    drop(first);
    assert!(server.end(DEADLINE).is_clean());
}

fn dropped(start: Start) {
    let server = start(&profile().connections(2).when_full(WhenFull::DropOldest));
    for number in 0..200 {
        let mut client = dial(server.address, number);
        asks(&mut client, b"hello");
        client.read_exact(&mut [0; 7]).unwrap();
        // The client stays until it is dropped for a newer one, or ends below.
        if number % 2 == 0 {
            thread::spawn(move || has_ended(&mut client));
        }
    }
    server.eventually("all but the open connections", |counts| counts.closed.all() >= 198);
    server.end(Duration::from_secs(1));
}
