//! How a connection ends: closed between messages, closed inside a message, or reset; in one direction or in both.

use std::io;
use std::time::Duration;

use framelink_codec::notation::Bytes;
use framelink_transport::Fault;
use framelink_transport::tokio::{Blame, Cause, Connection, Connector, Listener};
use tokio::io::{AsyncReadExt, AsyncWriteExt, Interest};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, timeout};

use crate::support::streams::{MANNERS, Reader, Step, Then, framing, piped, run, scripted};

const SECOND: Duration = Duration::from_secs(1);

async fn in_time<F: Future>(test: F) -> F::Output {
    timeout(20 * SECOND, test).await.expect("within the deadline")
}

/// A connection over TCP, and the plain socket of its peer.
async fn connected(notation: &str) -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let connection = Connector::new(framing(notation)).connect(address).await.expect("a connection");
    let (peer, _) = listener.accept().await.expect("a connection");
    (connection, peer)
}

#[tokio::test]
async fn a_close_between_messages_ends_the_stream_for_good() {
    in_time(async {
        for wire in [&b""[..], b"\0\x05hello"] {
            let (mut connection, mut peer) = connected("net:2").await;
            peer.write_all(wire).await.unwrap();
            drop(peer);
            if !wire.is_empty() {
                assert_eq!(&connection.recv().await.unwrap().unwrap()[..], b"hello");
            }
            for _ in 0..3 {
                assert!(connection.recv().await.unwrap().is_none());
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_close_inside_a_frame_reports_the_received_and_the_missing_bytes() {
    in_time(async {
        for cut in 1..7 {
            let (mut connection, mut peer) = connected("net:2").await;
            let address = peer.local_addr().unwrap();
            peer.write_all(b"\0\x05whole").await.unwrap();
            peer.write_all(&b"\0\x05hello"[..cut]).await.unwrap();
            drop(peer);
            assert_eq!(&connection.recv().await.unwrap().unwrap()[..], b"whole");
            let missing = if cut < 2 { 2 - cut } else { 7 - cut };
            for _ in 0..3 {
                let error = connection.recv().await.unwrap_err();
                assert!(matches!(error.cause(), Cause::Fault(Fault::Truncated { .. })), "{error}");
                assert_eq!(error.blame(), Blame::Peer);
                let text = error.to_string();
                let came = Bytes(cut);
                let expected = format!(
                    "receiving from {address}: stream ended inside a frame: {came} came, at least {missing} more were owed"
                );
                assert!(text.starts_with(&expected), "{text}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_reset_is_an_error_and_whole_messages_before_it_are_delivered() {
    in_time(async {
        for (wire, messages) in
            [(&b""[..], 0), (b"\0\x05hel", 0), (b"\0\x05hello", 1), (b"\0\x05hello\0\0\0\x05hel", 2)]
        {
            let (mut connection, mut peer) = connected("net:2").await;
            peer.write_all(wire).await.unwrap();
            if !wire.is_empty() {
                // The reset follows when these bytes have arrived: a reset overtakes bytes that are still in transit.
                connection.stream().unwrap().peek(&mut [0]).await.unwrap();
            }
            peer.set_zero_linger().unwrap();
            drop(peer);
            for _ in 0..messages {
                assert!(connection.recv().await.unwrap().is_some(), "a message before the reset is delivered");
            }
            let error = connection.recv().await.unwrap_err();
            assert!(
                matches!(error.cause(), Cause::Reset(error) if error.kind() == io::ErrorKind::ConnectionReset),
                "{error}"
            );
            assert_eq!(error.blame(), Blame::Network);
            // The socket itself now reports an orderly close.
            for _ in 0..3 {
                let error = connection.recv().await.unwrap_err();
                assert!(matches!(error.cause(), Cause::Closed), "{error}");
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_reset_before_the_accept_names_the_peer() {
    in_time(async {
        let mut listener = Listener::bind("127.0.0.1:0", framing("net:2")).await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let address = peer.local_addr().unwrap();
        peer.set_zero_linger().unwrap();
        drop(peer);
        let mut connection = listener.accept().await.unwrap();
        let error = connection.recv().await.unwrap_err();
        assert!(
            error.to_string().starts_with(&format!("receiving from {address}: the connection was reset")),
            "{error}"
        );
    })
    .await;
}

#[tokio::test]
async fn writing_to_a_closed_peer_fails_at_the_second_write_at_the_latest() {
    in_time(async {
        let (mut connection, peer) = connected("net:2").await;
        drop(peer);
        assert!(connection.recv().await.unwrap().is_none(), "the peer has closed");
        connection.send(b"one").await.unwrap();
        // The system has accepted the message, and the peer answers it with a reset.
        connection.stream().unwrap().ready(Interest::ERROR).await.unwrap();
        let error = connection.send(b"two").await.unwrap_err();
        assert!(matches!(error.cause(), Cause::Reset(_)), "{error}");
        assert_eq!(error.blame(), Blame::Network);
        let error = connection.send(b"three").await.unwrap_err();
        assert!(matches!(error.cause(), Cause::Refused(_)), "{error}");
        assert!(connection.flush().await.is_err(), "a lost message is an error");
        assert!(connection.finish().await.is_err());
    })
    .await;
}

#[tokio::test]
async fn a_reply_arrives_after_our_side_has_ended() {
    in_time(async {
        let (mut connection, mut peer) = connected("net:2").await;
        connection.send(b"request").await.unwrap();
        connection.finish().await.unwrap();
        let mut request = Vec::new();
        peer.read_to_end(&mut request).await.unwrap();
        assert_eq!(request, b"\0\x07request");
        assert!(connection.send(b"more").await.is_err());
        peer.write_all(b"\0\x05reply").await.unwrap();
        assert_eq!(&connection.recv().await.unwrap().unwrap()[..], b"reply");
        drop(peer);
        assert!(connection.recv().await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn our_reply_is_sent_after_the_peers_side_has_ended() {
    in_time(async {
        let (mut connection, mut peer) = connected("net:2").await;
        peer.write_all(b"\0\x07request").await.unwrap();
        peer.shutdown().await.unwrap();
        assert_eq!(&connection.recv().await.unwrap().unwrap()[..], b"request");
        assert!(connection.recv().await.unwrap().is_none());
        connection.send(b"reply").await.unwrap();
        connection.finish().await.unwrap();
        let mut reply = Vec::new();
        peer.read_to_end(&mut reply).await.unwrap();
        assert_eq!(reply, b"\0\x05reply");
    })
    .await;
}

#[tokio::test]
async fn a_dropped_half_ends_only_its_own_direction() {
    in_time(async {
        let (connection, mut peer) = connected("net:2").await;
        let (mut receiver, mut sender) = connection.split();
        sender.send(b"request").await.unwrap();
        drop(sender);
        let mut request = Vec::new();
        peer.read_to_end(&mut request).await.unwrap();
        assert_eq!(request, b"\0\x07request");
        peer.write_all(b"\0\x05reply").await.unwrap();
        assert_eq!(&receiver.recv().await.unwrap().unwrap()[..], b"reply");
    })
    .await;
}

#[tokio::test]
async fn close_writes_the_queue_and_reads_what_the_peer_still_sends() {
    in_time(async {
        let (mut connection, mut peer) = connected("net:2").await;
        connection.feed(b"last words").await.unwrap();
        let other = async {
            let mut came = Vec::new();
            peer.read_to_end(&mut came).await.unwrap();
            assert_eq!(came, b"\0\x0alast words");
            for _ in 0..3 {
                peer.write_all(b"\0\x03bye").await.unwrap();
            }
            drop(peer);
        };
        let (report, ()) = tokio::join!(connection.close(10 * SECOND), other);
        let report = report.unwrap();
        assert!(report.peer_closed);
        assert_eq!(report.discarded, 3);
    })
    .await;
}

#[tokio::test]
async fn close_does_not_reset_bytes_that_the_peer_has_not_read_yet() {
    in_time(async {
        // The peer sends bytes that are no message, and more of them than an error ever quotes.
        let (mut connection, mut peer) = connected("ascii:4").await;
        connection.feed(b"last words").await.unwrap();
        let garbage = vec![b'x'; 100_000];
        peer.write_all(&garbage).await.unwrap();
        let other = async {
            peer.write_all(&garbage).await.unwrap();
            peer.shutdown().await.unwrap();
            let mut came = Vec::new();
            peer.read_to_end(&mut came).await.expect("no reset");
            assert_eq!(came, b"0010last words");
        };
        let (report, ()) = tokio::join!(connection.close(10 * SECOND), other);
        let report = report.unwrap();
        assert!(report.peer_closed);
        assert_eq!(report.discarded, 0);
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn close_ends_at_its_deadline_at_the_latest() {
    // The peers: one is silent, one sends messages without end, one sends bytes that are no message, one reads nothing.
    for (sends, takes) in [(&b""[..], true), (b"0002ok", true), (b"oops", true), (b"", false)] {
        let (mut connection, peer) = piped("ascii:4", 64);
        connection.feed(&[7; 100]).await.unwrap();
        let (mut from, mut to) = tokio::io::split(peer);
        let reads = tokio::spawn(async move {
            let mut came = Vec::new();
            if takes {
                let _ = from.read_to_end(&mut came).await;
            }
            (came, from)
        });
        let writes = tokio::spawn(async move {
            while !sends.is_empty() && to.write_all(sends).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            to
        });
        let started = Instant::now();
        let closed = connection.close(SECOND).await;
        assert_eq!(started.elapsed(), SECOND, "{sends:?}");
        if takes {
            let report = closed.unwrap();
            assert!(!report.peer_closed);
            assert_eq!(report.discarded > 50, sends == b"0002ok", "{report:?}");
        } else {
            let error = closed.unwrap_err();
            let text = "closing the connection with the peer: 40 bytes could not be written within 1s";
            assert_eq!(error.to_string(), text);
        }
        let (came, _from) = reads.await.unwrap();
        assert_eq!(came.len(), if takes { 104 } else { 0 });
        if !sends.is_empty() {
            // The stream is closed, so the peer's writes to it end.
            drop(writes.await.unwrap());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn close_counts_a_close_inside_a_frame_as_closed() {
    let (connection, mut peer) = piped("net:2", 64);
    peer.write_all(b"\0\x05hel").await.unwrap();
    drop(peer);
    let report = connection.close(SECOND).await.unwrap();
    assert!(report.peer_closed);
    assert_eq!(report.discarded, 0);
}

#[test]
fn a_failed_read_is_reported_once_and_no_clean_end_follows() {
    for kind in [io::ErrorKind::ConnectionReset, io::ErrorKind::TimedOut] {
        let steps = [Step::Bytes(7), Step::Error(kind), Step::Bytes(7)];
        let (mut connection, _) =
            scripted("net:2", Reader::new(b"\0\x05hello\0\x05again", &steps, Then::End), MANNERS[0]);
        assert_eq!(&run(connection.recv()).unwrap().unwrap()[..], b"hello");
        let error = run(connection.recv()).unwrap_err();
        match error.cause() {
            Cause::Reset(error) => assert_eq!((error.kind(), kind), (kind, io::ErrorKind::ConnectionReset)),
            Cause::Io(error) => assert_eq!((error.kind(), kind), (kind, io::ErrorKind::TimedOut)),
            _ => panic!("{error}"),
        }
        let error = run(connection.recv()).unwrap_err();
        assert!(matches!(error.cause(), Cause::Closed), "{error}");
    }
}
