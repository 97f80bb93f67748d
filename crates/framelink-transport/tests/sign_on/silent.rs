//! A host that does not reply to the sign-on: the error says what came instead.

use crate::party::{ALL, profile, receives};
use crate::peer::{Does, Peer};

#[test]
fn the_error_counts_the_other_messages() {
    let key = "exchange = { kind = 'duplex', key = '4:2', reply = '2:1=odd' }";
    for (more, script, told) in [
        ("", vec![], "nothing came within 150ms: the reply to the sign-on is awaited"),
        (key, vec![], "nothing came within 150ms: the reply to the sign-on is awaited"),
        (
            key,
            vec![Does::SaysAtOnce(b"0006080001"), Does::SaysAtOnce(b"0006082002")],
            "not finished within 150ms: 2 other messages came, kept for the application, but not the reply to the sign-on",
        ),
        (
            key,
            vec![Does::SaysAtOnce(b"0006080001"), Does::Closes],
            "the peer closed the connection instead of replying; 1 other message had come",
        ),
    ] {
        let toml = format!(
            "framing = 'ascii:4'\n{more}\ntimeouts.connect = '150ms'\n\
             sign-on = {{ send = 'text:0800', expect = '0:4=text:0810' }}"
        );
        for driver in ALL {
            let script = [vec![Does::Takes(b"00040800")], script.clone()].concat();
            let peer = Peer::with(vec![script]);
            let error = receives(driver, &profile(&toml), &peer.name(), 1).0.unwrap_err().to_string();
            let error = within_the_limit(&error);
            assert!(error.ends_with(told), "{driver:?}: {error}, not {told}");
            peer.finish();
        }
    }
}

/// The time of the sign-on is what connecting has left of the limit.
fn within_the_limit(error: &str) -> String {
    let Some((before, after)) = error.split_once("within ") else { return error.to_owned() };
    let (_, after) = after.split_once("ms").unwrap();
    format!("{before}within 150ms{after}")
}
