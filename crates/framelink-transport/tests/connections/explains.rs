//! What errors say: what was being done, with which peer, what was received and what was allowed, and whose fault it
//! is.

use std::time::Duration;

use framelink_transport::session::Sent;
use framelink_transport::tokio::{Blame, Connection, Connector, Listener, Operation};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::support::streams::{framing, piped};

const SECOND: Duration = Duration::from_secs(1);
const TLS_HELLO: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
const GET: &[u8] = b"GET / HTTP/1.1\r\nHost: example\r\n\r\n";

/// The framing, the bytes that are received, and the error text after the name of the sender.
#[rustfmt::skip] // one line a case
const RECEIVED: &[(&str, &[u8], &str)] = &[
    ("net:4", GET, "header announces 1195725856 payload bytes, limit is 1048576; the bytes begin like an HTTP request (is the peer an HTTP client?)"),
    ("ascii:4", GET, "header byte 0 is 0x47, expected an ASCII digit; the bytes begin like an HTTP request (is the peer an HTTP client?)"),
    ("net:4", TLS_HELLO, "header announces 369295618 payload bytes, limit is 1048576; the bytes begin like a TLS handshake (does the peer expect TLS?)"),
    ("ascii:4", TLS_HELLO, "header byte 0 is 0x16, expected an ASCII digit; the bytes begin like a TLS handshake (does the peer expect TLS?)"),
    ("net:4", b"0005hello", "header announces 808464437 payload bytes, limit is 1048576; the length field is the ASCII digits \"0005\""),
    ("mllp", b"MSH|^~\\&|", "start byte at offset 0 is 0x4d, expected 0x0b"),
    ("bcd:2", b"\x00\xa2", "header byte 1 is 0xa2, expected two decimal digits, one in each half; read as net:2 the length field says 162, and 162 bytes of that frame are missing"),
    ("ascii:4,max=2KiB", b"9999", "header announces 9999 payload bytes, limit is 2048"),
    ("line,max=5", b"too long\r\n", "no delimiter within 5 payload bytes, which is the limit"),
    // In these cases the stream ends.
    ("net:2", b"\0\x07hello", "stream ended inside a frame: 7 bytes came, at least 2 more were owed; the frame is complete if the number counts 2 header bytes too"),
    ("net:2", b"\0\x07hell", "stream ended inside a frame: 6 bytes came, at least 3 more were owed"),
    ("net:2", GET, "stream ended inside a frame: 33 bytes came, at least 18214 more were owed; the bytes begin like an HTTP request (is the peer an HTTP client?)"),
    ("net:2", b"\x05\0hello", "stream ended inside a frame: 7 bytes came, at least 1275 more were owed; in the other byte order the length field says 5, which fits"),
    ("mllp", b"\x0bMSH", "stream ended inside a frame: 4 bytes came, at least 2 more were owed"),
    ("ascii:4", b"00", "stream ended inside a frame: 2 bytes came, at least 2 more were owed"),
];

#[tokio::test]
async fn an_error_of_receiving_names_the_sender_and_the_cause() {
    let test = async {
        for &(notation, wire, text) in RECEIVED {
            let mut listener = Listener::bind("127.0.0.1:0", framing(notation)).await.unwrap();
            let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            let address = peer.local_addr().unwrap();
            peer.write_all(wire).await.unwrap();
            peer.shutdown().await.unwrap();
            let mut connection = listener.accept().await.unwrap();
            let error = connection.recv().await.expect_err(notation);
            assert_eq!(error.to_string(), format!("receiving from {address}: {text}"), "{notation}");
            assert_eq!((error.blame(), error.operation()), (Blame::Peer, Operation::Receive), "{notation}");
            assert_eq!(error.peer(), Some(address), "{notation}");
        }
    };
    timeout(20 * SECOND, test).await.expect("within the deadline");
}

/// The framing, the bytes that arrive instead of a whole reply, and the text of the call that times out.
#[rustfmt::skip] // one line a case
const TIMED_OUT: &[(&str, &[u8], &str)] = &[
    ("net:2", b"", "nothing came within 1s (sent, no reply)"),
    ("net:2", b"\0\x07hello", "no whole message within 1s: 7 bytes of a message came, at least 2 more are owed; the frame is complete if the number counts 2 header bytes too (sent, no reply)"),
    ("ascii:4", b"0009hello", "no whole message within 1s: 9 bytes of a message came, at least 4 more are owed; the frame is complete if the number counts 4 header bytes too (sent, no reply)"),
    ("net:2,at=2", b"\x03\0\0\x09hello", "no whole message within 1s: 9 bytes of a message came, at least 4 more are owed; the frame is complete if the number counts 4 header bytes too (sent, no reply)"),
    ("net:2", b"\x05\0hello", "no whole message within 1s: 7 bytes of a message came, at least 1275 more are owed; in the other byte order the length field says 5, which fits (sent, no reply)"),
    ("net:2", b"HTTP/1.1 400 Bad Request\r\n\r\n", "no whole message within 1s: 28 bytes of a message came, at least 18490 more are owed; the bytes begin like an HTTP response (is the peer an HTTP server?) (sent, no reply)"),
    ("line", b"no end", "no whole message within 1s: 6 bytes of a message came, at least 1 more is owed (sent, no reply)"),
];

