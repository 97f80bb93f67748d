//! A hundred thousand messages to a thousand subscribers, ten of which read nothing.
//!
//! `PUSHES` and `SUBSCRIBERS` in the environment change the numbers. This program has one test, because the test looks
//! at the memory of the process.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{ErrorKind, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::session::{Backlog, Concurrency, PushCounts, SlowRule};
use framelink_transport::tokio::Listener;
use framelink_transport::{Framing, FramingPair, MemberId, Profile, Registry, SocketOptions, Target};

/// Every event that the test waits for happens within this time, or the test fails.
const DEADLINE: Duration = Duration::from_secs(60);
const DEAF: usize = 10;
/// A batch is pushed when all readers have the batch before the last one: two batches are fewer than the backlog holds.
const BATCH: usize = 400;
/// The memory over that before the first push. While the writers are behind, a batch takes 13 MiB of it.
const MOST_MIB: usize = 64;

#[test]
fn a_hundred_thousand_messages_reach_all_that_read_in_order() {
    let (pushes, subscribers) = (number("PUSHES", 100_000), number("SUBSCRIBERS", 1000));
    if !has_files_for(subscribers) {
        return again_with_more_files();
    }
    let registry = Registry::new(Backlog::new(SlowRule::Drop));
    let (address, joined) = serve(registry.clone());
    let deaf: Vec<_> = (0..DEAF).map(|_| dial(address, 4 * 1024)).collect();
    let deaf_ids: Vec<_> = (0..DEAF).map(|_| joined.recv_timeout(DEADLINE).unwrap()).collect();
    let reading: Vec<_> = (DEAF..subscribers).map(|_| dial(address, 64 * 1024)).collect();
    (DEAF..subscribers).for_each(|_| assert!(joined.recv_timeout(DEADLINE).is_ok()));

    let (tell, batches) = mpsc::channel();
    let readers = thread::spawn(move || read_all(reading, pushes, &tell));
    let (began, before) = (Instant::now(), resident_mib());
    let most = push_all(&registry, pushes, &batches);
    readers.join().unwrap();
    let (all, reading) = ((pushes * subscribers) as u64, (pushes * (subscribers - DEAF)) as u64);
    let counts = eventually(&registry, |counts| counts.delivered >= reading);
    println!(
        "{pushes} messages to {subscribers}: {:?}, {before} MiB before, {most} at most, {counts:?}",
        began.elapsed()
    );

    assert!(most.saturating_sub(before) < MOST_MIB, "{before} MiB before, {most} MiB at most");
    assert!(counts.delivered + counts.dropped <= all, "{counts:?}");
    assert_eq!((counts.skipped, counts.lost, counts.closed), (0, 0, 0));
    let mut dropped = 0;
    for id in &deaf_ids {
        let (counts, waiting) = (registry.counts_of(*id).unwrap(), registry.waiting_for(*id).unwrap());
        assert!(counts.dropped > 0, "a subscriber that reads nothing is too slow: {counts:?}");
        assert!(waiting <= Backlog::MESSAGES);
        assert!(counts.delivered + counts.dropped + waiting as u64 <= pushes as u64);
        dropped += counts.dropped;
    }
    assert_eq!(counts.dropped, dropped, "no message is dropped for a subscriber that reads");
    drop(deaf);
}

/// Accepts connections on one thread of tokio, and has each join the registry. Returns the members in order.
fn serve(registry: Registry) -> (SocketAddr, Receiver<MemberId>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let framing: Framing = "net:2".parse().unwrap();
    let profile: &'static Profile = Box::leak(Box::new(Profile::builder(framing).build().unwrap()));
    let mut options = SocketOptions::new();
    options.send_buffer = Some(64 * 1024);
    let mut listener =
        runtime.block_on(Listener::bind_with("127.0.0.1:0", FramingPair::from(framing), options)).unwrap();
    let (address, (tell, joined)) = (listener.local_addr().unwrap(), mpsc::channel());
    let accepting = async move {
        while let Ok(mut connection) = listener.accept().await {
            tell.send(connection.join(&registry)).unwrap();
            tokio::spawn(connection.serve_many(profile, Concurrency::default(), |_| async { None::<Vec<u8>> }));
        }
    };
    thread::spawn(move || runtime.block_on(accepting));
    (address, joined)
}

fn dial(address: SocketAddr, receive_buffer: usize) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(receive_buffer).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.into()
}

