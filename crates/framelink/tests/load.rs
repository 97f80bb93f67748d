//! `framelink load`, against servers that answer and servers that misbehave: counts are exact, and exit codes right.

#![cfg(unix)]

mod common;

use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use common::{DeadPort, Finished, Host, Running, framelink, read_exactly};

fn serve(arguments: &[&str]) -> (Running, SocketAddr) {
    let command = ["serve", "--listen", "127.0.0.1:0", "--framing", "ascii:4"];
    Running::listen(&mut framelink([&command, arguments].concat()))
}

fn hostile(fault: &str, arguments: &[&str]) -> (Running, SocketAddr) {
    let command = ["hostile", "--listen", "127.0.0.1:0", "--framing", "ascii:4", "--fault", fault];
    Running::listen(&mut framelink([&command, arguments].concat()))
}

fn load(address: SocketAddr, arguments: &[&str]) -> Finished {
    Running::run(&mut framelink([&["load", &address.to_string(), "--framing", "ascii:4"], arguments].concat()))
}

/// A value of a JSON report, by the text of its key.
fn number(report: &str, key: &str) -> u64 {
    let value = report.split_once(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} in {report}")).1;
    let end = value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len());
    value[..end].parse().unwrap_or_else(|_| panic!("a number for {key} in {report}"))
}

fn counts(done: &Finished) -> [u64; 4] {
    ["sent", "replied", "failed", "unsent"].map(|key| number(&done.stdout, key))
}

/// The kinds of failures of a JSON report with their counts.
fn failures(done: &Finished) -> Vec<(String, u64)> {
    let list = done.stdout.split_once("\"failures\":[").expect("failures").1;
    let of_one = |text: &str| (text.split('"').next().unwrap_or_default().to_owned(), number(text, "count"));
    list.split("{\"kind\":\"").skip(1).map(of_one).collect()
}

fn file(name: &str, text: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("load-{}-{name}", std::process::id()));
    std::fs::write(&path, text).expect("writing a file");
    path
}

#[test]
fn every_message_of_every_kind_of_connection_has_its_reply() {
    let (_server, address) = serve(&[]);
    for kind in [
        &["--connection", "long"][..],
        &["--connection", "long", "--depth", "16"],
        &["--connection", "short"],
        &["--connection", "pooled"],
        &["--connection", "shared", "--depth", "4"],
    ] {
        for messages in [&["--counted"][..], &["--size", "20..3000"], &["--rate", "5000"]] {
            let arguments = ["--connections", "3", "--count", "100", "--expect", "echo", "--json"];
            let done = load(address, &[kind, messages, &arguments].concat());
            assert_eq!((done.code, counts(&done)), (Some(0), [100, 100, 0, 0]), "{kind:?} {messages:?}: {done:?}");
            assert_eq!(failures(&done), [], "{kind:?} {messages:?}: {done:?}");
        }
    }
}

/// The warm-up is sent before the messages that are counted, and its replies are checked.
#[test]
fn messages_of_the_warm_up_are_checked_and_not_counted() {
    let (_server, address) = serve(&[]);
    let kinds = [
        &["--connection", "long", "--depth", "4"][..],
        &["--connection", "short"],
        &["--connection", "pooled"],
        &["--heartbeat", "empty,interval=30s"],
        &["--rate", "2000"],
    ];
    for kind in kinds {
        let arguments =
            ["--warm-up", "100ms", "--count", "50", "--size", "10", "--counted", "--expect", "echo", "--json"];
        let heartbeat = kind.contains(&"--heartbeat").then(|| serve(&["--heartbeat", "empty,interval=30s"]));
        let done = load(heartbeat.as_ref().map_or(address, |(_, address)| *address), &[kind, &arguments].concat());
        assert_eq!((done.code, counts(&done)), (Some(0), [50, 50, 0, 0]), "{kind:?} {done:?}");
        assert_eq!(number(&done.stdout, "sent_bytes"), 500, "{kind:?} {done:?}");
    }
    let (_server, address) = serve(&["--reply", "text:OK"]);
    let done = load(address, &["--warm-up", "50ms", "--count", "5", "--expect", "text:NO", "--json"]);
    assert_eq!((done.code, counts(&done)), (Some(1), [5, 0, 5, 0]), "{done:?}");
    assert!(matches!(&failures(&done)[..], [(kind, 6..)] if kind == "wrong reply"), "{done:?}");
}

