//! The heap memory of a connection that waits: never used, used once, and after a burst. This program has one test, because
//! the test counts the allocations of the process.

#![cfg(feature = "tokio")]
#![cfg(all(target_os = "linux", target_pointer_width = "64"))] // the recorded sizes are those of this system
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::heartbeat::{Heartbeat, Role};
use framelink_transport::session::{Concurrency, Reply};
use framelink_transport::tokio::{Connection, Listener, Server};
use framelink_transport::{DrainReport, Framing, Message, Profile};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio::task::{JoinSet, yield_now};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many connections are held, so that what they share hardly counts.
const COUNT: usize = 200;
const BURST: usize = 256 * 1024;

/// The heap memory of one connection in each state: never used, used once, and after a burst.
type Most = [Held; 3];

/// Bytes as they are requested, and the allocations that hold them. The allocator needs some more bytes for each.
#[derive(Clone, Copy, Debug)]
struct Held {
    bytes: usize,
    allocations: usize,
}

const fn held(bytes: usize, allocations: usize) -> Held {
    Held { bytes, allocations }
}

/// The recorded sizes. A task cell of tokio grows in steps of 128 bytes.
const TASK: Most = [held(1860, 12), held(1860, 12), held(2190, 12)];
const PLAIN_TASK: Most = [held(1400, 8), held(1400, 8), held(1800, 8)];
const SERVER: Most = [held(1865 + STEP, 13), held(1865 + STEP, 13), held(2200 + STEP, 13)];
/// Both halves of a connection have a place for TLS, which takes 16 bytes, and here the next step of the task cell.
const STEP: usize = if cfg!(feature = "tls") { 128 } else { 0 };

#[test]
fn a_connection_that_waits_holds_little_memory_never_used_used_once_and_after_a_burst() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        measure("a task that receives", PLAIN_TASK, |_| echo_in_tasks(None)).await;
        measure("a task that receives, with a profile", TASK, |profile| echo_in_tasks(Some(profile))).await;
        measure("a server", SERVER, |profile| echo_in_a_server(profile, 1, false)).await;
        measure("a server, 16 at a time", SERVER, |profile| echo_in_a_server(profile, 16, false)).await;
        measure("a server whose handlers wait", SERVER, |profile| echo_in_a_server(profile, 16, true)).await;
        measure("a server, in place", SERVER, echo_in_place).await;
    });
}

/// Holds connections and measures their memory in each state.
async fn measure<S>(what: &str, most: Most, serve: impl AsyncFn(Arc<Profile>) -> (SocketAddr, S)) {
    let (address, serving) = serve(profile()).await;
    // What the process allocates once is allocated.
    let mut first = connected(address, 1).await;
    exchange(&mut first, 5).await;
    let region = Region::new(ALLOCATOR);
    let mut clients = connected(address, COUNT).await;
    check(what, "never used", &region, most[0]);
    exchange(&mut clients, 5).await;
    beat(&mut clients).await;
    check(what, "used once", &region, most[1]);
    exchange(&mut clients, BURST).await;
    beat(&mut clients).await;
    check(what, "after a burst", &region, most[2]);
    drop(serving);
}

fn check(what: &str, state: &str, region: &Region<'_, System>, most: Held) {
    let change = region.change();
    let bytes = (change.bytes_allocated - change.bytes_deallocated) / COUNT;
    let allocations = (change.allocations - change.deallocations) / COUNT;
    println!("{what}, {state}: {bytes} bytes in {allocations} allocations");
    assert!(bytes <= most.bytes && allocations <= most.allocations, "{what}, {state}: at most {most:?}");
}

fn framing() -> Framing {
    "net:4".parse().unwrap()
}

fn heartbeat() -> Heartbeat {
    "empty,interval=30s,timeout=10s".parse().unwrap()
}

fn profile() -> Arc<Profile> {
    let profile = Profile::builder(framing()).heartbeat(heartbeat()).connections(20_000).connections_per_client(20_000);
    Arc::new(profile.build().unwrap())
}

