//! Heartbeats and keepalive, with peers that read and write plain bytes, and fall silent.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use crate::common::{
    Finished, Host, Running, Task, TempFile, Wire, dial, framelink, half_close, is_closed, read_exactly, read_to_end,
};

fn run(arguments: &[&str]) -> Finished {
    Running::run(&mut framelink(arguments))
}

fn serve(arguments: &[&str]) -> (Running, SocketAddr) {
    Running::listen(&mut framelink([&["serve", "--listen", "127.0.0.1:0"], arguments].concat()))
}

/// Starts a bridge from ascii:4 to bcd:2.
fn bridge(to: SocketAddr, more: &[&str]) -> (Running, SocketAddr) {
    let to = to.to_string();
    let arguments = ["bridge", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--to", &to, "--to-framing", "bcd:2"];
    Running::listen(&mut framelink([&arguments[..], more].concat()))
}

fn name(stream: &TcpStream) -> String {
    stream.local_addr().expect("an address").to_string()
}

/// Reads messages up to and including the given one, and returns the messages before it.
fn read_up_to(wire: Wire, from: &mut BufReader<&TcpStream>, message: &[u8]) -> Vec<Vec<u8>> {
    let mut before = Vec::new();
    loop {
        let read = wire.read(from);
        if read == message {
            return before;
        }
        before.push(read);
    }
}

#[test]
fn a_probe_is_answered_beside_messages() {
    let (_server, address) = serve(&["--framing", "ascii:4", "--heartbeat", "literal:3f..21"]);
    let mut client = dial(address);
    for _ in 0..3 {
        client.write_all(b"0001?").unwrap();
        assert_eq!(read_exactly(&client, 5), b"0001!");
        client.write_all(b"0005hello").unwrap();
        assert_eq!(read_exactly(&client, 9), b"0005hello");
    }
    // A probe in two parts has an answer too.
    client.write_all(b"0001?0002").unwrap();
    assert_eq!(read_exactly(&client, 5), b"0001!");
    client.write_all(b"hi").unwrap();
    assert_eq!(read_exactly(&client, 6), b"0002hi");
}

#[test]
fn heartbeats_of_the_client_are_no_messages() {
    let heartbeat = ["--framing", "ascii:4", "--heartbeat", "literal:3f,by=client"];
    let (mut server, address) = serve(&heartbeat);
    let mut client = dial(address);
    client.write_all(b"0001?0002hi0001?0001?").unwrap();
    half_close(&client);
    assert_eq!(read_to_end(client), b"0002hi");
    server.log_line("closed after 1 message");
}

#[test]
fn a_server_beats_to_an_idle_client() {
    let (_server, address) = serve(&["--framing", "ascii:4", "--heartbeat", "empty,interval=50ms,timeout=1m"]);
    let mut client = dial(address);
    assert_eq!(read_exactly(&client, 12), b"000000000000");
    client.write_all(b"0002hi").unwrap();
    let mut reader = BufReader::new(&client);
    let before = read_up_to(Wire::Ascii4, &mut reader, b"hi");
    assert!(before.iter().all(Vec::is_empty), "{before:?}");
    assert_eq!(Wire::Ascii4.read(&mut reader), b"");
}

#[test]
fn a_server_beats_while_it_pushes_too() {
    let heartbeat = ["--heartbeat", "empty,interval=50ms,timeout=1m", "--push", "news", "--push-every", "300ms"];
    let (_server, address) = serve(&[&["--framing", "ascii:4"], &heartbeat[..]].concat());
    let client = dial(address);
    let mut reader = BufReader::new(&client);
    read_up_to(Wire::Ascii4, &mut reader, b"news");
    let before = read_up_to(Wire::Ascii4, &mut reader, b"news");
    assert!(!before.is_empty() && before.iter().all(Vec::is_empty), "{before:?}");
}

#[test]
fn a_silent_client_is_given_up_and_named_and_one_that_answers_stays() {
    let heartbeat = "literal:3f..21,by=server,interval=100ms,timeout=800ms";
    let (mut server, address) = serve(&["--framing", "ascii:4", "--heartbeat", heartbeat]);
    let mut alive = dial(address);
    let answering = Task::start(move || {
        // The test waits longer than the bound.
        for _ in 0..12 {
            assert_eq!(read_exactly(&alive, 5), b"0001?");
            alive.write_all(b"0001!").unwrap();
        }
        alive.write_all(b"0002hi").unwrap();
        read_up_to(Wire::Ascii4, &mut BufReader::new(&alive), b"hi")
    });
    let silent = dial(address);
    assert_eq!(read_to_end(&silent), b"0001?", "one probe, then the end");
    let line = server.log_line("the peer is gone");
    assert!(line.contains(&format!("receiving from {}: ", name(&silent))), "{line}");
    assert!(line.contains("nothing has ever come in "), "{line}");
    assert!(line.contains("1 probe was not answered"), "{line}");
    let before = answering.join();
    assert!(before.iter().all(|message| message == b"?"), "{before:?}");
}

#[test]
fn a_listener_answers_heartbeats_and_prints_only_messages() {
    let heartbeat = ["listen", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--heartbeat", "literal:3f..21"];
    let (mut listener, address) = Running::listen(&mut framelink(heartbeat));
    let mut client = dial(address);
    client.write_all(b"0001?").unwrap();
    assert_eq!(read_exactly(&client, 5), b"0001!");
    client.write_all(b"0005hello").unwrap();
    assert_eq!(listener.stdout_line(), "hello");
    client.write_all(b"0001?0002hi").unwrap();
    assert_eq!(read_exactly(&client, 5), b"0001!");
    assert_eq!(listener.stdout_line(), "hi");
}

#[test]
fn heartbeats_of_one_leg_never_reach_the_other() {
    let listening = Host::listen();
    let heartbeats = [
        "--heartbeat",
        "literal:3f..21,by=both,interval=50ms,timeout=1m",
        "--to-heartbeat",
        "empty,interval=50ms,timeout=1m",
    ];
    let (mut running, address) = bridge(listening.address, &heartbeats);
    let (mut client, mut host) = (dial(address), listening.accept());
    for round in 0..5 {
        client.write_all(b"0001?0005hello0001?").unwrap();
        host.write_all(b"\0\0\0\0").unwrap();
        let before = read_up_to(Wire::Bcd2, &mut BufReader::with_capacity(1, &host), b"hello");
        assert!(before.iter().all(Vec::is_empty), "round {round}: the host heard {before:?}");
        host.write_all(b"\0\0\0\x02ok\0\0").unwrap();
        let before = read_up_to(Wire::Ascii4, &mut BufReader::with_capacity(1, &client), b"ok");
        let is_heartbeat = |message: &Vec<u8>| message == b"?" || message == b"!";
        assert!(before.iter().all(is_heartbeat), "round {round}: the client heard {before:?}");
        // Each leg has its own heartbeats while no message passes.
        let heard = read_up_to(Wire::Bcd2, &mut BufReader::with_capacity(1, &host), b"");
        assert!(heard.is_empty(), "{heard:?}");
        read_up_to(Wire::Ascii4, &mut BufReader::with_capacity(1, &client), b"?");
    }
    half_close(&client);
    half_close(&host);
    running.log_line("closed after 5 messages to the host and 5 to the client");
}

#[test]
fn a_host_that_goes_silent_ends_its_pair_and_the_next_client_is_served() {
    let listening = Host::listen();
    let heartbeat = ["--to-heartbeat", "literal:3f..21,interval=100ms,timeout=800ms"];
    let (mut running, address) = bridge(listening.address, &heartbeat);
    let (client, mut host) = (dial(address), listening.accept());
    assert_eq!(read_exactly(&host, 3), b"\0\x01?");
    host.write_all(b"\0\x01!").unwrap();
    assert_eq!(read_exactly(&host, 3), b"\0\x01?");
    // Now the host sends nothing more, and its socket stays open.
    assert_eq!(read_to_end(&client), b"", "the client sees the end");
    let client_name = name(&client);
    drop(client);
    let line = running.log_line("the peer is gone");
    assert!(line.contains(&format!("receiving from {}: ", listening.address)), "{line}");
    assert!(line.contains(&client_name), "{line}");
    assert!(line.contains("1 probe was not answered"), "{line}");

    let (mut client, mut next_host) = (dial(address), listening.accept());
    client.write_all(b"0002hi").unwrap();
    read_up_to(Wire::Bcd2, &mut BufReader::with_capacity(1, &next_host), b"hi");
    next_host.write_all(b"\0\x02ok").unwrap();
    assert_eq!(read_exactly(&client, 6), b"0002ok");
    drop(host);
}

#[test]
fn a_client_that_goes_silent_ends_its_pair() {
    let listening = Host::listen();
    let heartbeat = ["--heartbeat", "literal:3f..21,by=server,interval=100ms,timeout=100ms"];
    let (mut running, address) = bridge(listening.address, &heartbeat);
    let (client, host) = (dial(address), listening.accept());
    assert_eq!(read_to_end(&client), b"0001?");
    assert!(is_closed(&host));
    let client_name = name(&client);
    drop(host);
    let line = running.log_line("the peer is gone");
    assert!(line.contains(&format!("receiving from {client_name}: ")), "{line}");
}

/// A side that is shut down can send no probe, so a missing answer means nothing.
#[test]
fn a_reply_that_takes_longer_than_the_bound_reaches_a_client_that_has_half_closed() {
    let listening = Host::listen();
    let heartbeat = ["--to-heartbeat", "literal:3f..21,interval=50ms,timeout=500ms"];
    let (_bridge, address) = bridge(listening.address, &heartbeat);
    let (mut client, mut host) = (dial(address), listening.accept());
    client.write_all(b"0002hi").unwrap();
    half_close(&client);
    read_up_to(Wire::Bcd2, &mut BufReader::with_capacity(1, &host), b"hi");
    read_to_end(&host);
    sleep(Duration::from_millis(900));
    host.write_all(b"\0\x02ok").unwrap();
    drop(host);
    assert_eq!(read_to_end(&client), b"0002ok");
}

#[cfg(unix)]
#[test]
fn a_drain_neither_waits_for_heartbeats_nor_counts_them_as_cut() {
    let listening = Host::listen();
    let heartbeats =
        ["--heartbeat", "empty,interval=50ms,timeout=1m", "--to-heartbeat", "empty,interval=50ms,timeout=1m"];
    let (running, address) = bridge(listening.address, &heartbeats);
    let (client, host) = (dial(address), listening.accept());
    assert_eq!(read_exactly(&client, 8), b"00000000");
    assert_eq!(read_exactly(&host, 4), b"\0\0\0\0");
    let beating = |mut stream: TcpStream, beat: &'static [u8]| {
        Task::start(move || {
            while stream.write_all(beat).is_ok() {
                sleep(Duration::from_millis(5));
            }
        })
    };
    let client_beats = beating(client.try_clone().unwrap(), b"0000");
    let host_beats = beating(host.try_clone().unwrap(), b"\0\0");
    running.signal("TERM");
    // Both peers end their sides when they see the end, as programs do.
    let ending = |stream: TcpStream| {
        Task::start(move || {
            let heard = read_to_end(&stream);
            half_close(&stream);
            heard
        })
    };
    let (client_end, host_end) = (ending(client), ending(host));
    let done = running.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stderr.contains("closed after 0 messages to the host and 0 to the client\n"), "{}", done.stderr);
    assert!(client_end.join().iter().all(|&byte| byte == b'0'));
    assert!(host_end.join().iter().all(|&byte| byte == 0));
    client_beats.join();
    host_beats.join();
}

