//! `framelink inspect`.

use std::io::Write;
use std::process::Stdio;

use crate::common::{Finished, Running, TempFile, framelink};

fn inspect(arguments: &[&str], stdin: &[u8]) -> Finished {
    Running::feed(&mut framelink([&["inspect"], arguments, &["-"]].concat()), stdin)
}

#[test]
fn text_shows_offset_lengths_hex_and_characters() {
    let file = TempFile::with(b"0012hello, world000000201\x00\xffabcdefghijklmnopq0");
    let done = Running::run(&mut framelink(["inspect", "--framing", "ascii:4", file.path()]));
    let expected = "\
offset 0  frame 16 bytes  payload 12 bytes
       0  68 65 6c 6c 6f 2c 20 77 6f 72 6c 64              hello, world
offset 16  frame 4 bytes  payload 0 bytes
offset 20  frame 24 bytes  payload 20 bytes
       0  31 00 ff 61 62 63 64 65 66 67 68 69 6a 6b 6c 6d  1..abcdefghijklm
      16  6e 6f 70 71                                      nopq
offset 44  stream ended inside a frame: 1 byte came, at least 3 more were owed
3 messages in 44 bytes, 1 byte left over
";
    assert_eq!(done.stdout, expected);
    assert_eq!((done.code, &*done.stderr), (Some(1), ""));
}

#[test]
fn a_file_that_ends_with_its_last_message_is_exit_0() {
    let done = inspect(&["--framing", "net:1"], b"\x01a");
    let expected = "\
offset 0  frame 2 bytes  payload 1 byte
       0  61                                               a
1 message in 2 bytes, nothing left over
";
    assert_eq!((done.code, &*done.stdout, &*done.stderr), (Some(0), expected, ""));

    let empty = inspect(&["--framing", "net:1"], b"");
    assert_eq!((empty.code, &*empty.stdout), (Some(0), "0 messages in 0 bytes, nothing left over\n"));
}

#[test]
fn json_is_one_line_for_each_message_and_one_for_the_tail() {
    let done = inspect(&["--framing", "ascii:4", "--json"], b"0012hello, world000000\xff");
    let expected = r#"{"offset":0,"frame_len":16,"payload_len":12,"payload":"68656c6c6f2c20776f726c64"}
{"offset":16,"frame_len":4,"payload_len":0,"payload":""}
{"tail":3,"error":"header byte 2 is 0xff, expected an ASCII digit"}
"#;
    assert_eq!((done.code, &*done.stdout, &*done.stderr), (Some(1), expected, ""));

    let whole = inspect(&["--framing", "line", "--json"], b"a\r\n\n");
    let expected = "{\"offset\":0,\"frame_len\":3,\"payload_len\":1,\"payload\":\"61\"}\n\
                    {\"offset\":3,\"frame_len\":1,\"payload_len\":0,\"payload\":\"\"}\n";
    assert_eq!((whole.code, &*whole.stdout), (Some(0), expected));

    let empty = inspect(&["--framing", "line", "--json"], b"");
    assert_eq!((empty.code, &*empty.stdout), (Some(0), ""));
}

#[test]
fn offsets_count_skipped_bytes() {
    let json = "{\"offset\":5,\"frame_len\":3,\"payload_len\":2,\"payload\":\"6869\"}\n";
    let done = inspect(&["--framing", "net:1", "--skip", "5", "--json"], b"skip!\x02hi");
    assert_eq!((done.code, &*done.stdout), (Some(0), json));

    let text = inspect(&["--framing", "net:1", "--skip", "5"], b"skip!\x02hi\x02h");
    assert!(text.stdout.starts_with("offset 5  frame 3 bytes  payload 2 bytes\n"), "{}", text.stdout);
    assert!(text.stdout.contains("\noffset 8  stream ended inside a frame: 2 bytes came"), "{}", text.stdout);

    let all = inspect(&["--framing", "net:1", "--skip", "5", "--json"], b"skip!");
    assert_eq!((all.code, &*all.stdout, &*all.stderr), (Some(0), "", ""));
}

#[test]
fn skipping_beyond_the_end_is_an_error() {
    let done = inspect(&["--framing", "net:1", "--skip", "6"], b"skip!");
    assert_eq!((done.code, &*done.stdout), (Some(1), ""));
    assert_eq!(done.stderr, "framelink: - has 5 bytes, fewer than the 6 to skip\n");
}

#[test]
fn with_keep_the_payload_is_the_whole_frame() {
    let done = inspect(&["--framing", "net:1,keep", "--json"], b"\x02hi");
    let expected = "{\"offset\":0,\"frame_len\":3,\"payload_len\":3,\"payload\":\"026869\"}\n";
    assert_eq!((done.code, &*done.stdout), (Some(0), expected));
}

