//! Programs with an end of ours: a server that drains at SIGTERM, and an end that sends only heartbeats.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use framelink_transport::heartbeat::{Form, Heartbeat};
use framelink_transport::session::{Concurrency, NoticeStage};
use framelink_transport::{Cause, DrainReport, Framing, Message, Profile, TryRecv, blocking, nonblocking, tokio};
use nix::sys::resource::{Resource, setrlimit};

use crate::cell::Role;
use crate::driver::{Blocking, Driver, NonBlocking, Tokio, framing};
use crate::ours::Serves;
use crate::program::say;
use crate::rows::{by, of};

/// How long a drain may take.
const DRAIN: Duration = Duration::from_secs(5);

/// The bytes that the program may allocate beyond its size at the start.
const MEMORY: u64 = 64 * 1024 * 1024;

/// The number of handlers that have begun.
static HANDLED: AtomicU64 = AtomicU64::new(0);

/// A handler that takes a moment, so that requests are in flight.
fn answer(message: &[u8]) -> Vec<u8> {
    HANDLED.fetch_add(1, Ordering::AcqRel);
    thread::sleep(Duration::from_millis(1));
    message.to_vec()
}

/// Serves with little memory, until SIGTERM makes it drain.
pub(crate) fn serve(driver: &str, wire: &str) {
    let framing: Framing = wire.parse().expect("a notation");
    let profile = Profile::builder(framing).connections_per_client(500).close_timeout(Duration::from_secs(5));
    let profile = Arc::new(profile.build().expect("a profile"));
    limit_memory();
    let report = match driver {
        Blocking::NAME => blocking_server(&profile),
        Tokio::NAME => tokio_server(&profile),
        _ => nonblocking_server(&profile),
    };
    say(&format!("handled {}", HANDLED.load(Ordering::Acquire)));
    std::process::exit(i32::from(!report.is_clean()));
}

/// Limits the memory of the process. A larger allocation fails, and ends the program.
fn limit_memory() {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).expect("a size");
    let kib: u64 = size.trim().trim_end_matches(" kB").parse().expect("a number of kB");
    let limit = kib * 1024 + MEMORY;
    setrlimit(Resource::RLIMIT_AS, limit, limit).expect("a limit");
}

/// Calls `act` at SIGTERM.
fn on_sigterm(act: impl FnOnce() + Send + 'static) {
    let runtime = Tokio::runtime();
    let guard = runtime.enter();
    let mut signals = ::tokio::signal::unix::signal(::tokio::signal::unix::SignalKind::terminate()).expect("a signal");
    drop(guard);
    thread::spawn(move || {
        runtime.block_on(signals.recv());
        act();
    });
}

fn blocking_server(profile: &Arc<Profile>) -> DrainReport {
    let server = blocking::Server::bind("127.0.0.1:0", profile).expect("a port");
    let handle = server.handle();
    on_sigterm(move || handle.drain(DRAIN));
    say(&format!("listening on {}", server.local_addr().expect("an address")));
    server.run(|message: Message| Some(answer(&message)))
}

fn tokio_server(profile: &Arc<Profile>) -> DrainReport {
    Tokio::runtime().block_on(async {
        let server = tokio::Server::bind("127.0.0.1:0", profile).await.expect("a port");
        let handle = server.handle();
        on_sigterm(move || handle.drain(DRAIN));
        say(&format!("listening on {}", server.local_addr().expect("an address")));
        server.run(|message: Message| std::future::ready(Some(answer(&message)))).await
    })
}

/// The non-blocking driver has no server: a loop accepts and serves, and its listener's admission ends all connections.
fn nonblocking_server(profile: &Arc<Profile>) -> DrainReport {
    let mut listener = nonblocking::Listener::bind_profile("127.0.0.1:0", profile).expect("a port");
    let admission = listener.admission().expect("a listener of a profile").clone();
    let is_ending = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&is_ending);
    on_sigterm(move || {
        admission.tell(NoticeStage::Draining);
        told.store(true, Ordering::Release);
        thread::sleep(DRAIN / 2);
        admission.tell(NoticeStage::Closing);
    });
    say(&format!("listening on {}", listener.local_addr().expect("an address")));
    let (mut all, mut report) = (Vec::new(), DrainReport::default());
    while !(is_ending.load(Ordering::Acquire) && all.is_empty()) {
        while let Some(connection) = listener.try_accept().expect("accepting") {
            all.push(connection.serve_many(profile, Concurrency::new(1)));
        }
        for mut served in std::mem::take(&mut all) {
            match serve_next(&mut served) {
                Some(false) => all.push(served),
                Some(true) if served.close(profile).is_ok() => report.closed += 1,
                _ => report.connections_cut += 1,
            }
        }
        thread::sleep(Duration::from_millis(1));
    }
    report
}

/// Serves one message, so that all connections have their turn. Returns whether the connection has ended, or `None` when
/// it has failed.
fn serve_next(served: &mut nonblocking::Served) -> Option<bool> {
    match served.try_next() {
        Ok(TryRecv::Message((slot, message))) => served.reply(slot, Some(&answer(&message))).ok().map(|_| false),
        Ok(TryRecv::Nothing) => Some(false),
        Ok(TryRecv::Closed) => Some(true),
        // The loop calls once more, and then closes the connection.
        Err(error) if matches!(error.cause(), Cause::Ended(_)) => Some(false),
        Err(error) => {
            say(&format!("failed: {error}"));
            None
        }
    }
}

/// Runs our end of one connection. It sends only its heartbeats, and as a server it echoes messages.
pub(crate) fn beat(driver: &str, wire: &str, role: &str, peer: &str) {
    let role = if role == "client" { Role::Client } else { Role::Server };
    let run = match driver {
        Blocking::NAME => beat_on::<Blocking>,
        Tokio::NAME => beat_on::<Tokio>,
        _ => beat_on::<NonBlocking>,
    };
    let ended = run(wire, role, peer);
    say(&format!("ended {ended}"));
}

/// Frequent heartbeats with a long timeout, because the peer is healthy.
pub(crate) const BEAT: Duration = Duration::from_millis(200);

fn beat_on<D: Serves>(wire: &str, role: Role, peer: &str) -> String {
    let heartbeat = Heartbeat::relaxed(Form::literal(b"PING", b"PONG")).by(by(role));
    let heartbeat = heartbeat.interval(BEAT).expect("a time").timeout(Duration::from_millis(1500)).expect("a time");
    match role {
        Role::Client => {
            let address: SocketAddr = peer.parse().expect("an address");
            let mut ours = D::connect(address, framing(wire)).expect("connecting");
            ours.watch(heartbeat, of(Role::Client));
            loop {
                match ours.recv_within(Duration::from_millis(100)) {
                    Ok(TryRecv::Message(message)) => ours.send(&message).expect("sending"),
                    Ok(TryRecv::Nothing) => {}
                    Ok(TryRecv::Closed) => return "in good order".to_owned(),
                    Err(error) => return error.to_string(),
                }
            }
        }
        Role::Server => {
            let framing: Framing = wire.parse().expect("a notation");
            let profile = Arc::new(Profile::builder(framing).heartbeat(heartbeat).build().expect("a profile"));
            let (tell, told) = std::sync::mpsc::channel::<SocketAddr>();
            thread::spawn(move || say(&format!("listening on {}", told.recv().expect("an address"))));
            match D::serve("127.0.0.1", profile, &tell, <[u8]>::to_vec) {
                Ok(_) => "in good order".to_owned(),
                Err(error) => error.to_string(),
            }
        }
    }
}