#[test]
fn a_conversation_sends_heartbeats_while_stdin_is_idle() {
    for more in [&[][..], &["--no-reply"]] {
        let listening = Host::listen();
        let to = listening.address.to_string();
        let heartbeat = ["send", &to, "--framing", "ascii:4", "--heartbeat", "empty,interval=50ms,timeout=1m"];
        let mut running = Running::start(framelink([&heartbeat[..], more].concat()).stdin(Stdio::piped()));
        let mut stdin = running.stdin();
        let mut host = listening.accept();
        for line in ["one", "two"] {
            assert_eq!(read_exactly(&host, 8), b"00000000", "{more:?}");
            stdin.write_all(format!("{line}\n").as_bytes()).unwrap();
            read_up_to(Wire::Ascii4, &mut BufReader::with_capacity(1, &host), line.as_bytes());
            host.write_all(b"00000002ok0000").unwrap();
        }
        drop(stdin);
        half_close(&host);
        read_to_end(&host);
        let done = running.finish();
        let printed = if more.is_empty() { "ok\nok\n" } else { "unasked: ok\nunasked: ok\n" };
        assert_eq!((done.code, &*done.stdout), (Some(0), printed), "{more:?}: {}", done.stderr);
    }
}

#[test]
fn a_conversation_ends_when_its_peer_is_dead() {
    for more in [&[][..], &["--no-reply"]] {
        let listening = Host::listen();
        let to = listening.address.to_string();
        let heartbeat =
            ["send", &to, "--framing", "ascii:4", "--heartbeat", "literal:3f..21,interval=50ms,timeout=50ms"];
        let mut running = Running::start(framelink([&heartbeat[..], more].concat()).stdin(Stdio::piped()));
        let _stdin = running.stdin();
        let host = listening.accept();
        assert_eq!(read_exactly(&host, 5), b"0001?");
        let done = running.finish();
        let told = |doing: &str| done.stderr.contains(&format!("framelink: {doing} {to}: the peer is gone: "));
        // Without replies the sending half, which has its own task, may notice first.
        let is_told = told("receiving from") || (!more.is_empty() && told("sending to"));
        assert!(done.code == Some(1) && is_told, "{more:?}: {}", done.stderr);
    }
}

