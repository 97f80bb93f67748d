//! `framelink bridge`, between a client and a host that read and write plain bytes.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::time::Duration;

use crate::common::{
    DeadPort, Host, Running, Task, Wire, dial, framelink, half_close, is_closed, read_exactly, read_to_end,
};

fn bridge(client: &str, to: SocketAddr, host: &str, more: &[&str]) -> (Running, SocketAddr) {
    let to = to.to_string();
    let arguments = ["bridge", "--listen", "127.0.0.1:0", "--framing", client, "--to", &to, "--to-framing", host];
    Running::listen(&mut framelink([&arguments[..], more].concat()))
}

/// Starts a bridge from ascii:4 to bcd:2, and returns it with a client and a host.
fn pair(host: &Host) -> (Running, TcpStream, TcpStream) {
    let (running, address) = bridge("ascii:4", host.address, "bcd:2", &[]);
    let client = dial(address);
    let host = host.accept();
    (running, client, host)
}

/// Returns payloads of many lengths, each with as much of its number as fits.
fn payloads(count: usize, most: usize) -> Vec<Vec<u8>> {
    const LENS: [usize; 18] =
        [0, 1, 2, 3, 15, 16, 255, 256, 257, 4095, 4096, 4097, 9998, 9999, 16384, 32769, 65535, 65536];
    let lens: Vec<usize> = LENS.into_iter().filter(|&len| len <= most).collect();
    (0..count)
        .map(|i| format!("{i:08}").into_bytes().into_iter().cycle().take(lens[i % lens.len()]).collect())
        .collect()
}

/// Writes all messages and ends this side, and meanwhile reads until the other side ends.
fn converse(stream: &TcpStream, wire: Wire, messages: &[Vec<u8>], expected: usize) -> Vec<Vec<u8>> {
    let mut writer = stream.try_clone().expect("cloning a socket");
    let bytes = wire.frames(messages);
    let writing = Task::start(move || {
        writer.write_all(&bytes).expect("writing");
        half_close(&writer);
    });
    let mut reader = BufReader::with_capacity(65536, stream);
    let received = (0..expected).map(|_| wire.read(&mut reader)).collect();
    assert_eq!(read_to_end(reader), b"", "only the messages");
    writing.join();
    received
}

/// Compares messages, and prints only the first difference: there are thousands of messages.
#[track_caller]
fn assert_same(got: &[Vec<u8>], expected: &[Vec<u8>], name: &str) {
    assert_eq!(got.len(), expected.len(), "{name}: the number of messages");
    for (i, (got, expected)) in got.iter().zip(expected).enumerate() {
        assert!(got == expected, "{name}: message {i}, {} bytes for {}", got.len(), expected.len());
    }
}

#[test]
fn messages_pass_both_ways_at_once_unchanged_and_in_order() {
    let wires = [Wire::Ascii4, Wire::Bcd2, Wire::Net2, Wire::Line, Wire::Mllp];
    for from in wires {
        for to in wires {
            converse_over(from, to, 150);
        }
    }
}

#[test]
fn thousands_of_messages_pass() {
    converse_over(Wire::Net4, Wire::Net4, 4000);
}

fn converse_over(from: Wire, to: Wire, count: usize) {
    let name = format!("{from:?} to {to:?}");
    let messages = payloads(count, from.most().min(to.most()));
    let host = Host::listen();
    let (_bridge, address) = bridge(from.notation(), host.address, to.notation(), &[]);
    let client = dial(address);
    let host = Task::start({
        let messages = messages.clone();
        move || converse(&host.accept(), to, &messages, messages.len())
    });
    let replies = converse(&client, from, &messages, messages.len());
    assert_same(&host.join(), &messages, &format!("{name}, to the host"));
    assert_same(&replies, &messages, &format!("{name}, to the client"));
}

#[test]
fn a_message_may_come_a_byte_at_a_time() {
    let listening = Host::listen();
    let (_bridge, mut client, mut host) = pair(&listening);
    for byte in Wire::Ascii4.frames(&["hello, world", "", "more"]) {
        client.write_all(&[byte]).unwrap();
    }
    assert_eq!(read_exactly(&host, 22), b"\0\x12hello, world\0\0\0\x04more");
    for byte in Wire::Bcd2.frames(&["", "ok"]) {
        host.write_all(&[byte]).unwrap();
    }
    assert_eq!(read_exactly(&client, 10), b"00000002ok");
}

#[test]
fn many_messages_may_come_in_one_segment() {
    let listening = Host::listen();
    let (_bridge, mut client, host) = pair(&listening);
    let messages = payloads(1000, 3);
    client.write_all(&Wire::Ascii4.frames(&messages)).unwrap();
    let expected = Wire::Bcd2.frames(&messages);
    assert_eq!(read_exactly(&host, expected.len()), expected);
}

