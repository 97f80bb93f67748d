//! Which profiles are valid, and why others are not. No test needs a feature.

use std::time::Duration;

use framelink_profile::{
    ConnectionKind, Duplex, ExchangeKind, Framing, FramingPair, Limits, Pooled, Preamble, Profile, ProfileBuilder,
    Reach, Shared, Short, Side, Simplex, SocketOptions, TEMPLATES, Template, Timeouts,
};
use framelink_session::{Encoding, KeyPlaces};

fn framing(notation: &str) -> Framing {
    notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}"))
}

fn of(notation: &str) -> ProfileBuilder {
    Profile::builder(framing(notation))
}

fn two(send: &str, receive: &str) -> ProfileBuilder {
    Profile::builder(FramingPair { send: framing(send), receive: framing(receive) })
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

const SHORT: Short = Short::new();
const SEND_ONLY: ExchangeKind = ExchangeKind::SendOnly;
const RECEIVE_ONLY: ExchangeKind = ExchangeKind::ReceiveOnly;
const DUPLEX: Duplex = Duplex::new();

fn place(text: &str) -> KeyPlaces {
    text.parse().expect("a place")
}

#[test]
fn settings_that_cannot_work_together_are_refused_with_the_reason() {
    let at_close = "an `until-close` message ends with the connection, so a long connection could carry only one; use a \
                    short connection";
    let half_close = "an `until-close` message of the client ends when it half-closes; set half-close = true, as the \
                      template short-until-close has it";
    let closes = "an `until-close` message of the server ends when it closes, so the client cannot close first; set \
                  closes = \"server\", as the template short-until-close has it";
    let reset = SocketOptions::new().linger(Some(Duration::ZERO));
    let cases = [
        (of("until-close"), "framing", "connection", at_close.to_owned()),
        (two("until-close", "line"), "framing.send", "connection", at_close.to_owned()),
        (two("line", "until-close"), "framing.receive", "connection", at_close.to_owned()),
        (of("until-close").exchange(SEND_ONLY), "framing", "connection", at_close.to_owned()),
        (of("until-close").exchange(RECEIVE_ONLY), "framing", "connection", at_close.to_owned()),
        (of("until-close").connection(SHORT), "framing", "connection.half-close", half_close.to_owned()),
        (
            of("until-close").connection(SHORT.half_close(true)),
            "framing",
            "connection.closes",
            closes.to_owned(),
        ),
        (
            of("until-close").connection(SHORT.closes(Side::Server)),
            "framing",
            "connection.half-close",
            half_close.to_owned(),
        ),
        (two("line", "until-close").connection(SHORT), "framing.receive", "connection.closes", closes.to_owned()),
        (
            two("until-close", "line").connection(SHORT),
            "framing.send",
            "connection.half-close",
            half_close.to_owned(),
        ),
        (
            of("quiet:50ms").exchange(SEND_ONLY),
            "framing",
            "exchange",
            "only silence ends a message, so two that are sent one after the other would run together; use a short \
             connection, or sync, where the reply comes between"
                .to_owned(),
        ),
        (
            two("each-read", "line").exchange(SEND_ONLY),
            "framing.send",
            "exchange",
            "only the end of a read ends a message, so two that are sent one after the other would run together; use a \
             short connection, or sync, where the reply comes between"
                .to_owned(),
        ),
        (
            of("quiet:50ms").exchange(DUPLEX),
            "framing",
            "exchange",
            "only silence ends a message, so two that are sent one after the other would run together; use a short \
             connection, or sync, where the reply comes between"
                .to_owned(),
        ),
        (
            two("line", "each-read").exchange(Simplex::new(DUPLEX)),
            "framing.receive",
            "exchange",
            "only the end of a read ends a message, so two that are sent one after the other would run together; use a \
             short connection, or sync, where the reply comes between"
                .to_owned(),
        ),
        (
            of("line").exchange(DUPLEX).connection(SHORT),
            "exchange",
            "connection",
            "a short connection has one exchange, so no other request can be in flight; use a long one"
                .to_owned(),
        ),
        (
            of("line").connection(SHORT).keep_up(true),
            "connection.keep-up",
            "connection.kind",
            "a short connection ends with its exchange".to_owned(),
        ),
        (
            of("line").connection(Pooled::new(2)).keep_up(true),
            "connection.keep-up",
            "connection.kind",
            "a pool opens `min` connections in advance, and again where one is lost".to_owned(),
        ),
        (
            of("line").exchange(Simplex::new(DUPLEX)).keep_up(true),
            "connection.keep-up",
            "exchange",
            "a pair of connections is made by both sides".to_owned(),
        ),
        (
            of("line").connection(Shared::new(2)),
            "connection",
            "exchange",
            "connections are shared by many requests in flight, which only a duplex exchange has; use duplex, or a long \
             connection"
                .to_owned(),
        ),
        (
            of("line").exchange(Simplex::new(DUPLEX)).connection(Shared::new(2)),
            "connection",
            "exchange",
            "a simplex pair is one link of two connections, so there is nothing to share; use a long connection".to_owned(),
        ),
        (
            of("ascii:1").exchange(DUPLEX.key(place("4:6"))),
            "exchange.key",
            "framing",
            "the key ends 10 bytes into a message, and messages have at most 9".to_owned(),
        ),
        (
            of("line").exchange(DUPLEX.key(place("0:1")).assigned(Encoding::Ascii)),
            "exchange.in-flight",
            "exchange.key",
            "there are only 9 keys of 1 byte, for up to 64 requests".to_owned(),
        ),
        (
            of("line").exchange(DUPLEX.serialized(true)),
            "exchange.serialize",
            "exchange.key",
            "it is about keys, and without a key replies come in order; set exchange.key, such as key = \"4:6\"".to_owned(),
        ),
        (
            of("line").exchange(RECEIVE_ONLY).reply_timeout(s(5)),
            "timeouts.reply",
            "exchange",
            "a receive-only exchange sends no requests, so there are no replies".to_owned(),
        ),
        (
            two("line", "quiet:5s"),
            "timeouts.reply",
            "framing.receive",
            "silence ends the messages, so a call takes more than 5s even when the peer answers at once; 5s is too short"
                .to_owned(),
        ),
        (
            two("quiet:200ms", "line").reply_timeout(ms(200)),
            "timeouts.reply",
            "framing.send",
            "silence ends the messages, so a call takes more than 200ms even when the peer answers at once; 200ms is too \
             short"
                .to_owned(),
        ),
        (
            of("quiet:100ms").reply_timeout(ms(150)),
            "timeouts.reply",
            "framing",
            "silence ends the messages, so a call takes more than 200ms even when the peer answers at once; 150ms is too \
             short"
                .to_owned(),
        ),
        (
            of("quiet:1s").frame_timeout(s(1)),
            "timeouts.frame",
            "framing",
            "a message is complete only after 1s of silence, and 1s is too short for that".to_owned(),
        ),
        (
            of("line").connection(SHORT).connect_timeout(s(6)),
            "timeouts.connect",
            "timeouts.reply",
            "on a short connection the whole call has 5s, including connecting, so a limit of 6s for connecting alone would never be reached"
                .to_owned(),
        ),
        (
            of("line").connection(SHORT).exchange(SEND_ONLY).socket(reset),
            "socket.linger",
            "exchange",
            "each message is followed by the close, and a reset destroys bytes that are not delivered by then".to_owned(),
        ),
        (
            two("net:2", "ascii:4").max_message(65_536),
            "limits.message",
            "framing",
            "it may only lower the 65535 bytes that the framing allows, not raise them to 65536".to_owned(),
        ),
        (
            two("line", "fixed:12").max_message(10),
            "limits.message",
            "framing",
            "fixed:12: no frame can exist: the limit is 10 payload bytes, a message has at least 12".to_owned(),
        ),
    ];
    for (builder, key, with, reason) in cases {
        let error = builder.build().expect_err(&reason);
        assert_eq!((error.key(), error.other_key()), (key, Some(with)), "{error}");
        assert_eq!(error.to_string(), format!("{key} does not go with {with}: {reason}"));
    }
}

#[test]
fn settings_that_can_work_are_not_refused() {
    let by_server = SHORT.closes(Side::Server);
    let reset = || SocketOptions::new().linger(Some(Duration::ZERO));
    let cases = [
        ("both ways to the end", of("until-close").connection(by_server.half_close(true))),
        ("a reply to the end", two("line", "until-close").connection(by_server)),
        ("a request to the end", two("until-close", "line").connection(SHORT.half_close(true))),
        ("a reply to the end, of a server", two("until-close", "line").connection(by_server)),
        ("sent, then closed", of("until-close").connection(SHORT).exchange(SEND_ONLY)),
        ("received to the end", of("until-close").connection(by_server).exchange(RECEIVE_ONLY)),
        ("a framing that is not used", two("line", "until-close").exchange(SEND_ONLY)),
        ("the same the other way", two("until-close", "line").exchange(RECEIVE_ONLY)),
        ("the server closes, which the framing does not need", of("ascii:4").connection(by_server)),
        ("a half-close beside a length", of("ascii:4").connection(SHORT.half_close(true))),
        ("silence between requests", of("quiet:50ms")),
        ("reads between requests", of("each-read")),
        ("one silent message a connection", of("quiet:50ms").connection(SHORT).exchange(SEND_ONLY)),
        ("closes end it before the silence", of("quiet:9s").connection(by_server.half_close(true))),
        ("a long connection takes its time", of("line").connect_timeout(s(60)).reply_timeout(s(1))),
        ("a reset after the reply", of("line").connection(SHORT).socket(reset())),
        ("a call that only sends has a time", of("line").exchange(SEND_ONLY).reply_timeout(s(3))),
        ("a greeting before a send-only peer", of("line").exchange(SEND_ONLY).preamble(b"", b"hello")),
        ("one length in the other direction", two("line", "fixed:12").exchange(SEND_ONLY).max_message(10)),
        ("a limit between the two", two("net:2", "ascii:4").max_message(20_000)),
    ];
    for (name, builder) in cases {
        let built = builder.build();
        assert!(built.is_ok(), "{name}: {built:?}");
    }
}

#[test]
fn the_error_of_a_value_out_of_bounds_names_the_bounds() {
    let socket = SocketOptions::new;
    let time = "whole milliseconds from 1ms to 1d";
    let linger = "whole seconds up to 65535, because the system counts in seconds";
    let name = "a name of 1 to 15 bytes without blanks and slashes, such as `eth0`";
    let cases = [
        (of("line").connect_timeout(Duration::ZERO), format!("timeouts.connect is 0ms, expected {time}")),
        (of("line").reply_timeout(Duration::from_micros(1500)), format!("timeouts.reply is 1.5ms, expected {time}")),
        (of("line").write_timeout(Duration::ZERO), format!("timeouts.write is 0ms, expected {time}")),
        (of("line").close_timeout(s(86_401)), format!("timeouts.close is 86401s, expected {time}")),
        (of("line").first_message_timeout(s(172_800)), format!("timeouts.first-message is 2d, expected {time}")),
        (
            of("line").first_request_timeout(s(59)),
            "timeouts.first-request is 59s, expected 1m or more, which is timeouts.first-message".to_owned(),
        ),
        (of("line").frame_timeout(Duration::MAX), format!("timeouts.frame is {:?}, expected {time}", Duration::MAX)),
        (of("line").preamble(&[0; 1025], b""), "preamble.send is 1025 bytes, expected up to 1024".to_owned()),
        (of("line").preamble(b"", &[0; 1025]), "preamble.expect is 1025 bytes, expected up to 1024".to_owned()),
        (of("line").write_queue(0), "limits.write-queue is 0, expected 1 to 2147483647 bytes".to_owned()),
        (of("line").connections(0), "limits.connections is 0, expected 1 to 1048576 connections".to_owned()),
        (
            of("line").socket(socket().backlog(0)),
            "socket.backlog is 0, expected 1 to 2147483647 connections".to_owned(),
        ),
        (
            of("line").socket(socket().receive_buffer(0)),
            "socket.receive-buffer is 0, expected 1 to 2147483647 bytes".to_owned(),
        ),
        (
            of("line").socket(socket().send_buffer(1 << 31)),
            "socket.send-buffer is 2147483648, expected 1 to 2147483647 bytes".to_owned(),
        ),
        (of("line").socket(socket().linger(Some(ms(50)))), format!("socket.linger is 50ms, expected {linger}")),
        (of("line").socket(socket().linger(Some(s(65_536)))), format!("socket.linger is 65536s, expected {linger}")),
        (of("line").socket(socket().interface("")), format!("socket.interface is ``, expected {name}")),
        (of("line").socket(socket().interface("eth0\n")), format!("socket.interface is `eth0\\n`, expected {name}")),
        (
            of("line").socket(socket().source("224.0.0.1:0".parse().unwrap())),
            "socket.source is 224.0.0.1:0, expected an address of one machine, not of a group".to_owned(),
        ),
    ];
    for (builder, text) in cases {
        assert_eq!(builder.build().expect_err(&text).to_string(), text);
    }
    let most = of("line").preamble(&[0; Preamble::MOST], b"x").reply_timeout(Timeouts::MOST).build();
    assert!(most.is_ok(), "{most:?}");
}

#[test]
fn each_direction_needs_a_framing() {
    let missing = |builder: &ProfileBuilder| builder.build().unwrap_err().to_string();
    let builder = ProfileBuilder::new();
    assert_eq!(missing(&builder), "framing is missing, which says how messages are cut, such as \"ascii:4\"");
    let builder = builder.send_framing(framing("line"));
    assert_eq!(missing(&builder), "framing.receive is missing, which says how messages are cut, such as \"ascii:4\"");
    let profile = builder.receive_framing(framing("net:2")).build().unwrap();
    assert_eq!(profile.framing(), FramingPair { send: framing("line"), receive: framing("net:2") });
}

#[test]
fn defaults_are_as_documented() {
    let profile = of("ascii:4").build().unwrap();
    assert_eq!((profile.connection(), profile.exchange()), (ConnectionKind::Long, ExchangeKind::Sync));
    let timeouts = profile.timeouts();
    assert_eq!((timeouts.connect, timeouts.reply, timeouts.write), (s(10), Some(s(5)), s(30)));
    assert_eq!((timeouts.close, timeouts.first_message, timeouts.frame), (s(1), s(60), s(30)));
    assert_eq!(timeouts.first_request, s(60));
    let raised = of("ascii:4").first_message_timeout(s(300)).build().unwrap();
    assert_eq!(raised.timeouts().first_request, s(300), "no less than for one that says nothing");
    assert_eq!(profile.limits(), Limits::default());
    assert_eq!((profile.limits().write_queue, profile.limits().connections), (64 * 1024, 1000));
    assert_eq!(*profile.socket(), SocketOptions::new());
    assert!(profile.preamble().is_empty());
}

#[test]
fn connecting_on_a_short_connection_has_no_more_time_than_the_call() {
    let connect = |builder: ProfileBuilder| builder.build().unwrap().timeouts().connect;
    assert_eq!(connect(of("line").connection(SHORT)), s(5));
    assert_eq!(connect(of("line").connection(SHORT).reply_timeout(s(2))), s(2));
    assert_eq!(connect(of("line").connection(SHORT).reply_timeout(s(60))), s(10));
    assert_eq!(connect(of("line").connection(SHORT).exchange(RECEIVE_ONLY)), s(10));
}

#[test]
fn a_limit_on_messages_becomes_the_limit_of_the_framing() {
    let limited = |notation: &str, max| of(notation).max_message(max).build().unwrap().framing().send.to_string();
    assert_eq!(limited("ascii:4", 2048), "ascii:4,max=2KiB");
    assert_eq!(limited("ascii:4,max=4KiB", 2048), "ascii:4,max=2KiB");
    assert_eq!(limited("ascii:4,max=1KiB", 1024), "ascii:4,max=1KiB");
    assert_eq!(limited("postgres", 512), "net:4,at=1,counts=self,keep,max=512");
    let profile = two("net:2", "ascii:4").max_message(20_000).build().unwrap();
    assert_eq!(profile.framing(), FramingPair { send: framing("net:2,max=20000"), receive: framing("ascii:4") });
}

#[test]
fn every_template_takes_its_framings() {
    for template in TEMPLATES {
        for notation in ["ascii:4", "bcd:2", "net:2,counts=self", "line", "mllp", "tpkt", "fixed:12", "until-close"] {
            let built = Profile::template(template.name, framing(notation));
            let is_for_it = (notation == "until-close") == template.framing.is_some();
            // The template for messages up to the close takes other framings too. Then the close ends only the
            // connection.
            assert_eq!(
                built.is_ok(),
                is_for_it || template.framing.is_some(),
                "{} {notation}: {built:?}",
                template.name
            );
            let Ok(profile) = built else { continue };
            assert_eq!((profile.connection(), profile.exchange()), (template.connection, template.exchange));
        }
        assert_eq!(Template::named(template.name), Some(template));
    }
    let error = Profile::template("short", framing("line")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "template: expected one of short-sync, long-sync, duplex, shared, pooled, simplex, send-only, receive-only, \
         short-until-close, found `short`; did you mean `short-sync` or `short-until-close`?"
    );
    let own = ProfileBuilder::new().template("short-until-close").unwrap().build().unwrap();
    assert_eq!(own.framing().receive, framing("until-close"));
}

#[test]
fn a_side_that_cannot_end_its_message_is_an_error() {
    let by_server = SHORT.closes(Side::Server);
    let reply_to_the_end = two("line", "until-close").connection(by_server).build().unwrap();
    assert_eq!(reply_to_the_end.check_for(Side::Client), Ok(()));
    let error = reply_to_the_end.check_for(Side::Server).unwrap_err();
    assert_eq!((error.key(), error.other_key()), ("framing.receive", Some("connection.half-close")));
    let explained = reply_to_the_end.explain().to_string();
    assert!(
        explained.contains("careful      only a client can use it, because for a server framing.receive"),
        "{explained}"
    );

    let sent = of("until-close").connection(SHORT).exchange(SEND_ONLY).build().unwrap();
    assert!(sent.check_for(Side::Client).is_ok() && sent.check_for(Side::Server).is_err());
    for side in [Side::Client, Side::Server] {
        assert_eq!(of("ascii:4").build().unwrap().check_for(side), Ok(()));
    }
}

#[test]
fn an_explanation_says_every_thing_once_in_plain_words() {
    let socket = SocketOptions::new()
        .source("10.0.0.7:4000".parse().unwrap())
        .interface("eth0")
        .nodelay(false)
        .receive_buffer(1 << 16)
        .send_buffer(1)
        .linger(Some(s(3)))
        .backlog(64)
        .reuse_address(false);
    let profile = two("bcd:2,counts=self", "delim:0303,max=2KiB")
        .connection(SHORT.half_close(true).closes(Side::Server))
        .preamble(b"\x01\x02", &[7; 20])
        .connect_timeout(s(3))
        .reply_timeout(s(8))
        .socket(socket)
        .build()
        .unwrap();
    let text = "\
connection   short: connect, one exchange, close; the client half-closes when it has sent; the server closes first
exchange     sync: a message, then its reply, then the next
sends        bcd:2,counts=self: messages begin with their length in 2 bytes of packed BCD, which counts itself too; at most 9997 bytes of payload
receives     delim:0303,max=2KiB: messages end with 03 03; at most 2KiB of payload
preamble     once connected, sends 2 bytes and expects 20 bytes
reconnecting within 100ms of the first failure, then within twice that, and so on up to 1m, at random
of several   the first healthy address; back to an earlier one when it is healthy, tried every 30s; an address is skipped for a while after 3 failures in a row
connecting   at most 3s
a call       at most 8s: waiting for a connection, connecting, writing and the reply
writing      at most 30s a message
closing      waits up to 1s for the other side to close too
queue        up to 64KiB in 4096 messages wait to be written, then the sender waits
as a server  holds up to 1000 connections, 250 of one client, and refuses more
as a server  a client has 1m to begin its first message, and 30s to complete each message
as a server  closes a connection without messages for 1h, and any connection after 1d
as a server  holds up to 16MiB for all connections, 8MiB for one client; beyond that, the client that holds most is closed
socket       dials from 10.0.0.7:4000
socket       dials through the interface eth0
socket       small writes may wait to be sent together (no TCP_NODELAY)
socket       asks the system for a receive buffer of 64KiB
socket       asks the system for a send buffer of 1 byte
socket       closing waits up to 3s for what is unsent
socket       up to 64 connections wait to be accepted
socket       an address on which old connections linger cannot be listened on
careful      a fixed source port cannot be dialled from again for a minute or so after a connection was closed";
    assert_eq!(profile.explain().to_string(), text);
}

#[test]
fn every_kind_of_framing_is_explained() {
    for (notation, words) in [
        ("net:1", "begin with their length in 1 byte, network order;"),
        (
            "le:4,counts=frame",
            "begin with their length in 4 bytes, least significant first, which counts the whole frame;",
        ),
        ("hex:4", "begin with their length in 4 hexadecimal ASCII digits;"),
        ("ebcdic:4", "begin with their length in 4 EBCDIC digits;"),
        ("netstring", "begin with their length in ASCII digits up to 0x3a, which counts the payload alone;"),
        ("mqtt", "begin with their length as a varint; headers are kept;"),
        ("net:2,adjust=-4", "begin with their length in 2 bytes, network order, and -4 bytes;"),
        ("quiet:50ms", "end after 50ms without bytes;"),
        ("each-read", "are the bytes of one read;"),
        ("fixed:12", "have 12 bytes each;"),
        ("line", "are lines, ended with CR LF;"),
        ("line,lf", "are lines, ended with LF;"),
        ("mllp", "start with 0b and end with 1c 0d;"),
    ] {
        let explained = of(notation).build().unwrap().explain().to_string();
        assert!(explained.contains(&format!("messages {words} at most")), "{notation}:\n{explained}");
    }
}

#[test]
fn every_exchange_is_explained() {
    let said = |exchange: ExchangeKind| {
        let explained = of("line").exchange(exchange).build().unwrap().explain();
        let lines: Vec<_> = explained.lines().map(|(label, text)| format!("{label}: {text}")).collect();
        lines[1..3].join("\n")
    };
    assert_eq!(
        said(DUPLEX.into()),
        "exchange: duplex: both sides send when they like\nin flight: up to 64 requests, answered in order; if a reply \
         does not arrive in time, the connection is given up"
    );
    let by_key = DUPLEX.key(place("4:6")).assigned(Encoding::Ascii).in_flight(8);
    assert_eq!(
        said(Simplex::new(by_key).receive(Reach::Accept).into()),
        "exchange: simplex: one connection only to send, which we dial, and one only to receive, which the peer dials\nin \
         flight: up to 8 requests, answered in any order by the 6 bytes at offset 4, which framelink chooses and counts in \
         ASCII digits; a request whose key is in flight is refused"
    );
    let shared = of("line").exchange(DUPLEX).connection(Shared::new(3)).build().unwrap();
    assert!(shared.explain().to_string().contains("up to 3 that stay open"), "{}", shared.explain());
    let kept_up = of("line").keep_up(true).build().unwrap().explain().to_string();
    assert!(kept_up.contains("many messages; kept up: dialled at the start, and again when lost"), "{kept_up}");
}

#[test]
fn several_requests_in_flight_without_a_key_cause_a_caution() {
    let cautioned = [
        of("line").exchange(DUPLEX),
        of("line").exchange(Simplex::new(DUPLEX)),
        of("line").exchange(DUPLEX).connection(Shared::new(2)),
        of("line").exchange(DUPLEX.in_flight(2)),
    ];
    for builder in cautioned {
        let profile = builder.build().unwrap();
        let caution = profile.mismatch_caution().expect("a caution");
        for told in ["goes to a wrong request", "give a key (exchange.key)", "connection = \"pooled\""] {
            assert!(caution.contains(told), "{caution}");
        }
        let explanation = profile.explain();
        assert!(explanation.lines().any(|line| line == ("careful", &*caution)), "{explanation}");
    }
    let keyed = DUPLEX.key(place("4:6"));
    let sound = [
        of("line"),
        of("line").exchange(ExchangeKind::SendOnly),
        of("line").exchange(keyed),
        of("line").exchange(Simplex::new(keyed)),
        of("line").exchange(keyed).connection(Shared::new(2)),
        // A lost reply is noticed before the next request.
        of("line").exchange(DUPLEX.in_flight(1)),
    ];
    for builder in sound {
        let profile = builder.build().unwrap();
        assert_eq!(profile.mismatch_caution(), None, "{}", profile.explain());
    }
}
