//! Drains under load at any moment: every accepted request is answered, and the report agrees with the clients.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::session::{Concurrency, ReplyOrder};
use framelink_transport::{DrainReport, Framing, Profile, blocking, tokio as driver};

use crate::echo;
use crate::peer::{DEADLINE, Peer};
use crate::server::profile;

/// Random numbers that are equal in each run.
struct Random(u64);

impl Random {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }
}

/// What a client saw: the number of requests that it sent, and of replies that it received.
#[derive(Clone, Copy, Default)]
struct Seen {
    sent: u64,
    replied: u64,
}

/// Sends up to `window` requests before it reads their replies, until the server ends its side.
async fn ask(address: std::net::SocketAddr, mut random: Random, window: u64) -> Seen {
    let framing: Framing = "net:2".parse().unwrap();
    let mut connection = driver::Connector::new(framing).connect(address).await.unwrap();
    let mut seen = Seen::default();
    loop {
        tokio::time::sleep(Duration::from_millis(random.below(7))).await;
        for _ in 0..=random.below(window) {
            if connection.send(&seen.sent.to_be_bytes()).await.is_err() {
                return seen;
            }
            seen.sent += 1;
        }
        while seen.replied < seen.sent {
            match connection.recv().await {
                Ok(Some(reply)) => assert_eq!(
                    reply[..],
                    seen.replied.to_be_bytes(),
                    "the replies are in order, and none arrives twice"
                ),
                _ => return seen,
            }
            seen.replied += 1;
        }
    }
}

/// Runs one server with three clients, and drains it after some milliseconds.
async fn drain_at(seed: u64, slowest: u64, within: Duration) -> (DrainReport, u64, Seen) {
    let mut random = Random(seed);
    let profile = Arc::new(profile().build().unwrap());
    let server = driver::Server::bind("127.0.0.1:0", &profile).await.unwrap();
    let server = server.concurrency(Concurrency::new(1 + usize::try_from(random.below(3)).unwrap()));
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let running = tokio::spawn(server.run(move |message| async move {
        let spread = u64::from(message.last().copied().unwrap_or_default()) * 31 % (slowest + 1);
        tokio::time::sleep(Duration::from_millis(spread)).await;
        Some(message.to_vec())
    }));
    let clients: Vec<_> =
        (0..3).map(|i| tokio::spawn(ask(address, Random(seed * 3 + i), 1 + random.below(4)))).collect();
    tokio::time::sleep(Duration::from_micros(random.below(60_000))).await;
    let before = handle.counts().answered;
    handle.drain(within);
    let mut all = Seen::default();
    for client in clients {
        let seen = client.await.unwrap();
        all = Seen { sent: all.sent + seen.sent, replied: all.replied + seen.replied };
    }
    let report = running.await.unwrap();
    assert_eq!(handle.counts().answered, before + report.answered, "seed {seed}: {report:?}");
    assert_eq!((handle.counts().lost, handle.counts().in_flight), (report.cut, 0), "seed {seed}: {report:?}");
    (report, handle.counts().answered, all)
}

#[tokio::test(start_paused = true)]
async fn a_drain_at_a_thousand_moments_loses_no_accepted_request() {
    let mut answered_late = 0;
    for seed in 0..1000 {
        let (report, answered, seen) = drain_at(seed, 20, Duration::from_secs(5)).await;
        assert!(report.is_clean(), "seed {seed}: {report:?}");
        assert_eq!(answered, seen.replied, "seed {seed}: every answer arrives");
        assert_eq!(
            seen.sent,
            seen.replied + report.discarded,
            "seed {seed}: the other requests were not accepted: {report:?}"
        );
        answered_late += report.answered;
    }
    assert!(answered_late > 1000, "requests were in flight: {answered_late}");
}

#[tokio::test(start_paused = true)]
async fn a_drain_reports_the_requests_that_it_cuts() {
    let mut cut = 0;
    for seed in 0..200 {
        let (report, answered, seen) = drain_at(seed, 400, Duration::from_millis(60)).await;
        assert_eq!(answered, seen.replied, "seed {seed}: {report:?}");
        assert!(seen.sent - seen.replied >= report.cut, "seed {seed}: {report:?}");
        assert_eq!(report.connections_cut + report.closed, 3, "seed {seed}: {report:?}");
        assert_eq!(report.is_clean(), report.connections_cut == 0, "seed {seed}: {report:?}");
        cut += report.cut;
    }
    assert!(cut > 100, "requests were cut: {cut}");
}

