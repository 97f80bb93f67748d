//! Counts the allocations of a message on each driver. This file has one test, because the count covers the whole
//! process.

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use framelink_transport::{
    Error, Framing, FramingPair, Message, Profile, Reply, TryRecv, blocking, nonblocking, tokio as driver,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ROUNDS: usize = 200;
const DEADLINE: Duration = Duration::from_secs(60);

/// What one round does: a message in each direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Messages,
    Call,
    /// Sixteen messages are queued together, and their echoes are read in the buffer.
    Borrowed,
}

/// The messages of a round of `Way::Borrowed`.
const BURST: usize = 16;

type Counted = fn(Way, usize) -> usize;
const DRIVERS: [(&str, Counted); 3] = [("blocking", on_blocking), ("nonblocking", on_nonblocking), ("tokio", on_tokio)];

/// A payload of up to 24 bytes is stored in the message itself. A longer payload is one allocation in each receiver, at
/// most: ours and the peer.
#[test]
fn a_short_message_allocates_nothing_and_a_longer_one_allocates_once_in_its_receiver() {
    for way in [Way::Messages, Way::Call, Way::Borrowed] {
        for (payload_len, received) in [(0, 0), (16, 0), (23, 0), (24, 2), (1024, 2), (65536, 2)] {
            for (driver, counted) in DRIVERS {
                if way == Way::Borrowed && payload_len > 1024 {
                    // The sockets do not hold so many bytes while neither side reads.
                    continue;
                }
                // A non-blocking call keeps a copy of its request, which it may have to write later.
                let kept = usize::from((driver, way) == ("nonblocking", Way::Call) && payload_len > 0);
                // The peer takes each message out of its buffer, and moves the last few bytes of a burst out of it.
                let received = if way == Way::Borrowed { received / 2 * BURST + 1 } else { received };
                let (count, most) = (counted(way, payload_len), (received + kept) * ROUNDS);
                println!("{driver}, {way:?}, {payload_len} bytes: {count} allocations in {ROUNDS} rounds");
                // A buffer that has to grow is an allocation of the connection, not of a message, so a few more are
                // allowed.
                assert!(
                    count <= most + 4,
                    "{driver}, {way:?}, {payload_len} bytes: {count} allocations, at most {most}"
                );
            }
        }
    }
    servers();
}

/// The requests that a client sends at once.
const AT_ONCE: usize = 16;

type Serve = fn(TcpStream, &Profile) -> Result<u64, Error>;

/// How each way to serve is named, and how often it may allocate for a request of 64 bytes. Only its message and, with
/// `to_vec`, its reply are allocated. On tokio a future that is ready at once takes no memory.
const SERVERS: [(&str, usize, Serve); 6] = [
    ("blocking, in place", 0, |stream, profile| {
        blocking::Connection::from_stream(stream, framing()).serve_in_place(profile, echo)
    }),
    ("nonblocking, in place", 0, |stream, profile| {
        nonblocking::Connection::from_stream(stream, framing()).expect("a socket").serve_in_place(profile, echo)
    }),
    ("tokio, in place", 0, |stream, profile| {
        on_runtime(stream, async |connection| connection.serve_in_place(profile, echo).await)
    }),
    ("blocking, the message", 1, |stream, profile| {
        blocking::Connection::from_stream(stream, framing()).serve(profile, |request| request)
    }),
    ("tokio, the message", 1, |stream, profile| {
        on_runtime(stream, async |connection| connection.serve(profile, |request| async move { request }).await)
    }),
    ("tokio, a vector", 2, |stream, profile| {
        let answer = |request: Message| async move { Some(request.to_vec()) };
        on_runtime(stream, async |connection| connection.serve(profile, answer).await)
    }),
];

fn echo(request: &[u8], reply: &mut Reply<'_>) {
    reply.extend_from_slice(request);
}

fn on_runtime(
    stream: TcpStream,
    serve: impl AsyncFnOnce(driver::Connection) -> Result<u64, Error>,
) -> Result<u64, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    stream.set_nonblocking(true).expect("non-blocking");
    runtime.block_on(async {
        let stream = tokio::net::TcpStream::from_std(stream).expect("a socket");
        serve(driver::Connection::from_stream(stream, framing())).await
    })
}

fn servers() {
    let profile = Profile::builder("net:4".parse::<Framing>().expect("a notation")).build().expect("a profile");
    for (way, for_each, serve) in SERVERS {
        let (mut client, theirs) = connected();
        let requests = [&[0, 0, 0, 64][..], &[7; 64]].concat().repeat(AT_ONCE);
        let mut replies = vec![0; requests.len()];
        std::thread::scope(|scope| {
            let served = scope.spawn(|| serve(theirs, &profile));
            let count = allocations(|| {
                client.write_all(&requests).expect("sent");
                client.read_exact(&mut replies).expect("all replies");
            });
            drop(client);
            println!("{way}: {count} allocations for {} requests", ROUNDS * AT_ONCE);
            // A buffer that has to grow is an allocation of the connection, so a few more are allowed.
            let most = ROUNDS * AT_ONCE * for_each + 8;
            assert!(count <= most, "{way}: {count} allocations, at most {most}");
            assert_eq!(served.join().expect("served").expect("a clean end"), ((ROUNDS + 3) * AT_ONCE) as u64);
        });
    }
}

