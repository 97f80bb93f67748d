//! Profiles: pools, reconnecting, signing on and off, and the limits of a server.
#![cfg(feature = "toml")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::net::IpAddr;
use std::time::Duration;

use framelink_profile::{
    Access, Framing, Network, Policy, Pooled, Profile, ProfileBuilder, ProfileError, Reconnect, Sign, WhenFull,
};

const POOLED: &str = r#"framing = "ascii:4"
sign-off = "text:0800"

[connection]
kind = "pooled"
min = 0
max = 4
max-idle = 2
wait = "none"
idle = "1m"
lifetime = "5m"
uses = 100
replace = true

[sign-on]
send = "text:0800"
expect = "0:4=text:0810"

[reconnect]
policy = "round-robin"
first = "1s"
cap = "30s"
eject-after = 5
fail-back = "10s"
"#;

const GUARDED: &str = r#"framing = "ascii:4"

[timeouts]
idle = "5m"
lifetime = "30d"

[limits]
queued-messages = 10
connections-per-client = 3
when-full = "drop-oldest"
memory = "64MiB"
memory-per-client = "1MiB"
empty-messages = 5

[access]
allow = ["10.0.0.0/8", "2001:db8::/32"]
deny = ["10.6.6.6/32"]
"#;

fn of(notation: &str) -> ProfileBuilder {
    Profile::builder(notation.parse::<Framing>().unwrap())
}

fn pooled() -> Profile {
    let mut pooled = Pooled::new(4);
    (pooled.min, pooled.max_idle, pooled.wait) = (0, 2, None);
    (pooled.idle, pooled.lifetime) = (Duration::from_secs(60), Duration::from_secs(300));
    (pooled.uses, pooled.replace) = (Some(100), true);
    let mut reconnect = Reconnect::new(Policy::RoundRobin);
    (reconnect.first, reconnect.cap) = (Duration::from_secs(1), Duration::from_secs(30));
    (reconnect.eject_after, reconnect.fail_back) = (5, Duration::from_secs(10));
    of("ascii:4")
        .connection(pooled)
        .reconnect(reconnect)
        .sign_on(Sign::new(b"0800").expect(b"0810"))
        .sign_off(Sign::new(b"0800"))
        .build()
        .unwrap()
}

fn guarded() -> Profile {
    let networks = |networks: &[&str]| networks.iter().map(|network| network.parse().unwrap()).collect();
    of("ascii:4")
        .idle_timeout(Duration::from_secs(300))
        .lifetime(Duration::from_secs(30 * 86400))
        .queued_messages(10)
        .connections_per_client(3)
        .when_full(WhenFull::DropOldest)
        .memory(64 * 1024 * 1024)
        .memory_per_client(1024 * 1024)
        .empty_messages(5)
        .access(Access { allow: networks(&["10.0.0.0/8", "2001:db8::/32"]), deny: networks(&["10.6.6.6"]) })
        .build()
        .unwrap()
}

#[test]
fn every_key_is_read_and_written() {
    for (toml, profile) in [(POOLED, pooled()), (GUARDED, guarded())] {
        assert_eq!(Profile::from_toml(toml).unwrap(), profile);
        assert_eq!(profile.to_toml(), toml);
        let json = serde_json::to_string(&profile).unwrap();
        assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), profile, "{json}");
    }
}

#[test]
fn defaults_are_left_out() {
    for (said, least) in [
        ("framing = 'line'\ntemplate = 'pooled'", "framing = \"line\"\nconnection = \"pooled\"\n"),
        (
            "framing = 'line'\nconnection = { kind = 'pooled', max = 2, max-idle = 2, min = 1, wait = '5s', idle = '10m' }",
            "framing = \"line\"\n\n[connection]\nkind = \"pooled\"\nmax = 2\n",
        ),
        ("framing = 'line'\nreconnect = { policy = 'primary-backup', cap = '60s' }", "framing = \"line\"\n"),
        ("framing = 'line'\naccess = { allow = [] }", "framing = \"line\"\n"),
        ("framing = 'line'\nsign-on = { send = 'hex:3031' }", "framing = \"line\"\nsign-on = \"hex:3031\"\n"),
        (
            "framing = 'line'\nlimits = { when-full = 'refuse-newest', connections-per-client = 250, empty-messages = 100 }",
            "framing = \"line\"\n",
        ),
        ("framing = 'ascii:4'\nlimits = { memory = '16MiB', memory-per-client = '8MiB' }", "framing = \"ascii:4\"\n"),
        // Four times the longest messages with the memory to read and write them, and half of that.
        (
            "framing = 'net:4,max=64MiB'\nlimits = { memory = 537395200, memory-per-client = 268697600 }",
            "framing = \"net:4,max=64MiB\"\n",
        ),
    ] {
        assert_eq!(Profile::from_toml(said).unwrap().to_toml(), least, "{said}");
    }
}

