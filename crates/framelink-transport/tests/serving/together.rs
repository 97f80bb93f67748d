//! Replies that are ready without waiting leave together, and none waits for another request.

use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use ::tokio::sync::Notify;
use framelink_transport::session::{Backlog, Concurrency, ReplyOrder, SlowRule};
use framelink_transport::{Cause, Error, Message, Profile, Registry, Reply, Target, blocking, nonblocking, tokio};

use crate::support::framing;
use crate::support::peer::{Peer, frame, sockets};
use crate::support::server::profile;

type Handler = fn(&[u8], &mut Reply<'_>) -> Result<(), &'static str>;
type ServeInPlace = fn(TcpStream, &Profile, Handler) -> Result<u64, Error>;

const IN_PLACE: [(&str, ServeInPlace); 3] = [
    ("blocking", |stream, profile, handler| {
        blocking::Connection::from_stream(stream, framing("net:2")).serve_in_place(profile, handler)
    }),
    ("nonblocking", |stream, profile, handler| {
        nonblocking::Connection::from_stream(stream, framing("net:2")).unwrap().serve_in_place(profile, handler)
    }),
    ("tokio", |stream, profile, handler| {
        stream.set_nonblocking(true).unwrap();
        on_runtime(async {
            let stream = ::tokio::net::TcpStream::from_std(stream).unwrap();
            tokio::Connection::from_stream(stream, framing("net:2")).serve_in_place(profile, handler).await
        })
    }),
];

fn on_runtime<T>(work: impl Future<Output = T>) -> T {
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

/// Serves a connection in a thread, and returns its peer.
fn in_place(serve: ServeInPlace, profile: Profile, handler: Handler) -> (Peer, thread::JoinHandle<Result<u64, Error>>) {
    let (ours, theirs) = sockets();
    (Peer::new(theirs), thread::spawn(move || serve(ours, &profile, handler)))
}

fn echo(request: &[u8], reply: &mut Reply<'_>) -> Result<(), &'static str> {
    match request {
        b"skip" => reply.skip(),
        b"panic" => panic!("a panic on purpose"),
        b"fail" => return Err("the host is gone"),
        b"long" => reply.resize(70_000, 0),
        request => reply.extend_from_slice(request),
    }
    Ok(())
}

#[test]
fn a_handler_in_place_answers_requests_however_they_arrive() {
    let requests: Vec<Vec<u8>> = (0..200_u8).map(|number| vec![number; usize::from(number) * 20]).collect();
    let wire: Vec<u8> = requests.iter().flat_map(|request| frame(request)).collect();
    for (driver, serve) in IN_PLACE {
        for piece in [1, 7, 1000, wire.len()] {
            let (mut peer, served) = in_place(serve, profile().build().unwrap(), echo);
            let sender = thread::spawn({
                let (mut stream, wire) = (peer.0.try_clone().unwrap(), wire.clone());
                // Byte by byte only for the first requests, which are short.
                move || {
                    wire.chunks(piece.max(wire.len() / 20_000)).for_each(|bytes| {
                        std::io::Write::write_all(&mut stream, bytes).unwrap();
                    })
                }
            });
            for request in &requests {
                assert_eq!(&peer.read(), request, "{driver}, pieces of {piece}");
            }
            sender.join().unwrap();
            peer.half_close();
            assert_eq!(served.join().unwrap().unwrap(), 200, "{driver}");
        }
    }
}

#[test]
fn a_handler_in_place_may_skip_fail_panic_or_write_too_much() {
    for (driver, serve) in IN_PLACE {
        type Expected = fn(&Cause) -> bool;
        let failing: [(&[u8], Expected); 3] = [
            (b"fail", |cause| matches!(cause, Cause::HandlerFailed(_))),
            (b"panic", |cause| matches!(cause, Cause::HandlerPanicked)),
            (b"long", |cause| matches!(cause, Cause::Refused(_))),
        ];
        for (request, is_expected) in failing {
            let (mut peer, served) = in_place(serve, profile().build().unwrap(), echo);
            peer.write(&[b"one", b"skip", b"two", request, b"four"]);
            assert_eq!((peer.read(), peer.read()), (b"one".to_vec(), b"two".to_vec()), "{driver}");
            assert!(peer.read_to_end().is_empty(), "{driver}: the replies before are sent, and no other");
            let error = served.join().unwrap().unwrap_err();
            assert!(is_expected(error.cause()), "{driver}: {error}");
        }
    }
}

#[test]
fn a_peer_that_reads_nothing_is_ended_in_time_in_place() {
    for (driver, serve) in IN_PLACE {
        let write = Duration::from_millis(300);
        let handler: Handler = |_, reply| {
            reply.resize(60_000, 1);
            Ok(())
        };
        let (peer, served) = in_place(serve, profile().write_timeout(write).build().unwrap(), handler);
        peer.0.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
        let request = frame(b"x");
        while !served.is_finished() {
            let _ = std::io::Write::write(&mut &peer.0, &request);
        }
        let error = served.join().unwrap().unwrap_err();
        assert!(matches!(error.cause(), Cause::TimedOut { unwritten_bytes: 1.., .. }), "{driver}: {error}");
    }
}

#[test]
fn a_pushed_message_leaves_without_a_reply_in_place() {
    type ServePushed = fn(TcpStream, &Profile, &Registry, Handler) -> Result<u64, Error>;
    let ways: [(&str, ServePushed); 3] = [
        ("blocking", |stream, profile, registry, handler| {
            let mut connection = blocking::Connection::from_stream(stream, framing("net:2"));
            connection.join(registry);
            connection.serve_in_place(profile, handler)
        }),
        ("nonblocking", |stream, profile, registry, handler| {
            let mut connection = nonblocking::Connection::from_stream(stream, framing("net:2")).unwrap();
            connection.join(registry);
            connection.serve_in_place(profile, handler)
        }),
        ("tokio", |stream, profile, registry, handler| {
            stream.set_nonblocking(true).unwrap();
            on_runtime(async {
                let stream = ::tokio::net::TcpStream::from_std(stream).unwrap();
                let mut connection = tokio::Connection::from_stream(stream, framing("net:2"));
                connection.join(registry);
                connection.serve_in_place(profile, handler).await
            })
        }),
    ];
    for (driver, serve) in ways {
        let registry = Registry::new(Backlog::new(SlowRule::Skip));
        let (ours, theirs) = sockets();
        let served = thread::spawn({
            let registry = registry.clone();
            move || serve(ours, &profile().build().unwrap(), &registry, echo)
        });
        let mut peer = Peer::new(theirs);
        for _ in 0..2 {
            peer.write(&[b"one", b"skip", b"two"]);
            assert_eq!((peer.read(), peer.read()), (b"one".to_vec(), b"two".to_vec()), "{driver}");
            // Nothing is asked now.
            assert_eq!(registry.push(Target::All, b"event").unwrap().queued, 1, "{driver}");
            assert_eq!(peer.read(), b"event", "{driver}");
        }
        peer.half_close();
        assert_eq!(served.join().unwrap().unwrap(), 6, "{driver}");
    }
}

#[test]
fn on_tokio_a_reply_does_not_wait_for_a_handler_that_waits() {
    for concurrency in [Concurrency::new(1), Concurrency::new(4), Concurrency::new(4).order_by(ReplyOrder::Finished)] {
        let (ours, theirs) = sockets();
        ours.set_nonblocking(true).unwrap();
        let (gate, mut peer) = (Arc::new(Notify::new()), Peer::new(theirs));
        let served = thread::spawn({
            let gate = Arc::clone(&gate);
            move || {
                on_runtime(async {
                    let stream = ::tokio::net::TcpStream::from_std(ours).unwrap();
                    let answer = |request: Message| async {
                        if &request[..] == b"waits" {
                            gate.notified().await;
                        }
                        request
                    };
                    let connection = tokio::Connection::from_stream(stream, framing("net:2"));
                    connection.serve_many(&profile().build().unwrap(), concurrency, answer).await
                })
            }
        });
        peer.write(&[b"one", b"two", b"waits", b"four"]);
        assert_eq!((peer.read(), peer.read()), (b"one".to_vec(), b"two".to_vec()));
        let mut left = vec![b"waits".to_vec(), b"four".to_vec()];
        if concurrency.order() == ReplyOrder::Finished {
            // It was handled beside the one that waits.
            assert_eq!(peer.read(), left.pop().unwrap());
        }
        peer.expect_nothing();
        gate.notify_one();
        for reply in left {
            assert_eq!(peer.read(), reply);
        }
        peer.half_close();
        assert_eq!(served.join().unwrap().unwrap(), 4);
    }
}

#[test]
fn a_server_in_place_pushes_and_drains() {
    let registry = Registry::new(Backlog::new(SlowRule::Skip));
    let profile = Arc::new(profile().build().unwrap());
    let (bind, handler) = ("127.0.0.1:0", |request: &[u8], reply: &mut Reply<'_>| reply.extend_from_slice(request));
    let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let on_threads = blocking::Server::bind(bind, &profile).unwrap().registry(&registry);
    let on_tokio = runtime.block_on(tokio::Server::bind(bind, &profile)).unwrap().registry(&registry);
    let addresses = [on_threads.local_addr().unwrap(), on_tokio.local_addr().unwrap()];
    let (threads, tasks) = (on_threads.handle(), on_tokio.handle());
    let on_threads = thread::spawn(move || on_threads.run_in_place(handler));
    let on_tokio = runtime.spawn(on_tokio.run_in_place(handler));
    let mut peers = addresses.map(Peer::dial);
    for peer in &mut peers {
        peer.write(&[b"one", b"two"]);
        assert_eq!((peer.read(), peer.read()), (b"one".to_vec(), b"two".to_vec()));
    }
    assert_eq!(registry.push(Target::All, b"event").unwrap().queued, 2);
    for peer in &mut peers {
        assert_eq!(peer.read(), b"event");
        peer.write(&[b"three"]);
        assert_eq!(peer.read(), b"three");
    }
    threads.drain(Duration::from_secs(20));
    tasks.drain(Duration::from_secs(20));
    for peer in &mut peers {
        assert!(peer.read_to_end().is_empty(), "it was idle, and is closed in good order");
    }
    drop(peers);
    for report in [on_threads.join().unwrap(), runtime.block_on(on_tokio).unwrap()] {
        assert!(report.is_clean(), "{report:?}");
    }
    for counts in [threads.counts(), tasks.counts()] {
        assert_eq!((counts.answered, counts.in_flight, counts.lost, counts.closed.drained), (3, 0, 0, 1));
    }
}
