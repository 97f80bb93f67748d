//! A bridge whose clients share its connections to the host, with one exchange for each message.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use framelink_testkit::ReservedPort;

use crate::common::{
    Finished, Host, Running, Task, TempFile, Wire, dial, framelink, half_close, is_closed, read_exactly, read_to_end,
};

fn run(arguments: &[&str]) -> Finished {
    Running::run(&mut framelink(arguments))
}

/// Starts a bridge from ascii:4 to bcd:2.
fn bridge(to: &str, more: &[&str]) -> (Running, SocketAddr) {
    let arguments = ["bridge", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--to", to, "--to-framing", "bcd:2"];
    Running::listen(&mut framelink([&arguments[..], more].concat()))
}

fn ask(mut client: &TcpStream, request: &str) {
    client.write_all(&Wire::Ascii4.frame(request.as_bytes())).expect("asking");
}

fn hear(client: &TcpStream) -> String {
    let reply = Wire::Ascii4.read(&mut BufReader::with_capacity(1, client));
    String::from_utf8(reply).expect("text")
}

/// Returns the next request on a connection of the host.
fn taken(host: &TcpStream) -> String {
    let request = Wire::Bcd2.read(&mut BufReader::with_capacity(1, host));
    String::from_utf8(request).expect("text")
}

fn answer(mut host: &TcpStream, reply: &str) {
    host.write_all(&Wire::Bcd2.frame(reply.as_bytes())).expect("answering");
}

/// Answers each request with `re: ` and the request, and then closes the connection if the caller asks for that.
fn echo_all(listener: TcpListener, closes: bool) {
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            thread::spawn(move || {
                let mut reader = BufReader::new(stream.try_clone().expect("a clone"));
                while std::io::BufRead::fill_buf(&mut reader).is_ok_and(|bytes| !bytes.is_empty()) {
                    let request = Wire::Bcd2.read(&mut reader);
                    answer(&stream, &format!("re: {}", String::from_utf8_lossy(&request)));
                    if closes {
                        return;
                    }
                }
            });
        }
    });
}

#[test]
fn every_client_has_its_own_replies_over_any_connections() {
    for more in [&["--to-connection", "pooled:3"][..], &["--to-connection", "short"], &["--to-connection", "shared:2"]]
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap().to_string();
        echo_all(listener, false);
        let (_bridge, address) = bridge(&to, more);
        let clients = (0..8).map(|client| {
            Task::start(move || {
                let stream = dial(address);
                for number in 0..25 {
                    let request = format!("{client}/{number}");
                    ask(&stream, &request);
                    assert_eq!(hear(&stream), format!("re: {request}"));
                }
            })
        });
        clients.collect::<Vec<_>>().into_iter().for_each(Task::join);
    }
}

#[test]
fn a_host_that_closes_after_each_exchange_has_fresh_connections_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap().to_string();
    echo_all(listener, true);
    let (_bridge, address) = bridge(&to, &["--to-connection", "pooled:2", "--to-set", "connection.replace=true"]);
    let client = dial(address);
    for number in 0..100 {
        ask(&client, &number.to_string());
        assert_eq!(hear(&client), format!("re: {number}"));
    }
}

#[test]
fn a_pool_has_no_more_connections_than_it_may_and_keeps_them() {
    let host = Host::listen();
    let (_bridge, address) = bridge(&host.address.to_string(), &["--to-connection", "pooled:1"]);
    let (one, other) = (dial(address), dial(address));
    ask(&one, "one");
    let lent = host.accept();
    assert_eq!(taken(&lent), "one");
    ask(&other, "other");
    answer(&lent, "1");
    assert_eq!(hear(&one), "1");
    assert_eq!(taken(&lent), "other", "over this connection, after the first exchange");
    answer(&lent, "2");
    assert_eq!(hear(&other), "2");
    drop((one, other));
    let third = dial(address);
    ask(&third, "third");
    assert_eq!(taken(&lent), "third", "the connection outlives its clients");
    answer(&lent, "3");
    assert_eq!(hear(&third), "3");
    host.expect_untouched();
}

#[test]
fn all_clients_use_shared_connections_at_once_and_replies_go_by_key() {
    let host = Host::listen();
    let more = ["--to-connection", "shared:1", "--to-set", "exchange={ kind = \"duplex\", key = \"0:2\" }"];
    let (_bridge, address) = bridge(&host.address.to_string(), &more);
    let (one, other) = (dial(address), dial(address));
    ask(&one, "01 first");
    let shared = host.accept();
    assert_eq!(taken(&shared), "01 first");
    ask(&other, "02 second");
    assert_eq!(taken(&shared), "02 second", "without waiting");
    answer(&shared, "02 b");
    answer(&shared, "01 a");
    assert_eq!((hear(&one), hear(&other)), ("01 a".to_owned(), "02 b".to_owned()));
}