#[test]
fn a_table_changes_the_pool_of_a_template() {
    let profile = Profile::from_toml("template = 'pooled'\nframing = 'line'\nconnection = { uses = 7 }").unwrap();
    let pooled = profile.connection().pooled().unwrap();
    assert_eq!((pooled.max, pooled.uses), (8, Some(7)));
}

#[test]
fn an_error_says_where_what_was_found_and_what_is_allowed() {
    for (toml, told) in [
        (
            "framing = 'line'\nconnection = { kind = 'long', max = 3 }",
            "line 2, column 37: connection.max does not go with connection.kind: it says how connections are lent, which is \
             pooled, and this one is long",
        ),
        (
            "framing = 'line'\nconnection = { kind = 'pooled', max = 0 }",
            "line 2, column 39: connection.max: expected 1 to 1024 connections, found `0`",
        ),
        (
            "framing = 'line'\nconnection = { kind = 'pooled', min = 9 }",
            "line 2, column 39: connection.min is 9, expected up to 8, which is connection.max",
        ),
        (
            "framing = 'line'\nconnection = { kind = 'pooled', max-idle = 0 }",
            "line 2, column 44: connection.max-idle is 0, expected 1 or more, which is connection.min",
        ),
        (
            "framing = 'line'\nconnection = { kind = 'pooled', wait = 'never' }",
            "line 2, column 41: connection.wait: expected a time, such as `5s`, or `none`, found `never`",
        ),
        (
            "framing = 'line'\nconnection = 'pooled'\nexchange = 'duplex'",
            "line 2, column 14: connection does not go with exchange: a pooled connection carries one exchange at a time, which is sync; for many requests in flight, use shared",
        ),
        (
            "framing = 'line'\nconnection = 'pooled'\nexchange = 'receive-only'",
            "line 2, column 14: connection does not go with exchange: a pooled connection carries one exchange of one \
             caller at a time; use sync, or a long connection",
        ),
        (
            "framing = 'line'\nreconnect.policy = 'random'",
            "line 2, column 21: reconnect.policy: expected one of primary-backup, round-robin, least-in-flight, sticky, found \
             `random`",
        ),
        (
            "framing = 'line'\nreconnect = { first = '5s', cap = '1s' }",
            "line 2, column 35: reconnect.cap is 1s, expected 5s or more, which is reconnect.first",
        ),
        (
            "framing = 'line'\nreconnect.eject-after = 0",
            "line 2, column 25: reconnect.eject-after: expected 1 to 1000 failures, found `0`",
        ),
        (
            "framing = 'line'\nsign-on = 'hex:313'",
            "line 2, column 19: sign-on: expected a second hex digit, found the end",
        ),
        (
            "framing = 'line'\nsign-on = '0800'",
            "line 2, column 12: sign-on: expected text:... or hex:..., such as `text:0800` or `hex:30383030`, found `0800`",
        ),
        (
            "framing = 'line'\nsign-on = { send = 'text:0800{number}' }",
            "line 2, column 37: sign-on.send: expected `:` and 1 to 64 bytes after `number`",
        ),
        (
            "framing = 'line'\nsign-on = { send = 'text:0800', expect = '0:4=text:081' }",
            "line 2, column 52: sign-on.expect: expected 4 bytes, as the place has, found 3 bytes",
        ),
        (
            "framing = 'line'\nsign-on = { send = 'text:0800', refused = 'stop' }",
            "line 2, column 43: sign-on.refused does not go with sign-on.expect: it is about the reply, and no reply is expected; ",
        ),
        (
            "framing = 'line'\nsign-on = 'text:0800{request:4:6}'",
            "line 2, column 11: sign-on.send does not go with request: its template has {request}, and there is no message that it \
             answers, such as a greeting or a first step",
        ),
        ("framing = 'line'\ngreeting = 'INFO'", "line 2, column 13: greeting: expected "),
        (
            "framing = 'line'\ngreeting = '0:4=request'",
            "line 2, column 12: greeting.expect does not go with greeting: it has `request`, and the greeting answers nothing",
        ),
        (
            "framing = 'line'\nsign-on = 'text:0800'\n[[meanwhile]]\nwhen = 'len=4'\nsay = 'text:0810'",
            "meanwhile does not go with sign-on.expect: no greeting and no reply to a sign-on is awaited",
        ),
        (
            "framing = 'line'\nsign-on = { send = 'text:0800', expect = 'any' }\n[[meanwhile]]\nwhen = 'len=4'\nsay = 'text:0810'\n\
             [[meanwhile]]\nwhen = 'len=4'\nsay = '0810'",
            "line 8, column 8: meanwhile.2.say: expected text:... or hex:..., ",
        ),
        (
            "framing = 'line'\n[[first]]\nsend = 'text:HI'\n[[first]]\nexpect = '0:1=text:N'",
            "line 5, column 10: first.2.expect does not go with first.2.bytes: the profile does not say where the message ends; ",
        ),
        (
            "framing = 'line'\n[[first]]\nsend = 'text:HI'\nbytes = 3",
            "line 4, column 9: first.1.bytes does not go with first.1.send: the message has 2 bytes, and the step 3",
        ),
        (
            "framing = 'line'\n[[first]]\nexpect = 'any'\nframing = 'until-close'",
            "line 4, column 11: first.1.framing does not go with first.1.expect: its messages do not end by their own bytes, ",
        ),
        (
            "framing = 'line'\n[[first]]\nbytes = 3",
            "first does not go with first.1.send: a step has `send` or `expect`, and none is given",
        ),
        (
            "framing = 'line'\nexchange = 'simplex'\n[[first]]\nsend = 'text:HI'",
            "line 4, column 8: first.1.send does not go with exchange: a pair of connections is joined before any message is sent",
        ),
        (
            "framing = 'line'\nsign-on = { expect = 'any' }",
            "line 2, column 1: sign-on does not go with sign-on.send: a message is required, and none is given",
        ),
        (
            "framing = 'line'\nsign-on = 'hex:310a'",
            "line 2, column 11: sign-on does not go with framing: it cannot be framed: ",
        ),
        (
            "framing = 'line'\nexchange = 'receive-only'\nsign-off = 'text:1'",
            "line 3, column 12: sign-off does not go with exchange: it is a message, and a receive-only exchange sends none",
        ),
        (
            "framing = 'line'\nexchange = 'send-only'\nsign-on = { send = 'text:1', expect = 'any' }",
            "line 3, column 1: sign-on does not go with exchange: a send-only exchange receives no reply to it",
        ),
        (
            "template = 'short-until-close'\nsign-on = 'text:1'",
            "line 2, column 11: sign-on does not go with framing: an `until-close` message ends with the connection, so nothing \
             could follow it",
        ),
        (
            "framing = 'line'\naccess.allow = ['10.0.0.1/8']",
            "access.allow: expected the first address of the network, `10.0.0.0/8`, or one address, found `10.0.0.1/8`",
        ),
        ("framing = 'line'\naccess.deny = ['10.0.0.0/33']", "access.deny: "),
        (
            "framing = 'line'\naccess.deny = '10.0.0.0/8'",
            "line 2, column 15: invalid type: string \"10.0.0.0/8\", expected ",
        ),
        (
            "framing = 'line'\naccess.deny = [7]",
            "line 2, column 16: invalid type: integer `7`, expected a network in quotes, such as \"10.0.0.0/8\"",
        ),
        (
            "framing = 'line'\nlimits.when-full = 'wait'",
            "line 2, column 21: limits.when-full: expected one of refuse-newest, drop-oldest, found `wait`",
        ),
        (
            "framing = 'net:4'\nlimits.memory = '2MiB'",
            "line 2, column 17: limits.memory is 2MiB, expected 2228224 bytes or more: the longest message each way, and 128KiB to \
             read and write them with",
        ),
        (
            "framing = 'net:4'\nlimits.memory-per-client = '1MiB'",
            "line 2, column 28: limits.memory-per-client is 1MiB, expected 2228224 bytes or more: the longest message each way, ",
        ),
        (
            "framing = 'net:4'\nlimits = { memory = '8MiB', memory-per-client = '9MiB' }",
            "line 2, column 49: limits.memory-per-client is 9MiB, expected up to 8MiB, which is limits.memory",
        ),
        (
            "framing = 'line'\nlimits.empty-messages = 0",
            "line 2, column 25: limits.empty-messages: expected 1 to 1048576 messages a second, found `0`",
        ),
        (
            "framing = 'line'\ntimeouts.idle = '1441m'",
            "line 2, column 17: timeouts.idle is 1441m, expected whole milliseconds from 1ms to 1d",
        ),
        (
            "framing = 'line'\ntimeouts.lifetime = '43201m'",
            "line 2, column 21: timeouts.lifetime is 43201m, expected whole milliseconds from 1ms to 30d",
        ),
    ] {
        let error = Profile::from_toml(toml).expect_err(toml).to_string();
        assert!(error.contains(told), "{toml}\n{error}\nis not\n{told}");
    }
}

