//! The memory of a connection, and how much of it a stranger can make it hold. This program has one test, because the
//! test counts the allocations of the process.

#![cfg(feature = "tokio")]
#![cfg(target_pointer_width = "64")] // headers announce up to 4 GiB

mod support;

use std::alloc::System;
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use framelink_transport::session::{Backlog, Concurrency, Received, Receiving, Sending, SlowRule, Transmit};
use framelink_transport::tokio::{Connection, Listener};
use framelink_transport::{Framing, Profile, Registry, Target};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use support::streams::{Reader, Step, Then, framing, poll_times};
use tokio::io::{AsyncReadExt, AsyncWrite};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const KIB: usize = 1024;

/// The allowance for the thread that runs the tests.
const OTHERS: usize = 4 * KIB;

#[test]
fn memory_follows_the_received_bytes_and_is_freed_with_the_messages() {
    assert!(allocated(|| drop(vec![1_u8; KIB])) >= KIB, "the allocator counts");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");

    ten_million_empty_frames_leave_nothing_behind();
    a_small_message_that_is_kept_does_not_keep_a_read_buffer();
    a_queue_that_is_never_empty_holds_no_more_than_its_bound();
    a_payload_is_copied_at_most_once_on_its_way_out();
    let with_sockets = async {
        announced_bytes_are_not_allocated_before_they_arrive().await;
        a_connection_that_waits_holds_no_buffer().await;
        a_connection_between_calls_holds_no_buffer().await;
        a_connection_between_pushes_holds_no_buffer().await;
        empty_frames_over_a_socket_leave_nothing_behind().await;
    };
    runtime.block_on(async { tokio::time::timeout(Duration::from_secs(60), with_sockets).await.expect("in time") });
}

/// Returns the bytes that `run` allocates, whether or not it frees them.
fn allocated(run: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    run();
    region.change().bytes_allocated
}

/// Returns the bytes that are allocated and not yet freed.
fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}

fn net(notation: &str) -> Framing {
    notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}"))
}

/// Fills the space of one read with copies of a frame. Returns the number of copies.
fn read_many(receiving: &mut Receiving<Framing>, frame: &[u8]) -> usize {
    let space = receiving.space();
    let frames = space.len() / frame.len();
    for place in space.chunks_exact_mut(frame.len()) {
        place.copy_from_slice(frame);
    }
    receiving.on_read(frames * frame.len(), Duration::ZERO);
    frames
}

fn ten_million_empty_frames_leave_nothing_behind() {
    let mut receiving = Receiving::new(net("net:2"));
    let region = Region::new(ALLOCATOR);
    let (mut brought, mut taken) = (0, 0);
    while taken < 10_000_000 {
        brought += read_many(&mut receiving, &[0, 0]);
        while let Ok(Received::Message(message)) = receiving.poll() {
            assert!(message.is_empty());
            taken += 1;
        }
    }
    assert_eq!(taken, brought);
    assert!(held(&region) <= 64 * KIB + OTHERS, "{} bytes are held", held(&region));
    let allocations = region.change().allocations + region.change().reallocations;
    assert!(allocations < 100, "{allocations} allocations");
    receiving.release();
    // The read buffer belongs to the thread: the next connection that reads uses it, and no connection needs another.
    let allocations = allocated(|| {
        for _ in 0..100 {
            let mut another = Receiving::new(net("net:2"));
            assert!(read_many(&mut another, &[0, 0]) > 0);
            while let Ok(Received::Message(_)) = another.poll() {}
            another.release();
        }
    });
    assert!(allocations < 100 * 100, "{allocations} bytes for a hundred connections that read one after the other");
    assert!(held(&region) <= 64 * KIB + OTHERS, "{} bytes are held", held(&region));
}

fn a_small_message_that_is_kept_does_not_keep_a_read_buffer() {
    // A frame of 32 bytes, so that frames fill a read without a rest.
    let frame = [&[0, 20][..], &[0; 10], &[7; 20]].concat();
    let mut receiving = Receiving::new(net("net:2,gap=10,counts=payload"));
    let mut kept = Vec::with_capacity(1000);
    let region = Region::new(ALLOCATOR);
    let mut largest_read = 0;
    while kept.len() < 1000 {
        largest_read = largest_read.max(read_many(&mut receiving, &frame) * frame.len());
        while let Ok(Received::Message(message)) = receiving.poll() {
            // Keeps one message of each read.
            if !receiving.is_inside_message() {
                kept.push(message);
            }
        }
    }
    assert_eq!(largest_read, 64 * KIB, "the frames arrive in reads of {largest_read} bytes");
    drop(receiving);
    assert!(kept.iter().all(|message| message[..] == [7; 20]));
    assert!(held(&region) <= 1000 * 64, "{} bytes are held by 1000 messages of 20 bytes", held(&region));
}

