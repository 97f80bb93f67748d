//! `framelink send`: messages that are templates, with numbers, times and environment variables.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::path::PathBuf;
use std::process::Command;

use crate::common::{Finished, Host, Running, Task, TempFile, Wire, framelink};

const WIRE: Wire = Wire::Ascii4;

/// Echoes all messages of one connection, and returns them.
fn echo(host: Host) -> Task<Vec<String>> {
    host.serve(|mut stream| {
        let mut reader = BufReader::new(stream.try_clone().expect("cloning a socket"));
        let mut messages = Vec::new();
        while !matches!(reader.fill_buf(), Ok([]) | Err(_)) {
            let message = WIRE.read(&mut reader);
            match stream.write_all(&WIRE.frame(&message)) {
                Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("{error}"),
                _ => messages.push(String::from_utf8(message).expect("text")),
            }
        }
        messages
    })
}

fn send(host: &Host, arguments: &[&str]) -> Command {
    let address = host.address.to_string();
    framelink([&["send", &address, "--framing", WIRE.notation()], arguments].concat())
}

/// Returns what the host received, after a success.
fn sent(arguments: &[&str]) -> Vec<String> {
    let host = Host::listen();
    let mut command = send(&host, arguments);
    let host = echo(host);
    let done = Running::run(command.env("FRAMELINK_SITE", "berlin"));
    assert_eq!(done.code, Some(0), "{arguments:?}: {}", done.stderr);
    host.join()
}

#[test]
fn messages_are_composed() {
    let messages = ["text:0200{number:6}", "hex:30 31{number:2,hex}{env:FRAMELINK_SITE}", "{number:6}", "text\\:"];
    assert_eq!(sent(&messages), ["0200000001", "0102berlin", "{number:6}", "text\\:"], "others are sent as they stand");
    let time = &sent(&["text:{utc:%Y-%m-%d}"])[0];
    assert!(time.len() == 10 && time.starts_with("20") && time.as_bytes()[4] == b'-', "{time}");
}

#[test]
fn a_message_that_begins_like_a_template_is_written_with_a_backslash() {
    assert_eq!(sent(&["text:text\\:0800", "text:hex\\:00"]), ["text:0800", "hex:00"]);
}

#[test]
fn a_template_may_stand_beside_hex_digits() {
    assert_eq!(sent(&["--hex", "3031", "hex:{number:2}", "text:ab"]), ["01", "01", "ab"]);
}

#[test]
fn each_message_has_its_own_number_however_it_is_sent() {
    let numbers = ["0200000001", "0200000002", "0200000003"];
    for way in [
        &["--repeat", "3"][..],
        &["--repeat", "3", "--no-reply"],
        &["--repeat", "3", "--every", "1ms"],
        &["--repeat", "3", "--connection", "shared:1"],
        &["--repeat", "3", "--connection", "pooled:1"],
        &["--repeat", "3", "--key", "4:6"],
    ] {
        assert_eq!(sent(&[way, &["text:0200{number:6}"]].concat()), numbers, "{way:?}");
    }
    assert_eq!(sent(&["--key", "0:2", "--assign", "ascii", "text:??{number:2}"]), ["0201"], "one source for both");
}

#[test]
fn short_connections_share_the_numbers() {
    let host = Host::listen();
    let mut command = send(&host, &["--connection", "short", "text:{number:2}", "text:{number:2}"]);
    host.serve_all(|mut stream| {
        let message = WIRE.read(&mut stream);
        stream.write_all(&WIRE.frame(&message)).expect("replying");
    });
    assert_eq!(Running::run(&mut command).stdout, "01\n02\n");
}

#[test]
fn lines_of_stdin_are_sent_as_they_stand() {
    let host = Host::listen();
    let mut command = send(&host, &[]);
    let host = echo(host);
    assert_eq!(Running::feed(&mut command, b"text:{number:2}\n").code, Some(0));
    assert_eq!(host.join(), ["text:{number:2}"]);
}

#[test]
fn the_sign_on_and_the_messages_have_different_numbers() {
    let sign_on = "sign-on={send=\"text:0800{number:6}\",expect=\"0:4=text:0800\"}";
    let range = "numbers.range=\"999999..1000000\"";
    let messages = sent(&["--set", sign_on, "text:0200{number:6}", "text:0200{number:6}"]);
    assert_eq!(messages, ["0800000001", "0200000002", "0200000003"]);
    let done = refused(&["--set", range, "text:{number:6}"]);
    let told =
        "message 1: the numbers of the profile go up to 1000000, and {number} holds at most 999999: set numbers.range";
    assert!(done.stderr.contains(told), "{}", done.stderr);
}

#[test]
fn a_first_word_that_is_a_template_is_a_message_of_a_profile_with_addresses() {
    let host = Host::listen();
    let profile = format!("framing = 'ascii:4'\naddresses = ['{}']", host.address);
    let profile = TempFile::with(profile.as_bytes());
    let host = echo(host);
    let done = Running::run(&mut framelink(["send", "--profile", profile.path(), "text:0800", "text:0801"]));
    assert_eq!((done.code, &*done.stdout), (Some(0), "0800\n0801\n"), "{}", done.stderr);
    assert_eq!(host.join(), ["0800", "0801"]);
}

/// A number of the profile's file is in one message only, whichever role of the profile would use the file.
#[test]
fn the_file_of_the_profile_keeps_the_numbers() {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-templates.numbers", std::process::id()));
    let lock = file.with_extension("numbers.lock");
    let file_text = format!("numbers={{ range = \"1..999999\", file = {:?} }}", file.display().to_string());
    let first = sent(&["--set", &file_text, "text:{number:6}", "text:{number:6}"]);
    assert_eq!(first, ["000001", "000002"]);
    let again: u64 = sent(&["--set", &file_text, "text:{number:6}"])[0].parse().expect("a number");
    assert!(again > 2 && again <= 2001, "{again}");
    let _ = (std::fs::remove_file(file), std::fs::remove_file(lock));
}

/// Returns the outcome of bad usage, before anything was dialled.
fn refused(arguments: &[&str]) -> Finished {
    let host = Host::listen();
    let done = Running::run(&mut send(&host, arguments));
    assert_eq!(done.code, Some(2), "{arguments:?}: {}", done.stderr);
    host.expect_untouched();
    done
}

#[test]
fn bad_templates_are_bad_usage_and_nothing_is_dialled() {
    for (arguments, told) in [
        (&["ok", "text:{number:0}"][..], "message 2: column 14: expected 1 to 64 bytes"),
        (&["text:{utc:%Q}"], "    text:{utc:%Q}\n              ^"),
        (&["hex:0"], "message 1: column 6: expected a second hex digit, found the end\n    hex:0\n         ^"),
        (&["text:{request:4:6}"], "message 1: `{request}` is for replies, and send sends requests"),
        (&["text:{number:6,of=batch}"], "message 1: column 6: `{number:6,of=batch}`"),
        (&["text:{env:FRAMELINK_NOT_SET}"], "message 1: column 6: `{env:FRAMELINK_NOT_SET}`"),
        (&["--every", "1s", "text:{number"], "message 1: column 13: expected `}`"),
        (&["--connection", "shared:2", "--key", "0:2", "hex:zz"], "message 1: column 5: "),
    ] {
        let done = refused(arguments);
        assert!(done.stderr.contains(told), "{arguments:?}: {}", done.stderr);
    }
}
