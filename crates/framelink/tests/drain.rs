//! A bridge that is told to end.

#![cfg(unix)]

mod common;

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use common::{DEADLINE, Host, Running, Task, Wire, dial, framelink, half_close, is_closed, read_exactly, read_to_end};

fn bridge(to: SocketAddr, framings: [Wire; 2], drain: &str) -> (Running, SocketAddr) {
    let to = to.to_string();
    let [client, host] = framings.map(Wire::notation);
    let arguments = ["bridge", "--listen", "127.0.0.1:0", "--framing", client, "--to", &to, "--to-framing", host];
    Running::listen(&mut framelink([&arguments[..], &["--drain", drain]].concat()))
}

const FRAMINGS: [Wire; 2] = [Wire::Ascii4, Wire::Bcd2];

#[test]
fn an_idle_bridge_ends_at_once_if_its_peers_do() {
    for signal in ["TERM", "INT"] {
        let host = Host::listen();
        let (bridge, address) = bridge(host.address, FRAMINGS, "60s");
        let mut client = dial(address);
        let mut host = host.accept();
        client.write_all(b"0002hi").unwrap();
        assert_eq!(read_exactly(&host, 4), b"\0\x02hi");
        host.write_all(b"\0\x02ok").unwrap();
        assert_eq!(read_exactly(&client, 6), b"0002ok");

        bridge.signal(signal);
        assert_eq!(read_to_end(&host), b"", "{signal}");
        drop(host);
        assert_eq!(read_to_end(&client), b"", "{signal}");
        drop(client);
        assert_eq!(bridge.finish().code, Some(0), "{signal}");
    }
}

#[test]
fn a_bridge_without_connections_ends_at_once() {
    let host = Host::listen();
    let (bridge, _) = bridge(host.address, FRAMINGS, "60s");
    bridge.signal("TERM");
    assert_eq!(bridge.finish().code, Some(0));
}

#[test]
fn a_reply_that_is_under_way_is_waited_for() {
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address, FRAMINGS, "10s");
    let mut client = dial(address);
    let mut host = host.accept();
    client.write_all(b"0002hi").unwrap();
    assert_eq!(read_exactly(&host, 4), b"\0\x02hi");
    bridge.signal("TERM");
    bridge.log_line("draining");

    // Many hosts drop what they are working on when their client's side ends: that is held back.
    host.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let error = host.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    host.set_read_timeout(Some(DEADLINE)).unwrap();
    host.write_all(b"\0\x02ok").unwrap();
    assert_eq!(read_to_end(&host), b"", "now it ends");
    drop(host);
    assert_eq!(read_to_end(&client), b"0002ok");
    drop(client);
    assert_eq!(bridge.finish().code, Some(0));
}

#[test]
fn a_request_that_has_begun_to_come_is_finished() {
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address, FRAMINGS, "10s");
    let mut client = dial(address);
    let mut host = host.accept();
    // The whole one in front shows that the half has come too.
    client.write_all(b"0002hi0005he").unwrap();
    assert_eq!(read_exactly(&host, 4), b"\0\x02hi");
    bridge.signal("TERM");
    bridge.log_line("draining");
    client.write_all(b"llo").unwrap();
    assert_eq!(read_exactly(&host, 7), b"\0\x05hello");
    host.write_all(b"\0\x01a\0\x01b").unwrap();
    assert_eq!(read_to_end(&host), b"");
    drop(host);
    assert_eq!(read_to_end(&client), b"0001a0001b");
    drop(client);
    assert_eq!(bridge.finish().code, Some(0));
}

#[test]
fn a_client_that_goes_on_sending_still_receives_its_reply_whole() {
    let reply = vec![b'r'; 8 * 1024 * 1024];
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address, [Wire::Net4, Wire::Net4], "10s");
    let mut client = dial(address);
    let mut host = host.accept();
    client.write_all(b"\0\0\0\x02hi").unwrap();
    assert_eq!(read_exactly(&host, 6), b"\0\0\0\x02hi");
    bridge.signal("TERM");
    bridge.log_line("draining");
    // It comes too late and nobody reads it: a socket that is closed with it resets the connection.
    client.write_all(b"\0\0\0\x04late").unwrap();
    let replying = Task::start({
        let frame = Wire::Net4.frame(&reply);
        move || {
            host.write_all(&frame).expect("replying");
            assert_eq!(read_to_end(&host), b"");
        }
    });
    replying.join();
    assert!(read_to_end(&client)[4..] == reply, "the reply is whole");
    drop(client);
    assert_eq!(bridge.finish().code, Some(0));
}

#[test]
fn nobody_new_is_accepted_while_draining() {
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address, FRAMINGS, "60s");
    let mut client = dial(address);
    let mut host_side = host.accept();
    client.write_all(b"0002hi").unwrap();
    assert_eq!(read_exactly(&host_side, 4), b"\0\x02hi");
    bridge.signal("TERM");
    bridge.log_line("draining");
    let start = Instant::now();
    // Until the listener is gone the system may still take some, whom nobody serves.
    while let Ok(late) = TcpStream::connect(address) {
        assert!(start.elapsed() < DEADLINE, "the listener is still there");
        late.set_read_timeout(Some(DEADLINE)).unwrap();
        assert!(is_closed(&late));
    }
    host_side.write_all(b"\0\x02ok").unwrap();
    assert_eq!(read_exactly(&client, 6), b"0002ok", "whoever was there is served to the end");
}