#[tokio::test(start_paused = true)]
async fn a_call_that_timed_out_reports_what_was_received() {
    for &(notation, reply, text) in TIMED_OUT {
        let (mut connection, mut peer) = piped(notation, 1024);
        let answers = async {
            let mut some = [0; 64];
            assert!(peer.read(&mut some).await.unwrap() > 0);
            peer.write_all(reply).await.unwrap();
            peer
        };
        let (result, _peer) = tokio::join!(connection.call(b"hello", SECOND), answers);
        let error = result.expect_err(notation);
        assert_eq!(error.to_string(), format!("calling the peer: {text}"), "{notation}");
        assert_eq!((error.sent(), error.error().blame()), (Sent::NoReply, Blame::Network), "{notation}");
    }
}

#[tokio::test]
async fn a_refused_operation_is_reported_as_our_fault() {
    let test = async {
        let mut listener = Listener::bind("127.0.0.1:0", framing("ascii:4")).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut connection = Connector::new(framing("ascii:4")).connect(address).await.unwrap();
        let _peer = listener.accept().await.unwrap();
        let error = connection.send(&[0; 10_000]).await.unwrap_err();
        let text = format!("sending to {address}: payload is 10000 bytes, the header can announce at most 9999");
        assert_eq!((error.to_string(), error.blame()), (text, Blame::Ours));
        assert_eq!(error.operation(), Operation::Send);

        connection.finish().await.unwrap();
        let error = connection.send(b"more").await.unwrap_err();
        let text = format!("sending to {address}: our side of the connection has ended, no message can follow");
        assert_eq!((error.to_string(), error.blame()), (text, Blame::Ours));

        let error = connection.call(b"more", SECOND).await.unwrap_err();
        let text = format!("calling {address}: our side of the connection has ended, no message can follow (not sent)");
        assert_eq!((error.to_string(), error.error().blame()), (text, Blame::Ours));
    };
    timeout(20 * SECOND, test).await.expect("within the deadline");
}

#[tokio::test(start_paused = true)]
async fn an_unusable_connection_says_why() {
    let (mut connection, _peer) = piped("net:2", 1024);
    assert!(connection.call(b"hello", SECOND).await.is_err());
    let error = connection.send(b"more").await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "sending to the peer: an earlier request was given up and its reply may still come, the connection must be closed"
    );
    let error = connection.close(SECOND).await.unwrap_err();
    assert_eq!(error.to_string(), "closing the connection with the peer: this side has closed the connection");

    let (mut connection, mut peer) = piped("net:2", 1024);
    peer.write_all(b"\0\x05early").await.unwrap();
    let error = connection.call(b"hello", SECOND).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "calling the peer: a message or part of one came before the request that it might answer (not sent)"
    );

    let (mut connection, mut peer) = piped("net:2", 1024);
    let closes = async {
        assert!(peer.read(&mut [0; 64]).await.unwrap() > 0);
        drop(peer);
    };
    let (result, ()) = tokio::join!(connection.call(b"hello", SECOND), closes);
    let text = "calling the peer: the peer closed the connection instead of replying (perhaps sent)";
    assert_eq!(result.unwrap_err().to_string(), text);
}

#[tokio::test]
async fn debug_of_a_connection_shows_no_payload() {
    let test = async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut peer, _) = listener.accept().await.unwrap();
        let mut connection = Connection::from_stream(stream, framing("net:2"));
        peer.write_all(b"\0\x10QZQZ000000000004\0\x10QZQZ00").await.unwrap();
        let message = connection.recv().await.unwrap().unwrap();
        // Receiving would write the message that is fed.
        connection.feed(b"ZQZQ111111111111").await.unwrap();
        let shown = format!("{connection:?} {connection:#?} {message:?}");
        assert!(shown.contains("queued_len: 18") && shown.contains("payload_len: 16"), "{shown}");
        // Letters, because a clock in the output may hold any digits; and the bytes of the letters as numbers.
        for secret in ["QZ", "ZQ", "81, 90", "90, 81"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    };
    timeout(20 * SECOND, test).await.expect("within the deadline");
}