#[tokio::test(start_paused = true)]
async fn a_drain_waits_for_the_rest_of_a_message_until_its_end() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for (rest_after, is_answered) in [(4, true), (9, true), (11, false)] {
        let server = driver::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap())).await.unwrap();
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let running = tokio::spawn(server.run(|message| async move { Some(message.to_vec()) }));
        let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
        client.write_all(b"\0\x05he").await.unwrap();
        tokio::time::sleep(Duration::from_millis(1)).await;
        handle.drain(Duration::from_secs(10));
        tokio::time::sleep(Duration::from_secs(rest_after)).await;
        let _ = client.write_all(b"llo\0\x04more").await;
        let mut replies = Vec::new();
        let _ = client.read_to_end(&mut replies).await;
        drop(client);
        let report = running.await.unwrap();
        let expected: &[u8] = if is_answered { b"\0\x05hello" } else { b"" };
        assert!(replies.starts_with(expected), "after {rest_after} s: {replies:?}");
        assert_eq!(report.is_clean(), is_answered, "after {rest_after} s: {report:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_accepted_while_a_reply_is_owed() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let server = driver::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap())).await.unwrap();
    let server = server.concurrency(Concurrency::new(2));
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let running = tokio::spawn(server.run(|message| async move {
        tokio::time::sleep(Duration::from_secs(1)).await;
        Some(message.to_vec())
    }));
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    client.write_all(b"\0\x01a").await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    handle.drain(Duration::from_secs(10));
    tokio::time::sleep(Duration::from_millis(100)).await;
    client.write_all(b"\0\x01b").await.unwrap();
    let mut replies = Vec::new();
    client.read_to_end(&mut replies).await.unwrap();
    drop(client);
    assert_eq!(replies, b"\0\x01a\0\x01b");
    let report = running.await.unwrap();
    assert_eq!((report.answered, report.discarded, report.is_clean()), (2, 0, true), "{report:?}");
}

/// The system has the request, and the runtime has not looked yet: the connection is not idle.
#[tokio::test]
async fn a_request_that_arrived_before_a_drain_is_accepted_although_the_runtime_has_not_read_it() {
    use std::io::Write;
    for _ in 0..50 {
        let server = driver::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap())).await.unwrap();
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let running = tokio::spawn(server.run(|message| async move { Some(message.to_vec()) }));
        let mut client = Peer::dial(address);
        while handle.counts().connections == 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        // The test does not await between the two statements.
        client.0.write_all(b"\0\x05hello").unwrap();
        handle.drain(DEADLINE);
        let replies = tokio::task::spawn_blocking(move || client.read_to_end()).await.unwrap();
        assert_eq!(replies, b"\0\x05hello");
        assert_eq!(running.await.unwrap().answered, 1);
    }
}

#[test]
fn a_drain_of_a_server_of_threads_loses_no_accepted_request() {
    for concurrency in [Concurrency::default(), Concurrency::new(4).order_by(ReplyOrder::Requests)] {
        for round in 0..15 {
            // A slow client sends until it sees the end, and all its requests are counted.
            let profile = Arc::new(profile().close_timeout(DEADLINE).build().unwrap());
            let server = blocking::Server::bind("127.0.0.1:0", &profile).unwrap();
            let server = server.concurrency(concurrency);
            let (address, handle) = (server.local_addr().unwrap(), server.handle());
            let running = thread::spawn(move || {
                server.run(|message| {
                    thread::sleep(Duration::from_micros(u64::from(message[7]) % 5 * 300));
                    Some(message.to_vec())
                })
            });
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            let clients = thread::spawn(move || {
                runtime.block_on(async {
                    let clients: Vec<_> =
                        (0..3).map(|i| tokio::spawn(ask(address, Random(round * 3 + i), 3))).collect();
                    let mut all = Seen::default();
                    for client in clients {
                        let seen = client.await.unwrap();
                        all = Seen { sent: all.sent + seen.sent, replied: all.replied + seen.replied };
                    }
                    all
                })
            });
            while handle.counts().answered < 5 + round {
                thread::sleep(Duration::from_micros(200));
            }
            handle.drain(Duration::from_secs(5));
            let seen = clients.join().unwrap();
            let report = running.join().unwrap();
            assert!(report.is_clean(), "{report:?}");
            assert_eq!((handle.counts().answered, report.closed), (seen.replied, 3), "{report:?}");
            assert_eq!(seen.sent, seen.replied + report.discarded, "{report:?}");
        }
    }
}

#[test]
fn an_idle_server_of_threads_ends_at_once() {
    let server = blocking::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap())).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let handler = echo();
    let running = thread::spawn(move || server.run(move |message| handler(&message)));
    let mut peers: Vec<_> = (0..20).map(|_| Peer::dial(address)).collect();
    for peer in &mut peers {
        peer.write(&[b"hello"]);
        assert_eq!(peer.read(), b"hello");
    }
    let began = Instant::now();
    handle.drain(DEADLINE);
    for mut peer in peers {
        assert_eq!(peer.read_to_end(), b"");
    }
    let report = running.join().unwrap();
    assert_eq!((report.closed, report.is_clean()), (20, true), "{report:?}");
    assert!(began.elapsed() < DEADLINE / 5, "{:?}", began.elapsed());
    assert!(std::net::TcpStream::connect(address).is_err(), "the listener is closed");
}

