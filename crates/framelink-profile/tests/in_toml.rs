//! Profiles as TOML: reading, writing, and the place of an error.
#![cfg(feature = "toml")]

use std::time::Duration;

use framelink_profile::{
    ExchangeKind, Framing, FramingPair, Profile, ProfileBuilder, ProfileError, Short, Side, SocketOptions,
};

const WHOLE: &str = r#"
template = "short-sync"
framing = { send = "ascii:4", receive = "line" }
preamble = { send = "0102", expect = "06" }
connection = { half-close = true, closes = "server" }
exchange = "sync"

[timeouts]
connect = "3s"
reply = "8s"
write = "20s"
close = "500ms"
first-message = "10m"
first-request = "1h"
frame = "15s"

[limits]
message = "4KiB"
write-queue = 1000
connections = 50

[socket]
source = "10.0.0.7"
interface = "eth0"
nodelay = false
receive-buffer = "256KiB"
send-buffer = 4096
linger = "reset"
backlog = 64
reuse-address = false
"#;

/// The profile of `WHOLE`, built in code.
fn whole() -> Profile {
    let socket = SocketOptions::new()
        .source("10.0.0.7:0".parse().expect("an address"))
        .interface("eth0")
        .nodelay(false)
        .receive_buffer(256 * 1024)
        .send_buffer(4096)
        .linger(Some(Duration::ZERO))
        .backlog(64)
        .reuse_address(false);
    Profile::builder(FramingPair { send: framing("ascii:4"), receive: framing("line") })
        .preamble(b"\x01\x02", b"\x06")
        .connection(Short::new().half_close(true).closes(Side::Server))
        .exchange(ExchangeKind::Sync)
        .connect_timeout(Duration::from_secs(3))
        .reply_timeout(Duration::from_secs(8))
        .write_timeout(Duration::from_secs(20))
        .close_timeout(Duration::from_millis(500))
        .first_message_timeout(Duration::from_secs(600))
        .first_request_timeout(Duration::from_secs(3600))
        .frame_timeout(Duration::from_secs(15))
        .max_message(4096)
        .write_queue(1000)
        .connections(50)
        .socket(socket)
        .build()
        .expect("a valid profile")
}

fn framing(notation: &str) -> Framing {
    notation.parse().expect("a notation")
}

#[test]
fn every_key_is_read() {
    assert_eq!(Profile::from_toml(WHOLE).unwrap(), whole());
}

#[test]
fn only_settings_that_differ_from_defaults_are_written() {
    let normal = r#"
[framing]
send = "ascii:4,max=4KiB"
receive = "line,max=4KiB"

[connection]
kind = "short"
half-close = true
closes = "server"

[preamble]
send = "0102"
expect = "06"

[timeouts]
connect = "3s"
reply = "8s"
write = "20s"
close = "500ms"
first-message = "10m"
first-request = "1h"
frame = "15s"

[limits]
write-queue = 1000
connections = 50

[socket]
source = "10.0.0.7:0"
interface = "eth0"
nodelay = false
receive-buffer = "256KiB"
send-buffer = "4KiB"
linger = "reset"
backlog = 64
reuse-address = false
"#;
    assert_eq!(whole().to_toml(), normal.trim_start());
    for (said, least) in [
        ("framing = 'tpkt'", "framing = \"net:2,at=2,prefix=03,counts=frame\"\n"),
        ("framing = 'line'\ntemplate = 'long-sync'", "framing = \"line\"\n"),
        ("framing = 'line'\ntemplate = 'send-only'", "framing = \"line\"\nexchange = \"send-only\"\n"),
        ("framing = 'line'\ntemplate = 'short-sync'", "framing = \"line\"\nconnection = \"short\"\n"),
        ("framing = 'line'\ntemplate = 'short-sync'\nconnection = 'long'", "framing = \"line\"\n"),
        ("framing = 'line'\ntimeouts = { connect = '10000ms', reply = '5s', write = '30s' }", "framing = \"line\"\n"),
        (
            "framing = 'line'\nconnection = 'short'\ntimeouts.connect = '5s'",
            "framing = \"line\"\nconnection = \"short\"\n",
        ),
        ("framing = 'line'\nexchange.kind = 'duplex'", "framing = \"line\"\nexchange = \"duplex\"\n"),
        ("framing = 'line'\ntemplate = 'simplex'", "framing = \"line\"\nexchange = \"simplex\"\n"),
        (
            "framing = 'line'\ntemplate = 'simplex'\nexchange = { key = '4:6', receive = 'accept', in-flight = 64 }",
            "framing = \"line\"\n\n[exchange]\nkind = \"simplex\"\nkey = \"4:6\"\nreceive = \"accept\"\n",
        ),
        (
            "framing = 'line'\ntemplate = 'shared'\nconnection.connections = 4\nexchange = { key = '0:4', assign = 'binary', \
             in-flight = 9, serialize = true }",
            "framing = \"line\"\n\n[connection]\nkind = \"shared\"\nconnections = 4\n\n[exchange]\nkind = \
             \"duplex\"\nkey = \"0:4\"\nassign = \"binary\"\nin-flight = 9\nserialize = true\n",
        ),
        (
            "framing = 'line'\nconnection = { keep-up = true }",
            "framing = \"line\"\n\n[connection]\nkind = \"long\"\nkeep-up = true\n",
        ),
        (
            "framing = 'line'\ntemplate = 'shared'\nconnection = { connections = 3, keep-up = true }",
            "framing = \"line\"\nexchange = \"duplex\"\n\n[connection]\nkind = \"shared\"\nconnections = 3\nkeep-up = true\n",
        ),
        ("framing = 'line'\nconnection.keep-up = false", "framing = \"line\"\n"),
        ("framing = 'line'\nsocket = { nodelay = true, backlog = 1024 }", "framing = \"line\"\n"),
        ("framing = { send = 'line', receive = 'line' }\npreamble = {}", "framing = \"line\"\n"),
    ] {
        assert_eq!(Profile::from_toml(said).unwrap().to_toml(), least, "{said}");
    }
}