#[test]
fn policies_are_explained_in_words() {
    let explained = pooled().explain().to_string();
    for line in [
        "connection   pooled: 0 to 4 that stay open, each used for one exchange at a time; a caller waits not at all; each is \
         closed after its exchange and another one opened",
        "sign-on      once connected, a client sends a message like text:0800 and waits for a reply with 0:4=text:0810",
        "sign-off     before closing, a client sends a message like text:0800",
        "reconnecting within 1s of the first failure, then within twice that, and so on up to 30s, at random",
        "of several   one address after the other; an address is skipped for a while after 5 failures in a row",
    ] {
        assert!(explained.lines().any(|said| said == line), "{line}\nis not in\n{explained}");
    }
    let explained = guarded().explain().to_string();
    for line in [
        "queue        up to 64KiB in 10 messages wait to be written, then the sender waits",
        "as a server  holds up to 1000 connections, 3 of one client, and closes the oldest for another",
        "as a server  closes a connection without messages for 5m, and any connection after 30d",
        "as a server  holds up to 64MiB for all connections, 1MiB for one client; beyond that, the client that holds most is closed",
        "as a server  answers empty messages like any other: limits.empty-messages is for empty heartbeats",
        "as a server  admits only 10.0.0.0/8, 2001:db8::/32",
        "as a server  admits not 10.6.6.6/32",
    ] {
        assert!(explained.lines().any(|said| said == line), "{line}\nis not in\n{explained}");
    }
}