#[test]
fn a_large_message_that_the_host_does_not_take_is_one_that_was_cut() {
    const DRAIN: Duration = Duration::from_millis(500);
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address, [Wire::Net4, Wire::Net4], "500ms");
    let mut client = dial(address);
    let _host = host.accept();
    client.write_all(&Wire::Net4.frame(&vec![b'x'; 32 * 1024 * 1024])).unwrap();
    bridge.signal("TERM");
    bridge.log_line("draining");
    let start = Instant::now();
    let done = bridge.finish();
    assert!(start.elapsed() < DRAIN + Duration::from_secs(1), "{:?}", start.elapsed());
    assert_eq!(done.code, Some(1));
    assert_eq!(done.stderr.lines().last(), Some("framelink: 1 message was cut"));
}

#[test]
fn half_a_message_that_never_ends_is_one_that_was_cut() {
    let host = Host::listen();
    let (bridge, address) = bridge(host.address, FRAMINGS, "300ms");
    let mut client = dial(address);
    let host = host.accept();
    client.write_all(b"0002hi0005he").unwrap();
    assert_eq!(read_exactly(&host, 4), b"\0\x02hi");
    bridge.signal("TERM");
    let done = bridge.finish();
    assert_eq!(done.code, Some(1));
    assert_eq!(done.stderr.lines().last(), Some("framelink: 1 message was cut"));
}

#[test]
fn a_peer_that_never_ends_is_cut_off_and_no_message_with_it() {
    let host = Host::listen();
    let (bridge, address) = bridge(host.address, FRAMINGS, "300ms");
    let client = dial(address);
    let host = host.accept();
    bridge.signal("TERM");
    assert_eq!(bridge.finish().code, Some(0));
    drop((client, host));
}

#[test]
fn a_second_signal_ends_the_bridge_at_once() {
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address, [Wire::Net4, Wire::Net4], "60s");
    let mut client = dial(address);
    let _host = host.accept();
    client.write_all(&Wire::Net4.frame(&vec![b'x'; 32 * 1024 * 1024])).unwrap();
    bridge.signal("TERM");
    bridge.log_line("draining");
    bridge.signal("INT");
    let done = bridge.finish();
    assert_eq!(done.code, Some(1));
    assert_eq!(done.stderr.lines().last(), Some("framelink: ended by a second signal, 1 message was cut"));
}

/// The test knows what went in and what came out, and the system what lies in its buffers: the rest is what was cut.
#[cfg(target_os = "linux")]
#[test]
fn the_count_of_what_was_cut_is_exact() {
    for payload in [0, 100, 3000, 5000, 9999] {
        let host = Host::listen();
        let (mut bridge, address) = bridge(host.address, FRAMINGS, "500ms");
        let mut client = dial(address);
        let name = client.local_addr().unwrap();
        let host = host.accept();
        let frame = Wire::Ascii4.frame(&vec![b'x'; payload]);
        let block = frame.repeat(256 * 1024 / frame.len());

        client.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut written = 0;
        while let Ok(count) = client.write(&block[written % block.len()..]) {
            written += count;
        }
        let taken = written - sockets::unacknowledged(name, address) - sockets::unread(address, name);
        bridge.signal("TERM");
        bridge.log_line("draining");
        let done = bridge.finish();
        let arrived = read_to_end(&host).len();

        let cut = taken.div_ceil(frame.len()) - arrived / Wire::Bcd2.frame(&vec![b'x'; payload]).len();
        assert!(cut > 0, "{payload}: something is in the bridge");
        let were = if cut == 1 { "message was" } else { "messages were" };
        let expected = format!("framelink: {cut} {were} cut");
        assert_eq!((done.code, done.stderr.lines().last()), (Some(1), Some(&*expected)), "payloads of {payload}");
    }
}

#[test]
fn replies_that_the_client_does_not_take_are_cut_too() {
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address, [Wire::Net4, Wire::Net4], "500ms");
    let client = dial(address);
    let mut host = host.accept();
    host.write_all(&Wire::Net4.frame(&vec![b'x'; 32 * 1024 * 1024])).unwrap();
    half_close(&host);
    bridge.signal("TERM");
    bridge.log_line("draining");
    let done = bridge.finish();
    assert_eq!((done.code, done.stderr.lines().last()), (Some(1), Some("framelink: 1 message was cut")));
    drop(client);
}

/// What lies in the buffers of the system's sockets.
#[cfg(target_os = "linux")]
mod sockets {
    use std::net::SocketAddr;

    /// Bytes that were written and have not been received.
    pub(super) fn unacknowledged(local: SocketAddr, remote: SocketAddr) -> usize {
        queues(local, remote).0
    }

    /// Bytes that were received and have not been read.
    pub(super) fn unread(local: SocketAddr, remote: SocketAddr) -> usize {
        queues(local, remote).1
    }

    /// `/proc/net/tcp`: number, local address, remote address, state, `tx_queue:rx_queue`, …; all in hex.
    fn queues(local: SocketAddr, remote: SocketAddr) -> (usize, usize) {
        let table = std::fs::read_to_string("/proc/net/tcp").expect("the table of sockets");
        let port = |address: SocketAddr| format!(":{:04X}", address.port());
        let line = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>()).find(|words| {
            words.get(1).is_some_and(|word| word.ends_with(&port(local)))
                && words.get(2).is_some_and(|word| word.ends_with(&port(remote)))
        });
        let queues = line.expect("a socket with these addresses")[4];
        let (sent, received) = queues.split_once(':').expect("two queues");
        let read = |hex| usize::from_str_radix(hex, 16).expect("a hex number");
        (read(sent), read(received))
    }
}