/// Without a reply to the first message there is no place for the others before the end.
#[test]
fn messages_that_could_not_be_sent_are_a_fault() {
    let host = Host::listen();
    let address = host.address;
    let peer = host.serve(|mut stream| {
        let first = read_exactly(&stream, 14);
        std::thread::sleep(std::time::Duration::from_millis(700));
        stream.write_all(&first).expect("writing");
        stream
    });
    let done = load(address, &["--size", "10", "--rate", "10", "--duration", "500ms"]);
    drop(peer.join());
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stdout.contains("\nunsent       4 were due, and were not sent before the end"), "{done:?}");
    assert!(done.stderr.contains("4 messages were due and could not be sent before the end"), "{done:?}");
}

#[test]
fn keyed_messages_find_their_replies_in_any_order() {
    for written in ["digits", "binary"] {
        let arguments = ["--key", "4:6", "--assign", written, "--count", "64", "--expect", "echo", "--json"];
        for (fault, depth) in [("out-of-order", "8"), ("shuffled", "64")] {
            let (_server, address) = hostile(fault, &["--delay", "1ms"]);
            let done = load(address, &[&arguments[..], &["--depth", depth]].concat());
            assert_eq!(counts(&done), [64, 64, 0, 0], "{fault} {done:?}");
            // `shuffled` also sends replies twice, and messages that answer nothing.
            assert!(failures(&done).iter().all(|(kind, _)| kind == "unmatched"), "{fault} {done:?}");
            assert_eq!(done.code, Some(i32::from(fault == "shuffled")), "{fault} {done:?}");
        }
    }
}

#[test]
fn a_peer_that_answers_one_message_of_each_connection_fails_every_other() {
    for (fault, arguments, timeout, kind) in [
        ("cut-fin", &["--cut-at", "3"][..], "20s", "closed"),
        ("cut-reset", &["--cut-at", "3"], "20s", "connection lost"),
        ("garbage-length", &[], "20s", "malformed"),
        ("stops", &[], "1s", "no reply"),
    ] {
        let (_server, address) = hostile(fault, &[&["--count", "1"], arguments].concat());
        let done = load(address, &["--count", "4", "--timeout", timeout, "--expect", "echo", "--json"]);
        assert_eq!((done.code, counts(&done)), (Some(1), [4, 2, 2, 0]), "{fault} {done:?}");
        assert_eq!(failures(&done), [(kind.to_owned(), 2)], "{fault} {done:?}");
        assert_eq!(number(&done.stdout, "reconnects"), 1, "{fault} {done:?}");
    }
}

#[test]
fn connections_with_a_session_count_as_well() {
    let (_server, address) = serve(&["--heartbeat", "empty,interval=1s"]);
    let arguments = ["--heartbeat", "empty,interval=1s", "--connections", "2", "--depth", "8", "--count", "200"];
    for more in [&["--counted"][..], &["--key", "0:8"], &["--rate", "10000"]] {
        let done = load(address, &[&arguments, more, &["--expect", "echo", "--json"]].concat());
        assert_eq!((done.code, counts(&done)), (Some(0), [200, 200, 0, 0]), "{more:?} {done:?}");
    }
}

#[test]
fn a_profile_says_how_connections_are_used() {
    let (_server, address) = serve(&[]);
    for (profile, connection, connections) in
        [("short-sync", "short", 1), ("long-sync", "long", 1), ("pooled", "pooled", 8), ("shared", "shared", 2)]
    {
        let done = load(address, &["--profile", profile, "--count", "20", "--expect", "echo", "--json"]);
        assert_eq!((done.code, counts(&done)), (Some(0), [20, 20, 0, 0]), "{profile} {done:?}");
        assert!(done.stdout.contains(&format!("\"connection\":\"{connection}\"")), "{profile} {done:?}");
        assert_eq!(number(&done.stdout, "connections"), connections, "{profile} {done:?}");
    }
    let command = ["serve", "--listen", "127.0.0.1:0", "--profile", "short-until-close"];
    let (_server, address) = Running::listen(&mut framelink(command));
    let address = address.to_string();
    for arguments in [&["--profile", "short-until-close"][..], &["--framing", "until-close", "--connection", "short"]] {
        let command = ["load", &address, "--count", "20", "--expect", "echo", "--json"];
        let done = Running::run(&mut framelink([&command, arguments].concat()));
        assert_eq!((done.code, counts(&done)), (Some(0), [20, 20, 0, 0]), "{arguments:?} {done:?}");
    }
}

