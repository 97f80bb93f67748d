//! A bridge that is told to end, and drains.

#![cfg(unix)]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use crate::common::{
    DEADLINE, Host, Running, Task, Wire, dial, framelink, half_close, is_closed, read_exactly, read_to_end,
};

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
fn the_drain_waits_for_a_reply_in_flight() {
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address, FRAMINGS, "10s");
    let mut client = dial(address);
    let mut host = host.accept();
    client.write_all(b"0002hi").unwrap();
    assert_eq!(read_exactly(&host, 4), b"\0\x02hi");
    bridge.signal("TERM");
    bridge.log_line("draining");

    // Many hosts drop their work when their client ends, so the bridge does not pass on the end yet.
    host.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let error = host.read(&mut [0]).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
    host.set_read_timeout(Some(DEADLINE)).unwrap();
    host.write_all(b"\0\x02ok").unwrap();
    assert_eq!(read_to_end(&host), b"", "now the bridge ends this side");
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
    // The whole message in front shows that the half message has arrived too.
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
fn messages_that_arrive_while_a_reply_is_owed_are_passed_on_too() {
    let reply = vec![b'r'; 8 * 1024 * 1024];
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address, [Wire::Net4, Wire::Net4], "60s");
    let mut client = dial(address);
    let mut host = host.accept();
    client.write_all(&Wire::Net4.frame(b"hi")).unwrap();
    assert_eq!(read_exactly(&host, 6), Wire::Net4.frame(b"hi"));
    bridge.signal("TERM");
    bridge.log_line("draining");
    client.write_all(&Wire::Net4.frame(b"and this")).unwrap();
    let replying = Task::start({
        let frame = Wire::Net4.frame(&reply);
        move || {
            assert_eq!(read_exactly(&host, 12), Wire::Net4.frame(b"and this"));
            host.write_all(&frame).expect("replying");
            host.write_all(&frame).expect("replying again");
            assert_eq!(read_to_end(&host), b"");
        }
    });
    assert!(read_to_end(&client) == Wire::Net4.frames(&[&reply, &reply]), "both replies are whole");
    replying.join();
    drop(client);
    assert_eq!(bridge.finish().code, Some(0));
}

/// The client sends without end and never receives. Each message that it sends arrives or is counted.
#[test]
fn a_client_that_only_sends_loses_nothing_uncounted() {
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address, FRAMINGS, "4s");
    let mut client = dial(address);
    let received = host.serve(|host| {
        let mut host = BufReader::new(host);
        let mut count = 0_usize;
        while host.fill_buf().is_ok_and(|bytes| !bytes.is_empty()) {
            assert_eq!(Wire::Bcd2.read(&mut host), count.to_string().into_bytes(), "in order");
            count += 1;
        }
        count
    });
    let mut closing = client.try_clone().unwrap();
    let (sender, ended) = std::sync::mpsc::channel();
    let sending = Task::start(move || {
        let mut sent = 0_usize;
        while ended.try_recv().is_err() && client.write_all(&Wire::Ascii4.frame(sent.to_string().as_bytes())).is_ok() {
            sent += 1;
            std::thread::sleep(Duration::from_micros(50));
        }
        half_close(&client);
        sent
    });
    bridge.log_line("connected");
    bridge.signal("TERM");
    assert!(matches!(closing.read(&mut [0]), Ok(0)), "the client sees a proper end");
    sender.send(()).unwrap();
    let (sent, received) = (sending.join(), received.join());
    drop(closing);
    let done = bridge.finish();
    let last = done.stderr.lines().last().unwrap_or_default();
    match sent - received {
        0 => assert_eq!(done.code, Some(0), "{last}"),
        1 => assert_eq!((done.code, last), (Some(1), "framelink: 1 message was cut")),
        cut => assert_eq!((done.code, last), (Some(1), &*format!("framelink: {cut} messages were cut"))),
    }
}

/// Messages sent before the signal are in flight, also those in buffers of the system.
#[test]
fn messages_sent_before_the_signal_arrive() {
    for _ in 0..3 {
        let host = Host::listen();
        let (bridge, address) = bridge(host.address, FRAMINGS, "2s");
        let mut client = dial(address);
        let host = host.accept();
        let messages = Wire::Ascii4.frame(b"hello").repeat(10_000);
        client.write_all(&messages).unwrap();
        bridge.signal("TERM");
        assert_eq!(read_to_end(&host).len(), 7 * 10_000);
        drop((client, host));
        assert_eq!(bridge.finish().code, Some(0));
    }
}

/// Dialling an address that does not answer takes until half of the drain is over.
#[cfg(target_os = "linux")]
#[test]
fn a_client_whose_host_was_never_reached_is_counted() {
    let host = crate::common::SilentPort::new();
    let (mut bridge, address) = bridge(host.address, FRAMINGS, "400ms");
    let mut client = dial(address);
    client.write_all(b"0002hi0002ho0005hel").unwrap();
    host.wait_for_dial();
    bridge.signal("TERM");
    let line = bridge.log_line("ERROR");
    assert!(line.contains(&client.local_addr().unwrap().to_string()), "{line}");
    assert!(line.contains(&format!("3 messages cut: connecting to {}", host.address)), "{line}");
    let done = bridge.finish();
    assert_eq!((done.code, done.stderr.lines().last()), (Some(1), Some("framelink: 3 messages were cut")));
}