#[test]
fn the_clients_half_close_is_passed_on_after_its_messages() {
    let listening = Host::listen();
    let (_bridge, mut client, mut host) = pair(&listening);
    client.write_all(b"0003one0003two").unwrap();
    half_close(&client);
    assert_eq!(read_to_end(&host), b"\0\x03one\0\x03two");
    host.write_all(b"\0\x05late!").unwrap();
    assert_eq!(read_exactly(&client, 9), b"0005late!");
    drop(host);
    assert_eq!(read_to_end(&client), b"");
}

#[test]
fn the_hosts_half_close_is_passed_on_after_its_messages() {
    let listening = Host::listen();
    let (_bridge, mut client, mut host) = pair(&listening);
    host.write_all(b"\0\x03one\0\x03two").unwrap();
    half_close(&host);
    assert_eq!(read_to_end(&client), b"0003one0003two");
    client.write_all(b"0005late!").unwrap();
    assert_eq!(read_exactly(&host, 7), b"\0\x05late!");
    drop(client);
    assert_eq!(read_to_end(&host), b"");
}

#[test]
fn each_client_has_a_connection_of_its_own() {
    let host = Host::listen();
    let (_bridge, address) = bridge("line", host.address, "net:2", &[]);
    let mut pairs: Vec<_> = (0..10).map(|_| (dial(address), host.accept())).collect();
    for (i, (client, host)) in pairs.iter_mut().enumerate().rev() {
        client.write_all(format!("client {i}\n").as_bytes()).unwrap();
        host.write_all(format!("\0\x06host {i}").as_bytes()).unwrap();
    }
    for (i, (client, host)) in pairs.iter().enumerate() {
        assert_eq!(read_exactly(host, 10), format!("\0\x08client {i}").as_bytes());
        assert_eq!(read_exactly(client, 8), format!("host {i}\r\n").as_bytes());
    }
}

#[test]
fn a_host_that_refuses_costs_one_client_its_connection() {
    let host = Host::listen();
    let host_address = host.address;
    let (mut bridge, address) = bridge("ascii:4", host_address, "bcd:2", &[]);
    let mut first = dial(address);
    let first_host = host.accept();
    drop(host);

    // A child that another test starts now holds a copy of the listening socket until it executes its program. A dial
    // in that time is reset, not refused, so the test tries again with another client.
    let refused = (0..10).any(|_| {
        let client = dial(address);
        let name = client.local_addr().unwrap().to_string();
        assert!(is_closed(&client), "a client without a host is closed");
        let line = loop {
            let line = bridge.log_line(&name);
            if line.contains("ERROR") {
                break line;
            }
        };
        line.contains(&format!("connecting to {host_address}: ")) && line.contains("refused")
    });
    assert!(refused);

    first.write_all(b"0002hi").unwrap();
    assert_eq!(read_exactly(&first_host, 4), b"\0\x02hi", "other clients go on");
}

#[test]
fn a_message_that_the_other_header_cannot_announce_closes_its_pair() {
    let host = Host::listen();
    let (mut bridge, address) = bridge("ascii:4", host.address, "bcd:1", &[]);
    let (mut other, other_host) = (dial(address), host.accept());
    let (mut client, host) = (dial(address), host.accept());
    let name = client.local_addr().unwrap().to_string();
    let host_name = host.local_addr().unwrap().to_string();

    client.write_all(&Wire::Ascii4.frames(&["one", "", &"x".repeat(100), "behind"])).unwrap();
    assert_eq!(read_to_end(&host), b"\x03one\0", "earlier messages arrive");
    assert!(is_closed(&client));
    drop(client);
    let line = bridge.log_line("payload is 100 bytes, the header can announce at most 99");
    assert!(line.contains(&name), "{line}");
    assert!(line.contains(&host_name), "{line}");
    assert!(line.contains("2 messages to the host and 0 to the client"), "{line}");

    other.write_all(b"0002hi").unwrap();
    assert_eq!(read_exactly(&other_host, 3), b"\x02hi", "other pairs go on");
}

#[test]
fn a_message_that_the_clients_header_cannot_announce_closes_its_pair_too() {
    let host = Host::listen();
    let (mut bridge, address) = bridge("bcd:1", host.address, "ascii:4", &[]);
    let (client, mut host) = (dial(address), host.accept());
    host.write_all(&Wire::Ascii4.frames(&["one", &"x".repeat(100)])).unwrap();
    assert_eq!(read_to_end(&client), b"\x03one");
    assert!(is_closed(&host));
    drop(client);
    drop(host);
    bridge.log_line("payload is 100 bytes, the header can announce at most 99");
}

