//! The help of the program, and its errors for wrong arguments.

use crate::common::{Finished, Running, framelink};

fn run(arguments: &[&str]) -> Finished {
    Running::run(&mut framelink(arguments))
}

#[test]
fn help_names_every_command_and_how_framings_are_written() {
    let done = run(&["--help"]);
    assert_eq!((done.code, &*done.stderr), (Some(0), ""));
    for word in [
        "inspect",
        "serve",
        "send",
        "check",
        "bridge",
        "hostile",
        "demo",
        "ascii:4",
        "until-close",
        "presets",
        "Exit status",
    ] {
        assert!(done.stdout.contains(word), "{word} in:\n{}", done.stdout);
    }
    assert_eq!(run(&["-h"]).code, Some(0));
    assert_eq!(run(&["--version"]).stdout, format!("framelink {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn help_of_each_command_names_its_options() {
    let listens = "--listen --profile --framing --set --heartbeat --keepalive --idle --allow Examples";
    for (command, words) in [
        ("inspect", "--framing --skip --json <FILE> Examples"),
        ("serve", &*format!("{listens} --reply --reply-framing text:T hex:H SIGTERM 5s]")),
        ("listen", &*format!("{listens} --hex --json SIGTERM")),
        (
            "send",
            "<ADDR --framing --profile --reply-framing --hex --no-reply --timeout --every --heartbeat --keepalive 5s] Examples",
        ),
        ("bridge", &*format!("{listens} --to --to-framing --to-heartbeat --to-keepalive --drain SIGTERM 5s]")),
        ("hostile", "--listen --to --framing --fault --seed --heartbeat cut-reset SIGTERM Examples"),
        ("check", "<PROFILE> --framing --toml Templates long-sync Examples"),
        ("presets", "Examples"),
        ("demo", "bridge Examples"),
    ] {
        let done = run(&[command, "--help"]);
        assert_eq!((done.code, &*done.stderr), (Some(0), ""), "{command}");
        for word in words.split(' ') {
            assert!(done.stdout.contains(word), "{command}: {word} in:\n{}", done.stdout);
        }
    }
}

#[test]
fn the_program_alone_shows_its_help_and_exits_2() {
    let done = run(&[]);
    assert_eq!((done.code, &*done.stdout), (Some(2), ""));
    assert!(done.stderr.contains("Usage: framelink <COMMAND>"), "{}", done.stderr);
}

/// Arguments, and a text that the error must contain.
const WRONG: &[(&[&str], &str)] = &[
    (&["inspekt"], "inspekt"),
    (&["inspect", "-"], "--framing"),
    (&["inspect", "--framing", "line"], "<FILE>"),
    (&["inspect", "--framing", "line", "--pretty", "-"], "--pretty"),
    (&["inspect", "--framing", "line", "--skip", "-1", "-"], "-1"),
    (&["serve", "--framing", "line"], "--listen"),
    (&["serve", "--listen", "127.0.0.1:0"], "--framing"),
    (
        &["serve", "--listen", "127.0.0.1:0", "--framing", "line", "--reply", "loud"],
        "expected echo, none, text:T or hex:H",
    ),
    (&["serve", "--listen", "127.0.0.1:0", "--framing", "line", "--reply", "hex:0"], "expected a second hex digit"),
    (
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--framing",
            "net:2",
            "--reply-framing",
            "bcd:1,max=2",
            "--reply",
            "text:Hi!",
        ],
        "payload is 3 bytes, limit is 2",
    ),
    (&["send", "--framing", "line"], "<ADDR"),
    (&["send", "127.0.0.1:1", "hello"], "--framing"),
    (&["send", "127.0.0.1:1", "--framing", "line", "--timeout", "0s", "x"], "expected a number above 0"),
    (&["send", "127.0.0.1:1", "--framing", "line", "--timeout", "5", "x"], "`ms`, `s`, `m`, `h` or `d`"),
    (&["send", "127.0.0.1:1", "--framing", "until-close", "a", "b"], "takes one message, 2 were given"),
    (&["send", "localhost", "--framing", "line", "x"], "expected HOST:PORT, the port is missing"),
    (&["send", ":7000", "--framing", "line", "x"], "expected HOST:PORT"),
    (&["send", "::1:7000", "--framing", "line", "x"], "with an IPv6 address in brackets"),
    (
        &["send", "localhost:http", "--framing", "line", "x"],
        "expected a port from 0 to 65535 after the last colon, found `http`",
    ),
    (&["serve", "--listen", "127.0.0.1:70000", "--framing", "line"], "found `70000`"),
    (
        &["bridge", "--listen", "127.0.0.1:0", "--framing", "line", "--to", "h", "--to-framing", "line"],
        "the port is missing",
    ),
    (&["bridge", "--listen", "127.0.0.1:0", "--framing", "line", "--to", "127.0.0.1:1"], "--to-framing"),
    (&["bridge", "--listen", "127.0.0.1:0", "--framing", "line", "--to-framing", "line"], "--to <ADDR>"),
    (
        &[
            "bridge",
            "--listen",
            "127.0.0.1:0",
            "--framing",
            "line",
            "--to",
            "127.0.0.1:1",
            "--to-framing",
            "line",
            "--drain",
            "0s",
        ],
        "expected a number above 0",
    ),
    (
        &[
            "bridge",
            "--listen",
            "127.0.0.1:0",
            "--framing",
            "line",
            "--to",
            "127.0.0.1:1",
            "--to-framing",
            "fixed:5",
            "--to-connection",
            "pooled:2",
            "--to-heartbeat",
            "empty",
        ],
        "--to-heartbeat cannot be used",
    ),
    (&["send", "127.0.0.1:1", "--framing", "line", "--repeat", "2", "-"], "messages from stdin cannot be repeated"),
    (&["hostile", "--framing", "line", "--fault", "none"], "--listen <ADDR>|--to <ADDR>"),
    (
        &["hostile", "--listen", "127.0.0.1:0", "--to", "127.0.0.1:1", "--framing", "line", "--fault", "none"],
        "cannot be used with",
    ),
    (&["hostile", "--listen", "127.0.0.1:0", "--framing", "line"], "--fault <NAME>"),
    (
        &["hostile", "--listen", "127.0.0.1:0", "--framing", "line", "--fault", "rude"],
        "no fault is called `rude`, expected one of none, dribble, split-header, ",
    ),
    (
        &["hostile", "--listen", "127.0.0.1:0", "--framing", "net:2", "--fault", "oversize"],
        "oversize: this framing can announce no more than it allows",
    ),
    (&["demo", "--fast"], "--fast"),
];

#[test]
fn bad_usage_is_exit_2_and_says_what() {
    for &(arguments, what) in WRONG {
        let done = run(arguments);
        assert_eq!((done.code, &*done.stdout), (Some(2), ""), "{arguments:?}: {}", done.stderr);
        assert!(done.stderr.contains(what), "{arguments:?}: {what} in:\n{}", done.stderr);
    }
}

#[test]
fn an_error_in_a_notation_shows_column_and_caret() {
    let cases = [
        ("net:9", "column 5: ", "    net:9\n        ^\n"),
        ("nett:2", "column 1: ", "    nett:2\n    ^^^^\n"),
        ("net:2,count=self", "column 7: ", "    net:2,count=self\n          ^^^^^\n"),
        ("net:2,max=", "column 11: ", "    net:2,max=\n              ^\n"),
        ("", "column 1: ", "    \n    ^\n"),
    ];
    for (notation, column, marked) in cases {
        let done = run(&["inspect", "--framing", notation, "-"]);
        assert_eq!(done.code, Some(2), "{notation}");
        assert!(done.stderr.contains(column), "{notation}: {column} in:\n{}", done.stderr);
        assert!(done.stderr.contains(marked), "{notation}: the mark in:\n{}", done.stderr);
    }
}