#[test]
fn keys_that_the_bridge_assigns_are_replaced_by_those_of_the_client_in_replies() {
    let host = Host::listen();
    let exchange = "exchange={ kind = \"duplex\", key = \"0:4\", assign = \"digits\" }";
    let (_bridge, address) = bridge(&host.address.to_string(), &["--to-connection", "shared:1", "--to-set", exchange]);
    let (one, other) = (dial(address), dial(address));
    ask(&one, "SAME one");
    let shared = host.accept();
    let first = taken(&shared);
    ask(&other, "SAME other");
    let second = taken(&shared);
    assert!(first.ends_with(" one") && second.ends_with(" other") && first[..4] != second[..4], "{first} {second}");
    answer(&shared, &format!("{} b", &second[..4]));
    answer(&shared, &format!("{} a", &first[..4]));
    assert_eq!((hear(&one), hear(&other)), ("SAME a".to_owned(), "SAME b".to_owned()));
}

#[test]
fn a_short_connection_is_one_exchange() {
    let host = Host::listen();
    let (_bridge, address) = bridge(&host.address.to_string(), &["--to-connection", "short"]);
    let client = dial(address);
    for request in ["one", "two"] {
        ask(&client, request);
        let stream = host.accept();
        assert_eq!(taken(&stream), request);
        answer(&stream, request);
        assert_eq!(hear(&client), request);
        assert_eq!(read_to_end(&stream), b"");
    }
}

#[test]
fn a_client_whose_exchange_fails_is_closed_and_others_are_not() {
    let host = Host::listen();
    let more = ["--to-connection", "pooled:2", "--to-set", "timeouts.reply=300ms"];
    let (mut bridge, address) = bridge(&host.address.to_string(), &more);
    let (unlucky, lucky) = (dial(address), dial(address));
    ask(&unlucky, "one");
    let first = host.accept();
    assert_eq!(taken(&first), "one");
    assert!(is_closed(&unlucky), "there is no reply, and the client sees the end of its connection");
    bridge.log_line("nothing came within 300ms (sent, no reply)");
    ask(&lucky, "two");
    let second = host.accept();
    assert_eq!(taken(&second), "two");
    answer(&second, "here");
    assert_eq!(hear(&lucky), "here");
    assert!(is_closed(&first), "a late reply goes to no client");
}

#[test]
fn a_host_that_comes_back_receives_messages_again() {
    let port = ReservedPort::new().unwrap();
    let host = Host::at(port.address());
    let address_of_host = host.address;
    let more = ["--to-connection", "pooled:1", "--to-set", "reconnect.cap=200ms"];
    let (_bridge, address) = bridge(&address_of_host.to_string(), &more);
    let client = dial(address);
    ask(&client, "one");
    let stream = host.accept();
    taken(&stream);
    answer(&stream, "1");
    assert_eq!(hear(&client), "1");
    drop((host, stream));
    let host = Host::at(address_of_host);
    ask(&client, "two");
    let stream = host.accept();
    assert_eq!(taken(&stream), "two");
    answer(&stream, "2");
    assert_eq!(hear(&client), "2");
}

