//! Dialogues in other framings: PostgreSQL, and the devices of Teltonika.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpStream};

use crate::party::{ALL, Client, EVERY_SERVING, Echo, profile};
use crate::peer::{DEADLINE, Does, Peer, takes};

/// SSLRequest, its answer of one byte, and the StartupMessage, which has no type. Then messages with a type.
const POSTGRES: &str = r#"
    framing = "net:4,at=1,counts=self,keep"

    [[first]]
    send = "hex:0000000804d2162f"

    [[first]]
    expect = "0:1=text:N"
    say = "text:N"
    bytes = 1

    [[first]]
    send = 'text:\x00\x03\x00\x00user\x00joe\x00\x00'
    framing = "net:4,counts=self"
"#;

/// The IMEI behind two bytes of length, and one byte that accepts it. Then records behind four bytes of length.
const TELTONIKA: &str = r#"
    framing = "net:4"

    [[first]]
    send = "text:356307042441013"
    framing = "net:2"

    [[first]]
    expect = "0:1=hex:01"
    say = "hex:01"
    bytes = 1
"#;

const SSL_REQUEST: &[u8] = b"\0\0\0\x08\x04\xd2\x16\x2f";
const STARTUP: &[u8] = b"\0\0\0\x12\0\x03\0\0user\0joe\0\0";
const QUERY: &[u8] = b"Q\0\0\0\x06;\0";

#[test]
fn a_client_speaks_the_dialogue_whatever_the_pieces() {
    for driver in ALL {
        let script = vec![
            Does::Takes(SSL_REQUEST),
            Does::Says(b"N"),
            Does::Takes(STARTUP),
            Does::Takes(QUERY),
            Does::Says(b"Z\0\0\0\x05I"),
        ];
        let peer = Peer::with(vec![script]);
        let mut client = Client::new(driver, &profile(POSTGRES), peer.name());
        assert_eq!(&client.call(QUERY).unwrap()[..], b"Z\0\0\0\x05I", "{driver:?}");
        drop(client);
        peer.finish();

        let script = vec![
            Does::Takes(b"\0\x0f356307042441013"),
            Does::Says(b"\x01"),
            Does::Takes(b"\0\0\0\x02ok"),
            Does::Says(b"\0\0\0\x01\x05"),
        ];
        let peer = Peer::with(vec![script]);
        let mut client = Client::new(driver, &profile(TELTONIKA), peer.name());
        assert_eq!(&client.call(b"ok").unwrap()[..], b"\x05", "{driver:?}");
        drop(client);
        peer.finish();
    }
}

#[test]
fn another_answer_or_an_end_is_an_error_that_names_the_step() {
    for driver in ALL {
        for (answer, told) in [
            (
                Does::Says(b"S"),
                "the message of first step 2 is not the expected one: in its 1 byte, expected 0:1=text:N, found text:S",
            ),
            (Does::Closes, "the peer closed the connection before the message of first step 2"),
        ] {
            let peer = Peer::with(vec![vec![Does::Takes(SSL_REQUEST), answer]]);
            let mut client = Client::new(driver, &profile(POSTGRES), peer.name());
            let error = client.call(QUERY).unwrap_err().to_string();
            assert!(error.contains(told), "{driver:?}: {error}");
            drop(client);
            peer.finish();
        }
    }
}

/// The same profile, on the other side. The client's bytes are cut everywhere.
#[test]
fn a_server_answers_the_dialogue_whatever_the_pieces() {
    for serving in EVERY_SERVING {
        for cut in 0..SSL_REQUEST.len() + STARTUP.len() {
            // Every cut with the quickest server, and a few with the others.
            if cut % 9 != 0 && !matches!(serving, crate::party::Serving::InTurn(crate::party::Driver::Blocking)) {
                continue;
            }
            let server = Echo::start(serving, &profile(POSTGRES));
            let mut client = TcpStream::connect(server.address).unwrap();
            client.set_nodelay(true).unwrap();
            client.set_read_timeout(Some(DEADLINE)).unwrap();
            let (start, rest) = SSL_REQUEST.split_at(cut.min(SSL_REQUEST.len()));
            client.write_all(start).unwrap();
            client.write_all(rest).unwrap();
            takes(&mut client, b"N", 0);
            let (start, rest) = STARTUP.split_at(cut.saturating_sub(SSL_REQUEST.len()));
            client.write_all(start).unwrap();
            client.write_all(&[rest, QUERY].concat()).unwrap();
            takes(&mut client, QUERY, 1);
            client.shutdown(Shutdown::Write).unwrap();
            client.read_to_end(&mut Vec::new()).unwrap();
            assert_eq!(server.finish(), Ok(1), "{serving:?} {cut}");
        }
    }
}

#[test]
fn a_server_refuses_another_dialogue() {
    for serving in EVERY_SERVING {
        let server = Echo::start(serving, &profile(POSTGRES));
        let mut client = TcpStream::connect(server.address).unwrap();
        client.write_all(b"GET / HTTP/1.1\r\n").unwrap();
        let error = server.finish().unwrap_err();
        let told = "the message of first step 1 is not the expected one: in its 8 bytes, expected 0:8=hex:0000000804d2162f, found text:GET / H";
        assert!(
            error.contains("first step 1 is not the expected one") && error.contains("GET / H"),
            "{serving:?}: {error}, not {told}"
        );
        let mut rest = Vec::new();
        let _ = client.read_to_end(&mut rest);
        assert!(rest.is_empty(), "{serving:?}");
    }
}

/// Our client and our server have the same profile, with a greeting too.
#[test]
fn both_sides_use_one_profile() {
    let greeting = "greeting = { expect = '0:4=text:INFO', send = 'text:INFO{number:4}' }\n";
    for toml in [
        POSTGRES.to_owned(),
        TELTONIKA.to_owned(),
        format!("{greeting}{TELTONIKA}"),
        format!("framing = 'net:1'\n{greeting}"),
    ] {
        for serving in EVERY_SERVING {
            let profile = profile(&toml);
            let server = Echo::start(serving, &profile);
            let driver = ALL[server.address.port() as usize % 3];
            let mut client = Client::new(driver, &profile, server.address.to_string());
            assert_eq!(&client.call(QUERY).unwrap()[..], QUERY, "{serving:?} {driver:?}\n{toml}");
            client.close();
            assert_eq!(server.finish(), Ok(1), "{serving:?} {driver:?}\n{toml}");
        }
    }
}
