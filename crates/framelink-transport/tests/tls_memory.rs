//! The heap memory of connections with TLS: stalled in the handshake, and idle after it. This program has one test, because
//! the test counts the allocations of the process.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))] // the recorded sizes are those of this system
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/certificates.rs"]
mod certificates;

use std::alloc::System;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use certificates::{ALL, pair_of, server_name};
use framelink_transport::Framing;
use framelink_transport::tls::ServerTls;
use framelink_transport::tokio::{Connection, Listener};
use rustls::{ClientConfig, ClientConnection, ServerConfig, ServerConnection, StreamOwned};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const COUNT: usize = 200;
const DEADLINE: Duration = Duration::from_secs(20);
/// How long a handshake may take here.
const WITHIN: Duration = Duration::from_secs(2);

/// The recorded sizes in bytes.
const STALLED: usize = 16 * 1024;
/// What an idle connection needs beside the state of rustls: session, socket, task, and both halves of TLS.
const BESIDE_RUSTLS: usize = 2560;

type Stream = StreamOwned<ClientConnection, TcpStream>;

#[test]
fn a_connection_with_tls_holds_little_memory_while_it_stalls_and_while_it_is_idle() {
    let (client, server) = pair_of(ALL);
    let (client, server) = (Arc::new(client), Arc::new(server));
    let address = echo(&server);
    // What the process allocates once is allocated.
    barrier(address, &client);

    let region = Region::new(ALLOCATOR);
    let stalled: Vec<_> = (0..COUNT).map(|number| stall(address, number)).collect();
    barrier(address, &client);
    let bytes = held(&region);
    println!("stalled in the handshake: {bytes} bytes");
    assert!(bytes <= STALLED);
    for mut stream in stalled {
        assert!(matches!(stream.read(&mut [0; 64]), Ok(0) | Err(_)), "closed when the handshake took too long");
    }

    let least = rustls_alone(&client, &server);
    let mut open = Vec::new();
    for len in [5, 60_000] {
        let region = Region::new(ALLOCATOR);
        let idle: Vec<_> = (0..COUNT).map(|_| connected(address, &client, len).sock).collect();
        barrier(address, &client);
        let bytes = held(&region);
        println!("idle after {len} bytes: {bytes} bytes, of which rustls alone needs {least}");
        assert!(bytes <= least + BESIDE_RUSTLS, "after {len} bytes");
        open.extend(idle);
    }
}

fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    (change.bytes_allocated.saturating_sub(change.bytes_deallocated)) / COUNT
}

/// Runs a server on a runtime of one thread.
fn echo(server: &Arc<ServerConfig>) -> SocketAddr {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let framing: Framing = "net:2".parse().unwrap();
    let tls = ServerTls::new(Arc::clone(server)).handshake_within(WITHIN);
    let mut listener = runtime.block_on(Listener::bind("127.0.0.1:0", framing)).unwrap().tls(tls);
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        runtime.block_on(async move {
            loop {
                let connection = listener.accept().await.unwrap();
                tokio::spawn(answer(connection));
            }
        });
    });
    address
}

async fn answer(mut connection: Connection) {
    while let Ok(Some(message)) = connection.recv().await {
        // A connection that waits for a message needs no memory for sending.
        Box::pin(connection.send(&message)).await.unwrap();
    }
}

/// A client that sends nothing, the beginning of a hello, or half of a large one.
fn stall(address: SocketAddr, number: usize) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let begun = match number % 3 {
        0 => vec![],
        1 => vec![0x16, 3, 1],
        _ => [&[0x16, 3, 1, 0x20, 0, 1, 0, 0x1f, 0xfc][..], &[0; 4000]].concat(),
    };
    stream.write_all(&begun).unwrap();
    stream
}

/// Makes one exchange. On its one thread, the server has then handled what came before.
fn barrier(address: SocketAddr, client: &Arc<ClientConfig>) {
    drop(connected(address, client, 5));
}

fn connected(address: SocketAddr, client: &Arc<ClientConfig>, len: u16) -> Stream {
    let client = ClientConnection::new(Arc::clone(client), server_name()).unwrap();
    let socket = TcpStream::connect(address).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut stream = StreamOwned::new(client, socket);
    let request = [&len.to_be_bytes()[..], &vec![7; len.into()]].concat();
    let mut reply = vec![0; request.len()];
    stream.write_all(&request).unwrap();
    stream.read_exact(&mut reply).unwrap();
    assert!(reply == request);
    stream
}

/// Returns the memory of a connection of rustls after its handshake, without sockets.
fn rustls_alone(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> usize {
    let region = Region::new(ALLOCATOR);
    let all: Vec<_> = (0..COUNT).map(|_| Box::new(shaken(client, server))).collect();
    let bytes = held(&region);
    drop(all);
    bytes
}

fn shaken(client: &Arc<ClientConfig>, server: &Arc<ServerConfig>) -> ServerConnection {
    let mut client = ClientConnection::new(Arc::clone(client), server_name()).unwrap();
    let mut server = ServerConnection::new(Arc::clone(server)).unwrap();
    while client.is_handshaking() || server.is_handshaking() || server.wants_write() {
        pass(
            |out| client.write_tls(out).unwrap(),
            |records| {
                while !records.is_empty() {
                    server.read_tls(records).unwrap();
                    server.process_new_packets().unwrap();
                }
            },
        );
        pass(
            |out| server.write_tls(out).unwrap(),
            |records| {
                while !records.is_empty() {
                    client.read_tls(records).unwrap();
                    client.process_new_packets().unwrap();
                }
            },
        );
    }
    server
}

fn pass(write: impl FnOnce(&mut Vec<u8>) -> usize, read: impl FnOnce(&mut &[u8])) {
    let mut records = Vec::new();
    write(&mut records);
    read(&mut &records[..]);
}
