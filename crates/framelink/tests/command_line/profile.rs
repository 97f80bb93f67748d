//! `framelink check`, and `send` and `serve` with a profile.

use std::io::{Read, Write};

use crate::common::{Finished, Host, Running, TempFile, dial, framelink, half_close, read_exactly, read_to_end};

fn run(arguments: &[&str]) -> Finished {
    Running::run(&mut framelink(arguments))
}

const SHORT_SYNC: &str = "\
connection   short: connect, one exchange, close; the client closes first
exchange     sync: a message, then its reply, then the next
both ways    ascii:4: messages begin with their length in 4 ASCII digits; at most 9999 bytes of payload
reconnecting within 100ms of the first failure, then within twice that, and so on up to 1m, at random
of several   the first healthy address; back to an earlier one when it is healthy, tried every 30s; an address is skipped for a while after 3 failures in a row
connecting   at most 5s
a call       at most 5s: waiting for a connection, connecting, writing and the reply
writing      at most 30s a message
closing      waits up to 1s for the other side to close too
queue        up to 64KiB in 4096 messages wait to be written, then the sender waits
as a server  holds up to 1000 connections, 250 of one client, and refuses more
as a server  a client has 1m to begin its first message, and 30s to complete each message
as a server  closes a connection without messages for 1h, and any connection after 1d
as a server  holds up to 16MiB for all connections, 8MiB for one client; beyond that, the client that holds most is closed
";

#[test]
fn a_template_is_explained_in_words() {
    let done = run(&["check", "short-sync", "--framing", "ascii:4"]);
    assert_eq!((done.code, &*done.stdout, &*done.stderr), (Some(0), SHORT_SYNC, ""));
}

#[test]
fn a_template_printed_as_toml_is_an_equal_profile() {
    let done = run(&["check", "short-sync", "--framing", "ascii:4", "--toml"]);
    assert_eq!((done.code, &*done.stdout), (Some(0), "framing = \"ascii:4\"\nconnection = \"short\"\n"));
    let file = TempFile::with(done.stdout.as_bytes());
    assert_eq!(run(&["check", file.path()]).stdout, SHORT_SYNC);
    let other = run(&["check", file.path(), "--framing", "line", "--toml"]);
    assert_eq!((other.code, &*other.stdout), (Some(0), "framing = \"line\"\nconnection = \"short\"\n"));
}

#[test]
fn what_is_wrong_in_a_file_is_told_with_its_place_and_exit_1() {
    for (toml, told) in [
        ("framing = \"ascii:40\"\n", "line 1, column 18: framing: expected 1 to 18 digits, found `40`\n"),
        (
            "framing = \"line\"\n[timeouts]\n\treplay = \"5s\"\n",
            "line 3, column 2: unknown field `replay`, expected one of `connect`, `reply`, `write`, `close`, \
             `first-message`, `first-request`, `frame`, `idle`, `lifetime`\n",
        ),
        (
            "framing = \"until-close\"",
            "line 1, column 11: framing does not go with connection: an `until-close` message ends with the connection, so \
             a long connection could carry only one; use a short connection\n",
        ),
        ("", "line 1, column 1: framing is missing"),
    ] {
        let file = TempFile::with(toml.as_bytes());
        let done = run(&["check", file.path()]);
        assert_eq!((done.code, &*done.stdout), (Some(1), ""), "{toml}");
        let told = format!("framelink: {}: {told}", file.path());
        assert!(done.stderr.starts_with(&told), "{told}\nin:\n{}", done.stderr);
    }
}

#[test]
fn no_such_file_and_no_such_template_are_exit_2() {
    for name in ["no-such-file.toml", "./no/such/file", "/"] {
        let done = run(&["check", name]);
        assert_eq!((done.code, &*done.stdout), (Some(2), ""), "{name}");
        assert!(done.stderr.starts_with(&format!("framelink: {name}: ")), "{}", done.stderr);
    }

    let no_folder = env!("CARGO_MANIFEST_DIR").to_owned() + "/no/profiles";
    let done = Running::run(framelink(["check", "short", "--framing", "line"]).env("FRAMELINK_PROFILES", &no_folder));
    let names = "short-sync, long-sync, duplex, shared, pooled, simplex, send-only, receive-only, short-until-close";
    let told = format!(
        "framelink: profile: expected one of {names}, found `short`; did you mean `short-sync` or `short-until-close`? \
         (a profile is a template, a TOML file, or a name from {no_folder}, which does not exist)\n"
    );
    assert_eq!((done.code, done.stderr), (Some(2), told));

    let done = run(&["check", "long-sync"]);
    assert_eq!((done.code, &*done.stderr), (Some(2), "framelink: the template long-sync needs --framing\n"));
    assert_eq!(run(&["check"]).code, Some(2));
}