#[test]
fn until_close_takes_the_file_as_one_message() {
    let done = inspect(&["--framing", "until-close", "--json"], b"a\nb\n");
    let expected = "{\"offset\":0,\"frame_len\":4,\"payload_len\":4,\"payload\":\"610a620a\"}\n";
    assert_eq!((done.code, &*done.stdout), (Some(0), expected));

    let empty = inspect(&["--framing", "until-close", "--json"], b"");
    assert_eq!((empty.code, &*empty.stdout), (Some(0), ""));
}

/// A name, a framing, bytes, the length of the tail, and its error.
const TAILS: &[(&str, &str, &[u8], u64, &str)] = &[
    ("incomplete header", "net:4", b"\0\0", 2, "stream ended inside a frame: 2 bytes came, at least 2 more were owed"),
    (
        "incomplete payload",
        "net:1",
        b"\x03hi",
        3,
        "stream ended inside a frame: 3 bytes came, at least 1 more were owed; \
         the frame is complete if the number counts 1 header byte too",
    ),
    ("wrong digit", "ascii:4", b"00a0hello", 9, "header byte 2 is 0x61, expected an ASCII digit"),
    ("wrong prefix", "tpkt", b"\x02\0\0\x04", 4, "prefix byte at offset 0 is 0x02, expected 0x03"),
    ("too small", "net:1,counts=self", b"\0?", 2, "header says 0, but what it counts is at least 1 byte"),
    ("over the limit", "net:2,max=4", b"\0\x05hello", 7, "header announces 5 payload bytes, limit is 4"),
    ("no delimiter", "line,max=4", b"hello\r\n", 7, "no delimiter within 4 payload bytes, which is the limit"),
    ("longer than the limit", "until-close,max=4", b"hello", 5, "message is longer than 4 bytes, which is the limit"),
    (
        "http",
        "net:4",
        b"GET / HTTP/1.1\r\n\r\n",
        18,
        "header announces 1195725856 payload bytes, limit is 1048576; \
         the bytes begin like an HTTP request (is the peer an HTTP client?)",
    ),
];