/// Each connection signs on with a message whose reply is not counted.
#[test]
fn connections_sign_on_before_the_run() {
    let (_server, address) = serve(&[]);
    let sign_on = "sign-on={send=\"text:0800\",expect=\"0:4=text:0800\"}";
    let arguments = ["--set", sign_on, "--connections", "3", "--depth", "2", "--count", "30", "--counted"];
    let done = load(address, &[&arguments[..], &["--expect", "echo", "--json"]].concat());
    assert_eq!((done.code, counts(&done)), (Some(0), [30, 30, 0, 0]), "{done:?}");
}

#[test]
fn messages_larger_than_every_buffer_pass() {
    let command = ["serve", "--listen", "127.0.0.1:0", "--framing", "net:4,max=4MiB"];
    let (_server, address) = Running::listen(&mut framelink(command));
    let address = address.to_string();
    let arguments =
        ["load", &address, "--framing", "net:4,max=4MiB", "--size", "1MiB", "--depth", "4", "--count", "12"];
    let done = Running::run(&mut framelink([&arguments[..], &["--expect", "echo", "--json"]].concat()));
    assert_eq!((done.code, counts(&done)), (Some(0), [12, 12, 0, 0]), "{done:?}");
}

#[test]
fn messages_come_from_files_and_texts() {
    let (_server, address) = serve(&[]);
    let (texts, sizes) = (file("texts", "one\ntwo\nthree\n"), file("sizes", "1\n64\n1KiB\n"));
    let (texts, sizes) = (texts.to_str().unwrap(), sizes.to_str().unwrap());
    for (arguments, bytes) in [
        (["--messages", texts], 11 * 2),
        (["--sizes", sizes], (1 + 64 + 1024) * 2),
        (["--message", "hello"], 5 * 6),
        (["--size", "10"], 10 * 6),
    ] {
        let done = load(address, &[&arguments[..], &["--count", "6", "--expect", "echo", "--json"]].concat());
        assert_eq!((done.code, counts(&done)), (Some(0), [6, 6, 0, 0]), "{done:?}");
        assert_eq!(number(&done.stdout, "sent_bytes"), bytes, "{done:?}");
        assert_eq!(number(&done.stdout, "received_bytes"), bytes, "{done:?}");
    }
}

#[test]
fn a_fixed_reply_is_compared() {
    let (_server, address) = serve(&["--reply", "text:OK"]);
    for (expect, code, failed) in
        [("text:OK", 0, 0), ("hex:4f 4b", 0, 0), ("any", 0, 0), ("text:NO", 1, 5), ("echo", 1, 5)]
    {
        let done = load(address, &["--count", "5", "--expect", expect, "--json"]);
        assert_eq!((done.code, counts(&done)), (Some(code), [5, 5 - failed, failed, 0]), "{expect} {done:?}");
    }
    let done = load(address, &["--count", "5", "--expect", "text:NO"]);
    assert!(done.stdout.contains("\nwrong reply  5, first: message 0: the reply is `OK`, expected `NO`"), "{done:?}");
    assert!(done.stderr.contains("5 of 5 messages failed"), "{done:?}");
}

#[test]
fn an_empty_reply_is_no_reply() {
    let (_server, address) = serve(&["--reply", "text:"]);
    let done = load(address, &["--count", "5", "--json"]);
    assert_eq!((done.code, failures(&done)), (Some(1), vec![("empty reply".to_owned(), 5)]), "{done:?}");
}