#[test]
fn what_flags_make_impossible_is_exit_2() {
    let file = TempFile::with(b"framing = \"line\"");
    let done = run(&["check", file.path(), "--framing", "until-close"]);
    assert_eq!(done.code, Some(2));
    assert!(
        done.stderr.contains("with the options that were given: framing does not go with connection"),
        "{}",
        done.stderr
    );
    let done = run(&["check", "long-sync", "--framing", "until-close"]);
    assert_eq!(done.code, Some(2));
    assert!(done.stderr.starts_with("framelink: framing does not go with connection"), "{}", done.stderr);
}

#[test]
fn help_lists_the_templates() {
    let done = run(&["check", "--help"]);
    for word in ["--framing", "--toml", "short-sync", "long-sync", "send-only", "receive-only", "short-until-close"] {
        assert!(done.stdout.contains(word), "{word} in:\n{}", done.stdout);
    }
}

#[test]
fn send_frames_and_dials_as_its_profile_says() {
    let file = TempFile::with(b"framing = { send = 'ascii:4', receive = 'line' }\nsocket.source = '127.0.0.1:0'");
    let host = Host::listen();
    let address = host.address.to_string();
    let host = host.serve(|mut stream| {
        let request = read_exactly(&stream, 9);
        stream.write_all(b"world\r\n").expect("replying");
        read_to_end(&stream);
        request
    });
    let done = run(&["send", &address, "--profile", file.path(), "hello"]);
    assert_eq!((done.code, &*done.stdout, &*done.stderr), (Some(0), "world\n", ""));
    assert_eq!(host.join(), b"0005hello");
}

#[test]
fn flags_of_send_override_its_profile() {
    let file = TempFile::with(b"framing = 'ascii:4'\ntimeouts.reply = '20s'");
    let host = Host::listen();
    let address = host.address.to_string();
    let host = host.serve(|stream| read_to_end(&stream));
    let flags = ["--framing", "net:2", "--reply-framing", "line", "--timeout", "100ms"];
    let done = run(&[&["send", &*address, "--profile", file.path()], &flags[..], &["hello"]].concat());
    assert_eq!((done.code, &*done.stdout), (Some(1), ""));
    assert!(done.stderr.contains("nothing came within 100ms"), "{}", done.stderr);
    assert_eq!(host.join(), b"\0\x05hello");
}

#[test]
fn a_send_only_profile_waits_for_no_reply() {
    let host = Host::listen();
    let address = host.address.to_string();
    let host = host.serve(|stream| read_to_end(&stream));
    let done = run(&["send", &address, "--profile", "send-only", "--framing", "line", "a", "b"]);
    assert_eq!((done.code, &*done.stdout, &*done.stderr), (Some(0), "", ""));
    assert_eq!(host.join(), b"a\r\nb\r\n");
}

#[test]
fn serve_answers_as_its_profile_says() {
    let file = TempFile::with(b"framing = { receive = 'ascii:4', send = 'line' }\nsocket.backlog = 5");
    let (server, address) =
        Running::listen(&mut framelink(["serve", "--listen", "127.0.0.1:0", "--profile", file.path()]));
    let mut stream = dial(address);
    stream.write_all(b"0005hello").expect("writing");
    half_close(&stream);
    assert_eq!(read_to_end(&stream), b"hello\r\n");
    drop(server);
}

#[test]
fn with_a_receive_only_profile_serve_sends_nothing() {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--profile", "receive-only", "--framing", "line"];
    let (server, address) = Running::listen(&mut framelink(arguments));
    let mut stream = dial(address);
    stream.write_all(b"hello\n").expect("writing");
    half_close(&stream);
    let mut replies = Vec::new();
    stream.read_to_end(&mut replies).expect("an end");
    assert_eq!(replies, b"");
    drop(server);
    let done = run(&[&arguments[..], &["--reply", "echo"]].concat());
    assert_eq!((done.code, &*done.stderr), (Some(2), "framelink: --reply cannot be sent: the profile only receives\n"));
}