fn a_queue_that_is_never_empty_holds_no_more_than_its_bound() {
    // The thread keeps the memory of one queue. The first connection leaves it, and the second one is measured.
    fill_a_queue(1000);
    fill_a_queue(100_000);
}

fn fill_a_queue(messages: usize) {
    let mut sending = Sending::new(net("net:2"));
    let payload = [7; 998];
    let region = Region::new(ALLOCATOR);
    for _ in 0..messages {
        let _ = sending.queue(&payload).expect("the payload is accepted");
        if !sending.has_room() {
            let Transmit::Write(bytes) = sending.poll() else { panic!("bytes are queued") };
            let count = bytes.len() / 2;
            sending.on_written(count, Duration::ZERO);
        }
        assert!(!sending.is_empty());
        assert!(held(&region) <= 256 * KIB, "{} bytes are held, {} queued", held(&region), sending.queued_len());
    }
    sending.on_written(usize::MAX, Duration::ZERO);
    let left = held(&region);
    if messages > 1000 {
        assert!(left <= OTHERS, "an empty queue is freed, and {left} bytes are held");
    } else {
        assert!(left <= 128 * KIB + 32 * KIB, "the thread keeps one queue, of {left} bytes");
    }
}

/// A writer that takes all bytes, or none.
struct Takes(bool);

impl AsyncWrite for Takes {
    fn poll_write(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
        bytes: &[u8],
    ) -> std::task::Poll<std::io::Result<usize>> {
        if self.0 { std::task::Poll::Ready(Ok(bytes.len())) } else { std::task::Poll::Pending }
    }