/// A program's own loop is drained with its listener's admission.
#[test]
fn a_programs_own_loop_is_drained_by_its_admission() {
    use framelink_transport::session::{Ending, NoticeStage};
    use framelink_transport::{Cause, TryRecv, nonblocking};
    let framing: Framing = "net:2".parse().unwrap();
    let profile = Arc::new(Profile::builder(framing).build().unwrap());
    let mut listener = nonblocking::Listener::bind_profile("127.0.0.1:0", &profile).unwrap();
    let mut peer = Peer::dial(listener.local_addr().unwrap());
    let mut served = listener.try_accept().unwrap().unwrap().serve_many(&profile, Concurrency::new(2));
    peer.write(&[b"one"]);
    let began = Instant::now();
    let (slot, request) = loop {
        match served.try_next().unwrap() {
            TryRecv::Message(request) => break request,
            _ => assert!(began.elapsed() < DEADLINE),
        }
    };
    listener.admission().unwrap().tell(NoticeStage::Draining);
    assert_eq!(served.try_next().unwrap(), TryRecv::Nothing, "one reply is still owed");
    served.reply(slot, Some(&request)).unwrap();
    let error = served.try_next().unwrap_err();
    assert!(matches!(error.cause(), Cause::Ended(Ending::Drained)), "{error}");
    assert_eq!(served.try_next().unwrap(), TryRecv::Closed);
    let reading = thread::spawn(move || peer.read_to_end());
    assert_eq!(served.close(&profile).unwrap(), 1);
    assert_eq!(reading.join().unwrap(), crate::peer::frame(b"one"));
}

/// Sends three requests when the server has already ended its side, and then resets the connection.
fn send_too_late(mut peer: Peer) {
    assert_eq!(peer.read_to_end(), b"");
    peer.write(&[b"one", b"two", b"three"]);
    socket2::SockRef::from(&peer.0).set_linger(Some(Duration::ZERO)).unwrap();
}

#[test]
fn requests_that_arrive_too_late_are_counted_although_their_sender_resets_the_connection() {
    let profile = Arc::new(profile().build().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let server = runtime.block_on(driver::Server::bind("127.0.0.1:0", &profile)).unwrap();
    let (peer, handle) = (Peer::dial(server.local_addr().unwrap()), server.handle());
    let running = runtime.spawn(server.run(|message| async move { Some(message.to_vec()) }));
    while handle.counts().connections == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    handle.drain(DEADLINE);
    send_too_late(peer);
    let report = runtime.block_on(running).unwrap();
    assert_eq!((report.discarded, report.closed, report.cut), (3, 1, 0), "{report:?}");

    let server = blocking::Server::bind("127.0.0.1:0", &profile).unwrap();
    let (peer, handle) = (Peer::dial(server.local_addr().unwrap()), server.handle());
    let running = thread::spawn(move || server.run(|message| Some(message.to_vec())));
    while handle.counts().connections == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    handle.drain(DEADLINE);
    send_too_late(peer);
    let report = running.join().unwrap();
    assert_eq!((report.discarded, report.closed, report.cut), (3, 1, 0), "{report:?}");
}

/// A client sends four requests at once, and the connection is cut while the first are handled. The others are counted
/// as discarded.
#[test]
fn unaccepted_requests_of_a_cut_connection_are_counted() {
    const WITHIN: Duration = Duration::from_millis(20);
    let profile = Arc::new(profile().build().unwrap());
    let expect = |report: DrainReport, taken: u64, driver: &str| {
        let counted = (report.cut, report.discarded, report.connections_cut);
        assert_eq!(counted, (taken, 4 - taken, 1), "{driver}, {taken} at a time: {report:?}");
    };
    let ask = |address| {
        let mut peer = Peer::dial(address);
        peer.write(&[b"one", b"two", b"three", b"four"]);
        peer
    };
    for taken in 1..=2 {
        let at_a_time = Concurrency::new(usize::try_from(taken).unwrap());
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let server = runtime.block_on(driver::Server::bind("127.0.0.1:0", &profile)).unwrap().concurrency(at_a_time);
        let (_peer, handle) = (ask(server.local_addr().unwrap()), server.handle());
        let running = runtime.spawn(server.run(|_| std::future::pending::<Option<Vec<u8>>>()));
        while handle.counts().in_flight < taken {
            thread::sleep(Duration::from_millis(1));
        }
        handle.drain(WITHIN);
        expect(runtime.block_on(running).unwrap(), taken, "tokio");

        let server = blocking::Server::bind("127.0.0.1:0", &profile).unwrap().concurrency(at_a_time);
        let (_peer, handle) = (ask(server.local_addr().unwrap()), server.handle());
        let cut = handle.clone();
        let running = thread::spawn(move || {
            server.run(move |message| {
                while cut.counts().in_flight < taken {
                    thread::sleep(Duration::from_millis(1));
                }
                cut.drain(WITHIN);
                thread::sleep(4 * WITHIN);
                Some(message.to_vec())
            })
        });
        expect(running.join().unwrap(), taken, "threads");
        drop(handle);
    }
}