#[cfg(unix)]
#[test]
fn repeated_messages_use_one_connection_with_heartbeats_in_between() {
    let listening = Host::listen();
    let to = listening.address.to_string();
    let arguments = ["send", &to, "--framing", "ascii:4", "--every", "300ms"];
    let heartbeat = ["--heartbeat", "literal:3f..21,interval=50ms,timeout=10s", "ping"];
    let mut running = Running::start(&mut framelink([&arguments[..], &heartbeat].concat()));
    let mut host = listening.accept();
    for round in 0..3 {
        let mut probes = 0;
        loop {
            match &Wire::Ascii4.read(&mut &host)[..] {
                b"?" => {
                    probes += 1;
                    host.write_all(b"0001!").unwrap();
                }
                b"ping" => break,
                other => panic!("{other:?}"),
            }
        }
        assert!(round == 0 || probes > 0, "heartbeats before round {round}");
        host.write_all(format!("0004ok {round}").as_bytes()).unwrap();
        assert_eq!(running.stdout_line(), format!("ok {round}"));
    }
    running.signal("TERM");
    running.log_line("draining");
    half_close(&host);
    let done = running.finish();
    assert_eq!((done.code, &*done.stdout), (Some(0), "ok 0\nok 1\nok 2\n"), "{}", done.stderr);
    listening.expect_untouched();
}