/// Each message has its own connection, which begins with the preambles.
#[test]
fn send_talks_over_short_connections_with_a_preamble() {
    let host = Host::listen();
    let address = host.address.to_string();
    let file = TempFile::with(
        b"framing = 'ascii:4'\npreamble = { send = '0102', expect = '06' }\nconnection = { kind = 'short', half-close = true }",
    );
    let answering = crate::common::Task::start(move || {
        for (request, reply) in [(&b"\x01\x020003one"[..], b"0001a"), (b"\x01\x020003two", b"0001b")] {
            let mut stream = host.accept();
            stream.write_all(b"\x06").expect("a preamble");
            assert_eq!(read_to_end(&stream), request, "the preamble, the message, the end");
            stream.write_all(reply).expect("replying");
        }
        host.expect_untouched();
    });
    let done = run(&["send", &address, "--profile", file.path(), "one", "two"]);
    assert_eq!((done.code, &*done.stdout, &*done.stderr), (Some(0), "a\nb\n", ""));
    answering.join();
}

#[test]
fn serve_answers_one_message_a_short_connection_and_waits_for_the_client_to_close_first() {
    let file = TempFile::with(b"framing = 'line'\nconnection = 'short'\npreamble.send = '3e'\ntimeouts.close = '10s'");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--profile", file.path(), "--reply", "text:ok"];
    let (_server, address) = Running::listen(&mut framelink(arguments));
    let mut stream = dial(address);
    assert_eq!(read_exactly(&stream, 1), b">", "the preamble comes before any request");
    stream.write_all(b"one\ntwo\n").expect("writing");
    assert_eq!(read_exactly(&stream, 4), b"ok\r\n");
    half_close(&stream);
    assert_eq!(read_to_end(&stream), b"", "there is no second answer");
}

#[test]
fn serve_closes_first_if_the_profile_asks_for_it() {
    let file = TempFile::with(b"framing = 'line'\nconnection = { kind = 'short', closes = 'server' }");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--profile", file.path()];
    let (_server, address) = Running::listen(&mut framelink(arguments));
    let mut stream = dial(address);
    stream.write_all(b"one\n").expect("writing");
    assert_eq!(read_to_end(&stream), b"one\r\n");
}