#[test]
fn a_file_starts_from_a_template_and_changes_it() {
    let profile = Profile::from_toml("template = 'short-until-close'\ntimeouts.reply = '20s'").unwrap();
    assert_eq!(profile.connection().short(), Some(Short::new().half_close(true).closes(Side::Server)));
    assert_eq!(profile.framing().send.to_string(), "until-close");
    let profile = Profile::from_toml("template = 'short-until-close'\nframing.send = 'line'").unwrap();
    assert_eq!(profile.framing().receive.to_string(), "until-close", "one direction keeps the template's");
    let profile = Profile::from_toml("template = 'short-until-close'\nframing = 'line'\nconnection = 'short'").unwrap();
    assert_eq!(profile.connection().short(), Some(Short::new()), "a word alone is the kind with its defaults");
}

#[test]
fn a_builder_that_was_read_can_be_changed_before_it_is_checked() {
    let builder = ProfileBuilder::from_toml("timeouts.reply = '9s'").unwrap();
    let profile = builder.framing(framing("line")).build().unwrap();
    assert_eq!(profile.timeouts().reply, Some(Duration::from_secs(9)));
}

/// TOML, and the complete error.
const WRONG: &[(&str, &str)] = &[
    ("", "line 1, column 1: framing is missing, which says how messages are cut, such as \"ascii:4\""),
    ("framing = 'line", "line 1, column 16: invalid literal string, expected `'`"),
    ("framing = 'line'\nframing = 'line'", "line 2, column 1: duplicate key"),
    (
        "framing = 'line'\n\nframe = 'line'",
        "line 3, column 1: unknown field `frame`, expected one of `template`, `addresses`, `listen`, `framing`, \
         `connection`, `exchange`, `numbers`, `preamble`, `first`, `greeting`, `sign-on`, `sign-off`, `meanwhile`, `reply`, \
         `replies`, `reconnect`, `timeouts`, `limits`, `access`, `tls`, `proxy-protocol`, `liveness`, `socket`",
    ),
    (
        "framing = 'line'\n[timeouts]\n  replay = '5s'",
        "line 3, column 3: unknown field `replay`, expected one of `connect`, `reply`, `write`, `close`, `first-message`, \
         `first-request`, `frame`, `idle`, `lifetime`",
    ),
    (
        "framing = { send = 'line', recv = 'line' }",
        "line 1, column 28: unknown field `recv`, expected `send` or `receive`",
    ),
    (
        "framing = { send = 'line' }",
        "line 1, column 1: framing.receive is missing, which says how messages are cut, such as \"ascii:4\"",
    ),
    (
        "framing = 4",
        "line 1, column 11: invalid type: integer `4`, expected the notation of a framing, such as \"ascii:4\", or a \
         table with `send` and `receive`",
    ),
    (
        "framing.send = 'line'\nframing.receive = 5",
        "line 2, column 19: invalid type: integer `5`, expected the notation of a framing, such as \"ascii:4\"",
    ),
    ("framing = \"bcd:10\"", "line 1, column 16: framing: expected 1 to 9 bytes, found `10`"),
    (
        "framing = { send = 'line', receive = 'net:2,max=64KiB' }",
        "line 1, column 49: framing.receive: max of 65536 is 1 byte more than the 65535 that the header can announce",
    ),
    (
        "framing = 'line'\naddresses = []",
        "line 2, column 13: invalid length 0, expected at least one: HOST:PORT in quotes, such as \"a.example:7000\"",
    ),
    // An escaped value has other columns in the file than in the string.
    ("framing = \"\\u0062cd:10\"", "line 1, column 21: framing: expected 1 to 9 bytes, found `10`"),
    ("framing = \"\"\"\\\n  b\\x63d:10\"\"\"", "line 2, column 10: framing: expected 1 to 9 bytes, found `10`"),
    ("framing = '''\nbcd:10'''", "line 2, column 5: framing: expected 1 to 9 bytes, found `10`"),
    (
        "framing = 'ascii:4'\nliveness.heartbeat = \"pattern:'text:0800{numbr:6}301',probe='0:4=text:0800'\"",
        "line 2, column 42: liveness.heartbeat: expected one of number, utc, local, request, random, env, length, pad, part, \
         end, found `numbr`; did you mean `number`?",
    ),
    (
        "template = 'lent'\nframing = 'line'",
        "line 1, column 13: template: expected one of short-sync, long-sync, duplex, shared, pooled, simplex, send-only, \
         receive-only, short-until-close, found `lent`",
    ),
    (
        "framing = 'line'\nconnection = 'lent'",
        "line 2, column 15: connection: expected one of long, short, shared, pooled, found `lent`",
    ),
    (
        "framing = 'line'\nconnection = { kind = 'long', closes = 'server' }",
        "line 2, column 40: connection.closes does not go with connection.kind: it says how a short connection ends, and \
         this one is long",
    ),
    (
        "framing = 'line'\nconnection.half-close = true",
        "line 2, column 25: connection.half-close does not go with connection.kind: it says how a short connection ends, \
         and this one is long",
    ),
    (
        "framing = 'line'\nconnection = { kind = 'short', closes = 'both' }",
        "line 2, column 42: connection.closes: expected one of client, server, found `both`",
    ),
    (
        "framing = 'line'\nconnection = true",
        "line 2, column 14: invalid type: boolean `true`, expected \"long\", \"short\", \"shared\", \"pooled\", or a table with \
         `kind` and what belongs to it",
    ),
    (
        "framing = 'line'\nexchange = 'both'",
        "line 2, column 13: exchange: expected one of sync, send-only, receive-only, duplex, simplex, found `both`",
    ),
    (
        "framing = 'line'\nexchange = { kind = 'duplex', key = '4' }",
        "line 2, column 38: exchange.key: expected OFFSET:LEN, such as `0:2` for the first two bytes, found `4`",
    ),
    (
        "framing = 'line'\nexchange = { kind = 'duplex', key = '4:65' }",
        "line 2, column 40: exchange.key: expected 1 to 64 bytes, found `65`",
    ),
    (
        "framing = 'line'\nexchange = { kind = 'duplex', in-flight = 0 }",
        "line 2, column 43: exchange.in-flight: expected 1 to 65536 requests, found `0`",
    ),
    (
        "framing = 'line'\nexchange = { kind = 'sync', key = '4:6' }",
        "line 2, column 35: exchange.key does not go with exchange.kind: it is about many requests in flight, which duplex \
         and simplex have, and this one is sync",
    ),
    (
        "framing = 'line'\nexchange = { kind = 'duplex', send = 'accept' }",
        "line 2, column 38: exchange.send does not go with exchange.kind: it says who dials one of two connections, which \
         simplex has, and this one is duplex",
    ),
    (
        "framing = 'line'\nexchange = { kind = 'duplex', assign = 'digits' }",
        "line 2, column 40: exchange.assign does not go with exchange.key: it is about keys, and without a key replies come in order; set exchange.key, such as key = \"4:6\"",
    ),
    (
        "framing = 'line'\nexchange = 'duplex'\nconnection = { kind = 'shared', connections = 0 }",
        "line 3, column 47: connection.connections: expected 1 to 1024 connections, found `0`",
    ),
    (
        "framing = 'line'\nconnection = { kind = 'long', connections = 3 }",
        "line 2, column 45: connection.connections does not go with connection.kind: it says how many connections are \
         shared, and this one is long",
    ),
    (
        "framing = 'line'\nconnection = { kind = 'short', keep-up = true }",
        "line 2, column 42: connection.keep-up does not go with connection.kind: a short connection ends with its exchange",
    ),
    (
        "framing = 'line'\npreamble.send = '012'",
        "line 2, column 18: preamble.send: expected pairs of hex digits, found an odd number of digits",
    ),
    (
        "framing = 'line'\npreamble = ['01', '02']",
        "line 2, column 12: invalid type: sequence, expected a table with `send` and `expect`",
    ),
    (
        "framing = 'line'\n[timeouts]\nreply = 5",
        "line 3, column 9: invalid type: integer `5`, expected a time such as \"5s\"",
    ),
    (
        "framing = 'line'\n[timeouts]\nreply = '5'",
        "line 3, column 10: timeouts.reply: expected a number above 0 with `ms`, `s`, `m`, `h` or `d`, found `5`",
    ),
    (
        "framing = 'line'\n[timeouts]\nreply = '0s'",
        "line 3, column 10: timeouts.reply: expected a number above 0 with `ms`, `s`, `m`, `h` or `d`, found `0s`",
    ),
    (
        "framing = 'line'\n[timeouts]\nreply = '2000m'",
        "line 3, column 9: timeouts.reply is 2000m, expected whole milliseconds from 1ms to 1d",
    ),
    (
        "framing = 'line'\n[limits]\nmessage = -1",
        "line 3, column 11: limits.message: expected a number of bytes, or one with `KiB` or `MiB`, found `-1`",
    ),
    (
        "framing = 'line'\n[limits]\nmessage = 0.5",
        "line 3, column 11: invalid type: floating point `0.5`, expected a number of bytes, such as 4096 or \"4KiB\"",
    ),
    (
        "framing = 'line'\n[limits]\nmessage = '2MiB'",
        "line 3, column 11: limits.message does not go with framing: it may only lower the 1048576 bytes that the framing \
         allows, not raise them to 2097152",
    ),
    (
        "framing = 'line'\n[limits]\nconnections = 0",
        "line 3, column 15: limits.connections: expected 1 to 1048576 connections, found `0`",
    ),
    (
        "framing = 'line'\n[socket]\nsource = 'eth0'",
        "line 3, column 11: socket.source: expected an IP address, or one with a port, such as `10.0.0.7:0` or `[::1]:0`, \
         found `eth0`",
    ),
    (
        "framing = 'line'\n[socket]\ninterface = 'a b'",
        "line 3, column 13: socket.interface is `a b`, expected a name of 1 to 15 bytes without blanks and slashes, such \
         as `eth0`",
    ),
    (
        "framing = 'line'\n[socket]\nnodelay = 'no'",
        "line 3, column 11: invalid type: string \"no\", expected a boolean",
    ),
    (
        "framing = 'line'\n[socket]\nlinger = '0s'",
        "line 3, column 11: socket.linger: expected a number of seconds above 0, such as `5s`, or `reset`, found `0s`",
    ),
    (
        "framing = 'line'\n[socket]\nlinger = '1500ms'",
        "line 3, column 10: socket.linger is 1500ms, expected whole seconds up to 65535, because the system counts in seconds",
    ),
    // The error points at the value that is best changed, or at the other value if the first is a default.
    (
        "connection = 'long'\nframing = 'until-close'",
        "line 2, column 11: framing does not go with connection: an `until-close` message ends with the connection, so a \
         long connection could carry only one; use a short connection",
    ),
    (
        "template = 'short-until-close'\nconnection = 'short'",
        "line 2, column 14: framing does not go with connection.half-close: an `until-close` message of the client ends \
         when it half-closes; set half-close = true, as the template short-until-close has it",
    ),
    (
        "framing = { send = 'line', receive = 'quiet:6s' }",
        "line 1, column 38: timeouts.reply does not go with framing.receive: silence ends the messages, so a call takes \
         more than 6s even when the peer answers at once; 5s is too short",
    ),
    (
        "framing = 'line'\nconnection = 'short'\n[timeouts]\nconnect = '10s'",
        "line 4, column 11: timeouts.connect does not go with timeouts.reply: on a short connection the whole call has 5s, \
         including connecting, so a limit of 10s for connecting alone would never be reached",
    ),
];