#[test]
fn garbage_from_either_side_closes_the_pair_and_is_explained() {
    let listening = Host::listen();
    let (mut bridge, mut client, host) = pair(&listening);
    client.write_all(b"0002hiGET / HTTP/1.1\r\n\r\n").unwrap();
    assert_eq!(read_to_end(&host), b"\0\x02hi", "earlier messages arrive");
    assert!(is_closed(&client));
    let name = client.local_addr().unwrap();
    drop((client, host));
    let line = bridge.log_line("HTTP");
    assert!(line.contains(&format!("receiving from {name}: header byte 0 is 0x47")), "{line}");

    let (mut bridge, client, mut host) = pair(&listening);
    let host_name = listening.address;
    host.write_all(b"\0\x02hi\0\xff").unwrap();
    assert_eq!(read_to_end(&client), b"0002hi", "earlier messages arrive");
    assert!(is_closed(&host));
    drop((client, host));
    let line = bridge.log_line("header byte 1 is 0xff");
    assert!(line.contains(&format!("receiving from {host_name}: ")), "{line}");
}

#[test]
fn an_end_inside_a_frame_is_told() {
    let listening = Host::listen();
    let (mut bridge, mut client, host) = pair(&listening);
    client.write_all(b"0005hel").unwrap();
    half_close(&client);
    assert_eq!(read_to_end(&host), b"", "half a message is not passed on");
    drop((client, host));
    let line = bridge.log_line("stream ended inside a frame");
    assert!(line.contains("7 bytes came, at least 2 more were owed"), "{line}");
}

#[test]
fn a_bridge_can_end_messages_by_the_close() {
    let host = Host::listen();
    let (_bridge, address) = bridge("until-close", host.address, "net:2", &[]);
    let (mut client, mut host) = (dial(address), host.accept());
    client.write_all(b"all of it").unwrap();
    half_close(&client);
    assert_eq!(read_to_end(&host), b"\0\x09all of it");
    host.write_all(b"\0\x02ok").unwrap();
    assert_eq!(read_to_end(&client), b"ok");
}

#[test]
fn a_dead_host_is_named_and_nothing_hangs() {
    let port = DeadPort::new();
    let (mut bridge, address) = bridge("line", port.address, "line", &[]);
    for _ in 0..3 {
        assert!(is_closed(&dial(address)));
        bridge.log_line(&port.address.to_string());
    }
}

/// If there is no file descriptor for the host, the client waits until there is one.
#[cfg(target_os = "linux")]
#[test]
fn a_client_waits_for_a_file_descriptor_and_is_not_lost() {
    let host = Host::listen();
    let script =
        "ulimit -n 24; exec \"$0\" bridge --listen 127.0.0.1:0 --framing ascii:4 --to-framing bcd:2 --to \"$1\"";
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_framelink"), &host.address.to_string()]);
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let (mut bridge, address) = Running::listen(&mut shell);
    let clients: Vec<_> = (0..40)
        .map(|_| {
            let mut client = dial(address);
            Task::start(move || {
                client.write_all(b"0002hi").expect("asking");
                read_to_end(client)
            })
        })
        .collect();
    bridge.log_line("the limit of open files allows 4 clients; further clients wait");
    for _ in 0..clients.len() {
        let mut stream = host.accept();
        assert_eq!(read_exactly(&stream, 4), b"\0\x02hi");
        stream.write_all(b"\0\x02ok").unwrap();
    }
    for client in clients {
        assert_eq!(client.join(), b"0002ok");
    }
}

#[test]
fn limits_of_clients_are_never_ignored() {
    let host = Host::listen();
    let (_bridge, address) = bridge("until-close", host.address, "ascii:4", &["--deny", "127.0.0.0/8"]);
    assert!(is_closed(&dial(address)), "the limit also holds if messages end with their connection");
    let to = host.address.to_string();
    let arguments = ["bridge", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--to", &to, "--to-framing", "bcd:2"];
    let wrong = ["--max-connections", "0", "--deny", "127.0.0.0/8"];
    let done = Running::run(&mut framelink([&arguments[..], &wrong].concat()));
    assert_eq!(done.code, Some(2), "{}", done.stderr);
    assert!(done.stderr.contains("limits.connections is 0"), "{}", done.stderr);
}

#[test]
fn a_client_whose_time_is_over_has_the_reply_that_it_waits_for() {
    let pairs = [["--idle", "200ms"], ["--lifetime", "200ms"]].map(|flags| {
        let host = Host::listen();
        let (bridge, address) = bridge("ascii:4", host.address, "ascii:4", &flags);
        let client = dial(address);
        (&client).write_all(b"0005hello").expect("writing");
        let host = host.accept();
        assert_eq!(read_exactly(&host, 9), b"0005hello");
        (bridge, client, host)
    });
    // Longer than a host has for its replies after an error of the client.
    std::thread::sleep(Duration::from_millis(5500));
    for (mut bridge, client, mut host) in pairs {
        host.write_all(b"0005reply").expect("writing");
        assert_eq!(read_to_end(&host), b"", "the end is passed on now, and not earlier");
        drop(host);
        assert_eq!(read_to_end(&client), b"0005reply");
        drop(client);
        bridge.log_line("closed after 1 message to the host and 1 to the client: ");
    }
}
