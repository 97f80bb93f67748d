//! `--json` of `send` and `listen`: one object per line.

use std::io::Write;

use serde_json::{Value, json};

use crate::common::{DeadPort, Host, Running, dial, framelink, half_close, read_exactly, read_to_end};

/// Returns the objects without the fields that differ from run to run, which are checked here.
fn objects(stdout: &str) -> Vec<Value> {
    let object = |line: &str| {
        let mut object: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"));
        let fields = object.as_object_mut().expect("an object");
        if fields["kind"] != "listening" {
            assert!(fields.remove("time_ms").is_some_and(|time| time.as_u64() > Some(1_700_000_000_000)), "{line}");
        }
        if let Some(elapsed) = fields.remove("elapsed_ms") {
            assert!(elapsed.as_f64().is_some_and(|elapsed| (0.0..60_000.0).contains(&elapsed)), "{line}");
        }
        object
    };
    stdout.lines().map(object).collect()
}

#[test]
fn send_prints_an_object_for_each_reply_and_each_other_message() {
    let host = Host::listen();
    let peer = host.address.to_string();
    let host = host.serve(|mut stream| {
        read_exactly(&stream, 4);
        stream.write_all(b"\0\x02\xc3\xbc").expect("replying");
        read_exactly(&stream, 4);
        stream.write_all(b"\0\x02\0\xff\0\x01x").expect("replying");
        half_close(&stream);
        read_to_end(&stream)
    });
    let done = Running::run(&mut framelink(["send", &peer, "--framing", "net:2", "--json", "hi", "ho"]));
    assert_eq!(done.code, Some(1), "{}", done.stderr);
    assert_eq!(
        objects(&done.stdout),
        [
            json!({ "kind": "reply", "message": 1, "peer": peer, "payload_len": 2, "payload": "c3bc", "text": "ü" }),
            json!({ "kind": "reply", "message": 2, "peer": peer, "payload_len": 2, "payload": "00ff" }),
            json!({ "kind": "unsolicited", "peer": peer, "payload_len": 1, "payload": "78", "text": "x" }),
        ]
    );
    host.join();
}

/// Some programs take `U+0085` or `U+2028` for the end of a line, and a terminal obeys characters that set the
/// direction of text.
#[test]
fn a_line_has_no_invisible_character() {
    let text = "a\u{85}b\u{9b}c\u{2028}d\u{202e}e\u{200b}f\u{7f}g\u{e0001}\\";
    let host = Host::listen();
    let peer = host.address.to_string();
    let host = host.serve(move |mut stream| {
        read_exactly(&stream, 3);
        stream.write_all(&[&[u8::try_from(text.len()).expect("short")], text.as_bytes()].concat()).expect("replying");
        read_to_end(&stream)
    });
    let done = Running::run(&mut framelink(["send", &peer, "--framing", "net:1", "--json", "hi"]));
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(done.stdout.trim_end().bytes().all(|byte| matches!(byte, b' '..=b'~')), "{:?}", done.stdout);
    assert_eq!(objects(&done.stdout)[0]["text"], text);
    host.join();
}

/// The ways to send that report a failed message.
const WAYS: &[&[&str]] =
    &[&[], &["--connection", "short"], &["--exchange", "duplex"], &["--every", "1ms", "--repeat", "1"]];

#[test]
fn a_message_that_failed_has_an_object_with_its_outcome() {
    for way in WAYS {
        let host = Host::listen();
        let peer = host.address.to_string();
        let host = host.serve(|stream| read_exactly(&stream, 4));
        let arguments = [&["send", &peer, "--framing", "net:2", "--json"], *way, &["hi"]].concat();
        let done = Running::run(&mut framelink(arguments));
        assert_eq!(done.code, Some(1), "{way:?}: {}", done.stderr);
        let error = format!("calling {peer}: the peer closed the connection instead of replying");
        let expected = json!({
            "kind": "failed", "message": 1, "peer": peer, "outcome": "perhaps sent", "error": error,
        });
        assert_eq!(objects(&done.stdout), [expected], "{way:?}");
        host.join();
    }
}

#[test]
fn a_message_that_was_not_sent_for_lack_of_a_connection_has_an_object_too() {
    let port = DeadPort::new();
    let peer = port.address.to_string();
    for way in WAYS {
        let arguments = [&["send", &peer, "--framing", "net:2", "--json"], *way, &["hi"]].concat();
        let done = Running::run(&mut framelink(arguments));
        let objects = objects(&done.stdout);
        assert_eq!((done.code, objects.len()), (Some(1), 1), "{way:?}: {objects:?}");
        assert_eq!((&objects[0]["kind"], &objects[0]["outcome"]), (&json!("failed"), &json!("not sent")), "{way:?}");
        assert!(objects[0]["error"].as_str().is_some_and(|error| error.contains(&peer)), "{way:?}: {objects:?}");
    }
}

#[test]
fn a_line_of_stdin_and_a_message_without_reply_are_numbered() {
    let host = Host::listen();
    let peer = host.address.to_string();
    let host = host.serve(|stream| read_to_end(&stream));
    let mut command = framelink(["send", &peer, "--framing", "net:2", "--json", "--no-reply"]);
    let done = Running::feed(&mut command, b"hi\nho\n");
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let sent = |line| json!({ "kind": "sent", "line": line, "peer": peer });
    assert_eq!(objects(&done.stdout), [sent(1), sent(2)]);
    host.join();
}

#[test]
fn listen_prints_an_object_for_each_message() {
    let mut running =
        Running::start(&mut framelink(["listen", "--listen", "127.0.0.1:0", "--framing", "net:2", "--json"]));
    let listening: Value = serde_json::from_str(&running.stdout_line()).unwrap();
    assert_eq!(listening["kind"], "listening");
    let mut stream = dial(listening["address"].as_str().unwrap().parse().unwrap());
    let peer = stream.local_addr().unwrap().to_string();
    stream.write_all(b"\0\x02hi\0\x01\xff").unwrap();
    let lines = [running.stdout_line(), running.stdout_line()].join("\n");
    assert_eq!(
        objects(&lines),
        [
            json!({ "kind": "message", "message": 1, "peer": peer, "payload_len": 2, "payload": "6869", "text": "hi" }),
            json!({ "kind": "message", "message": 2, "peer": peer, "payload_len": 1, "payload": "ff" }),
        ]
    );
}

/// The objects in the book have the fields that the program prints, in their order.
#[test]
fn the_book_shows_the_printed_fields() {
    let book = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/src/crates/cli.md")).unwrap();
    let example = book.split("```json\n").nth(1).and_then(|text| text.split("```").next()).expect("an example");
    let host = Host::listen();
    let peer = host.address.to_string();
    let host = host.serve(|mut stream| {
        read_exactly(&stream, 4);
        stream.write_all(b"\0\x02OK").expect("replying");
        read_exactly(&stream, 4)
    });
    let arguments = ["send", &peer, "--framing", "net:2", "--json", "hi", "ho"];
    let done = Running::run(&mut framelink(arguments));
    host.join();
    let keys = |line: &str| -> Vec<String> {
        line.split("\":").filter_map(|part| part.rsplit('"').next()).map(str::to_owned).collect()
    };
    assert_eq!(example.lines().count(), 2);
    for (shown, printed) in example.lines().zip(done.stdout.lines()) {
        assert_eq!(keys(shown), keys(printed), "{shown}\n{printed}");
        let (shown, printed) = (objects(shown), objects(printed));
        for field in ["kind", "message", "payload", "payload_len", "text", "outcome"] {
            assert_eq!(shown[0].get(field), printed[0].get(field), "{field}");
        }
    }
}