#[cfg(unix)]
#[test]
fn a_connection_that_is_lost_between_two_rounds_is_made_again_and_logged() {
    let listening = Host::listen();
    let to = listening.address.to_string();
    let arguments = ["send", &to, "--framing", "ascii:4", "--every", "900ms"];
    let heartbeat = ["--heartbeat", "literal:3f..21,interval=50ms,timeout=500ms", "ping"];
    let mut running = Running::start(&mut framelink([&arguments[..], &heartbeat].concat()));
    let mut silent = listening.accept();
    assert_eq!(read_exactly(&silent, 8), b"0004ping");
    silent.write_all(b"0003one").unwrap();
    assert_eq!(running.stdout_line(), "one");

    let mut closing = listening.accept();
    let line = running.log_line("the peer is gone");
    assert!(line.contains(&format!("WARN connected to {to} again: the peer is gone: ")), "{line}");
    read_up_to(Wire::Ascii4, &mut BufReader::with_capacity(1, &closing), b"ping");
    closing.write_all(b"0003two").unwrap();
    assert_eq!(running.stdout_line(), "two");
    drop(closing);

    let mut host = listening.accept();
    running.log_line(&format!("connected to {to} again: the connection was lost in between"));
    read_up_to(Wire::Ascii4, &mut BufReader::with_capacity(1, &host), b"ping");
    running.signal("INT");
    host.write_all(b"0005three").unwrap();
    half_close(&host);
    assert_eq!(running.stdout_line(), "three", "the current exchange finishes");
    assert_eq!(running.finish().code, Some(0));
}