/// Serves in tasks. Without a profile, connections have heartbeats too.
async fn echo_in_tasks(profile: Option<Arc<Profile>>) -> (SocketAddr, JoinSet<()>) {
    let mut listener = match &profile {
        Some(profile) => Listener::bind_profile("127.0.0.1:0", profile).await.unwrap(),
        None => Listener::bind("127.0.0.1:0", framing()).await.unwrap(),
    };
    let address = listener.local_addr().unwrap();
    let heartbeat = Arc::new(heartbeat());
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        loop {
            let mut connection = listener.accept().await.unwrap();
            if profile.is_none() {
                connection.watch(Arc::clone(&heartbeat), Role::Server);
            }
            tokio::spawn(echo(connection));
        }
    });
    (address, tasks)
}

#[expect(clippy::manual_async_fn, reason = "the future of an `async fn` would hold the connection twice")]
fn echo(mut connection: Connection) -> impl Future<Output = ()> {
    async move {
        loop {
            let Ok(Some(message)) = connection.recv().await else { return };
            // A connection that waits for a message needs no memory for sending.
            Box::pin(connection.send(&message)).await.unwrap();
        }
    }
}

/// Serves with handlers, of which up to `limit` run at a time on a connection. They answer at once, or wait first.
async fn echo_in_a_server(profile: Arc<Profile>, limit: usize, waits: bool) -> (SocketAddr, JoinSet<()>) {
    let server = Server::bind("127.0.0.1:0", &profile).await.unwrap().concurrency(Concurrency::new(limit));
    let answer = move |request: Message| async move {
        if waits {
            yield_now().await;
        }
        Some(request.to_vec())
    };
    (server.local_addr().unwrap(), running(server.run(answer)))
}

async fn echo_in_place(profile: Arc<Profile>) -> (SocketAddr, JoinSet<()>) {
    let server = Server::bind("127.0.0.1:0", &profile).await.unwrap();
    let answer = |request: &[u8], reply: &mut Reply<'_>| reply.extend_from_slice(request);
    (server.local_addr().unwrap(), running(server.run_in_place(answer)))
}

fn running(run: impl Future<Output = DrainReport> + Send + 'static) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(async move {
        run.await;
    });
    tasks
}

async fn connected(address: SocketAddr, count: usize) -> Vec<TcpStream> {
    let mut clients = Vec::with_capacity(count);
    for _ in 0..count {
        let client = TcpStream::connect(address).unwrap();
        client.set_nonblocking(true).unwrap();
        clients.push(client);
        yields().await;
    }
    yields().await;
    clients
}

/// Sends a request on each connection, and reads the reply.
async fn exchange(clients: &mut [TcpStream], len: usize) {
    let request = [&u32::try_from(len).unwrap().to_be_bytes(), &vec![7; len][..]].concat();
    let mut reply = vec![0; request.len()];
    for client in clients.iter_mut() {
        let (mut written, mut read) = (0, 0);
        while read < reply.len() {
            if let Ok(count) = client.write(&request[written..]) {
                written += count;
            }
            tokio::time::sleep(Duration::ZERO).await;
            match client.read(&mut reply[read..]) {
                Ok(count) => read += count,
                Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::WouldBlock),
            }
        }
        assert!(reply == request);
    }
    yields().await;
}

/// Sends a heartbeat on each connection. A server frees the memory for requests when a connection is woken for none.
async fn beat(clients: &mut [TcpStream]) {
    for client in clients.iter_mut() {
        client.write_all(&[0; 4]).unwrap();
    }
    yields().await;
}

/// Lets the tasks of this thread run until they wait. The timer makes the runtime look at its sockets, which it does
/// only when a task waits. No bound depends on how long that takes.
async fn yields() {
    for _ in 0..8 {
        yield_now().await;
    }
    tokio::time::sleep(Duration::from_millis(1)).await;
}
