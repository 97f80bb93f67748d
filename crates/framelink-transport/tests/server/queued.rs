//! A drain while clients wait in the accept queue. Their systems have connected them, and they have sent requests. Each
//! request is answered or counted.

use std::collections::VecDeque;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::profile::Access;
use framelink_transport::session::{Concurrency, Lifetime, NoticeStage};
use framelink_transport::{DrainReport, Profile, TryRecv, blocking, nonblocking, tokio as driver};

use crate::dial_from;
use crate::peer::{DEADLINE, Peer};
use crate::server::profile;

const CLIENTS: u8 = 60;

/// Returns clients that have sent two requests each. The server has accepted none of them.
fn waiting(address: SocketAddr) -> Vec<Peer> {
    let ask = |client: u8| {
        let mut peer = Peer::dial(address);
        peer.write(&[&[client], &[client, 1]]);
        peer
    };
    (0..CLIENTS).map(ask).collect()
}

/// Asserts that each client has both replies and then an orderly end.
fn assert_answered(clients: Vec<Peer>) {
    for (mut peer, client) in clients.into_iter().zip(0..) {
        assert_eq!((peer.read(), peer.read()), (vec![client], vec![client, 1]));
        assert_eq!(std::io::Read::read(&mut peer.0, &mut [0]).expect("no reset"), 0);
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

fn assert_report(report: DrainReport, address: SocketAddr) {
    let all = u64::from(CLIENTS);
    assert_eq!((report.answered, report.closed, report.discarded), (2 * all, all, 0), "{report:?}");
    assert!(report.is_clean(), "{report:?}");
    assert!(TcpStream::connect(address).is_err(), "the listener is closed");
}

#[test]
fn a_server_on_tokio_answers_all_clients_in_its_accept_queue() {
    let runtime = runtime();
    let server = runtime.block_on(driver::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap()))).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let clients = waiting(address);
    handle.drain(DEADLINE);
    let running = runtime.spawn(server.run(|message| async move { Some(message.to_vec()) }));
    assert_answered(clients);
    assert_report(runtime.block_on(running).unwrap(), address);
}

#[test]
fn a_server_of_threads_answers_all_clients_in_its_accept_queue() {
    for concurrency in [1, 4] {
        let server = blocking::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap())).unwrap();
        let server = server.concurrency(Concurrency::new(concurrency));
        let (address, handle) = (server.local_addr().unwrap(), server.handle());
        let clients = waiting(address);
        handle.drain(DEADLINE);
        let running = thread::spawn(move || server.run(|message| Some(message.to_vec())));
        assert_answered(clients);
        assert_report(running.join().unwrap(), address);
    }
}

/// A program's own loop: it begins the drain, empties the accept queue, drops the listener, and serves each connection
/// to its end.
#[test]
fn a_programs_own_loop_answers_all_clients_in_its_accept_queue() {
    let profile = Arc::new(profile().build().unwrap());
    let mut listener = nonblocking::Listener::bind_profile("127.0.0.1:0", &profile).unwrap();
    let (address, admission) = (listener.local_addr().unwrap(), listener.admission().unwrap().clone());
    let clients = waiting(address);
    admission.tell(NoticeStage::Draining);
    let mut all = VecDeque::<nonblocking::Served>::new();
    while let Some(connection) = listener.accept_waiting().unwrap() {
        all.push_back(connection.serve_many(&profile, Concurrency::default()));
    }
    drop(listener);
    assert!(TcpStream::connect(address).is_err(), "the listener is closed");
    let reading = thread::spawn(move || assert_answered(clients));
    let (began, mut answered) = (Instant::now(), 0);
    while let Some(mut served) = all.pop_front() {
        match served.try_next() {
            Ok(TryRecv::Message((slot, message))) => {
                served.reply(slot, Some(&message)).unwrap();
                all.push_back(served);
            }
            Ok(TryRecv::Closed) => answered += served.close(&profile).unwrap(),
            // The first error says that the drain has ended the connection. The loop then calls once more.
            Ok(TryRecv::Nothing) | Err(_) => all.push_back(served),
        }
        assert!(began.elapsed() < DEADLINE);
    }
    assert_eq!(answered, 2 * u64::from(CLIENTS));
    reading.join().unwrap();
}

#[test]
fn the_queue_of_a_listener_can_be_emptied_on_each_driver() {
    let profile = Arc::new(profile().build().unwrap());
    let runtime = runtime();
    let _inside = runtime.enter();
    let mut on_tokio = runtime.block_on(driver::Listener::bind_profile("127.0.0.1:0", &profile)).unwrap();
    let mut on_threads = blocking::Listener::bind_profile("127.0.0.1:0", &profile).unwrap();
    let (tokio_address, threads_address) = (on_tokio.local_addr().unwrap(), on_threads.local_addr().unwrap());
    let mut clients = [waiting(tokio_address), waiting(threads_address)].map(Vec::into_iter);
    for client in 0..CLIENTS {
        let accepted = runtime.block_on(on_tokio.accept_waiting()).unwrap().expect("a waiting connection");
        assert_eq!(accepted.peer_addr(), Some(clients[0].next().unwrap().0.local_addr().unwrap()));
        let mut accepted = on_threads.accept_waiting().unwrap().expect("a waiting connection");
        assert_eq!(accepted.peer_addr(), Some(clients[1].next().unwrap().0.local_addr().unwrap()));
        assert_eq!(accepted.recv().unwrap().unwrap()[..], [client]);
    }
    assert!(
        runtime.block_on(on_tokio.accept_waiting()).unwrap().is_none()
            && on_threads.accept_waiting().unwrap().is_none()
    );
}