#[cfg(unix)]
#[test]
fn messages_without_replies_are_repeated_with_heartbeats_too() {
    let listening = Host::listen();
    let to = listening.address.to_string();
    let arguments = ["send", &to, "--framing", "ascii:4", "--every", "50ms", "--no-reply", "a", "b"];
    let mut running = Running::start(&mut framelink(arguments));
    let host = listening.accept();
    assert_eq!(read_exactly(&host, 20), b"0001a0001b0001a0001b");
    running.signal("TERM");
    running.log_line("draining");
    half_close(&host);
    let done = running.finish();
    assert_eq!((done.code, &*done.stdout), (Some(0), ""), "{}", done.stderr);
}

#[test]
fn a_host_that_is_not_there_ends_the_rounds() {
    let port = crate::common::DeadPort::new();
    let done = run(&["send", &port.address.to_string(), "--framing", "ascii:4", "--every", "1s", "ping"]);
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains(&format!("connecting to {}: ", port.address)), "{}", done.stderr);
}

#[test]
fn flags_replace_what_a_profile_says() {
    let profile = "framing = \"ascii:4\"\n[liveness]\nheartbeat = \"literal:3f..21,by=server,interval=1s\"\n";
    let profile = TempFile::with(profile.as_bytes());
    let (_server, address) =
        serve(&["--profile", profile.path(), "--heartbeat", "literal:2b..2d", "--keepalive", "60s/10s/6"]);
    let mut client = dial(address);
    client.write_all(b"0001?0001+").unwrap();
    let mut heard = [read_exactly(&client, 5), read_exactly(&client, 5)];
    heard.sort();
    assert_eq!(heard, [b"0001-", b"0001?"], "the first is a message now, the second a probe");
}

#[test]
fn every_command_with_a_socket_takes_keepalive() {
    let keepalive = ["--framing", "ascii:4", "--keepalive", "60s/10s/6"];
    let (_server, address) = serve(&keepalive);
    let listen = [&["listen", "--listen", "127.0.0.1:0"], &keepalive[..]].concat();
    let (_listener, listener_address) = Running::listen(&mut framelink(listen));
    let to = [&["--to-keepalive", "30s/-/3/-"], &keepalive[2..]].concat();
    let bridged = Host::listen();
    let (_bridge, bridge_address) = bridge(bridged.address, &to);
    drop((dial(listener_address), dial(bridge_address), bridged.accept()));
    let sent = run(&[&["send", &address.to_string()], &keepalive[..], &["hello"]].concat());
    assert_eq!((sent.code, &*sent.stdout), (Some(0), "hello\n"), "{}", sent.stderr);
}

#[test]
#[cfg(target_os = "linux")]
fn keepalive_is_set_on_the_sockets() {
    let keepalive = ["--framing", "ascii:4", "--keepalive", "60s/10s/6"];
    let hostile = ["hostile", "--listen", "127.0.0.1:0", "--fault", "silent"];
    let (_hostile, hostile_address) = Running::listen(&mut framelink([&hostile[..], &keepalive].concat()));
    let (_server, server_address) = serve(&keepalive);
    let (_other, other_address) = serve(&keepalive[..2]);
    for (address, is_asked) in [(hostile_address, true), (server_address, true), (other_address, false)] {
        let mut client = dial(address);
        // The bytes are read, so the connection is accepted and its options are set.
        client.write_all(&Wire::Ascii4.frame(b"hi")).unwrap();
        while unread_or_unaccepted(&client) {
            std::thread::yield_now();
        }
        assert_eq!(keepalive_timer_runs(address, client.local_addr().unwrap()), is_asked, "{address}");
    }
}

