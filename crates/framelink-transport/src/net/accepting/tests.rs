//! Every error of `accept`, on the listeners and servers of all drivers.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::io::Errno;

use super::scripted::fail;
use crate::admission::ServerEvent;
use crate::server::ServerCounts;
use crate::{Framing, Profile, blocking, nonblocking, tokio as driver};

/// The errors, and whether each concerns only one connection.
const ERRORS: [(Errno, bool); 10] = [
    (Errno::CONNABORTED, true),
    (Errno::INTR, true),
    (Errno::NETDOWN, true),
    (Errno::NETUNREACH, true),
    (Errno::HOSTUNREACH, true),
    (Errno::MFILE, false),
    (Errno::NFILE, false),
    (Errno::NOBUFS, false),
    (Errno::NOMEM, false),
    (Errno::PERM, false),
];

/// The framings, and the frame of `hello` in each.
const WIRES: [(&str, &[u8]); 3] =
    [("ascii:4", b"0005hello"), ("bcd:2", b"\x00\x05hello"), ("net:4", b"\x00\x00\x00\x05hello")];

const ANY: &str = "127.0.0.1:0";
const DEADLINE: Duration = Duration::from_secs(10);
/// How often `accept` fails before it works.
const TIMES: usize = 3;

fn framing(notation: &str) -> Framing {
    notation.parse().unwrap()
}

/// A client that has sent `hello`.
fn dial(address: SocketAddr, frame: &[u8]) -> TcpStream {
    let mut client = TcpStream::connect(address).unwrap();
    client.set_read_timeout(Some(DEADLINE)).unwrap();
    client.write_all(frame).unwrap();
    client
}

/// Checks that a listener fails once with an error of its own, skips other errors, and then accepts the client.
#[track_caller]
fn survives(number: Errno, is_gone: bool, mut accept: impl FnMut() -> io::Result<Vec<u8>>) {
    fail([number.raw_os_error(); 2]);
    if !is_gone {
        for _ in 0..2 {
            assert_eq!(accept().unwrap_err().raw_os_error(), Some(number.raw_os_error()), "{number:?}");
        }
    }
    assert_eq!(accept().unwrap_or_else(|error| panic!("{number:?}: {error}")), b"hello", "{number:?}");
}

#[test]
fn a_listener_of_each_driver_survives_every_error_of_accept() {
    for (notation, frame) in WIRES {
        let mut on_threads = blocking::Listener::bind(ANY, framing(notation)).unwrap();
        let mut on_events = nonblocking::Listener::bind(ANY, framing(notation)).unwrap();
        let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut on_tokio = runtime.block_on(driver::Listener::bind(ANY, framing(notation))).unwrap();
        for (number, is_gone) in ERRORS {
            let _client = dial(on_threads.local_addr().unwrap(), frame);
            survives(number, is_gone, || {
                let mut connection = on_threads.accept()?.expect("it was not stopped");
                Ok(connection.recv().unwrap().unwrap().to_vec())
            });
            let _client = dial(on_events.local_addr().unwrap(), frame);
            survives(number, is_gone, || {
                let mut connection = on_events.try_accept()?.expect("a connection");
                Ok(connection.recv_within(DEADLINE).unwrap().into_message().unwrap().to_vec())
            });
            let _client = dial(on_tokio.local_addr().unwrap(), frame);
            survives(number, is_gone, || {
                runtime.block_on(async {
                    let mut connection = on_tokio.accept().await?;
                    Ok(connection.recv().await.unwrap().unwrap().to_vec())
                })
            });
        }
    }
}

/// The events that a server told its observer, as words.
type Told = Arc<Mutex<Vec<&'static str>>>;

fn observe(told: &Told) -> impl Fn(&ServerEvent<'_>) + Send + Sync + 'static {
    let told = Arc::clone(told);
    move |event| {
        told.lock().unwrap().push(match event {
            ServerEvent::AcceptFailed { .. } => "failed",
            ServerEvent::AcceptingAgain => "again",
            _ => return,
        });
    }
}

/// Checks that a client is answered although accepting failed `TIMES` times before.
fn is_served(
    number: Errno,
    is_gone: bool,
    address: SocketAddr,
    frame: &[u8],
    told: &Told,
    counts: impl Fn() -> ServerCounts,
) {
    let mut reply = vec![0; frame.len()];
    dial(address, frame).read_exact(&mut reply).unwrap();
    assert_eq!(reply, frame, "{number:?}");
    // The observer is told once, and not at each failure.
    let expected: (&[&str], usize) = if is_gone { (&[], 0) } else { (&["failed", "again"], TIMES) };
    // The client may have its reply before the observer is called.
    let began = Instant::now();
    while *told.lock().unwrap() != expected.0 && began.elapsed() < DEADLINE {
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(*told.lock().unwrap(), expected.0, "{number:?}");
    assert_eq!(counts().accept_failed, expected.1 as u64, "{number:?}");
}

#[test]
fn a_server_survives_every_error_of_accept() {
    thread::scope(|scope| {
        for (number, is_gone) in ERRORS {
            for (notation, frame) in WIRES {
                scope.spawn(move || on_threads(number, is_gone, notation, frame));
                scope.spawn(move || on_tokio(number, is_gone, notation, frame));
            }
        }
    });
}

fn profile(notation: &str) -> Arc<Profile> {
    Arc::new(Profile::builder(framing(notation)).build().unwrap())
}

fn on_threads(number: Errno, is_gone: bool, notation: &str, frame: &[u8]) {
    let told = Told::default();
    let server = blocking::Server::bind(ANY, &profile(notation)).unwrap().observe(observe(&told));
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let running = thread::spawn(move || {
        fail([number.raw_os_error(); TIMES]);
        server.run(|message| Some(message.to_vec()))
    });
    is_served(number, is_gone, address, frame, &told, || handle.counts());
    handle.drain(DEADLINE);
    running.join().unwrap();
}

fn on_tokio(number: Errno, is_gone: bool, notation: &str, frame: &[u8]) {
    let told = Told::default();
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(driver::Server::bind(ANY, &profile(notation))).unwrap().observe(observe(&told));
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let running = thread::spawn(move || {
        fail([number.raw_os_error(); TIMES]);
        runtime.block_on(server.run(|message| async move { Some(message.to_vec()) }))
    });
    is_served(number, is_gone, address, frame, &told, || handle.counts());
    handle.drain(DEADLINE);
    running.join().unwrap();
}