/// Without keys only the number in the message shows that a reply belongs to another message.
#[test]
fn a_reply_to_another_message_is_wrong() {
    let host = Host::listen();
    let address = host.address;
    let peer = host.serve(|mut stream| {
        let first = read_exactly(&stream, 14);
        stream.write_all(&first).expect("writing");
        read_exactly(&stream, 14);
        stream.write_all(&first).expect("writing");
        let third = read_exactly(&stream, 14);
        stream.write_all(&third).expect("writing");
    });
    let done = load(address, &["--size", "10", "--count", "3", "--counted", "--expect", "echo"]);
    peer.join();
    assert_eq!(done.code, Some(1), "{done:?}");
    let told = "wrong reply  1, first: message 1: the reply is `0000000000`, expected `0000000001`";
    assert!(done.stdout.contains(told) && done.stdout.contains("3 sent, 2 replied, 1 failed"), "{done:?}");
}

#[test]
fn a_silent_server_costs_each_message_its_time() {
    let (_server, address) = serve(&["--reply", "none"]);
    for (more, kinds) in [
        (&["--depth", "4"][..], &[("no reply", 4)][..]),
        (&["--depth", "4", "--key", "0:4"], &[("no reply", 4)]),
        (&["--connection", "short", "--connections", "4"], &[("no reply", 4)]),
        (&["--connection", "pooled", "--connections", "4"], &[("no reply", 4)]),
    ] {
        let done = load(address, &[&["--count", "4", "--timeout", "1s", "--json"], more].concat());
        assert_eq!((done.code, counts(&done)), (Some(1), [4, 0, 4, 0]), "{more:?} {done:?}");
        let kinds: Vec<_> = kinds.iter().map(|&(kind, count)| (kind.to_owned(), count)).collect();
        assert_eq!(failures(&done), kinds, "{more:?} {done:?}");
    }
}

/// Without keys a late reply would answer the next message, so the connection is given up, and another one is made.
#[test]
fn a_late_reply_is_never_the_reply_to_the_next_message() {
    let (_server, address) = hostile("late", &["--delay", "1h"]);
    let done = load(address, &["--count", "2", "--timeout", "500ms", "--counted", "--expect", "echo", "--json"]);
    assert_eq!((done.code, counts(&done)), (Some(1), [2, 0, 2, 0]), "{done:?}");
    assert_eq!(
        (failures(&done), number(&done.stdout, "reconnects")),
        (vec![("no reply".to_owned(), 2)], 1),
        "{done:?}"
    );
}

#[test]
fn a_peer_that_closes_before_the_reply_fails_what_is_in_flight() {
    let host = Host::listen();
    let address = host.address;
    let peer = host.serve(|mut stream| {
        // Of three messages one has its reply, and the others have a part of one.
        let requests = read_exactly(&stream, 3 * 14);
        stream.write_all(&requests[..20]).expect("writing");
    });
    let done = load(address, &["--size", "10", "--depth", "3", "--count", "3", "--timeout", "2s", "--json"]);
    peer.join();
    assert_eq!((done.code, counts(&done)), (Some(1), [3, 1, 2, 0]), "{done:?}");
    assert_eq!(failures(&done), [("closed".to_owned(), 2)], "{done:?}");
    assert!(done.stdout.contains("message 1: the peer closed the connection inside a frame"), "{done:?}");
}

#[test]
fn a_server_of_another_framing_is_named_as_a_possible_cause() {
    let (_server, address) = serve(&[]);
    let address = &address.to_string();
    let to = |framing, arguments: &[&str]| {
        let start = ["load", address, "--framing", framing, "--timeout", "300ms"];
        Running::run(&mut framelink([&start, arguments].concat()))
    };
    // The server closes the first connection, and waits for the rest of a message of the second one.
    for (framing, message) in [("net:4", "hi"), ("line", "0009hi")] {
        let done = to(framing, &["--count", "2", "--message", message]);
        let hint = format!("careful      no reply arrived; the server may not frame messages as {framing}. ");
        assert!(done.code == Some(1) && done.stdout.contains(&hint), "{done:?}");
        assert!(done.stdout.contains(&format!("`framelink send {address} --framing {framing}`")), "{done:?}");
        assert!(done.stdout.contains(&format!("`framelink inspect --framing {framing} FILE`")), "{done:?}");
    }
    let done = to("ascii:4", &["--count", "2", "--message", "hi", "--expect", "text:ho"]);
    assert!(done.code == Some(1) && !done.stdout.contains("careful"), "a wrong reply is a reply: {done:?}");
    let done = to("net:4", &["--find-rate", "p99=1s", "--rate", "2", "--duration", "600ms"]);
    assert!(done.stdout.contains("found        no rate that holds\ncareful      no reply arrived; "), "{done:?}");
}

