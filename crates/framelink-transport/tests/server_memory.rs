//! Strangers cannot make a server hold more than its memory budget, on any driver, and honest clients are answered
//! meanwhile. This program has one test, because the test counts the allocations of the process.

#![cfg(target_os = "linux")] // each address of 127.0.0.0/8 is a client
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod support;

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::session::{Concurrency, Ending};
use framelink_transport::{Blame, Cause, Framing, Profile, ProfileBuilder};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use support::gates::Gates;
use support::server::{Blocking, NonBlocking, Serve, Server, Tokio};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const KIB: usize = 1024;
const LONGEST: usize = 256 * KIB;
/// The memory budget of all clients, and of one client.
const BUDGET: usize = 4096 * KIB;
const SHARE: usize = 2048 * KIB;
const STRANGERS: usize = 80;
/// The allowance for connections, threads, the buffer of each thread, reads and copies in progress, and the copies that
/// the handlers make of their requests. Without a budget, a server holds five times as much.
const BESIDES: usize = 2 * BUDGET;
const DEADLINE: Duration = Duration::from_secs(20);

/// The bytes that strangers send, and the profile of the server for them.
struct Attack {
    name: &'static str,
    profile: fn(ProfileBuilder) -> ProfileBuilder,
    bytes: fn() -> Vec<u8>,
}

const ATTACKS: &[Attack] = &[
    Attack { name: "all but the last byte of a message", profile: |profile| profile, bytes: half_a_message },
    Attack { name: "requests whose replies are not read", profile: |profile| profile, bytes: requests },
    Attack {
        name: "requests behind one that takes long, read ahead for heartbeats",
        profile: |profile| profile.heartbeat("empty,interval=30s,timeout=10s".parse().unwrap()),
        bytes: requests_that_wait,
    },
];

#[test]
fn strangers_use_no_more_than_the_memory_budget_and_honest_clients_are_answered() {
    let before = heap();
    for attack in ATTACKS {
        assert_withstood::<Tokio>(attack, before);
        assert_withstood::<Blocking>(attack, before);
        assert_withstood::<NonBlocking>(attack, before);
    }
    a_client_over_its_share_takes_no_memory_from_others::<Tokio>();
}

fn half_a_message() -> Vec<u8> {
    let mut frame = frame(&vec![b'x'; LONGEST]);
    frame.pop();
    frame
}

fn requests() -> Vec<u8> {
    frame(&vec![b'x'; LONGEST - 1]).repeat(4)
}

/// Requests of another length, which the handler recognizes by their content.
fn requests_that_wait() -> Vec<u8> {
    frame(&vec![b'w'; 40 * KIB]).repeat(10)
}

fn frame(payload: &[u8]) -> Vec<u8> {
    [&u32::try_from(payload.len()).unwrap().to_be_bytes(), payload].concat()
}

fn profile() -> ProfileBuilder {
    let framing: Framing = format!("net:4,max={LONGEST}").parse().unwrap();
    Profile::builder(framing)
        .memory(BUDGET)
        .memory_per_client(SHARE)
        .close_timeout(Duration::from_millis(100))
        .write_timeout(Duration::from_secs(60))
}

fn start<S: Serve>(profile: &ProfileBuilder, gates: &Gates) -> Server {
    let gates = gates.clone();
    let handler = move |message: &[u8]| {
        if message.first() == Some(&b'w') {
            gates.pass(b"long");
            return None;
        }
        Some(message.to_vec())
    };
    S::start(profile.build().unwrap(), Concurrency::default(), Arc::new(handler))
}