#[test]
fn a_client_may_send_the_longest_message_with_the_least_memory() {
    for memory in [2_228_224, 3 * 1024 * 1024, 8 * 1024 * 1024] {
        let profile = of("net:4").memory(memory).build().unwrap();
        let share = profile.limits().memory_per_client;
        assert!((2_228_224..=memory).contains(&share), "{share} of {memory}");
    }
    assert!(of("net:4").memory(2_228_223).build().is_err());
}

#[test]
fn networks_are_read_and_shown_in_one_form() {
    for (said, shown) in [
        ("10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("::/0", "::/0"),
        ("2001:DB8::/32", "2001:db8::/32"),
        ("::1", "::1/128"),
        ("::ffff:10.0.0.0/104", "10.0.0.0/8"),
        ("::ffff:10.1.2.3", "10.1.2.3/32"),
    ] {
        let network: Network = said.parse().unwrap();
        assert_eq!(network.to_string(), shown);
        assert_eq!(shown.parse::<Network>().unwrap(), network);
    }
    for (wrong, told) in [
        ("", "expected an IP address, or a network such as `10.0.0.0/8`"),
        ("10.0.0.0/", "column 10"),
        ("10.0.0.0/33", "0 to 32 bits"),
        ("::/129", "0 to 128 bits"),
        ("10.0.0.1/8", "`10.0.0.0/8`"),
        ("2001:db8::1/64", "`2001:db8::/64`"),
        ("localhost", "an IP address"),
        ("10.0.0/8", "an IP address"),
    ] {
        let error = wrong.parse::<Network>().expect_err(wrong).to_string();
        assert!(error.contains(told), "{wrong}: {error}");
    }
}

#[test]
fn a_client_matches_its_network_in_either_address_form() {
    let access = guarded().access().clone();
    let everybody = Access::default();
    let but_one = Access { allow: Vec::new(), deny: vec!["192.0.2.0/24".parse().unwrap()] };
    for (client, [guarded, all, but_one_net]) in [
        ("10.1.2.3", [true, true, true]),
        ("::ffff:10.1.2.3", [true, true, true]),
        ("10.6.6.6", [false, true, true]),
        ("::ffff:10.6.6.6", [false, true, true]),
        ("192.0.2.7", [false, true, false]),
        ("::ffff:192.0.2.7", [false, true, false]),
        ("2001:db8:7::1", [true, true, true]),
        ("::1", [false, true, true]),
    ] {
        let client: IpAddr = client.parse().unwrap();
        let found = [access.admits(client), everybody.admits(client), but_one.admits(client)];
        assert_eq!(found, [guarded, all, but_one_net], "{client}");
    }
    let client = |address: &str| Network::of_client(address.parse().unwrap());
    assert_eq!(client("192.0.2.7"), client("::ffff:192.0.2.7"));
    assert_eq!(client("2001:db8:1:2::1"), client("2001:db8:1:2:ffff::9"));
    assert_ne!(client("2001:db8:1:2::1"), client("2001:db8:1:3::1"));
    assert_ne!(client("192.0.2.7"), client("192.0.2.8"));
}

#[test]
fn the_number_of_networks_is_limited() {
    let deny: Vec<Network> = (0..=10_000_u32).map(|i| Network::of_client(IpAddr::V4(i.into()))).collect();
    let error = of("line").access(Access { allow: Vec::new(), deny }).build().unwrap_err();
    assert!(matches!(&error, ProfileError::OutOfBounds { key: "access.deny", .. }), "{error}");
    assert_eq!(error.to_string(), "access.deny is 10001 networks, expected up to 10000");
}
