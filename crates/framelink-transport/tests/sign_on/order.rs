//! The order: preamble, first steps, greeting, sign-on, then heartbeats and messages.

use crate::party::{ALL, Client, profile, receives};
use crate::peer::{Does, Peer};

/// The second connection goes on with the numbers, and the sign-off has the next one.
#[test]
fn a_connection_opens_in_order_and_its_numbers_go_on() {
    let toml = r#"
        framing = "ascii:4"
        preamble = { send = "3e", expect = "3c" }
        greeting = "0:4=text:INFO"
        sign-off = "text:0820{number:3}"

        [sign-on]
        send = "text:0800{number:3}{request:4:2}{utc:%H%M}"
        expect = "0:4=text:0810,4:3=request,7:2=text:00"

        [[first]]
        send = "text:HELLO"

        [[first]]
        expect = "0:2=text:OK"
        bytes = 2

        [liveness]
        heartbeat = "literal:50..51,interval=60s"
    "#;
    for driver in ALL {
        let opens = |sign_on: &'static [u8], reply: &'static [u8]| {
            [
                Does::Takes(b">"),
                Does::Says(b"<"),
                Does::Takes(b"HELLO"),
                Does::Says(b"OK"),
                Does::Says(b"0006INFOx7"),
                Does::Takes(sign_on),
                Does::Says(reply),
            ]
        };
        let mut first = opens(b"00130800001x7\xee\xee\xee\xee", b"0009081000100").to_vec();
        first.extend([Does::Takes(b"00040200"), Does::Says(b"00040210"), Does::Closes]);
        let mut second = opens(b"00130800002x7\xee\xee\xee\xee", b"0009081000200").to_vec();
        second.extend([Does::Takes(b"00040201"), Does::Says(b"00040211"), Does::Takes(b"00070820003")]);
        let peer = Peer::with(vec![first, second]);
        let mut client = Client::new(driver, &profile(toml), peer.name());
        assert_eq!(&client.call(b"0200").unwrap()[..], b"0210", "{driver:?}");
        peer.has_closed(1);
        assert_eq!(&client.call(b"0201").unwrap()[..], b"0211", "{driver:?}");
        client.close();
        peer.finish();
    }
}

/// A connector signs on too, and what arrives with the reply is the first message.
#[test]
fn a_message_behind_the_reply_is_the_first_message() {
    let toml = "framing = 'net:1'\nexchange = 'duplex'\nsign-on = { send = 'text:S', expect = '0:1=text:A' }";
    for driver in ALL {
        let peer = Peer::with(vec![vec![Does::Takes(b"\x01S"), Does::SaysAtOnce(b"\x01A\x02hi\x02yo")]]);
        let (received, unread) = receives(driver, &profile(toml), &peer.name(), 2);
        assert_eq!(received.unwrap(), [b"hi", b"yo"], "{driver:?}");
        assert!(unread.is_empty(), "{driver:?}");
        peer.finish();
    }
}

/// A sign-on without a reply is written before the connection is used, and is not waited for otherwise.
#[test]
fn a_sign_on_without_a_reply_is_sent_first() {
    let toml = "framing = 'net:1'\nsign-on = 'hex:53{number:1,binary}'";
    for driver in ALL {
        let peer = Peer::with(vec![vec![Does::Takes(b"\x02S\x01\x01x"), Does::Says(b"\x01y")]]);
        let mut client = Client::new(driver, &profile(toml), peer.name());
        assert_eq!(&client.call(b"x").unwrap()[..], b"y", "{driver:?}");
        client.close();
        peer.finish();
    }
}

#[test]
fn a_greeting_that_is_another_message_is_an_error() {
    let toml = "framing = 'line,lf'\ngreeting = '0:4=text:220 '";
    for driver in ALL {
        let peer = Peer::with(vec![vec![Does::Says(b"554 no service\n")]]);
        let mut client = Client::new(driver, &profile(toml), peer.name());
        let error = client.call(b"x").unwrap_err().to_string();
        let told = "the greeting is not the expected one: in its 14 bytes, expected 0:4=text:220 , found text:554 ";
        assert!(error.contains(told), "{driver:?}: {error}");
        drop(client);
        peer.finish();
    }
}