/// Neither single bytes nor silence before the first message extend the time of a message.
#[test]
fn serve_keeps_to_its_deadlines() {
    let file = TempFile::with(b"framing = 'ascii:4'\ntimeouts = { first-message = '200ms', frame = '300ms' }");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--profile", file.path()];
    let (mut server, address) = Running::listen(&mut framelink(arguments));
    let silent = dial(address);
    assert_eq!(read_to_end(&silent), b"");
    server.log_line("nothing came within 200ms");
    let mut dribbling = dial(address);
    let mut reading = dribbling.try_clone().expect("cloning a socket");
    let closed = crate::common::Task::start(move || {
        let mut all = Vec::new();
        let _ = reading.read_to_end(&mut all);
        all
    });
    dribbling.write_all(b"0002hi0100").expect("a message and a header");
    while dribbling.write_all(b"x").is_ok() {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    assert_eq!(closed.join(), b"0002hi", "the message before it was answered");
    server.log_line("no whole message within 300ms");
}

#[test]
fn serve_holds_no_more_connections_than_it_is_allowed() {
    let file = TempFile::with(b"framing = 'line'\nlimits.connections = 1");
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--profile", file.path()];
    let (_server, address) = Running::listen(&mut framelink(arguments));
    let mut first = dial(address);
    first.write_all(b"one\n").expect("writing");
    assert_eq!(read_exactly(&first, 5), b"one\r\n");
    assert!(!matches!(dial(address).read(&mut [0]), Ok(1..)), "one too many is closed at once");
    first.write_all(b"two\n").expect("writing");
    assert_eq!(read_exactly(&first, 5), b"two\r\n");
}

#[test]
fn a_profile_of_the_other_direction_is_bad_usage() {
    for (arguments, told) in [
        (
            &["send", "127.0.0.1:1", "--profile", "receive-only", "--framing", "line", "x"],
            "the profile only receives, so there is nothing to send",
        ),
        (
            &["serve", "--listen", "127.0.0.1:0", "--profile", "send-only", "--framing", "line"],
            "the profile only sends, so there is nothing to answer",
        ),
    ] {
        let done = run(arguments);
        assert_eq!((done.code, done.stderr), (Some(2), format!("framelink: {told}\n")));
    }
}

#[test]
fn a_file_that_is_no_profile_is_not_repeated() {
    for text in [
        "root:$6$secret:19000:0:99999:7:::\ndaemon:*:19000\n",
        "DB_PASSWORD = \"secret\"\n",
        "password: secret\n",
        "-----BEGIN PRIVATE KEY-----\nsecret\n",
        "framing = \"line\"\npreamble = \"secret\"\n",
        "framing = \"line\"\npreamble.send = \"secret\"\n",
    ] {
        let file = TempFile::with(text.as_bytes());
        let done = run(&["check", file.path()]);
        assert_eq!((done.code, &*done.stdout), (Some(1), ""), "{text}");
        assert!(done.stderr.contains(": line ") && !done.stderr.contains("secret"), "{text}{}", done.stderr);
    }
}

#[test]
fn the_bytes_of_a_preamble_are_counted_and_not_printed() {
    let file = TempFile::with(b"framing = \"line\"\npreamble = { send = \"736563726574\", expect = \"6f6b\" }\n");
    let done = run(&["check", file.path()]);
    assert_eq!((done.code, &*done.stderr), (Some(0), ""));
    assert!(
        done.stdout.contains("\npreamble     once connected, sends 6 bytes and expects 2 bytes\n"),
        "{}",
        done.stdout
    );
    assert!(!done.stdout.contains("73") && !done.stdout.contains("secret"), "{}", done.stdout);
}

#[test]
fn no_more_than_1_mib_of_a_profile_is_read() {
    let mut text = b"framing = \"line\"\n".to_vec();
    text.resize(1024 * 1024, b'\n');
    let largest = TempFile::with(&text);
    assert_eq!(run(&["check", largest.path()]).code, Some(0));
    text.push(b'\n');
    let larger = TempFile::with(&text);
    let endless = if cfg!(unix) { "/dev/zero" } else { larger.path() };
    for name in [larger.path(), endless] {
        let done = run(&["check", name]);
        let told = format!("framelink: {name}: the file is larger than 1MiB, the limit for a profile\n");
        assert_eq!((done.code, &*done.stdout, &*done.stderr), (Some(1), "", &*told));
    }
    let no_text = TempFile::with(b"framing = \"\xff\"");
    let told = format!("framelink: {}: the file is not UTF-8 text, from byte 11 on\n", no_text.path());
    assert_eq!(run(&["check", no_text.path()]).stderr, told);
}

#[test]
fn a_misspelt_name_gets_a_suggestion() {
    for (arguments, meant) in [
        (&["check", "long-sync", "--framing", "tpkd"][..], "did you mean `tpkt`?"),
        (&["check", "long-sync", "--framing", "MLLP"], "did you mean `mllp`?"),
        (&["check", "long-sync", "--framing", "lin"], "did you mean `line`?"),
        (&["check", "long-sync", "--framing", "net:2", "--heartbeat", "iec-104"], "did you mean `iec104`?"),
        (&["check", "long-synk", "--framing", "net:2"], "did you mean `long-sync`?"),
    ] {
        let done = run(arguments);
        assert_eq!(done.code, Some(2), "{arguments:?}");
        assert!(done.stderr.contains(meant), "{arguments:?}: {}", done.stderr);
    }
}

#[test]
fn presets_lists_each_name_with_its_meaning_and_its_notation() {
    let done = run(&["presets"]);
    assert_eq!((done.code, &*done.stderr), (Some(0), ""));
    for expected in [
        "  tpkt        ISO transport over TCP (S7, RDP, X.224), RFC 1006 section 6\n              net:2,at=2,prefix=03,counts=frame\n",
        "  mllp        HL7 Minimal Lower Layer Protocol",
        "Heartbeats, for --heartbeat;",
        "              literal:c000..d000\n",
    ] {
        assert!(done.stdout.contains(expected), "{expected}\nin:\n{}", done.stdout);
    }
    // Each listed framing is accepted.
    let framings = done.stdout.split("\nHeartbeats").next().unwrap();
    let names: Vec<_> = framings.lines().skip(1).step_by(2).filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 25, "{names:?}");
    for name in names {
        assert!(name.parse::<framelink_transport::Framing>().is_ok(), "{name}");
    }
}