#[test]
fn the_backup_is_used_while_the_first_address_is_dead() {
    let dead = crate::common::DeadPort::new();
    let backup = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = format!("{},{}", dead.address, backup.local_addr().unwrap());
    echo_all(backup, false);
    for connection in ["pooled:2", "shared:2", "short", "long"] {
        let (_bridge, address) = bridge(&to, &["--to-connection", connection]);
        let client = dial(address);
        for request in ["one", "two"] {
            ask(&client, request);
            assert_eq!(hear(&client), format!("re: {request}"), "{connection}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_drain_waits_for_replies_and_takes_nothing_new() {
    for connection in ["pooled:1", "shared:1", "short"] {
        let host = Host::listen();
        let (mut bridge, address) = bridge(&host.address.to_string(), &["--to-connection", connection]);
        let client = dial(address);
        ask(&client, "one");
        let stream = host.accept();
        assert_eq!(taken(&stream), "one");
        bridge.signal("TERM");
        bridge.log_line("draining");
        answer(&stream, "1");
        assert_eq!(hear(&client), "1", "{connection}");
        assert_eq!(read_to_end(&client), b"");
        let done = bridge.finish();
        assert_eq!(done.code, Some(0), "{connection}: {}", done.stderr);
    }
}

#[cfg(unix)]
#[test]
fn messages_that_a_drain_cuts_are_counted() {
    let host = Host::listen();
    let (mut bridge, address) = bridge(&host.address.to_string(), &["--to-connection", "pooled:1", "--drain", "300ms"]);
    let client = dial(address);
    ask(&client, "one");
    let stream = host.accept();
    assert_eq!(taken(&stream), "one");
    bridge.signal("TERM");
    bridge.log_line("draining");
    let done = bridge.finish();
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains("1 message was cut"), "{}", done.stderr);
}

const KINDS: [&str; 3] = ["pooled:2", "shared:1", "short"];

/// Ends the bridge, and returns the rest of its last line after `drained: `.
#[cfg(unix)]
fn drained(bridge: Running) -> (Option<i32>, String) {
    bridge.signal("TERM");
    ended(bridge)
}

#[cfg(unix)]
fn ended(bridge: Running) -> (Option<i32>, String) {
    let done = bridge.finish();
    let line = done.stderr.lines().find_map(|line| line.split_once("drained: "));
    (done.code, line.unwrap_or_else(|| panic!("no line about the drain: {}", done.stderr)).1.to_owned())
}

#[cfg(unix)]
#[test]
fn a_request_that_comes_after_the_last_reply_of_a_drain_is_counted_as_cut() {
    for connection in KINDS {
        let host = Host::listen();
        let more = ["--to-connection", connection, "--set", "timeouts.close=20s", "--drain", "40s"];
        let (mut bridge, address) = bridge(&host.address.to_string(), &more);
        let client = dial(address);
        ask(&client, "one");
        let stream = host.accept();
        assert_eq!(taken(&stream), "one");
        bridge.signal("TERM");
        bridge.log_line("draining");
        answer(&stream, "1");
        assert_eq!(hear(&client), "1", "{connection}: what was under way has its reply");
        assert_eq!(read_to_end(&client), b"");
        ask(&client, "late");
        drop((client, stream));
        let (code, line) = ended(bridge);
        let expected = "1 message answered, 1 message and 0 connections cut; before: 0 messages answered, 0 not";
        assert_eq!((code, line.as_str()), (Some(1), expected), "{connection}");
    }
}

#[cfg(unix)]
#[test]
fn the_bridge_counts_exactly_the_replies_that_clients_miss_in_a_drain() {
    const CLIENTS: usize = 4;
    for connection in KINDS {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap().to_string();
        echo_all(listener, false);
        let more = ["--to-connection", connection, "--set", "timeouts.close=20s", "--drain", "40s"];
        let (mut bridge, address) = bridge(&to, &more);
        let (tell, told) = std::sync::mpsc::channel();
        let clients = (0..CLIENTS).map(|client_number| {
            let tell = tell.clone();
            Task::start(move || {
                let mut client = dial(address);
                // Counts the requests that were sent, and those without a reply.
                for number in 1..=500 {
                    let mut first = [0];
                    ask(&client, "request");
                    if std::io::Read::read(&mut client, &mut first).expect("a reply or an end") == 0 {
                        return (number, 1);
                    }
                    assert_eq!(read_exactly(&client, 14), *b"011re: request", "a whole reply");
                    let _ = tell.send(client_number);
                }
                (500, 0)
            })
        });
        let clients: Vec<_> = clients.collect();
        // A client that dials later than this finds no listener.
        let mut replies = [0; CLIENTS];
        while replies.iter().any(|&count| count < 3) {
            replies[told.recv_timeout(crate::common::DEADLINE).expect("replies")] += 1;
        }
        bridge.signal("TERM");
        bridge.log_line("draining");
        let (sent, missed) =
            clients.into_iter().map(Task::join).fold((0, 0), |all, one| (all.0 + one.0, all.1 + one.1));
        let (code, line) = ended(bridge);
        let numbers: Vec<u64> =
            line.split(|byte: char| !byte.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
        let &[answered, cut, 0, before, 0] = &numbers[..] else { panic!("{connection}: {line}") };
        assert_eq!((answered + before, cut), (sent - missed, missed), "{connection}: {line}");
        assert_eq!(code, Some(i32::from(missed > 0)), "{connection}: {line}");
    }
}

#[cfg(unix)]
#[test]
fn messages_behind_a_request_that_is_cut_are_counted_too() {
    for connection in KINDS {
        let host = Host::listen();
        let more = ["--to-connection", connection, "--drain", "300ms", "--to-set", "timeouts.close=50ms"];
        let (bridge, address) = bridge(&host.address.to_string(), &more);
        let mut client = dial(address);
        client.write_all(&Wire::Ascii4.frames(&["one", "two", "three"])).unwrap();
        let stream = host.accept();
        assert_eq!(taken(&stream), "one");
        let (code, line) = drained(bridge);
        let expected = "0 messages answered, 3 messages and 1 connection cut; before: 0 messages answered, 0 not";
        assert_eq!((code, line.as_str()), (Some(1), expected), "{connection}");
    }
}

/// The bridge would wait half an hour for the host to close, with a request in flight or without.
#[cfg(unix)]
#[test]
fn a_second_signal_ends_a_bridge_at_once() {
    for (connection, is_answered) in [("pooled:2", true), ("shared:1", true), ("shared:1", false), ("short", false)] {
        let host = Host::listen();
        let more = ["--to-connection", connection, "--drain", "1h", "--to-set", "timeouts.close=30m"];
        let (mut bridge, address) = bridge(&host.address.to_string(), &more);
        let client = dial(address);
        ask(&client, "one");
        let stream = host.accept();
        assert_eq!(taken(&stream), "one");
        if is_answered {
            answer(&stream, "1");
            assert_eq!(hear(&client), "1");
        }
        bridge.signal("TERM");
        bridge.log_line("draining");
        bridge.signal("TERM");
        let (code, line) = ended(bridge);
        assert_eq!(code, Some(1), "{connection}: {line}");
        assert_eq!(line.contains("1 message and 1 connection cut"), !is_answered, "{connection}: {line}");
    }
}

/// The ways in which an exchange ends without a reply.
#[derive(Clone, Copy, Debug)]
enum Fails {
    HostRefuses,
    HostResets,
    HostIsSilent,
    ClientResets,
}

#[cfg(unix)]
#[test]
fn every_exchange_without_a_reply_is_in_the_counts() {
    for fails in [Fails::HostRefuses, Fails::HostResets, Fails::HostIsSilent, Fails::ClientResets] {
        for connection in KINDS {
            let (dead, host) = (crate::common::DeadPort::new(), Host::listen());
            let is_dead = matches!(fails, Fails::HostRefuses);
            let to = if is_dead { dead.address } else { host.address };
            let is_silent = matches!(fails, Fails::HostRefuses | Fails::HostIsSilent);
            let time = format!("timeouts.reply={}", if is_silent { "200ms" } else { "20s" });
            let (mut bridge, address) = bridge(&to.to_string(), &["--to-connection", connection, "--to-set", &time]);
            let client = dial(address);
            ask(&client, "one");
            let stream = (!is_dead).then(|| host.accept());
            if let Some(stream) = &stream {
                assert_eq!(taken(stream), "one");
            }
            match (fails, stream) {
                (Fails::ClientResets, Some(stream)) => {
                    reset_and_wait(client);
                    answer(&stream, "1");
                }
                (_, mut stream) => {
                    if let Fails::HostResets = fails
                        && let Some(stream) = stream.take()
                    {
                        reset(stream);
                    }
                    assert!(is_closed(&client), "{fails:?} {connection}");
                    // The bridge logs the error only after the end of this client.
                    drop((client, stream));
                }
            }
            bridge.log_line(", after 0 messages");
            let expected = "0 messages answered, 0 messages and 0 connections cut; before: 0 messages answered, 1 not";
            assert_eq!(drained(bridge), (Some(0), expected.to_owned()), "{fails:?} {connection}");
        }
    }
}

/// Resets the connection, and waits until the peer has the reset: on a busy Linux system this may take a while.
fn reset_and_wait(client: TcpStream) {
    let (theirs, ours) = (client.peer_addr().expect("an address"), client.local_addr().expect("an address"));
    let began = std::time::Instant::now();
    reset(client);
    while cfg!(target_os = "linux") && !crate::common::system_row(theirs, ours).is_empty() {
        assert!(began.elapsed() < crate::common::DEADLINE, "{theirs} does not receive the reset of {ours}");
        std::thread::yield_now();
    }
}

fn reset(stream: TcpStream) {
    socket2::Socket::from(stream).set_linger(Some(std::time::Duration::ZERO)).expect("no lingering");
}

#[cfg(unix)]
#[test]
fn health_checks_are_one_line_at_info_and_cost_the_host_nothing() {
    for connection in ["long", "pooled:2", "shared:1", "short"] {
        let host = Host::listen();
        let more = ["--to-connection", connection, "--to-set", "timeouts.close=50ms"];
        let (bridge, address) = bridge(&host.address.to_string(), &more);
        // Even on a busy machine the bridge sees the end and the start of each together.
        bridge.signal("STOP");
        for number in 0..4 {
            let probe = dial(address);
            if number % 2 == 0 {
                reset(probe);
            }
        }
        bridge.signal("CONT");
        let client = dial(address);
        ask(&client, "one");
        let stream = host.accept();
        assert_eq!(taken(&stream), "one", "{connection}");
        answer(&stream, "1");
        assert_eq!(hear(&client), "1", "{connection}");
        if connection == "long" {
            host.expect_untouched();
        }
        drop((client, stream));
        bridge.signal("TERM");
        let done = bridge.finish();
        assert_eq!(done.code, Some(0), "{connection}: {}", done.stderr);
        let probes: Vec<_> = done.stderr.lines().filter(|line| line.contains("before its first byte")).collect();
        assert!(probes.len() == 1 && probes[0].contains(" INFO "), "{connection}: {}", done.stderr);
        assert!(done.stderr.contains("and 3 more connections closed before their first byte"), "{}", done.stderr);
        assert_eq!(done.stderr.matches(": connected").count(), 1, "{connection}: {}", done.stderr);
        assert!(!done.stderr.contains("ERROR"), "{connection}: {}", done.stderr);
    }
}

#[test]
fn a_header_of_a_proxy_is_told_and_the_host_is_not_dialled_for_it() {
    for connection in ["long", "pooled:2", "shared:1", "short"] {
        let host = Host::listen();
        let (mut bridge, address) = bridge(&host.address.to_string(), &["--to-connection", connection]);
        let mut client = dial(address);
        client.write_all(b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 7000\r\n0002hi").unwrap();
        assert!(is_closed(&client), "{connection}");
        let line = bridge.log_line("PROXY protocol header (version 1)");
        assert!(line.contains("switch the header off at the proxy"), "{line}");
        if connection == "long" {
            host.expect_untouched();
        }
    }
}

#[test]
fn a_host_that_speaks_first_is_dialled_for_a_client_that_says_nothing() {
    let host = Host::listen();
    let (_bridge, address) = bridge(&host.address.to_string(), &[]);
    let client = dial(address);
    let stream = host.accept();
    answer(&stream, "welcome");
    assert_eq!(hear(&client), "welcome");
}

#[test]
fn both_sides_can_have_a_profile() {
    let clients = TempFile::with(b"framing = 'line'\npreamble.send = '2a'");
    let host_side =
        TempFile::with(b"framing = 'bcd:2'\npreamble = { send = '0102', expect = '06' }\nconnection = 'pooled'\n");
    for connection in ["pooled:1", "long"] {
        let host = Host::listen();
        let to = host.address.to_string();
        let arguments = ["bridge", "--listen", "127.0.0.1:0", "--profile", clients.path(), "--to", &to];
        let outgoing = ["--to-profile", host_side.path(), "--to-connection", connection];
        let (_bridge, address) = Running::listen(&mut framelink([&arguments[..], &outgoing].concat()));
        let mut client = dial(address);
        assert_eq!(read_exactly(&client, 1), b"*");
        client.write_all(b"hello\r\n").unwrap();
        let mut stream = host.accept();
        assert_eq!(read_exactly(&stream, 2), b"\x01\x02");
        stream.write_all(b"\x06").unwrap();
        assert_eq!(taken(&stream), "hello");
        answer(&stream, "world");
        assert_eq!(read_exactly(&client, 7), b"world\r\n", "{connection}");
        half_close(&client);
    }
}

#[test]
fn sides_that_cannot_be_bridged_are_bad_usage() {
    let receive_only = TempFile::with(b"framing = 'line'\nexchange = 'receive-only'");
    for (arguments, told) in [
        (&["--to-framing", "line", "--to-connection", "pooled:0"][..], "pooled:N: expected 1 to 1024 connections"),
        (&["--to-framing", "line", "--to-connection", "lent"], "expected long, short, shared:N or pooled:N"),
        (&["--to-profile", receive_only.path()], "the profile only receives, so there is nothing to send"),
        (&["--to-framing", "line", "--to-set", "timeouts.reply=0s"], "--to-set: timeouts.reply: "),
        (&["--to-framing", "until-close", "--to-connection", "pooled:2"], "framing does not go with connection"),
        (&["--to-connection", "pooled:2"], "required arguments were not provided"),
    ] {
        let start = ["bridge", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--to", "127.0.0.1:1"];
        let done = run(&[&start[..], arguments].concat());
        assert_eq!(done.code, Some(2), "{arguments:?}: {}", done.stderr);
        assert!(done.stderr.contains(told), "{arguments:?}: {}", done.stderr);
    }
}