#[test]
fn a_name_with_control_characters_is_escaped() {
    let (_server, address) = serve(&[]);
    let done = load(address, &["--count", "1", "--name", "a\u{1b}[31m\u{202e}b"]);
    assert!(done.code == Some(0) && done.stdout.starts_with("a\\x1b[31m\\u{202e}b: long connections"), "{done:?}");
}

#[test]
fn bytes_that_are_no_frame_fail_what_is_in_flight() {
    let host = Host::listen();
    let address = host.address;
    let peer = host.serve(|mut stream| {
        read_exactly(&stream, 14);
        stream.write_all(b"00x5hello").expect("writing");
        // It stays open: the bytes alone are the fault.
        read_exactly(&stream, 0);
        stream
    });
    let done = load(address, &["--size", "10", "--count", "1", "--json"]);
    drop(peer.join());
    assert_eq!((done.code, failures(&done)), (Some(1), vec![("malformed".to_owned(), 1)]), "{done:?}");
}

#[test]
fn messages_that_answer_nothing_are_counted() {
    let host = Host::listen();
    let address = host.address;
    let peer = host.serve(|mut stream| {
        let request = read_exactly(&stream, 14);
        stream.write_all(b"0002hi").expect("writing");
        stream.write_all(&request).expect("writing");
        stream
    });
    let done = load(address, &["--size", "10", "--count", "1", "--key", "0:6", "--json"]);
    drop(peer.join());
    assert_eq!((done.code, counts(&done)), (Some(1), [1, 1, 0, 0]), "{done:?}");
    assert_eq!(failures(&done), [("unmatched".to_owned(), 1)], "{done:?}");
}

#[test]
fn a_server_that_is_not_there_ends_the_run_at_once() {
    let port = DeadPort::new();
    let done = load(port.address, &["--connections", "4"]);
    assert_eq!((done.code, &*done.stdout), (Some(1), ""), "{done:?}");
    assert!(done.stderr.contains(&format!("no connection: connecting to {}", port.address)), "{done:?}");
}

#[test]
fn a_signal_ends_the_run_early_with_its_report() {
    for more in [&[][..], &["--rate", "100"], &["--connection", "short"], &["--heartbeat", "empty,interval=30s"]] {
        let (mut server, address) = serve(&[]);
        let address = address.to_string();
        let command = ["load", &address, "--framing", "ascii:4", "--duration", "1h", "--json"];
        let running = Running::start(&mut framelink([&command[..], more].concat()));
        server.log_line("connected");
        running.signal("INT");
        let done = running.finish();
        assert_eq!(done.code, Some(0), "{more:?} {done:?}");
        assert!(done.stdout.contains("\"interrupted\":true"), "{more:?} {done:?}");
        let [sent, replied, failed, unsent] = counts(&done);
        assert_eq!((sent, failed, unsent), (replied, 0, 0), "{more:?} {done:?}");
    }
}

#[test]
fn a_second_signal_cuts_what_is_in_flight() {
    let host = Host::listen();
    let address = host.address.to_string();
    let command = ["load", &address, "--framing", "ascii:4", "--timeout", "1h", "--duration", "1h", "--json"];
    let running = Running::start(&mut framelink(command));
    let stream = host.accept();
    read_exactly(&stream, 68);
    running.signal("INT");
    running.signal("INT");
    // A signal that arrives before the first one was taken counts as the first.
    running.signal("TERM");
    let done = running.finish();
    assert_eq!((done.code, counts(&done)), (Some(1), [1, 0, 1, 0]), "{done:?}");
    assert_eq!(failures(&done), [("cut".to_owned(), 1)], "{done:?}");
}