#[test]
fn an_error_says_line_column_and_what_was_expected() {
    for &(text, error) in WRONG {
        assert_eq!(Profile::from_toml(text).expect_err(error).to_string(), error, "{text}");
    }
}

#[test]
fn columns_are_counted_in_characters() {
    let error = Profile::from_toml("# één\nframing = { send = 'line', receive = 'nët' } # ✓").unwrap_err();
    assert_eq!((error.line(), error.column(), error.len()), (2, 40, 1), "{error}");
    let error = Profile::from_toml("exchange = 'both'\r\nframing = 'line'").unwrap_err();
    assert_eq!((error.line(), error.column(), error.len()), (1, 13, 4), "{error}");
    assert_eq!(error.profile_error().map(ProfileError::key), Some("exchange"));
}

#[test]
fn json_is_read_and_checked_like_toml() {
    let json = r#"{"template":"short-sync","framing":"ascii:4","timeouts":{"reply":"8s"},"limits":{"message":2048}}"#;
    let profile: Profile = serde_json::from_str(json).unwrap();
    let least = r#"{"framing":"ascii:4,max=2KiB","connection":"short","timeouts":{"reply":"8s"}}"#;
    assert_eq!(serde_json::to_string(&profile).unwrap(), least);
    for (json, told) in [
        (r#"{"framing":"until-close"}"#, "framing does not go with connection"),
        (r#"{"framing":"line","timeouts":{"reply":"x"}}"#, "timeouts.reply: expected a number above 0"),
        (r#"{"framing":"line","timeouts":{"rply":"5s"}}"#, "unknown field `rply`, expected one of"),
        (r#"["line"]"#, "invalid type: sequence, expected a profile, which is a table"),
        (r#""line""#, "expected a profile, which is a table"),
    ] {
        let error = serde_json::from_str::<Profile>(json).expect_err(json).to_string();
        assert!(error.contains(told), "{json}: {error}");
    }
}

/// A preamble may be a password. In a sign-on, a password is in an environment variable. Errors and the explanation do
/// not repeat them.
#[test]
fn no_text_about_a_profile_holds_the_bytes_of_a_preamble_or_of_a_variable() {
    for toml in [
        "preamble.send = 'hunter2!'",
        "preamble.send = '68756e746572322'",
        "preamble = 'hunter2'",
        "preamble = 68756",
        "[preamble]\nexpect = 68756",
        "[preamble]\nexpect = ['hunter2']",
        "sign-on = 68756",
        "[sign-off]\nsend = 68756",
    ] {
        let text = format!("framing = 'line'\n{toml}\n");
        let error = Profile::from_toml(&text).expect_err(toml);
        let said = format!("{error} {error:?}");
        assert!(!said.contains("hunter2") && !said.contains("68756"), "{toml}: {said}");
    }
    let toml = "framing = 'line'\npreamble = { send = '68756e74657232', expect = '68756e74' }\n\
                sign-on = 'text:0800{env:PATH}'";
    let explained = Profile::from_toml(toml).unwrap().explain().to_string();
    assert!(explained.contains("preamble     once connected, sends 7 bytes and expects 4 bytes\n"), "{explained}");
    assert!(!explained.contains("68") && !explained.contains("hunt"), "{explained}");
    assert!(explained.contains("a client sends a message like text:0800•••\n"), "{explained}");
    assert!(!explained.contains(&std::env::var("PATH").unwrap()), "{explained}");
}

#[test]
fn the_explanation_says_that_free_bytes_are_sent_as_zeros() {
    for (toml, told) in [
        ("framing = 'net:2,at=4,prefix=0301'", Some("2 before the length field (at); say prefix if")),
        (
            "framing = 'net:2,gap=1,tail=2'",
            Some("1 behind it (gap), 2 at the end of a frame (tail); say infix and suffix if"),
        ),
        ("framing = 'net:2,at=4,keep'", None),
        ("framing = 'net:2,at=2,prefix=0300'", None),
        ("framing = 'net:2,at=4'\nexchange = 'receive-only'", None),
        ("framing = { send = 'line', receive = 'net:2,at=4' }", None),
        ("framing = 'line'", None),
    ] {
        let explanation = Profile::from_toml(toml).unwrap().explain();
        let careful = explanation.lines().find(|(_, text)| text.starts_with("free bytes are written as zeros: "));
        match told {
            Some(told) => {
                assert!(careful.is_some_and(|(label, text)| label == "careful" && text.contains(told)), "{toml}")
            }
            None => assert_eq!(careful, None, "{toml}"),
        }
    }
}