/// Dials with six clients. The server has two places, and denies one client. The first two clients keep their places
/// until the others have been refused.
fn crowded(address: SocketAddr) -> Vec<Peer> {
    let dial = |source: u8| {
        let mut peer = dial_from([127, 0, 0, source], address);
        peer.write(&[&[source]]);
        peer
    };
    [1, 2, 66, 3, 4, 5].into_iter().map(dial).collect()
}

fn crowded_profile() -> Arc<Profile> {
    let access = Access { allow: Vec::new(), deny: vec!["127.0.0.66".parse().unwrap()] };
    Arc::new(profile().access(access).connections(2).build().unwrap())
}

fn assert_crowded(peers: Vec<Peer>, report: DrainReport) {
    let ends: Vec<_> = peers.into_iter().map(|mut peer| peer.read_to_end()).collect();
    let expected = [&b"\0\x01\x01"[..], b"\0\x01\x02", b"", b"", b"", b""];
    assert_eq!(ends, expected);
    assert_eq!((report.answered, report.refused_by_access, report.refused_by_total), (2, 1, 3), "{report:?}");
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn limits_apply_to_clients_in_the_accept_queue_and_refusals_are_counted() {
    let runtime = runtime();
    let server = runtime.block_on(driver::Server::bind("127.0.0.1:0", &crowded_profile())).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let peers = crowded(address);
    handle.drain(DEADLINE);
    let counts = handle.clone();
    let report = runtime.block_on(server.run(move |message| {
        let counts = counts.clone();
        async move {
            while counts.counts().admission.refused() < 4 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            Some(message.to_vec())
        }
    }));
    assert_crowded(peers, report);

    let server = blocking::Server::bind("127.0.0.1:0", &crowded_profile()).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let peers = crowded(address);
    handle.drain(DEADLINE);
    let report = server.run(move |message| {
        while handle.counts().admission.refused() < 4 {
            thread::sleep(Duration::from_millis(1));
        }
        Some(message.to_vec())
    });
    assert_crowded(peers, report);
}

/// The drain has no time left: the waiting clients are cut, and the report says so.
#[test]
fn without_time_clients_in_the_accept_queue_are_counted_as_cut() {
    let cut = |report: DrainReport| (report.answered, report.connections_cut, report.is_clean());
    let runtime = runtime();
    let server = runtime.block_on(driver::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap()))).unwrap();
    let _clients = waiting(server.local_addr().unwrap());
    server.handle().drain(Duration::ZERO);
    let report = runtime.block_on(server.run(|message| async move { Some(message.to_vec()) }));
    assert_eq!(cut(report), (0, u64::from(CLIENTS), false), "{report:?}");

    let server = blocking::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap())).unwrap();
    let _clients = waiting(server.local_addr().unwrap());
    server.handle().drain(Duration::ZERO);
    let report = server.run(|message| Some(message.to_vec()));
    assert_eq!(cut(report), (0, u64::from(CLIENTS), false), "{report:?}");
}

/// A client has connected, and its first request is on its way. The virtual clock does not advance while tasks can run.
#[tokio::test(start_paused = true)]
async fn a_client_that_sends_right_after_its_accept_is_answered() {
    let server = driver::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap())).await.unwrap();
    let (mut peer, handle) = (Peer::dial(server.local_addr().unwrap()), server.handle());
    handle.drain(DEADLINE);
    let running = tokio::spawn(server.run(|message| async move { Some(message.to_vec()) }));
    while handle.counts().connections == 0 {
        tokio::task::yield_now().await;
    }
    // The server has looked for a message and found none.
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    peer.write(&[b"hello"]);
    let replies = tokio::task::spawn_blocking(move || peer.read_to_end()).await.unwrap();
    assert_eq!(replies, crate::peer::frame(b"hello"));
    let report = running.await.unwrap();
    assert_eq!((report.answered, report.is_clean()), (1, true), "{report:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_sends_nothing_is_ended_soon_and_is_no_loss() {
    let server = driver::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap())).await.unwrap();
    let (peer, handle) = (Peer::dial(server.local_addr().unwrap()), server.handle());
    let began = tokio::time::Instant::now();
    handle.drain(DEADLINE);
    let report = server.run(|message| async move { Some(message.to_vec()) }).await;
    let took = began.elapsed();
    assert!(took >= Lifetime::CONNECT_GRACE && took < DEADLINE / 2, "{took:?}");
    assert_eq!((report.closed, report.cut, report.is_clean()), (1, 0, true), "{report:?}");
    drop(peer);
}