#[test]
fn connections_come_from_the_given_addresses() {
    let host = Host::listen();
    let address = host.address.to_string();
    let command = ["load", &address, "--framing", "ascii:4", "--from", "127.0.0.2,127.0.0.3", "--connections", "2"];
    let running = Running::start(&mut framelink([&command[..], &["--count", "2"]].concat()));
    let mut sources: Vec<_> = [host.accept(), host.accept()]
        .into_iter()
        .map(|mut stream| {
            let source = stream.peer_addr().expect("a peer").ip().to_string();
            let request = read_exactly(&stream, 68);
            stream.write_all(&request).expect("writing");
            source
        })
        .collect();
    sources.sort();
    assert_eq!(sources, ["127.0.0.2", "127.0.0.3"]);
    let done = running.finish();
    assert_eq!(done.code, Some(0), "{done:?}");
}

#[test]
fn runs_are_plotted_together() {
    let (_server, address) = serve(&[]);
    let first = load(address, &["--count", "50", "--json", "--name", "before <1>"]);
    let report = file("before.json", &first.stdout);
    for name in ["plot.svg", "plot.html"] {
        let plot = file(name, "");
        let arguments = ["--count", "50", "--name", "after", "--plot-with", report.to_str().unwrap()];
        let done = load(address, &[&arguments[..], &["--plot", plot.to_str().unwrap()]].concat());
        assert_eq!(done.code, Some(0), "{done:?}");
        let drawn = std::fs::read_to_string(&plot).expect("a plot");
        assert!(drawn.contains("before &lt;1&gt;") && drawn.contains("after"), "{drawn}");
    }
}

#[test]
fn a_server_that_answers_nothing_holds_no_rate() {
    let (_server, address) = serve(&["--reply", "none"]);
    let arguments = ["--find-rate", "p99=1ms", "--rate", "4", "--duration", "300ms", "--timeout", "500ms", "--json"];
    let done = load(address, &arguments);
    assert_eq!(done.code, Some(1), "{done:?}");
    assert!(done.stderr.contains("no rate holds the latency"), "{done:?}");
    // 4, 2 and 1 message a second.
    let trials = ["\"holds\":false", "\"holds\":true"].map(|holds| done.stdout.matches(holds).count());
    assert_eq!(trials, [3, 0], "{done:?}");
}

/// The server answers four messages of each connection: that is all of a trial with 1 or 2 messages a second, and half of one with 4.
#[test]
fn the_highest_rate_that_holds_is_found() {
    let (_server, address) = hostile("stops", &["--count", "4"]);
    let arguments = ["--find-rate", "max=20s", "--rate", "1", "--duration", "2s", "--timeout", "2s", "--depth", "8"];
    let done = load(address, &arguments);
    assert_eq!(done.code, Some(0), "{done:?}");
    let told: Vec<_> =
        done.stdout.lines().filter(|line| line.starts_with("trial") || line.starts_with("found")).collect();
    let trials = [("1 messages", ", holds"), ("2 messages", ", holds"), ("4 messages", ", does not hold")];
    assert_eq!(told.len(), 4, "{done:?}");
    for ((rate, verdict), line) in trials.into_iter().zip(&told) {
        assert!(line.starts_with(&format!("trial        {rate} a second: ")) && line.ends_with(verdict), "{done:?}");
    }
    assert!(done.stdout.contains("at 2/s: long connections, open loop at 2 messages a second"), "{done:?}");
}

