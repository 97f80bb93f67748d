//! What many connections cost a server while they are idle, and while they are accepted.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::{Duration, Instant};

use crate::process::Process;

/// The message that each connection sends once.
const ONE: usize = 64;
/// After it: so many messages of so many bytes with their header, all in flight at a time.
const BURST: usize = 256;
const BURST_FRAME: usize = 1024;
/// How long the server may take to accept all connections, and to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// After this time a server has done what it does after traffic, and has closed the connection that waited for its start.
const SETTLED: Duration = Duration::from_millis(300);

/// What is measured of idle connections: bytes of resident memory for each.
pub(crate) const IDLE: [&str; 3] = ["never used", "used once", "after 256 KiB"];

/// What is measured of accepting: until all are accepted, and CPU time for each.
pub(crate) const ACCEPT: [&str; 2] = ["ms for all", "CPU µs for each"];

/// Connects so many clients, and measures resident memory before and after traffic, in bytes for each connection.
pub(crate) fn idle(server: &Process, framing: &str, count: usize) -> io::Result<Vec<f64>> {
    thread::sleep(SETTLED);
    let before = server.resident()?;
    let each = |resident: u64| as_f64(resident.saturating_sub(before)) / as_f64(count as u64);
    let clients = connect(server, count)?;
    thread::sleep(SETTLED);
    let mut measured = vec![each(server.resident()?)];
    let burst = frame(framing, BURST_FRAME - header(framing, BURST_FRAME - 4).len()).repeat(BURST);
    for traffic in [frame(framing, ONE), burst] {
        exchange(&clients, &traffic)?;
        thread::sleep(SETTLED);
        measured.push(each(server.resident()?));
    }
    Ok(measured)
}

/// Connects so many clients, and measures the time until the server has accepted all of them.
pub(crate) fn accept(server: &Process, count: usize) -> io::Result<Vec<f64>> {
    thread::sleep(SETTLED);
    let (cpu, began) = (server.cpu_secs()?, Instant::now());
    let clients = connect(server, count)?;
    let millis = began.elapsed().as_secs_f64() * 1e3;
    let cpu = server.cpu_secs()? - cpu;
    drop(clients);
    Ok(vec![millis, cpu * 1e6 / as_f64(count as u64)])
}

/// Connects, and waits until the server has a descriptor for each connection.
fn connect(server: &Process, count: usize) -> io::Result<Vec<TcpStream>> {
    let open = server.descriptors()?;
    let began = Instant::now();
    let mut clients = Vec::with_capacity(count);
    for _ in 0..count {
        clients.push(TcpStream::connect(&server.address)?);
    }
    while server.descriptors()? < open + count {
        if began.elapsed() > PATIENCE {
            let open = server.descriptors()? - open;
            return Err(io::Error::other(format!("the server has accepted {open} of {count} connections")));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(clients)
}

/// Sends all of these bytes at once to one connection after the other, and receives as many.
fn exchange(clients: &[TcpStream], traffic: &[u8]) -> io::Result<()> {
    let (turn, turns) = sync_channel(0);
    thread::scope(move |scope| {
        let writing =
            scope.spawn(move || turns.iter().try_for_each(|mut client: &TcpStream| client.write_all(traffic)));
        let mut echo = vec![0; traffic.len()];
        for mut client in clients {
            turn.send(client).map_err(|_| io::Error::other("the writer failed"))?;
            client.set_read_timeout(Some(PATIENCE))?;
            client.read_exact(&mut echo)?;
            if echo != traffic {
                return Err(io::Error::other("the server answered something else"));
            }
        }
        drop(turn);
        writing.join().map_err(|_| io::Error::other("the writer failed"))?
    })
}

fn frame(framing: &str, payload_len: usize) -> Vec<u8> {
    let mut frame = header(framing, payload_len);
    frame.resize(frame.len() + payload_len, b'a');
    frame
}

/// Returns the header of net:4, or of varint.
fn header(framing: &str, payload_len: usize) -> Vec<u8> {
    let len = u32::try_from(payload_len).expect("a short message");
    if framing == "net:4" {
        return len.to_be_bytes().to_vec();
    }
    let (mut header, mut rest) = (Vec::new(), len);
    while rest >= 0x80 {
        header.push(rest.to_le_bytes()[0] | 0x80);
        rest >>= 7;
    }
    header.push(rest.to_le_bytes()[0]);
    header
}

#[expect(clippy::cast_precision_loss, reason = "bytes of memory, for people")]
const fn as_f64(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_its_header() {
        assert_eq!(frame("net:4", 2), [0, 0, 0, 2, b'a', b'a']);
        assert_eq!(frame("varint", 2), [2, b'a', b'a']);
        assert_eq!(header("varint", 300), [0xac, 2]);
    }
}