#[test]
fn each_sort_of_tail_is_counted_and_explained() {
    for &(name, framing, bytes, tail, error) in TAILS {
        let done = inspect(&["--framing", framing, "--json"], bytes);
        let line: serde_json::Value = serde_json::from_str(&done.stdout).unwrap();
        assert_eq!((&line["tail"], &line["error"]), (&tail.into(), &error.into()), "{name}");
        assert_eq!((done.code, &*done.stderr), (Some(1), ""), "{name}");

        let text = inspect(&["--framing", framing], bytes);
        let plural = if tail == 1 { "" } else { "s" };
        let expected = format!("offset 0  {error}\n0 messages in 0 bytes, {tail} byte{plural} left over\n");
        assert_eq!(text.code, Some(1), "{name}");
        assert!(text.stdout.starts_with(&expected), "{name}: {}", text.stdout);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_large_tail_is_counted_without_using_memory() {
    const REST: usize = 64 * 1024 * 1024;
    let arguments = ["inspect", "--framing", "ascii:4", "--json", "-"];
    let mut running = Running::start(framelink(arguments).stdin(Stdio::piped()));
    let mut stdin = running.stdin();
    stdin.write_all(b"0002hi").unwrap();
    for _ in 0..REST / 65536 {
        stdin.write_all(&[b'x'; 65536]).unwrap();
    }
    // The program has read all bytes but those in the pipe.
    let held = running.memory_kib("VmHWM");
    drop(stdin);
    let done = running.finish();
    let tail = done.stdout.lines().last().unwrap();
    assert_eq!(tail, format!(r#"{{"tail":{REST},"error":"header byte 0 is 0x78, expected an ASCII digit"}}"#));
    // The program itself, in a debug build with TLS, has about 15 MiB.
    assert!(held < 24 * 1024, "{held} KiB for 64 MiB of rest");
}

#[test]
fn whole_messages_are_shown_while_the_program_waits_for_more() {
    let arguments = ["inspect", "--framing", "ascii:4", "--json", "-"];
    let mut running = Running::start(framelink(arguments).stdin(Stdio::piped()));
    let mut stdin = running.stdin();
    for i in 0..3 {
        stdin.write_all(b"0002hi").unwrap();
        let line = running.stdout_line();
        assert_eq!(line, format!(r#"{{"offset":{},"frame_len":6,"payload_len":2,"payload":"6869"}}"#, i * 6));
    }
    drop(stdin);
    assert_eq!(running.finish().code, Some(0));
}

#[test]
fn framings_that_a_file_does_not_show_are_bad_usage() {
    for framing in ["quiet:50ms", "each-read"] {
        let done = inspect(&["--framing", framing], b"hi");
        assert_eq!((done.code, &*done.stdout), (Some(2), ""), "{framing}");
        assert!(done.stderr.starts_with(&format!("framelink: --framing {framing}: ")), "{}", done.stderr);
        assert!(done.stderr.contains("which a file does not show"), "{}", done.stderr);
    }
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let file = TempFile::with(b"");
    let name = format!("{}.missing", file.path());
    let done = Running::run(&mut framelink(["inspect", "--framing", "line", &name]));
    assert_eq!((done.code, &*done.stdout), (Some(2), ""));
    assert!(done.stderr.starts_with(&format!("framelink: {name}: ")), "{}", done.stderr);
}

#[cfg(unix)]
#[test]
fn a_reader_that_closes_the_pipe_is_no_error() {
    let file = TempFile::with(&b"0012hello, world".repeat(100_000));
    let mut running = Running::start(
        std::process::Command::new("sh")
            .args(["-c", r#"{ "$0" "$@"; echo "exit $?" >&2; } | head -n 1"#, env!("CARGO_BIN_EXE_framelink")])
            .args(["inspect", "--framing", "ascii:4", file.path()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped()),
    );
    assert_eq!(running.stdout_line(), "offset 0  frame 16 bytes  payload 12 bytes");
    let done = running.finish();
    assert_eq!(done.stderr, "exit 0\n", "no panic, no error, exit 0");
}

#[cfg(unix)]
#[test]
fn a_closed_stderr_is_no_panic() {
    let mut command = framelink(["inspect", "--framing", "each-read", "-"]);
    let mut child = command.spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(2));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_reported() {
    let full = std::fs::File::create("/dev/full").unwrap();
    let file = TempFile::with(b"\x02hi");
    let done = Running::run(framelink(["inspect", "--framing", "net:1", file.path()]).stdout(full));
    assert_eq!(done.code, Some(1));
    assert!(done.stderr.starts_with("framelink: writing to stdout: "), "{}", done.stderr);
}

#[test]
fn whole_messages_are_shown_before_the_rest_arrives() {
    let arguments = ["inspect", "--framing", "net:2", "--json", "-"];
    let mut running = Running::start(framelink(arguments).stdin(Stdio::piped()));
    let mut stdin = running.stdin();
    stdin.write_all(b"\0\x05hello\0\x05he").unwrap();
    let first = running.stdout_line();
    assert_eq!(first, "{\"offset\":0,\"frame_len\":7,\"payload_len\":5,\"payload\":\"68656c6c6f\"}");
    drop(stdin);
    assert_eq!(running.finish().code, Some(1));
}

#[test]
fn the_error_is_shown_before_the_rest_is_counted() {
    let mut running = Running::start(framelink(["inspect", "--framing", "ascii:4", "-"]).stdin(Stdio::piped()));
    let mut stdin = running.stdin();
    stdin.write_all(b"GET ").unwrap();
    let said = running.stdout_line();
    assert!(said.starts_with("offset 0  header byte 0 is 0x47"), "{said}");
    stdin.write_all(b"and more").unwrap();
    drop(stdin);
    let done = running.finish();
    assert_eq!(done.code, Some(1));
    assert!(done.stdout.ends_with("\n0 messages in 0 bytes, 12 bytes left over\n"), "{}", done.stdout);
}

/// Returns frames of `count` messages in a framing.
fn frames(framing: &str, count: usize) -> Vec<u8> {
    use framelink_transport::Encode;
    let framing: framelink_transport::Framing = framing.parse().expect("a framing");
    let mut wire = Vec::new();
    for number in 0..count {
        let payload = format!("message {number} {}", "x".repeat(number * 7 % 40));
        let envelope = framing.envelope(payload.as_bytes()).expect("a payload that fits");
        wire.extend([envelope.head.as_ref(), payload.as_bytes(), envelope.suffix.as_ref()].concat());
    }
    wire
}

#[test]
fn the_framing_of_a_file_with_another_kind_or_width_is_named() {
    for (is, asked) in [
        ("ascii:4", "net:2"),
        ("ascii:4", "ascii:3"),
        ("ascii:6", "ascii:4"),
        ("net:2", "net:4"),
        ("net:4", "le:4"),
        ("net:4", "ascii:4"),
        ("le:2", "net:2"),
        ("le:4", "net:4"),
        ("bcd:2", "net:2"),
        ("bcd:2", "ascii:4"),
        ("ebcdic:4", "ascii:4"),
        ("hex:4", "net:2"),
        ("net:2,counts=self", "net:2"),
        ("decimal:3a", "net:2"),
        ("netstring", "ascii:4"),
        ("mllp", "ascii:4"),
        ("line", "net:2"),
        ("net:1", "net:2"),
        ("tpkt", "net:2,at=2,prefix=03"),
        ("le:2,at=1,prefix=05,suffix=06", "net:2,at=1,prefix=05,suffix=06"),
    ] {
        let wire = frames(is, 300);
        let done = inspect(&["--framing", asked, "--json"], &wire);
        assert_eq!(done.code, Some(1), "{is} as {asked}: {}", done.stderr);
        let last: serde_json::Value = serde_json::from_str(done.stdout.lines().last().unwrap()).unwrap();
        let others = last["others"].as_array().cloned().unwrap_or_default();
        let framing = is.parse::<framelink_transport::Framing>().unwrap();
        let is_named = |other: &serde_json::Value| {
            let named = other["framing"].as_str().unwrap().parse::<framelink_transport::Framing>();
            named == Ok(framing) && other["messages"] == 300
        };
        assert!(others.iter().any(is_named), "{is} as {asked}: {last}");
    }
}

#[test]
fn empty_messages_before_all_others_are_doubted() {
    let wire = frames("net:4", 5);
    let done = inspect(&["--framing", "net:2"], &wire);
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    let (_, named) = done.stdout.split_once("many messages are empty; ").unwrap_or_else(|| panic!("{}", done.stdout));
    assert!(named.contains("--framing net:4 -  (5 messages)"), "{named}");
    let done = inspect(&["--framing", "net:4"], &wire);
    assert!(done.stdout.ends_with("nothing left over\n"), "{}", done.stdout);
    // No other framing fits these.
    let done = inspect(&["--framing", "net:2"], b"\0\x01a\0\0\0\0\0\x01b\0\0");
    assert!(done.stdout.ends_with("nothing left over\n"), "{}", done.stdout);
}

/// The printed command shows the file as messages.
#[test]
fn the_printed_command_works() {
    let file = TempFile::with(&[b"head".as_slice(), &frames("ascii:4", 20)].concat());
    let done = Running::run(&mut framelink(["inspect", "--framing", "net:2", "--skip", "4", file.path()]));
    let (_, named) = done
        .stdout
        .split_once("other framings split the whole input into messages:\n")
        .unwrap_or_else(|| panic!("{}", done.stdout));
    let command = format!("  framelink inspect --framing ascii:4 --skip 4 {}  (20 messages)\n", file.path());
    assert!(named.contains(&command), "{named}");
    let again = Running::run(&mut framelink(["inspect", "--framing", "ascii:4", "--skip", "4", file.path()]));
    assert_eq!(again.code, Some(0));
}

#[test]
fn no_framing_is_named_if_none_fits_the_input() {
    let random: Vec<u8> = (0..4000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[1]).collect();
    for (framing, bytes) in [("ascii:4", &random[..]), ("ascii:4", &[0; 5000]), ("ascii:4", &[b'x'; 5000])] {
        let done = inspect(&["--framing", framing, "--json"], bytes);
        assert_eq!(done.code, Some(1));
        assert!(!done.stdout.contains("others"), "{}", done.stdout);
    }
}

#[test]
fn bytes_that_can_be_skipped_are_named() {
    let done = inspect(&["--framing", "net:1", "--skip", "0x10"], b"");
    assert_eq!(done.code, Some(2));
    let told = "invalid value '0x10' for '--skip <SIZE>': expected a number of bytes, or one with `KiB` or `MiB`, found `0x10`";
    assert!(done.stderr.contains(told), "{}", done.stderr);
    assert_eq!(inspect(&["--framing", "net:1", "--skip", "1KiB"], &[0; 1025]).code, Some(0));
}

#[test]
fn a_missing_file_and_a_directory_are_exit_2() {
    for name in ["no-such-file", "/"] {
        let done = Running::run(&mut framelink(["inspect", "--framing", "net:1", name]));
        assert_eq!((done.code, &*done.stdout), (Some(2), ""), "{name}: {}", done.stderr);
        assert!(done.stderr.starts_with(&format!("framelink: {name}: ")), "{}", done.stderr);
    }
}

#[test]
fn control_characters_in_the_name_of_a_file_are_escaped() {
    for (name, shown) in [("no\u{1b}[31m\\file", "no\\x1b[31m\\\\file"), ("a\u{202e}b\nc", "a\\u{202e}b\\nc")] {
        for arguments in [&["inspect", "--framing", "net:1", name][..], &["check", &format!("./{name}")]] {
            let done = Running::run(&mut framelink(arguments));
            assert_eq!(done.code, Some(2));
            assert!(done.stderr.contains(shown), "{arguments:?}: {}", done.stderr);
        }
        let done = Running::run(&mut framelink(["check", "long-sync", "--framing", name]));
        assert_eq!(done.code, Some(2));
        assert!(!done.stderr.contains(['\u{1b}', '\u{202e}']), "{}", done.stderr);
    }
}