    fn poll_write_vectored(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
        parts: &[std::io::IoSlice<'_>],
    ) -> std::task::Poll<std::io::Result<usize>> {
        let all = parts.iter().map(|part| part.len()).sum();
        self.poll_write(context, &[]).map_ok(|_| all)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn poll_shutdown(
        self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<std::io::Result<()>> {
        self.poll_flush(context)
    }
}

fn a_payload_is_copied_at_most_once_on_its_way_out() {
    let payload = vec![7; 64 * KIB];
    for (takes, most) in [(true, 64), (false, 65 * KIB)] {
        let reader = Reader::new(b"", &[Step::Pending], Then::Wait);
        let mut connection = Connection::from_parts(reader, Takes(takes), framing("net:4,suffix=03"));
        let bytes = allocated(|| {
            let sent = poll_times(connection.send(&payload), 3);
            assert_eq!(sent.is_some(), takes);
        });
        assert!(bytes <= most, "{bytes} bytes were allocated to send {}", payload.len());
    }
}

async fn announced_bytes_are_not_allocated_before_they_arrive() {
    for (notation, header) in [
        ("net:4,max=8MiB", [0, 0x80, 0, 0]),
        ("net:4,max=1024MiB", [0x40, 0, 0, 0]),
        ("net:4,max=4294967295", [0xff; 4]),
    ] {
        let mut listener = Listener::bind("127.0.0.1:0", framing(notation)).await.expect("a port");
        let mut peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        peer.write_all(&header).expect("the header is sent");

        let region = Region::new(ALLOCATOR);
        let connection = listener.accept().await.expect("a connection");
        let came = connection.stream().expect("the connection is open").peek(&mut [0; 4]).await;
        assert_eq!(came.expect("the header came"), 4);
        let (mut receiver, _sender) = connection.split();
        assert!(poll_times(receiver.recv(), 3).is_none());
        let unfinished = receiver.unfinished().expect("the receiver waits for the rest");
        assert_eq!(unfinished.came, 4, "{notation}");
        assert!(unfinished.missing >= 8 << 20, "{notation}");
        let bytes = region.change().bytes_allocated;
        assert!(bytes < 4 * KIB, "{notation}: {bytes} bytes were allocated for 4 received bytes");
    }
}

async fn a_connection_that_waits_holds_no_buffer() {
    for notation in ["net:4", "line", "each-read", "each-read,max=1MiB", "quiet:1ms"] {
        let mut listener = Listener::bind("127.0.0.1:0", framing(notation)).await.expect("a port");
        let mut peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
        let mut connection = listener.accept().await.expect("a connection");
        assert!(poll_times(connection.recv(), 1).is_none());
        let region = Region::new(ALLOCATOR);
        for _ in 0..10 {
            let message = [b'x'; 200];
            let wire = [&[0, 0, 0, 200][..], &message, b"\r\n"].concat();
            peer.write_all(match notation {
                "net:4" => &wire[..204],
                "line" => &wire[4..],
                _ => &message,
            })
            .expect("the message is sent");
            drop(wire);
            let came = connection.recv().await.expect("a message").expect("a message");
            assert_eq!(came[..], message, "{notation}");
        }
        assert!(poll_times(connection.recv(), 1).is_none());
        assert!(held(&region) < KIB, "{notation}: {} bytes are held", held(&region));
    }
}

async fn a_connection_between_calls_holds_no_buffer() {
    let (ours, mut theirs) = tokio::io::duplex(256 * KIB);
    let (reader, writer) = tokio::io::split(ours);
    let mut connection = Connection::from_parts(reader, writer, framing("net:4"));
    let mut request = [0; 9];
    let reply = [&[0, 0, 0x10, 0][..], &[7; 4 * KIB]].concat();
    for _ in 0..10 {
        let answers = async {
            theirs.read_exact(&mut request).await.expect("the request");
            tokio::io::AsyncWriteExt::write_all(&mut theirs, &reply).await.expect("the reply");
        };
        let (reply, ()) = tokio::join!(connection.call(b"hello", Duration::from_secs(10)), answers);
        assert_eq!(reply.expect("a reply").len(), 4 * KIB);
    }
    // The connection reports its own buffers, because the pipe holds memory too.
    let shown = format!("{connection:?}");
    assert!(shown.contains("ReadBuffer { len: 0, capacity: 0 }"), "{shown}");
    assert!(shown.contains("queued_len: 0"), "{shown}");
}

async fn a_connection_between_pushes_holds_no_buffer() {
    const BURST: usize = 1000;
    let framing = net("net:2");
    let mut listener = Listener::bind("127.0.0.1:0", framing).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut peer = tokio::net::TcpStream::connect(address).await.expect("a connection");
    let mut connection = listener.accept().await.expect("a connection");
    let registry = Registry::new(Backlog::new(SlowRule::Close));
    connection.join(&registry);
    tokio::spawn(async move {
        let profile = Profile::builder(framing).build().expect("a profile");
        connection.serve_many(&profile, Concurrency::new(8), |_| async { None::<Vec<u8>> }).await
    });
    let mut frame = vec![0; 2 + KIB];
    registry.push(Target::All, &frame[2..]).expect("a message");
    peer.read_exact(&mut frame).await.expect("the client is served");

    // The thread keeps the memory of one queue, which the first burst leaves.
    for burst in 1..=2 {
        let region = Region::new(ALLOCATOR);
        for _ in 0..BURST {
            registry.push(Target::All, &frame[2..]).expect("a message");
        }
        assert!(held(&region) > BURST * KIB, "the pushed messages are queued");
        for _ in 0..BURST {
            peer.read_exact(&mut frame).await.expect("a pushed message");
        }
        while registry.counts().delivered <= burst * BURST as u64 {
            tokio::task::yield_now().await;
        }
        let most = if burst == 1 { 128 * KIB + 32 * KIB } else { OTHERS };
        assert!(held(&region) < most, "{} bytes are held", held(&region));
    }
}

async fn empty_frames_over_a_socket_leave_nothing_behind() {
    const FRAMES: usize = 100_000;
    let mut listener = Listener::bind("127.0.0.1:0", framing("net:2")).await.expect("a port");
    let mut peer = TcpStream::connect(listener.local_addr().expect("an address")).expect("a connection");
    let mut connection = listener.accept().await.expect("a connection");
    let (start, started) = std::sync::mpsc::channel::<()>();
    let writes = std::thread::spawn(move || {
        started.recv().expect("the start");
        peer.write_all(&[0; 2 * FRAMES]).expect("the frames are sent");
        peer
    });
    let region = Region::new(ALLOCATOR);
    start.send(()).expect("the thread waits");
    for _ in 0..FRAMES {
        assert!(connection.recv().await.expect("a frame").expect("a frame").is_empty());
        assert!(held(&region) <= 64 * KIB + KIB, "{} bytes are held", held(&region));
    }
    assert!(poll_times(connection.recv(), 1).is_none());
    // The read buffer belongs to the thread. The connection has none.
    assert!(held(&region) <= 64 * KIB + KIB, "{} bytes are held", held(&region));
    let shown = format!("{connection:?}");
    assert!(shown.contains("ReadBuffer { len: 0, capacity: 0 }"), "{shown}");
    drop(writes.join());
}