#[test]
fn a_report_in_json_has_its_keys_in_one_order() {
    let (_server, address) = serve(&[]);
    let done = load(address, &["--count", "3", "--json", "--name", "a \"name\""]);
    assert_eq!((done.code, done.stdout.lines().count()), (Some(0), 1), "{done:?}");
    assert!(
        done.stdout
            .starts_with(r#"{"name":"a \"name\"","connection":"long","connections":1,"depth":1,"loop":"closed","#)
    );
    let keys = [
        "asked_rate",
        "connected",
        "connecting_ms",
        "elapsed_s",
        "sent",
        "replied",
        "failed",
        "unsent",
        "reconnects",
        "failures",
        "rate",
        "sent_bytes",
        "received_bytes",
        "latency_us",
        "min",
        "mean",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "p99.99",
        "max",
        "cpu",
        "load_us_per_message",
        "load_cores",
        "server_pid",
        "server_us_per_message",
        "server_cores",
        "load_was_busy",
        "interrupted",
        "percentiles",
        "rates",
    ];
    let mut rest = &*done.stdout;
    for key in keys {
        rest = rest.split_once(&format!("\"{key}\":")).unwrap_or_else(|| panic!("{key} in order in {}", done.stdout)).1;
    }
}

/// One address does not answer: the run goes on with the other.
#[test]
fn connections_that_cannot_be_made_are_counted() {
    let (_server, address) = serve(&[]);
    let dead = DeadPort::new();
    let addresses = format!("{address},{}", dead.address);
    let command =
        ["load", &addresses, "--framing", "ascii:4", "--connections", "2", "--count", "10", "--timeout", "1s"];
    let done = Running::run(&mut framelink([&command[..], &["--json"]].concat()));
    assert_eq!((done.code, counts(&done)), (Some(1), [5, 5, 0, 5]), "{done:?}");
    assert!(matches!(&failures(&done)[..], [(kind, 2..)] if kind == "not connected"), "{done:?}");
    assert!(done.stderr.contains("failures beside, and 5 messages were not sent"), "{done:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_cpu_time_of_the_server_is_measured() {
    let (server, address) = serve(&[]);
    let pid = server.pid().to_string();
    let done = load(address, &["--count", "100", "--pid", &pid]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.contains(&format!("; process {pid} ")) && !done.stdout.contains("not available"), "{done:?}");
}

#[test]
fn wrong_options_say_what_was_given_and_what_is_allowed() {
    let address = DeadPort::new().address;
    for (arguments, told) in [
        (&["--connection", "pooled:4"][..], "expected long, short, pooled or shared; --connections says how many"),
        (&["--connections", "0"], "0 is not in 1..=1000000"),
        (&["--depth", "4", "--connection", "short"], "--connection short has one message at a time"),
        (&["--size", "64..16"], "expected MIN..MAX with MIN up to MAX, found 64..16"),
        (&["--size", "100KiB"], "a message cannot be sent: "),
        (&["--size", "4", "--key", "0:6"], "the key has the bytes 0 to 5, and the shortest message has 4 bytes"),
        (&["--depth", "200", "--key", "0:2"], "a key of 2 bytes has 100 values, and 200 messages can be in flight"),
        (&["--counted", "--key", "0:2"], "cannot be used with"),
        (&["--find-rate", "99=5ms"], "expected p50=TIME to p99.999=TIME or max=TIME, such as p99=5ms, found `99=5ms`"),
        (&["--expect", "OK"], "expected any, echo, text:T or hex:H"),
        (&["--from", "localhost"], "expected an IP address such as 127.0.0.2, found `localhost`"),
        (&["--from", "127.0.0.2,127.0.0.3", "--connection", "pooled"], "connects from one address, and --from has 2"),
        (&["--plot", "out.png"], "expected a name that ends with .svg or .html, found `out.png`"),
        (&["--plot", "/nowhere/out.svg"], "--plot /nowhere/out.svg: No such file or directory"),
        (&["--sizes", "/nowhere"], "--sizes /nowhere: "),
        (&["--pid", "4294967295"], "--pid 4294967295: there is no such process"),
        (&["--hex"], "--hex is about the messages of --message or --messages, and none is given"),
        (&["--message", "3", "--hex"], "--message: column 2: expected a second hex digit, found the end"),
        (&["--duration", "5"], "expected"),
        (&["--warm-up", "0s"], "expected"),
        (&["--set", "exchange=send-only"], "the profile only sends"),
    ] {
        let done = load(address, arguments);
        assert_eq!(done.code, Some(2), "{arguments:?}: {done:?}");
        assert!(done.stderr.contains(told), "{arguments:?}: {done:?}");
    }
}

/// A card switch whose replies are right only for the number of their request, over connections of each kind.
#[test]
fn messages_of_a_template_are_matched_by_their_number() {
    let profile = file(
        "switch.toml",
        "framing = 'ascii:4'\nexchange = { kind = 'duplex', key = '4:6' }\n[[reply]]\nwhen = '0:4=text:0200'\nsay = 'text:0210{request:4:6}00'",
    );
    let profile = profile.to_str().expect("UTF-8");
    let (_server, address) =
        Running::listen(&mut framelink(["serve", "--listen", "127.0.0.1:0", "--profile", profile]));
    let timed = "text:0200{number:6}{utc:%m%d%H%M%S}{random:4}";
    for (message, more) in [
        ("text:0200{number:6}000000001500", &[][..]),
        ("text:0200{number:6}000000001500", &["--depth", "32"]),
        (timed, &["--depth", "32", "--connections", "2"]),
        (timed, &["--connection", "shared", "--depth", "8"]),
    ] {
        let arguments =
            ["load", &address.to_string(), "--profile", profile, "--message", message, "--count", "300", "--json"];
        let done = Running::run(&mut framelink([&arguments[..], more].concat()));
        assert_eq!(
            (done.code, counts(&done)),
            (Some(0), [300, 300, 0, 0]),
            "{message} {more:?} {}{}",
            done.stdout,
            done.stderr
        );
    }
}

#[test]
fn a_number_of_a_template_begins_with_1_and_has_any_encoding() {
    for (message, sent) in [
        ("text:n={number:2}", [b"n=01", b"n=02", b"n=03"]),
        ("hex:6e3d{number:2,ebcdic}", [b"n=\xf0\xf1", b"n=\xf0\xf2", b"n=\xf0\xf3"]),
    ] {
        let host = Host::listen();
        let address = host.address;
        let task = host.serve(|mut stream| {
            (0..3)
                .map(|_| {
                    let frame = read_exactly(&stream, 8);
                    stream.write_all(&frame).expect("answering");
                    frame[4..].to_vec()
                })
                .collect::<Vec<_>>()
        });
        let done = load(address, &["--message", message, "--count", "3", "--expect", "echo"]);
        assert_eq!(done.code, Some(0), "{}{}", done.stdout, done.stderr);
        assert_eq!(task.join(), sent);
    }
}

#[test]
fn a_template_that_cannot_be_sent_is_refused_with_its_place() {
    for (message, more, error) in [
        ("text:{numer:6}", &[][..], "--message: column 7: expected one of number, utc"),
        ("text:{request}", &[], "--message: `{request}` is for replies, and load sends requests"),
        (
            r"text:\{number\}é{number:2}{number:2}",
            &[],
            "--message: column 27: a message has one {number}, and this template has 2",
        ),
        (
            "text:{number:6}",
            &["--key", "4:6"],
            "column 6: replies are matched by the key at 4:6, so {number:6} must be at this place, and it is at 0:6",
        ),
        ("text:{number:6}", &["--counted"], "--counted does not go with a template"),
        ("text:{utc:%s}{number:4}", &[], "column 14: {number} stands behind a field without a fixed length"),
        ("text:{random:6}", &["--expect", "echo"], "--expect echo needs messages that differ in their number only"),
        ("text:{env:NOT_SET_HERE}", &[], "needs an environment variable that is not set"),
        (
            "text:{number:2}",
            &["--set", "numbers.range=1..100"],
            "column 6: numbers.range goes up to 100, and {number} holds at most 99",
        ),
        (
            "text:{number:6}",
            &["--key", "0:6", "--depth", "16", "--set", "numbers.range=1..10"],
            "numbers.range=1..10 has 10 numbers, and 16 messages can be in flight: make the range larger",
        ),
        ("text:{number:2,of=other}", &[], "column 6: `{number:2,of=other}` has no number"),
    ] {
        let done = load("127.0.0.1:9".parse().expect("an address"), &[&["--message", message], more].concat());
        assert_eq!(done.code, Some(2), "{message}: {}", done.stdout);
        assert!(done.stderr.contains(error), "{message}: {}", done.stderr);
    }
}