/// Returns the largest memory of the process during the pushes, in MiB.
fn push_all(registry: &Registry, pushes: usize, batches: &Receiver<usize>) -> usize {
    let mut most = 0;
    for batch in 0..pushes.div_ceil(BATCH) {
        for number in (batch * BATCH..pushes).take(BATCH) {
            registry.push(Target::All, &(number as u64).to_be_bytes()).unwrap();
        }
        most = most.max(resident_mib());
        if batch > 0 {
            assert_eq!(batches.recv_timeout(DEADLINE), Ok(batch - 1));
        }
    }
    most
}

/// A subscriber that reads, and knows the next number.
struct Subscriber {
    stream: mio::net::TcpStream,
    rest: Vec<u8>,
    next: usize,
}

/// Reads for all subscribers on one plain thread, and reports when each has a whole batch.
fn read_all(streams: Vec<TcpStream>, pushes: usize, tell: &Sender<usize>) {
    let mut poll = mio::Poll::new().unwrap();
    let mut subscribers = Vec::new();
    for stream in streams {
        stream.set_nonblocking(true).unwrap();
        let mut stream = mio::net::TcpStream::from_std(stream);
        let token = mio::Token(subscribers.len());
        poll.registry().register(&mut stream, token, mio::Interest::READABLE).unwrap();
        subscribers.push(Subscriber { stream, rest: Vec::new(), next: 0 });
    }
    let mut missing = vec![subscribers.len(); pushes.div_ceil(BATCH)];
    let (mut events, mut space) = (mio::Events::with_capacity(1024), vec![0; 64 * 1024]);
    let mut whole = 0;
    while whole < missing.len() {
        poll.poll(&mut events, Some(DEADLINE)).unwrap();
        assert!(!events.is_empty(), "no message arrives any more");
        for event in &events {
            let subscriber = &mut subscribers[event.token().0];
            let before = subscriber.next;
            subscriber.read(&mut space);
            let has_all = |next| if next == pushes { missing.len() } else { next / BATCH };
            let (from, to) = (has_all(before), has_all(subscriber.next));
            missing[from..to].iter_mut().for_each(|missing| *missing -= 1);
        }
        while missing.get(whole) == Some(&0) {
            tell.send(whole).unwrap();
            whole += 1;
        }
    }
}

impl Subscriber {
    /// Reads frames: 0x00 0x08 and the next number, one after the other.
    fn read(&mut self, space: &mut [u8]) {
        const FRAME: usize = 10;
        loop {
            let kept = self.rest.len();
            space[..kept].copy_from_slice(&self.rest);
            let count = match self.stream.read(&mut space[kept..]) {
                Ok(0) => panic!("the stream ended"),
                Ok(count) => kept + count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) => panic!("{error}"),
            };
            let frames = space[..count].chunks_exact(FRAME);
            self.rest = frames.remainder().to_vec();
            for frame in frames {
                assert_eq!(frame[..2], [0, 8]);
                assert_eq!(
                    frame[2..],
                    (self.next as u64).to_be_bytes(),
                    "the messages are in order, and none is missing"
                );
                self.next += 1;
            }
            if count < space.len() {
                // All bytes are read. The system reports when there are more.
                return;
            }
        }
    }
}

/// Waits until the counts satisfy the condition, and returns them. A message is counted a moment after the peer has it.
fn eventually(registry: &Registry, is_expected_count: impl Fn(PushCounts) -> bool) -> PushCounts {
    let began = Instant::now();
    loop {
        match registry.counts() {
            counts if is_expected_count(counts) => return counts,
            counts => assert!(began.elapsed() < DEADLINE, "{counts:?}"),
        }
        thread::yield_now();
    }
}

fn number(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |number| number.parse().unwrap())
}

/// Returns the resident memory of the process, or 0 if the system does not report it.
fn resident_mib() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm").ok();
    let pages = pages.and_then(|pages| pages.split(' ').nth(1)?.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096 / (1 << 20)
}

/// Returns whether the process may open both ends of every connection, and its other files.
fn has_files_for(subscribers: usize) -> bool {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let limit = limits.lines().find_map(|line| line.strip_prefix("Max open files")?.split_whitespace().next());
    limit.and_then(|limit| limit.parse::<usize>().ok()).is_none_or(|limit| limit > 2 * subscribers + 200)
}

/// Starts the test again with a higher limit of open files: many systems allow 1024 by default.
fn again_with_more_files() {
    assert!(std::env::var_os("WITH_MORE_FILES").is_none(), "the system does not allow enough open files");
    let test = "a_hundred_thousand_messages_reach_all_that_read_in_order";
    let status = Command::new("sh")
        .args(["-c", "ulimit -n $(ulimit -H -n) && exec \"$0\" \"$@\""])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env("WITH_MORE_FILES", "1")
        .status();
    assert!(status.unwrap().success());
}