/// The next message of the host is always there before the bridge looks at the clock.
#[test]
fn a_host_that_never_stops_does_not_hold_a_drain() {
    const DRAIN: Duration = Duration::from_millis(600);
    let listening = Host::listen();
    let (mut bridge, address) = bridge(listening.address, [Wire::Net2, Wire::Net2], "600ms");
    let client = dial(address);
    let mut host = listening.accept();
    let flooding = Task::start(move || {
        let block = Wire::Net2.frame(b"hi").repeat(10_000);
        while host.write_all(&block).is_ok() {}
    });
    let reading = Task::start(move || {
        let mut client = client;
        let mut block = vec![0; 65536];
        while client.read(&mut block).is_ok_and(|count| count > 0) {}
    });
    bridge.log_line("connected");
    std::thread::sleep(Duration::from_millis(200));
    bridge.signal("TERM");
    bridge.log_line("draining");
    let told = Instant::now();
    let done = bridge.finish();
    assert!(told.elapsed() < DRAIN + DEADLINE / 2, "{:?}", told.elapsed());
    assert_eq!(done.code, Some(1), "messages that the host sends at the end are cut");
    flooding.join();
    reading.join();
}

/// No reply can come any more.
#[test]
fn a_host_that_has_ended_owes_nothing() {
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address, FRAMINGS, "60s");
    let mut client = dial(address);
    let host = host.accept();
    half_close(&host);
    client.write_all(b"0002hi").unwrap();
    assert_eq!(read_exactly(&host, 4), b"\0\x02hi");
    bridge.signal("TERM");
    bridge.log_line("draining");
    assert_eq!(read_to_end(&host), b"");
    drop((client, host));
    assert_eq!(bridge.finish().code, Some(0));
}

/// Messages that were lost before the drain are in the log. The exit status is about the drain.
#[test]
fn a_pair_that_failed_before_does_not_fail_the_drain() {
    let listening = Host::listen();
    let (mut bridge, address) = bridge(listening.address, FRAMINGS, "60s");
    let mut client = dial(address);
    let host = listening.accept();
    client.write_all(&Wire::Ascii4.frame(b"x").repeat(100_000)).unwrap();
    drop(host);
    drop(client);
    bridge.log_line(" cut: ");
    bridge.signal("TERM");
    assert_eq!(bridge.finish().code, Some(0));
}

#[test]
fn no_new_client_is_accepted_while_draining() {
    let host = Host::listen();
    let (mut bridge, address) = bridge(host.address, FRAMINGS, "60s");
    let mut client = dial(address);
    let mut host_side = host.accept();
    client.write_all(b"0002hi").unwrap();
    assert_eq!(read_exactly(&host_side, 4), b"\0\x02hi");
    bridge.signal("TERM");
    bridge.log_line("draining");
    let start = Instant::now();
    // Until the listener is closed, the system may still accept clients. They send nothing, and see a proper end.
    host.serve_all(|host| assert_eq!(read_to_end(&host), b""));
    while let Ok(late) = TcpStream::connect(address) {
        assert!(start.elapsed() < DEADLINE, "the listener is still there");
        late.set_read_timeout(Some(DEADLINE)).unwrap();
        assert!(is_closed(&late));
    }
    host_side.write_all(b"\0\x02ok").unwrap();
    assert_eq!(read_exactly(&client, 6), b"0002ok", "an earlier client is served to the end");
}

#[test]
fn a_large_message_that_the_host_does_not_read_counts_as_cut() {
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
    assert!(start.elapsed() < DRAIN + DEADLINE / 2, "{:?}", start.elapsed());
    assert_eq!(done.code, Some(1));
    assert_eq!(done.stderr.lines().last(), Some("framelink: 1 message was cut"));
}

#[test]
fn half_a_message_that_never_ends_counts_as_cut() {
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

/// The test counts the messages that went in and those that came out. The rest is cut, whether the bridge held it or a
/// buffer of its sockets.
#[test]
fn the_count_of_cut_messages_is_exact() {
    let cut = |payload: usize| {
        let host = Host::listen();
        let (mut bridge, address) = bridge(host.address, FRAMINGS, "500ms");
        let mut client = dial(address);
        let host = host.accept();
        let frame = Wire::Ascii4.frame(&vec![b'x'; payload]);
        let block = frame.repeat(256 * 1024 / frame.len());

        client.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
        let mut written = 0;
        while let Ok(count) = client.write(&block[written % block.len()..]) {
            written += count;
        }
        bridge.signal("TERM");
        bridge.log_line("draining");
        let done = bridge.finish();
        let arrived = read_to_end(&host).len();

        let cut = written.div_ceil(frame.len()) - arrived / Wire::Bcd2.frame(&vec![b'x'; payload]).len();
        assert!(cut > 0, "{payload}: something is in the bridge");
        let expected = format!("framelink: {cut} messages were cut");
        assert_eq!((done.code, done.stderr.lines().last()), (Some(1), Some(&*expected)), "payloads of {payload}");
    };
    std::thread::scope(|scope| {
        for payload in [100, 3000, 5000, 9999] {
            scope.spawn(move || cut(payload));
        }
    });
}

#[test]
fn replies_that_the_client_does_not_read_are_cut_too() {
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