/// Returns whether the peer still has unread bytes of this client in its queue.
#[cfg(target_os = "linux")]
fn unread_or_unaccepted(client: &TcpStream) -> bool {
    let row =
        crate::common::system_row(client.peer_addr().expect("an address"), client.local_addr().expect("an address"));
    row.get(4).is_none_or(|queues| !queues.ends_with(":00000000"))
}

#[cfg(target_os = "linux")]
fn keepalive_timer_runs(ours: SocketAddr, theirs: SocketAddr) -> bool {
    crate::common::system_row(ours, theirs)[5].starts_with("02:")
}

#[test]
fn a_hostile_peer_lives_until_its_fault_shows() {
    let heartbeat = ["--framing", "ascii:4", "--heartbeat", "literal:3f..21,by=both,interval=50ms,timeout=1m"];
    let hostile = ["hostile", "--listen", "127.0.0.1:0", "--fault", "stops", "--count", "2"];
    let (mut peer, address) = Running::listen(&mut framelink([&hostile[..], &heartbeat].concat()));
    let mut client = dial(address);
    client.write_all(b"0001?").unwrap();
    let mut reader = BufReader::with_capacity(1, &client);
    let before = read_up_to(Wire::Ascii4, &mut reader, b"!");
    assert!(before.iter().all(|message| message == b"?"), "{before:?}");
    read_up_to(Wire::Ascii4, &mut reader, b"?");
    for message in ["one", "two"] {
        (&client).write_all(&Wire::Ascii4.frame(message.as_bytes())).unwrap();
        read_up_to(Wire::Ascii4, &mut reader, message.as_bytes());
    }
    peer.log_line("stops: keeps the connection, and neither reads nor writes");
    client.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(std::io::Read::read(&mut client, &mut [0]).is_err(), "neither a heartbeat nor the end");
}

