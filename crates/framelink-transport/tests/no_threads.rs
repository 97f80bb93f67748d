//! The blocking driver in a process that may not start a second thread: no call panics, and every error reports what
//! happened to its message.
//!
//! The process runs as a user of its own, with `RLIMIT_NPROC` 1. The test is skipped if it lacks the rights for that.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, reason = "a test without a harness, which would start threads")]

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use framelink_transport::blocking::{Client, Connection, Link, Pool};
use framelink_transport::profile::{Duplex, Pooled};
use framelink_transport::session::Sent;
use framelink_transport::{Cause, ConnectError, Framing, FramingPair, Profile, ProfileBuilder};

/// The variable with the address of the peer, for the limited process.
const PEER: &str = "FRAMELINK_PEER";
const HAS_BEGUN: &str = "the limited process has begun";

fn main() {
    match std::env::var(PEER) {
        Ok(peer) => without_threads(peer.parse().unwrap()),
        Err(_) => start(),
    }
}

/// Starts the peer and the limited process.
fn start() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut host = Connection::from_stream(stream.unwrap(), FramingPair::from(framing()));
            thread::spawn(move || {
                while let Ok(Some(message)) = host.recv() {
                    if host.send(&message).is_err() {
                        return;
                    }
                }
            });
        }
    });
    let copy = Copy::make();
    let user = (61_000 + std::process::id() % 1000).to_string();
    let mut command = Command::new("setpriv");
    command.args(["--reuid", &user, "--regid", &user, "--clear-groups", "prlimit", "--nproc=1"]).arg(&copy.program);
    let output = match command.env(PEER, peer.to_string()).stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => return println!("skipped, setpriv cannot be run: {error}"),
    };
    let (said, complained) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if !said.contains(HAS_BEGUN) {
        return println!("skipped, the rights of a process cannot be dropped here: {complained}");
    }
    print!("{said}");
    assert!(output.status.success(), "{}: {complained}", output.status);
}

/// A copy of this program where any user may run it.
struct Copy {
    directory: PathBuf,
    program: PathBuf,
}

impl Copy {
    fn make() -> Self {
        let directory = std::env::temp_dir().join(format!("framelink-no-threads-{}", std::process::id()));
        let program = directory.join("no_threads");
        fs::create_dir_all(&directory).unwrap();
        fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
        let any_may = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
        any_may(&directory);
        any_may(&program);
        Self { directory, program }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn framing() -> Framing {
    "net:2".parse().unwrap()
}

fn profile() -> ProfileBuilder {
    let living = Profile::builder(framing()).heartbeat("empty,interval=30s".parse().unwrap());
    living.reply_timeout(Duration::from_secs(10))
}

/// The tests that run in the only thread of the limited process.
fn without_threads(peer: SocketAddr) {
    println!("{HAS_BEGUN}");
    if thread::Builder::new().spawn(|| {}).is_ok() {
        return println!("skipped, threads are not limited here");
    }
    a_client_is_answered(peer);
    a_pool_provides_connections(peer);
    a_link_reports_that_the_request_was_not_sent(peer);
    a_host_name_is_an_error();
}

fn a_client_is_answered(peer: SocketAddr) {
    let mut client = Client::new(profile().build().unwrap(), peer.to_string()).unwrap();
    for _ in 0..3 {
        assert_eq!(&client.call(b"hello").unwrap()[..], b"hello");
        println!("client: answered; no heartbeats: {}", client.idle_task_error().unwrap());
    }
    client.close().unwrap();
}

fn a_pool_provides_connections(peer: SocketAddr) {
    let pool = Pool::new(profile().connection(Pooled::new(2)).build().unwrap(), [peer.to_string()]).unwrap();
    for _ in 0..3 {
        assert_eq!(&pool.call(b"hello").unwrap()[..], b"hello");
        println!("pool: answered; no heartbeats: {}", pool.idle_task_error().unwrap());
    }
    assert_eq!(pool.close(Duration::from_secs(10)).cut, 0);
}

fn a_link_reports_that_the_request_was_not_sent(peer: SocketAddr) {
    let profile = profile().exchange(Duplex::new().key("0:2".parse().unwrap())).build().unwrap();
    let (link, _inbox) = Link::new(profile, peer.to_string()).unwrap();
    for error in [link.call(b"01").unwrap_err(), link.send(b"01").unwrap_err()] {
        assert_eq!(error.sent(), Sent::Not);
        assert!(matches!(error.error().cause(), Cause::Connect(ConnectError::NoThread(_))), "{error}");
        println!("link: {error}");
    }
}

fn a_host_name_is_an_error() {
    let mut client = Client::new(profile().build().unwrap(), "localhost:1").unwrap();
    let error = client.call(b"hello").unwrap_err();
    assert_eq!(error.sent(), Sent::Not);
    println!("name: {error}");
}