fn framing() -> FramingPair {
    "net:4".parse::<Framing>().expect("a notation").into()
}

/// Counts the allocations of `ROUNDS` rounds, after first rounds in which the buffers are allocated.
fn allocations(mut round: impl FnMut()) -> usize {
    (0..3).for_each(|_| round());
    let region = Region::new(ALLOCATOR);
    (0..ROUNDS).for_each(|_| round());
    let change = region.change();
    change.allocations + change.reallocations
}

/// Returns both ends of a connection. With Nagle's algorithm, each echo of a burst would wait for an acknowledgement.
fn connected() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let ours = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let theirs = listener.accept().expect("a connection").0;
    for end in [&ours, &theirs] {
        end.set_nodelay(true).expect("a socket");
    }
    (ours, theirs)
}

/// Runs `count` beside a peer on a thread of its own that echoes every message.
fn beside_echo(count: impl FnOnce(TcpStream) -> usize) -> usize {
    let (ours, theirs) = connected();
    let mut theirs = blocking::Connection::from_stream(theirs, framing());
    std::thread::scope(|scope| {
        scope.spawn(move || {
            while let Ok(Some(message)) = theirs.recv() {
                theirs.send(&message).expect("sent");
            }
        });
        count(ours)
    })
}

fn on_blocking(way: Way, payload_len: usize) -> usize {
    let payload = vec![7; payload_len];
    beside_echo(|stream| {
        let mut ours = blocking::Connection::from_stream(stream, framing());
        allocations(|| {
            let echo = match way {
                Way::Messages => {
                    ours.send(&payload).expect("sent");
                    ours.recv().expect("received").expect("a message")
                }
                Way::Call => ours.call(&payload, DEADLINE).expect("a reply"),
                Way::Borrowed => {
                    (0..BURST).for_each(|_| ours.feed(&payload).expect("queued"));
                    for _ in 0..BURST {
                        assert_eq!(ours.recv_ref().expect("received").expect("a message").len(), payload_len);
                    }
                    return;
                }
            };
            assert_eq!(echo.len(), payload_len);
        })
    })
}

fn on_nonblocking(way: Way, payload_len: usize) -> usize {
    let payload = vec![7; payload_len];
    beside_echo(|stream| {
        let mut ours = nonblocking::Connection::from_stream(stream, framing()).expect("a socket");
        allocations(|| {
            let echo = match way {
                Way::Messages => {
                    ours.send_within(&payload, DEADLINE).expect("sent");
                    ours.recv_within(DEADLINE).expect("received").into_message().expect("a message")
                }
                Way::Call => ours.call(&payload, DEADLINE).expect("a reply"),
                Way::Borrowed => {
                    for _ in 0..BURST {
                        let _ = ours.try_feed(&payload).expect("queued");
                    }
                    let mut received = 0;
                    while received < BURST {
                        match ours.try_recv_ref().expect("received") {
                            TryRecv::Message(message) => assert_eq!(message.len(), payload_len),
                            TryRecv::Nothing => {
                                std::thread::yield_now();
                                continue;
                            }
                            TryRecv::Closed => panic!("closed"),
                        }
                        received += 1;
                    }
                    return;
                }
            };
            assert_eq!(echo.len(), payload_len);
        })
    })
}

fn on_tokio(way: Way, payload_len: usize) -> usize {
    let payload = vec![7; payload_len];
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    beside_echo(|stream| {
        stream.set_nonblocking(true).expect("non-blocking");
        let stream = runtime.block_on(async { tokio::net::TcpStream::from_std(stream).expect("a socket") });
        let mut ours = driver::Connection::from_stream(stream, framing());
        allocations(|| {
            let echo = runtime.block_on(async {
                match way {
                    Way::Messages => {
                        ours.send(&payload).await.expect("sent");
                        ours.recv().await.expect("received").expect("a message")
                    }
                    Way::Call => ours.call(&payload, DEADLINE).await.expect("a reply"),
                    Way::Borrowed => {
                        for _ in 0..BURST {
                            ours.feed(&payload).await.expect("queued");
                        }
                        for _ in 1..BURST {
                            let message = ours.recv_ref().await.expect("received").expect("a message");
                            assert_eq!(message.len(), payload_len);
                        }
                        return ours.recv_ref().await.expect("received").expect("a message").len();
                    }
                }
                .len()
            });
            assert_eq!(echo, payload_len);
        })
    })
}
