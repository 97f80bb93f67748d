//! The liveness of a profile: bounds, cautions and refusals.
#![allow(clippy::unwrap_used, reason = "a test")]
#![cfg(feature = "toml")]

use std::time::Duration;

use framelink_heartbeat::Heartbeat;
use framelink_profile::{Duplex, ExchangeKind, Framing, Keepalive, Profile, ProfileBuilder, Short, Side};

fn profile(framing: &str) -> ProfileBuilder {
    Profile::builder(framing.parse::<Framing>().unwrap())
}

fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

#[test]
fn bounds_of_known_keepalive_settings() {
    for (keepalive, bound) in [
        ("60s/10s/6".parse().unwrap(), 60 + 10 * 6),
        (Keepalive::LINUX, 7200 + 75 * 9),
        (Keepalive::BSD, 7200 + 75 * 10),
        ("1s/1s/1".parse().unwrap(), 2),
    ] {
        assert_eq!(keepalive.detection_bound(), Some(seconds(bound)), "{keepalive}");
    }
    let partly: Keepalive = "60s/-/-".parse().unwrap();
    assert_eq!((partly.detection_bound(), partly.user_timeout()), (None, None));
    assert_eq!(partly.or(Keepalive::LINUX).detection_bound(), Some(seconds(60 + 75 * 9)));
}

#[test]
fn notations_of_keepalive() {
    for text in ["1m/10s/6", "30s/-/-/-", "-/-/-", "1m/10s/6/500ms", "-/-/3/-"] {
        assert_eq!(text.parse::<Keepalive>().unwrap().to_string(), text);
    }
    for (text, error) in [
        ("", "column 1: expected IDLE/INTERVAL/PROBES, such as `60s/10s/6`, found ``"),
        ("60s/10s", "column 1: expected IDLE/INTERVAL/PROBES, such as `60s/10s/6`, found `60s/10s`"),
        ("60s/10s/6/1s/1s", "column 1: expected IDLE/INTERVAL/PROBES, such as `60s/10s/6`, found `60s/10s/6/1s/1s`"),
        ("60/10s/6", "column 1: expected a number above 0 with `ms`, `s`, `m`, `h` or `d`, found `60`"),
        ("60s/1ms/6", "column 5: expected whole seconds, 1s to 32767s, found `1ms`"),
        ("60s/10s/0", "column 9: expected 1 to 127 probes, found `0`"),
        ("60s/10s/128", "column 9: expected 1 to 127 probes, found `128`"),
        ("32768s/10s/6", "column 1: expected whole seconds, 1s to 32767s, found `32768s`"),
    ] {
        assert_eq!(text.parse::<Keepalive>().unwrap_err().to_string(), error);
    }
}

#[test]
fn a_profile_returns_its_detection_bound() {
    for (heartbeat, keepalive, client, server) in [
        (None, None, None, None),
        (Some("empty"), None, Some(40), Some(40)),
        (Some("literal:3f..21,interval=6s,timeout=3s"), None, Some(9), Some(9)),
        (Some("literal:3f..21,tries=3"), None, Some(60), Some(60)),
        (Some("literal:3f..21,by=both"), None, Some(40), Some(45)),
        (Some("empty,by=client"), None, None, Some(40)),
        (Some("empty,by=client"), Some("60s/10s/6"), Some(120), Some(40)),
        (None, Some("60s/10s/6"), Some(120), Some(120)),
    ] {
        let mut builder = profile("ascii:4");
        if let Some(heartbeat) = heartbeat {
            builder = builder.heartbeat(heartbeat.parse().unwrap());
        }
        if let Some(keepalive) = keepalive {
            builder = builder.keepalive(keepalive.parse().unwrap());
        }
        let profile = builder.build().unwrap();
        assert_eq!(profile.detection_bound(Side::Client), client.map(seconds), "{heartbeat:?} {keepalive:?}");
        assert_eq!(profile.detection_bound(Side::Server), server.map(seconds));
    }
}

