//! Peers that are busy, and sockets that are full.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{By, Form, Heartbeat, Role};
use framelink_transport::profile::Duplex;
use framelink_transport::session::{Concurrency, KeyRule, Matching};
use framelink_transport::{Profile, blocking};

use crate::support::{DEADLINE, f, ms, ping, tcp};

/// A probe arrives during a call while our socket is full. Its answer leaves as soon as the socket has room.
fn blocked_answer(is_call: bool) {
    let (ours, mut peer) = tcp();
    let other = ours.try_clone().unwrap();
    let mut ours = blocking::Connection::from_stream(ours, f("net:2"));
    ours.watch(ping(60_000, 5000), Role::Server);
    let peering = thread::spawn(move || {
        let mut four = [0; 4];
        peer.read_exact(&mut four).unwrap();
        // From here on our socket is full.
        let frame = [&[0, 62][..], &[1; 62]].concat();
        let mut idle = 0;
        while idle < 20 {
            match rustix::net::send(&other, &frame, rustix::net::SendFlags::DONTWAIT) {
                Ok(_) => idle = 0,
                Err(_) => {
                    idle += 1;
                    thread::sleep(ms(5));
                }
            }
        }
        peer.write_all(b"\0\x04PING").unwrap();
        thread::sleep(ms(200));
        peer.set_read_timeout(Some(ms(50))).unwrap();
        let (mut all, mut some, mut began) = (Vec::new(), vec![0; 1 << 16], None);
        let start = Instant::now();
        while start.elapsed() < DEADLINE {
            match peer.read(&mut some) {
                Ok(count) => {
                    all.extend_from_slice(&some[..count]);
                    if all.windows(4).rev().take(1 << 17).any(|window| window == b"PONG") {
                        break;
                    }
                }
                // The peer has read all bytes, so there is room now.
                Err(_) => drop(began.get_or_insert_with(Instant::now)),
            }
        }
        let took = began.map_or(Duration::ZERO, |began| began.elapsed());
        peer.write_all(b"\0\x02ok").unwrap();
        took
    });
    if is_call {
        let _ = ours.call(b"hi", DEADLINE * 2);
    } else {
        ours.send(b"hi").unwrap();
        let _ = ours.recv_within(DEADLINE * 2);
    }
    let took = peering.join().unwrap();
    assert!(took < ms(5000), "the socket was free for {took:?}, and no answer came; the timeout is 5s");
}

#[test]
fn a_blocking_call_answers_a_probe_when_the_socket_has_room() {
    blocked_answer(true);
}

/// The control: the answer also leaves outside of a call.
#[test]
fn a_blocking_recv_answers_a_probe_when_the_socket_has_room() {
    blocked_answer(false);
}

/// A client and a server of ours, and more requests in flight than handlers. The server is alive, and the client must
/// not declare it dead.
#[test]
fn a_busy_tokio_server_with_queued_requests_is_not_declared_dead() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        use framelink_transport::tokio::Connection;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let ours = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let theirs = listener.accept().await.unwrap().0;
        let heartbeat = ping(100, 1000);
        let profile =
            Profile::builder(f("net:2")).exchange(Duplex::new()).heartbeat(heartbeat.clone()).build().unwrap();
        let mut server = Connection::from_stream(theirs, f("net:2"));
        server.watch(heartbeat.clone(), Role::Server);
        let profile = Arc::new(profile);
        tokio::spawn(async move {
            let served = server.serve_many(&profile, Concurrency::new(1), |message| async move {
                tokio::time::sleep(ms(500)).await;
                Some(message.to_vec())
            });
            let _ = served.await;
        });
        let mut client = Connection::from_stream(ours, f("net:2"));
        client.watch(heartbeat, Role::Client);
        let (caller, mut receiver) = client.duplex(Matching::by_key(KeyRule::at("0:2".parse().unwrap())));
        tokio::spawn(async move { while let Ok(Some(_)) = receiver.recv().await {} });
        let calls = [b"01", b"02", b"03"].map(|request| {
            let caller = caller.clone();
            tokio::spawn(
                async move { caller.call(request, DEADLINE).await.map(drop).map_err(|error| error.to_string()) },
            )
        });
        for call in calls {
            let done = call.await.unwrap();
            assert_eq!(done, Ok(()));
        }
    });
}

/// A closure of the program that panics once must not stop the heartbeats silently.
#[test]
fn a_panic_of_a_heartbeat_function_stops_no_heartbeats_silently() {
    use framelink_transport::heartbeat::{Own, Seen};
    use std::sync::atomic::{AtomicUsize, Ordering};
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let count = AtomicUsize::new(0);
    let own = Own::new(
        |message| (message == b"HB").then_some(Seen::Beat),
        move |_| {
            assert!(count.fetch_add(1, Ordering::SeqCst) != 1, "the closure panics once");
            b"HB".to_vec()
        },
    );
    let heartbeat =
        Heartbeat::relaxed(Form::Own(own)).by(By::Client).interval(ms(100)).unwrap().timeout(ms(5000)).unwrap();
    let profile = Profile::builder(f("net:2")).heartbeat(heartbeat).build().unwrap();
    let mut client = blocking::Client::new(profile, listener.local_addr().unwrap().to_string()).unwrap();
    client.connect().unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut beats = 0;
    let mut ended = false;
    while beats <= 4 {
        let mut beat = [0; 4];
        match peer.read_exact(&mut beat) {
            Ok(()) => beats += 1,
            Err(error) => {
                ended = error.kind() != std::io::ErrorKind::WouldBlock;
                break;
            }
        }
    }
    assert!(beats > 4 || ended, "no heartbeat for {DEADLINE:?} after {beats}, and the connection stays open");
    drop(client);
}