#[test]
fn a_peer_that_stops_is_noticed_by_a_client_that_would_wait() {
    let hostile = ["hostile", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--fault", "stops", "--count", "1"];
    let (_peer, address) = Running::listen(&mut framelink([&hostile[..], &["--heartbeat", "literal:3f..21"]].concat()));
    let to = address.to_string();
    let heartbeat = ["--heartbeat", "literal:3f..21,interval=100ms,timeout=500ms"];
    let mut running = Running::start(
        framelink([&["send", &to, "--framing", "ascii:4"], &heartbeat[..]].concat()).stdin(Stdio::piped()),
    );
    let mut stdin = running.stdin();
    stdin.write_all(b"hello\n").unwrap();
    assert_eq!(running.stdout_line(), "hello");
    let done = running.finish();
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert!(done.stderr.contains("the peer is gone: nothing came for "), "{}", done.stderr);
}

/// The arguments after the command, and the whole output.
const WRONG: &[(&[&str], &str)] = &[
    (
        &["serve", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--heartbeat", "empty,interval=5"],
        "error: invalid value 'empty,interval=5' for '--heartbeat <HEARTBEAT>': column 16: expected a number above 0 with \
         `ms`, `s`, `m`, `h` or `d`, found `5`\n    empty,interval=5\n                   ^\n",
    ),
    (
        &["listen", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--heartbeat", "ping"],
        "error: invalid value 'ping' for '--heartbeat <HEARTBEAT>': column 1: expected one of empty, literal, numbered, \
         pattern, or a preset, found `ping`\n    ping\n    ^^^^\n",
    ),
    (
        &["send", "127.0.0.1:1", "--framing", "ascii:4", "--keepalive", "60s/10s", "hi"],
        "error: invalid value '60s/10s' for '--keepalive <IDLE/INTERVAL/PROBES>': column 1: expected IDLE/INTERVAL/PROBES, \
         such as `60s/10s/6`, found `60s/10s`\n    60s/10s\n    ^^^^^^^\n",
    ),
    (
        &["check", "long-sync", "--framing", "ascii:4", "--keepalive", "60s/1500ms/6"],
        "error: invalid value '60s/1500ms/6' for '--keepalive <IDLE/INTERVAL/PROBES>': column 5: expected whole seconds, 1s to \
         32767s, found `1500ms`\n    60s/1500ms/6\n        ^^^^^^\n",
    ),
    (
        &["serve", "--listen", "127.0.0.1:0", "--framing", "fixed:5", "--heartbeat", "empty"],
        "framelink: --heartbeat cannot be used: a frame cannot be empty with fixed:5: payload is 0 bytes, every message is 5\n",
    ),
    (
        &["listen", "--listen", "127.0.0.1:0", "--framing", "quiet:50ms", "--heartbeat", "literal:3f"],
        "framelink: --heartbeat cannot be used: only silence ends a message, so nothing separates a heartbeat from the message\n",
    ),
    (
        &["send", "127.0.0.1:1", "--framing", "fixed:5", "--heartbeat", "literal:3f", "hello"],
        "framelink: --heartbeat cannot be used: it cannot be sent with fixed:5: payload is 1 bytes, every message is 5\n",
    ),
    (
        &["send", "127.0.0.1:1", "--framing", "net:2", "--in-flight", "2", "--every", "1s", "hello"],
        "framelink: --every sends one message at a time, and the exchange is duplex\n",
    ),
    (
        &["send", "127.0.0.1:1", "--framing", "net:2", "--every", "1s", "-"],
        "framelink: --every repeats messages, and messages from stdin cannot be repeated\n",
    ),
    (
        &["serve", "--listen", "127.0.0.1:0", "--profile", "short-sync", "--framing", "net:2", "--heartbeat", "empty"],
        "framelink: liveness.heartbeat does not go with connection: a short connection has one exchange and ends, so there is \
         nothing to keep alive; use a long one\n",
    ),
];

#[test]
fn heartbeats_that_cannot_be_used_are_refused_before_dialling_or_listening() {
    for &(arguments, told) in WRONG {
        let done = run(arguments);
        assert_eq!((done.code, &*done.stdout), (Some(2), ""), "{arguments:?}: {}", done.stderr);
        assert!(done.stderr.starts_with(told), "{arguments:?}: {told}\nin:\n{}", done.stderr);
    }
    for (flag, framings) in [("--heartbeat", ["fixed:5", "net:2"]), ("--to-heartbeat", ["net:2", "fixed:5"])] {
        let [framing, to_framing] = framings;
        let to = ["--to", "127.0.0.1:1", "--to-framing", to_framing, flag, "empty"];
        let done = run(&[&["bridge", "--listen", "127.0.0.1:0", "--framing", framing], &to[..]].concat());
        let told = format!(
            "framelink: {flag} cannot be used: a frame cannot be empty with fixed:5: payload is 0 bytes, every message is 5\n"
        );
        assert_eq!((done.code, &*done.stdout, &*done.stderr), (Some(2), "", &*told));
    }
}

const CHECKED: &str = "\
heartbeat    each side sends an empty frame after 30s without traffic; it is not answered, and another 10s of silence ends the connection
as a client  notices within 40s that the other side is gone
as a server  notices within 40s that the other side is gone
keepalive    the system probes after 1m without traffic, every 10s, 6 times: a peer whose system is gone is noticed within 2m; \
what is sent and not acknowledged ends the connection after 2m
";

#[test]
fn check_explains_how_soon_a_dead_peer_is_noticed() {
    let flags = ["--heartbeat", "empty,interval=30s,timeout=10s", "--keepalive", "60s/10s/6"];
    let long = ["check", "long-sync", "--framing", "ascii:4"];
    let done = run(&[&long[..], &flags].concat());
    assert_eq!((done.code, &*done.stderr), (Some(0), ""));
    assert!(done.stdout.ends_with(CHECKED), "{}", done.stdout);

    let toml = run(&[&long[..], &flags, &["--toml"]].concat()).stdout;
    let file = TempFile::with(toml.as_bytes());
    assert!(run(&["check", file.path()]).stdout.ends_with(CHECKED), "{toml}");

    let done = run(&long);
    let told = "careful      nothing detects that an idle peer is gone; set liveness.keepalive = \"60s/10s/6\", or a \
                liveness.heartbeat if the peer knows one\n";
    assert!(done.stdout.ends_with(told), "{}", done.stdout);
}