#[test]
fn heartbeats_that_look_like_messages_are_refused() {
    let heartbeat = |text: &str| text.parse::<Heartbeat>().unwrap();
    let refused = |builder: ProfileBuilder| builder.build().unwrap_err().to_string();
    for (error, expected) in [
        (
            refused(profile("ascii:4").connection(Short::new()).heartbeat(heartbeat("empty"))),
            "liveness.heartbeat does not go with connection: a short connection has one exchange and ends, so there is nothing \
             to keep alive; use a long one",
        ),
        (
            refused(profile("fixed:8").heartbeat(heartbeat("empty"))),
            "liveness.heartbeat does not go with framing: a frame cannot be empty with fixed:8: payload is 0 bytes, every \
             message is 8",
        ),
        (
            refused(profile("quiet:50ms").heartbeat(heartbeat("literal:50494e47"))),
            "liveness.heartbeat does not go with framing: only silence ends a message, so nothing separates a heartbeat from the message",
        ),
        (
            refused(profile("each-read").heartbeat(heartbeat("literal:50494e47"))),
            "liveness.heartbeat does not go with framing: only the end of a read ends a message, so nothing separates a heartbeat from the message",
        ),
        (
            refused(profile("delim:03").heartbeat(heartbeat("literal:500347"))),
            "liveness.heartbeat does not go with framing: it cannot be sent with delim:03: payload holds its delimiter at \
             offset 1",
        ),
        (
            refused(profile("net:2").exchange(ExchangeKind::SendOnly).heartbeat(heartbeat("numbered"))),
            "liveness.heartbeat does not go with exchange: a send-only exchange receives no answers; use a heartbeat that \
             is not answered",
        ),
        (
            refused(profile("net:2").idle_limit(Duration::ZERO)),
            "liveness.idle-limit is 0ms, expected whole milliseconds from 1ms to 1d",
        ),
    ] {
        assert_eq!(error, expected);
    }
    assert!(profile("net:2").exchange(ExchangeKind::SendOnly).heartbeat(heartbeat("empty")).build().is_ok());
    assert!(profile("smpp").exchange(Duplex::new()).heartbeat(heartbeat("smpp")).build().is_ok());
}

#[test]
fn a_profile_warns_of_times_that_work_against_each_other() {
    let cautions = |toml: &str| -> Vec<String> {
        let profile = Profile::from_toml(&format!("framing = \"net:2\"\n[liveness]\n{toml}")).unwrap();
        let explanation = profile.explain();
        explanation.lines().filter(|(label, _)| *label == "careful").map(|(_, text)| text.to_owned()).collect()
    };
    assert_eq!(cautions("heartbeat = \"empty\""), [""; 0]);
    assert_eq!(cautions("keepalive = \"60s/10s/6\""), [""; 0]);
    assert_eq!(cautions("heartbeat = \"empty\"\n[timeouts]\nidle = \"12h\"\nfirst-request = \"12h\""), [""; 0]);
    assert_eq!(cautions("heartbeat = \"empty\"\nkeepalive = \"60s/10s/6\"\nidle-limit = \"5m\""), [""; 0]);
    for (toml, expected) in [
        (
            "",
            "nothing detects that an idle peer is gone; set liveness.keepalive = \"60s/10s/6\", or a liveness.heartbeat if the \
             peer knows one",
        ),
        (
            "keepalive = \"7200s/75s/9\"",
            "with the system's own times, a dead peer is detected after 7875s; set liveness.keepalive = \"60s/10s/6\"",
        ),
        (
            "heartbeat = \"empty\"\nkeepalive = \"30s/2s/2\"",
            "the system gives up a silent peer after 34s, and heartbeats only after 40s; raise the times of \
             liveness.keepalive, or lower those of liveness.heartbeat",
        ),
        (
            "heartbeat = \"empty\"\nkeepalive = \"10s/10s/6\"",
            "keepalive probes every 10s and heartbeats every 30s, so both are sent: heartbeats detect more, and keepalive can use a longer time",
        ),
        (
            "heartbeat = \"empty,interval=10m\"\nidle-limit = \"5m\"",
            "connections that are idle for 5m are dropped on the way, and nothing is sent before 10m; set that time to 200s or less",
        ),
        (
            "heartbeat = \"empty,interval=2m\"",
            "as a server, a client that sends no message is closed after 1m, and heartbeats come every 2m: raise \
             timeouts.first-message, or shorten the interval of liveness.heartbeat",
        ),
        (
            "heartbeat = \"empty\"\n[timeouts]\nidle = \"12h\"",
            "as a server, a client that sends only heartbeats is closed after 1m; set timeouts.first-request = \"12h\" if clients \
             may have no other message for longer",
        ),
        (
            "heartbeat = \"empty\"\n[exchange]\nkind = \"duplex\"\nkey = \"0:4\"",
            "as a server, a client that sends only heartbeats is closed after 1m; set timeouts.first-request = \"1h\" if clients \
             may have no other message for longer",
        ),
        (
            "keepalive = \"60s/10s/6\"\nidle-limit = \"5m\"",
            "keepalive keeps a connection through firewalls and NAT, and not through a proxy, which answers it itself and passes \
             nothing on: if a proxy drops connections that are idle for 5m, set a liveness.heartbeat with a shorter interval",
        ),
        (
            "idle-limit = \"5m\"",
            "connections that are idle for 5m are dropped on the way, and nothing is sent to prevent that; set a liveness.keepalive or \
             liveness.heartbeat with a shorter time",
        ),
    ] {
        assert!(cautions(toml).contains(&expected.to_owned()), "{toml}: {:#?}", cautions(toml));
    }
}