fn assert_withstood<S: Serve>(attack: &Attack, before: usize) {
    let what = format!("{}: {}", S::NAME, attack.name);
    let gates = Gates::default();
    let server = start::<S>(&(attack.profile)(profile()), &gates);
    let bytes: Arc<[u8]> = (attack.bytes)().into();
    let peak = Peak::watch();
    let mut honest = dial([127, 99, 0, 1], server.address);
    is_answered(&mut honest, &what);
    let sending: Vec<_> = (0..4)
        .map(|part| {
            let (bytes, address) = (Arc::clone(&bytes), server.address);
            thread::spawn(move || (0..STRANGERS / 4).map(|i| attacks(&bytes, part * STRANGERS + i, address)).collect())
        })
        .collect();
    while sending.iter().any(|thread| !thread.is_finished()) {
        is_answered(&mut honest, &what);
    }
    let strangers: Vec<Vec<TcpStream>> = sending.into_iter().map(|thread| thread.join().unwrap()).collect();
    is_answered(&mut honest, &what);
    is_answered(&mut dial([127, 99, 0, 2], server.address), &what);

    let ending = (0..STRANGERS).find_map(|_| match server.outcome() {
        Err(error) if matches!(error.cause(), Cause::Ended(Ending::Memory { .. })) => Some(error),
        _ => None,
    });
    let error = ending.unwrap_or_else(|| panic!("{what}: no stranger was cut off"));
    assert_eq!(error.blame(), Blame::Ours);
    let told = "the server's memory budget of 4MiB was used up, and this client held most of it";
    assert!(error.to_string().ends_with(told), "{error}");
    let most = peak.stop().saturating_sub(before + bytes.len());
    println!("{what}: {} KiB at most", most / KIB);
    assert!(most <= BUDGET + BESIDES, "{what}: {} KiB were held", most / KIB);
    gates.open(b"long");
    drop((strangers, honest, bytes));
    // All the memory is freed.
    let began = Instant::now();
    while heap() > before + BESIDES / 8 {
        assert!(began.elapsed() < DEADLINE, "{what}: {} KiB are left", heap().saturating_sub(before) / KIB);
        thread::sleep(Duration::from_millis(1));
    }
}

/// Sends the bytes until they are written or the connection ends. The writes have a timeout.
fn attacks(bytes: &[u8], number: usize, address: SocketAddr) -> TcpStream {
    let mut stream = dial([127, 1, 0, u8::try_from(1 + number % 40).unwrap()], address);
    stream.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
    let _ = stream.write_all(bytes);
    stream
}

/// A client over its share takes no memory from others: only its own connections end.
fn a_client_over_its_share_takes_no_memory_from_others<S: Serve>() {
    let server = start::<S>(&profile().memory(2 * BUDGET), &Gates::default());
    let halves: Vec<_> = (0..7).map(|_| dial([127, 2, 0, 1], server.address)).collect();
    let bytes = half_a_message();
    // Seven connections hold less than the share, and two more exceed it. The other client stays below.
    let others: Vec<_> = (0..5).map(|_| dial([127, 2, 0, 2], server.address)).collect();
    for mut stream in halves.iter().chain(&others) {
        stream.write_all(&bytes).unwrap();
    }
    let mut honest = dial([127, 99, 0, 1], server.address);
    is_answered(&mut honest, "before");
    let too_many: Vec<_> = (0..2).map(|_| dial([127, 2, 0, 1], server.address)).collect();
    for mut stream in &too_many {
        let _ = stream.write_all(&bytes);
    }
    let error = server.outcome().unwrap_err();
    assert!(matches!(error.cause(), Cause::Ended(Ending::ClientMemory { limit: SHARE })), "{error}");
    assert_eq!(error.peer().unwrap().ip(), Ipv4Addr::new(127, 2, 0, 1));
    for mut other in others {
        other.write_all(b"x").unwrap();
        other.read_exact(&mut vec![0; LONGEST + 4]).unwrap();
    }
}

#[track_caller]
fn is_answered(client: &mut TcpStream, what: &str) {
    let request = frame(b"hello");
    client.write_all(&request).unwrap_or_else(|error| panic!("{what}: {error}"));
    let mut reply = vec![0; request.len()];
    client.read_exact(&mut reply).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(reply, request, "{what}");
}

/// Dials with small socket buffers, so that the server and not the system holds the bytes.
fn dial(source: [u8; 4], address: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(32 * KIB).unwrap();
    socket.bind(&SocketAddr::from((Ipv4Addr::from(source), 0)).into()).unwrap();
    socket.connect(&address.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

fn heap() -> usize {
    let stats = ALLOCATOR.stats();
    stats.bytes_allocated.saturating_sub(stats.bytes_deallocated)
}

/// A thread that watches the size of the heap.
struct Peak {
    is_over: Arc<AtomicBool>,
    most: Arc<AtomicUsize>,
    watching: thread::JoinHandle<()>,
}

impl Peak {
    fn watch() -> Self {
        let (is_over, most) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
        let (ends, seen) = (Arc::clone(&is_over), Arc::clone(&most));
        let watching = thread::spawn(move || {
            while !ends.load(Ordering::Acquire) {
                seen.fetch_max(heap(), Ordering::AcqRel);
                thread::sleep(Duration::from_micros(200));
            }
        });
        Self { is_over, most, watching }
    }

    fn stop(self) -> usize {
        self.is_over.store(true, Ordering::Release);
        self.watching.join().unwrap();
        self.most.load(Ordering::Acquire)
    }
}
