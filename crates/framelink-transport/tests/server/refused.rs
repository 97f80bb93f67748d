//! Refused connections: reported with the peer and the reason on every driver, and counted in the report of a drain.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::thread;

use framelink_transport::profile::Access;
use framelink_transport::{
    Admission, DrainReport, Profile, Refusal, ServerEvent, blocking, nonblocking, tokio as driver,
};

use crate::dial_from;
use crate::peer::{DEADLINE, Peer};
use crate::server::profile;

type Told = Receiver<(SocketAddr, Refusal)>;

/// Returns a profile with these limits of connections, which denies one client.
fn limited(connections: u32, per_client: u32) -> Arc<Profile> {
    let access = Access { allow: Vec::new(), deny: vec!["127.0.0.66".parse().unwrap()] };
    Arc::new(profile().access(access).connections(connections).connections_per_client(per_client).build().unwrap())
}

fn local(peer: &Peer) -> SocketAddr {
    peer.0.local_addr().unwrap()
}

fn observer() -> (impl Fn(&ServerEvent<'_>) + Send + Sync + 'static, Told) {
    let (tell, told) = mpsc::channel();
    let observe = move |event: &ServerEvent<'_>| {
        if let ServerEvent::Refused { peer, reason } = event {
            tell.send((*peer, *reason)).unwrap();
        }
    };
    (observe, told)
}

/// Causes a refusal for each of the three reasons, twice.
fn refuse_all(address: SocketAddr, told: &Told) -> Vec<Peer> {
    let mut stay = vec![dial_from([127, 0, 0, 1], address)];
    for (source, reason) in
        [(1, Refusal::Client), (66, Refusal::Access), (66, Refusal::Access), (1, Refusal::Client), (1, Refusal::Client)]
    {
        let mut peer = dial_from([127, 0, 0, source], address);
        assert_eq!(told.recv_timeout(DEADLINE).unwrap(), (local(&peer), reason));
        assert_eq!(peer.read_to_end(), b"");
    }
    stay.push(dial_from([127, 0, 0, 2], address));
    let third = dial_from([127, 0, 0, 3], address);
    assert_eq!(told.recv_timeout(DEADLINE).unwrap(), (local(&third), Refusal::Total));
    stay
}

/// Starts a task that keeps the listener's connections open. No server serves them.
fn watch(address: SocketAddr, admission: &Admission) {
    let (observe, told) = observer();
    admission.observe(observe);
    let _stay = refuse_all(address, &told);
    let counts = admission.counts();
    assert_eq!((counts.refused_by_access, counts.refused_by_client, counts.refused_by_total), (2, 3, 1));
}

#[test]
fn a_blocking_listener_reports_each_refused_peer_and_the_reason() {
    let mut listener = blocking::Listener::bind_profile("127.0.0.1:0", &limited(2, 1)).unwrap();
    let (address, admission) = (listener.local_addr().unwrap(), listener.admission().unwrap().clone());
    let stopper = listener.stopper();
    let accepting = thread::spawn(move || std::iter::from_fn(|| listener.accept().unwrap()).collect::<Vec<_>>());
    watch(address, &admission);
    stopper.stop();
    assert_eq!(accepting.join().unwrap().len(), 2);
}

#[test]
fn a_tokio_listener_reports_each_refused_peer_and_the_reason() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut listener = runtime.block_on(driver::Listener::bind_profile("127.0.0.1:0", &limited(2, 1))).unwrap();
    let (address, admission) = (listener.local_addr().unwrap(), listener.admission().unwrap().clone());
    runtime.spawn(async move {
        let mut stay = Vec::new();
        loop {
            stay.push(listener.accept().await.unwrap());
        }
    });
    watch(address, &admission);
}

#[test]
fn a_non_blocking_listener_reports_each_refused_peer_and_the_reason() {
    let mut listener = nonblocking::Listener::bind_profile("127.0.0.1:0", &limited(2, 1)).unwrap();
    let (address, admission) = (listener.local_addr().unwrap(), listener.admission().unwrap().clone());
    let (_stop, stopped) = mpsc::channel::<()>();
    thread::spawn(move || {
        let mut poll = mio::Poll::new().unwrap();
        poll.registry().register(&mut listener, mio::Token(0), mio::Interest::READABLE).unwrap();
        let mut stay = Vec::new();
        while stopped.try_recv() != Err(mpsc::TryRecvError::Disconnected) {
            stay.extend(listener.try_accept().unwrap());
            let within = listener.deadline().unwrap_or(DEADLINE / 1000);
            poll.poll(&mut mio::Events::with_capacity(8), Some(within)).unwrap();
        }
    });
    watch(address, &admission);
}

fn assert_counts(report: DrainReport) {
    let by_reason = (report.refused_by_access, report.refused_by_client, report.refused_by_total);
    assert_eq!((by_reason, report.refused()), ((2, 3, 1), 6), "{report:?}");
    assert!(report.is_clean(), "{report:?}");
}

#[test]
fn a_server_of_threads_reports_and_counts_each_refusal() {
    let (observe, told) = observer();
    let server = blocking::Server::bind("127.0.0.1:0", &limited(2, 1)).unwrap().observe(observe);
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let running = thread::spawn(move || server.run(|message| Some(message.to_vec())));
    drop(refuse_all(address, &told));
    handle.drain(DEADLINE);
    assert_counts(running.join().unwrap());
}

#[test]
fn a_server_on_tokio_reports_and_counts_each_refusal() {
    let (observe, told) = observer();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let server = runtime.block_on(driver::Server::bind("127.0.0.1:0", &limited(2, 1))).unwrap().observe(observe);
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let running = runtime.spawn(server.run(|message| async move { Some(message.to_vec()) }));
    drop(refuse_all(address, &told));
    handle.drain(DEADLINE);
    assert_counts(runtime.block_on(running).unwrap());
}

/// An observer may read the counts. An observer that panics is called again for the next refusal.
#[test]
fn an_observer_can_read_the_counts_and_may_panic() {
    let mut listener = nonblocking::Listener::bind_profile("127.0.0.1:0", &limited(2, 1)).unwrap();
    let admission = listener.admission().unwrap().clone();
    let (counted, (tell, told)) = (admission.clone(), mpsc::channel());
    admission.observe(move |_| {
        tell.send(counted.counts().refused()).unwrap();
        panic!("a panic on purpose");
    });
    let _peers = [66, 66].map(|source| dial_from([127, 0, 0, source], listener.local_addr().unwrap()));
    assert!(listener.try_accept().unwrap().is_none());
    assert_eq!(told.try_iter().collect::<Vec<_>>(), [1, 2]);
}