#[test]
fn a_profile_in_words() {
    let toml = "framing = \"ascii:4\"\n[liveness]\nheartbeat = \"empty,interval=30s,timeout=10s\"\nkeepalive = \"60s/10s/6\"\n";
    let profile = Profile::from_toml(toml).unwrap();
    let text = profile.explain().to_string();
    for line in [
        "heartbeat    each side sends an empty frame after 30s without traffic; it is not answered, and another 10s of silence ends the connection",
        "as a client  notices within 40s that the other side is gone",
        "as a server  notices within 40s that the other side is gone",
        "keepalive    the system probes after 1m without traffic, every 10s, 6 times: a peer whose system is gone is noticed within \
         2m; what is sent and not acknowledged ends the connection after 2m",
    ] {
        assert!(text.lines().any(|said| said == line), "{line}\nin\n{text}");
    }
    assert_eq!(Profile::from_toml(&profile.to_toml()).unwrap(), profile);
    assert!(
        profile.to_toml().contains("[liveness]\nheartbeat = \"empty\"\nkeepalive = \"1m/10s/6\"\n"),
        "{}",
        profile.to_toml()
    );
}

#[test]
fn the_explanation_says_how_a_server_treats_heartbeats() {
    let profile = |toml: &str| Profile::from_toml(&format!("framing = \"net:2\"\n{toml}")).unwrap();
    let said = |toml: &str, line: &str| profile(toml).explain().lines().any(|said| said == ("as a server", line));
    let quiet = "a client that sends only heartbeats has 1h to begin its first message";
    let empty = "takes up to 100 empty heartbeats a second";
    let raised = "timeouts.first-request = \"1h\"\n";
    assert!(said(&format!("{raised}liveness.heartbeat = \"empty\""), quiet));
    assert!(!said(raised, quiet), "there are none");
    assert!(said("liveness.heartbeat = \"empty\"", empty));
    assert!(!said("liveness.heartbeat = \"literal:3f..21\"", empty), "an empty frame is a message there");
}

#[test]
fn errors_of_a_file_have_their_place() {
    for (line, error) in [
        (
            "heartbeat = \"emty\"",
            "line 3, column 14: liveness.heartbeat: expected one of empty, literal, numbered, pattern, or a preset, found `emty`; did you mean `empty`?",
        ),
        (
            "heartbeat = \"empty,interval=0s\"",
            "line 3, column 29: liveness.heartbeat: expected a number above 0 with `ms`, `s`, `m`, `h` or `d`, found `0s`",
        ),
        (
            "keepalive = \"60s\"",
            "line 3, column 14: liveness.keepalive: expected IDLE/INTERVAL/PROBES, such as `60s/10s/6`, found `60s`",
        ),
        (
            "heartbeet = \"empty\"",
            "line 3, column 1: unknown field `heartbeet`, expected one of `heartbeat`, `keepalive`, `idle-limit`",
        ),
    ] {
        let said = Profile::from_toml(&format!("framing = \"net:2\"\n[liveness]\n{line}")).unwrap_err();
        assert_eq!(said.to_string(), error);
    }
}
