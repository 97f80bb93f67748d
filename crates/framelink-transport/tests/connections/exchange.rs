//! A request and its reply: one deadline for both, what the peer may have seen of the request, and no reply for another
//! request.

use std::time::Duration;

use framelink_transport::session::Sent;
use framelink_transport::tokio::{Blame, Cause, Connector, Listener, Operation};
use framelink_transport::{EncodeError, EndedBy};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::time::{Instant, timeout};

use crate::support::streams::{Piped, framing, piped};

const SECOND: Duration = Duration::from_secs(1);

/// Reads one message of `net:2`.
async fn read_message(stream: &mut DuplexStream) -> Option<Vec<u8>> {
    let len = stream.read_u16().await.ok()?;
    let mut message = vec![0; usize::from(len)];
    stream.read_exact(&mut message).await.ok()?;
    Some(message)
}

async fn write_message(stream: &mut DuplexStream, message: &[u8]) {
    let len = u16::try_from(message.len()).expect("the message is short");
    stream.write_all(&[&len.to_be_bytes()[..], message].concat()).await.expect("the pipe takes it");
}

/// Asserts that the connection refuses all use, and that the error says why.
async fn assert_unclean(connection: &mut Piped) {
    let error = connection.call(b"another", SECOND).await.expect_err("the call is refused");
    assert_eq!(error.sent(), Sent::Not);
    assert!(matches!(error.error().cause(), Cause::Unclean(_)), "{error}");
    assert_eq!(error.error().blame(), Blame::Ours);
    let error = connection.recv().await.expect_err("the receive is refused");
    assert!(matches!(error.cause(), Cause::Unclean(_)), "{error}");
    let error = connection.send(b"more").await.expect_err("the send is refused");
    assert!(matches!(error.cause(), Cause::Unclean(_)), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_reply_answers_its_call_and_the_next_call_follows() {
    let (mut connection, mut peer) = piped("net:2", 1024);
    let serve = async {
        while let Some(mut message) = read_message(&mut peer).await {
            message.reverse();
            write_message(&mut peer, &message).await;
        }
    };
    let ask = async {
        for request in ["abc", "", "x", "hello"] {
            let reply = connection.call(request.as_bytes(), SECOND).await.unwrap();
            let reversed: String = request.chars().rev().collect();
            assert_eq!((&reply[..], reply.ended_by()), (reversed.as_bytes(), EndedBy::Count));
        }
        drop(connection);
    };
    tokio::join!(serve, ask);
}

#[tokio::test(start_paused = true)]
async fn a_missing_reply_times_out_and_closes_the_connection() {
    let (mut connection, mut peer) = piped("net:2", 1024);
    let started = Instant::now();
    let error = connection.call(b"hello", SECOND).await.unwrap_err();
    assert_eq!(started.elapsed(), SECOND);
    assert_eq!(error.sent(), Sent::NoReply);
    assert_eq!((error.error().operation(), error.error().blame()), (Operation::Call, Blame::Network));
    assert_eq!(error.to_string(), "calling the peer: nothing came within 1s (sent, no reply)");

    let mut came = Vec::new();
    peer.read_to_end(&mut came).await.unwrap();
    assert_eq!(came, b"\0\x05hello", "the request arrives, and then the end");
    assert!(peer.write_all(b"\0\x05reply").await.is_err(), "the stream of the late reply is closed");
    assert_unclean(&mut connection).await;
    let error = connection.close(SECOND).await.unwrap_err();
    assert!(matches!(error.cause(), Cause::Closed), "{error}");
}

#[tokio::test]
async fn the_peer_of_a_call_that_timed_out_sees_the_socket_close() {
    timeout(20 * SECOND, async {
        let mut listener = Listener::bind("127.0.0.1:0", framing("net:2")).await.unwrap();
        let address = listener.local_addr().unwrap();
        let mut connection = Connector::new(framing("net:2")).connect(address).await.unwrap();
        let mut peer = listener.accept().await.unwrap();
        let error = connection.call(b"hello", Duration::from_millis(30)).await.unwrap_err();
        assert_eq!(error.sent(), Sent::NoReply);
        assert_eq!(&peer.recv().await.unwrap().unwrap()[..], b"hello");
        assert!(peer.recv().await.unwrap().is_none(), "the connection is still held, but its socket is closed");
        assert!(connection.stream().is_none());
    })
    .await
    .expect("within the deadline");
}

#[tokio::test(start_paused = true)]
async fn a_partial_reply_is_reported() {
    let (mut connection, mut peer) = piped("net:2", 1024);
    peer.write_all(b"").await.unwrap();
    let answer = async {
        let _ = read_message(&mut peer).await;
        peer.write_all(b"\0\x05hel").await.unwrap();
        peer
    };
    let (result, _peer) = tokio::join!(connection.call(b"hello", SECOND), answer);
    let error = result.unwrap_err();
    let Cause::TimedOut { after, unwritten_bytes: 0, unfinished: Some(unfinished), .. } = error.error().cause() else {
        panic!("{error}")
    };
    assert_eq!((*after, unfinished.came, unfinished.missing), (SECOND, 5, 2));
    assert_eq!(error.sent(), Sent::NoReply);
}

#[tokio::test(start_paused = true)]
async fn a_request_is_perhaps_sent_if_the_peer_closes_instead_of_replying() {
    for reply in [&b""[..], b"\0\x05hel"] {
        let (mut connection, mut peer) = piped("net:2", 1024);
        let answer = async {
            let _ = read_message(&mut peer).await;
            peer.write_all(reply).await.unwrap();
            drop(peer);
        };
        let (result, ()) = tokio::join!(connection.call(b"hello", SECOND), answer);
        let error = result.unwrap_err();
        assert_eq!((error.sent(), error.error().blame()), (Sent::Perhaps, Blame::Peer));
        match error.error().cause() {
            Cause::NoReply => assert!(reply.is_empty()),
            Cause::Fault(_) => assert_eq!(reply.len(), 5),
            _ => panic!("{error}"),
        }
        assert_unclean(&mut connection).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_is_no_frame_ends_the_connection() {
    let (mut connection, mut peer) = piped("ascii:4", 1024);
    let answer = async {
        let mut request = [0; 9];
        peer.read_exact(&mut request).await.unwrap();
        peer.write_all(b"oops").await.unwrap();
    };
    let (result, ()) = tokio::join!(connection.call(b"hello", SECOND), answer);
    let error = result.unwrap_err();
    assert_eq!((error.sent(), error.error().blame()), (Sent::Perhaps, Blame::Peer));
    assert!(matches!(error.error().cause(), Cause::Fault(_)), "{error}");
    assert_unclean(&mut connection).await;
}

#[tokio::test(start_paused = true)]
async fn an_unsolicited_message_answers_no_request() {
    // A whole message, a part of one, a surplus reply: still in the pipe, or read together with the message before it.
    for unsolicited in [&b"\0\x05early"[..], b"\0\x05ea", b"\0"] {
        let (mut connection, mut peer) = piped("net:2", 1024);
        peer.write_all(unsolicited).await.unwrap();
        let error = connection.call(b"hello", SECOND).await.unwrap_err();
        assert!(matches!(error.error().cause(), Cause::Unsolicited), "{unsolicited:?}: {error}");
        assert_eq!((error.sent(), error.error().blame()), (Sent::Not, Blame::Peer));
        let mut came = Vec::new();
        peer.read_to_end(&mut came).await.unwrap();
        assert_eq!(came, b"", "the request is not written");
        assert_unclean(&mut connection).await;

        for surplus_at_once in [true, false] {
            let (mut connection, mut peer) = piped("net:2", 1024);
            let serve = async {
                let _ = read_message(&mut peer).await;
                if surplus_at_once {
                    peer.write_all(&[b"\0\x02ok", unsolicited].concat()).await.unwrap();
                } else {
                    peer.write_all(b"\0\x02ok").await.unwrap();
                }
            };
            let (reply, ()) = tokio::join!(connection.call(b"hello", SECOND), serve);
            assert_eq!(&reply.unwrap()[..], b"ok");
            if !surplus_at_once {
                peer.write_all(unsolicited).await.unwrap();
            }
            let error = connection.call(b"next", SECOND).await.unwrap_err();
            assert!(matches!(error.error().cause(), Cause::Unsolicited), "{unsolicited:?}: {error}");
            assert_eq!(error.sent(), Sent::Not);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_is_not_sent_if_the_peer_has_closed_before_it() {
    let (mut connection, peer) = piped("net:2", 1024);
    drop(peer);
    let error = connection.call(b"hello", SECOND).await.unwrap_err();
    assert_eq!((error.sent(), error.error().blame()), (Sent::Not, Blame::Peer));
    assert!(matches!(error.error().cause(), Cause::NoReply), "{error}");
    assert_unclean(&mut connection).await;
}

#[tokio::test(start_paused = true)]
async fn a_request_over_the_limit_is_refused_and_the_connection_stays_usable() {
    let (mut connection, mut peer) = piped("net:2,max=10", 1024);
    let error = connection.call(&[0; 11], SECOND).await.unwrap_err();
    assert_eq!((error.sent(), error.error().blame()), (Sent::Not, Blame::Ours));
    assert_eq!(error.to_string(), "calling the peer: payload is 11 bytes, limit is 10 (not sent)");
    let serve = async {
        assert_eq!(read_message(&mut peer).await.unwrap(), b"hello", "no byte is written before it");
        write_message(&mut peer, b"ok").await;
    };
    let (reply, ()) = tokio::join!(connection.call(b"hello", SECOND), serve);
    assert_eq!(&reply.unwrap()[..], b"ok");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_cannot_be_written_reports_how_much_was_sent() {
    for (ahead, sent) in [(&b""[..], Sent::Perhaps), (&[7; 100], Sent::Not)] {
        let (mut connection, mut peer) = piped("net:2", 8);
        if !ahead.is_empty() {
            connection.feed(ahead).await.unwrap();
        }
        let started = Instant::now();
        let error = connection.call(&[9; 50], SECOND).await.unwrap_err();
        assert_eq!(started.elapsed(), SECOND, "a stuck write times out like a stuck read");
        assert_eq!((error.sent(), error.error().blame()), (sent, Blame::Network));
        let unwritten = ahead.len() + if ahead.is_empty() { 0 } else { 2 } + 52 - 8;
        let text = format!("calling the peer: {unwritten} bytes could not be written within 1s ({sent})");
        assert_eq!(error.to_string(), text);
        let mut came = Vec::new();
        peer.read_to_end(&mut came).await.unwrap();
        assert_eq!(came.len(), 8, "the queued bytes do not follow");
        assert_unclean(&mut connection).await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_the_write_and_the_reply() {
    for (within, in_time) in [(1100, false), (1300, true)] {
        let (mut connection, mut peer) = piped("net:2", 8);
        let answer = async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            let request = read_message(&mut peer).await;
            tokio::time::sleep(Duration::from_millis(600)).await;
            if request.is_some() {
                let _ = peer.write_all(b"\0\x02ok").await;
            }
        };
        let within = Duration::from_millis(within);
        let started = Instant::now();
        let call = async { (connection.call(&[9; 50], within).await, started.elapsed()) };
        let ((result, took), ()) = tokio::join!(call, answer);
        match result {
            Ok(reply) => assert!(in_time && &reply[..] == b"ok"),
            Err(error) => {
                assert!(!in_time, "{error}");
                assert_eq!((error.sent(), took), (Sent::NoReply, within));
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_timeout_too_long_for_the_clock_means_no_deadline() {
    let (mut connection, mut peer) = piped("net:2", 1024);
    let answer = async {
        let _ = read_message(&mut peer).await;
        tokio::time::sleep(Duration::from_secs(86_400)).await;
        write_message(&mut peer, b"at last").await;
    };
    let (reply, ()) = tokio::join!(connection.call(b"hello", Duration::MAX), answer);
    assert_eq!(&reply.unwrap()[..], b"at last");
    drop(peer);
    assert!(connection.close(Duration::MAX).await.unwrap().peer_closed);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_ends_with_the_close_has_a_reply_that_ends_with_the_close() {
    let (mut connection, mut peer) = piped("until-close", 1024);
    let answer = async {
        let mut request = Vec::new();
        peer.read_to_end(&mut request).await.unwrap();
        assert_eq!(request, b"question");
        peer.write_all(b"answer").await.unwrap();
        drop(peer);
    };
    let (reply, ()) = tokio::join!(connection.call(b"question", SECOND), answer);
    let reply = reply.unwrap();
    assert_eq!((&reply[..], reply.ended_by()), (&b"answer"[..], EndedBy::Close));
    let error = connection.call(b"another", SECOND).await.unwrap_err();
    assert_eq!(error.sent(), Sent::Not);
}

/// Echoes each request after a delay of its own. The next request may be read during the delay.
async fn echo_late(mut stream: DuplexStream, delays: impl Fn(u32) -> Duration) {
    while let Some(request) = read_message(&mut stream).await {
        let id = u32::from_be_bytes(request[..4].try_into().expect("four bytes of id"));
        tokio::time::sleep(delays(id)).await;
        let len = [0, 4];
        if stream.write_all(&[&len[..], &request].concat()).await.is_err() {
            return;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_late_reply_never_answers_another_request() {
    /// Of every twenty calls, some time out and some are cancelled. The id decides, so that both ends know which.
    fn delay(id: u32) -> Duration {
        match id.wrapping_mul(2_654_435_761) >> 16 & 31 {
            0 | 1 => Duration::from_millis(1500), // the call times out
            2 | 3 => Duration::from_millis(700),  // the call is cancelled at 600 ms
            other => Duration::from_millis(u64::from(other) * 10),
        }
    }
    let connect = || {
        let (connection, peer) = piped("net:2", 1024);
        tokio::spawn(echo_late(peer, delay));
        connection
    };
    let mut connection = connect();
    let (mut answered, mut timed_out, mut cancelled) = (0, 0, 0);
    for id in 0..100_000_u32 {
        let request = id.to_be_bytes();
        let outcome = tokio::select! {
            biased;
            reply = connection.call(&request, SECOND) => Some(reply),
            () = tokio::time::sleep(Duration::from_millis(600)), if delay(id) == Duration::from_millis(700) => None,
        };
        match outcome {
            Some(Ok(reply)) => {
                assert_eq!(&reply[..], request, "the reply belongs to the request");
                answered += 1;
                continue;
            }
            Some(Err(error)) => {
                assert_eq!(error.sent(), Sent::NoReply, "{error}");
                timed_out += 1;
            }
            None => cancelled += 1,
        }
        // The late reply has time to arrive, and is not delivered.
        tokio::time::sleep(SECOND).await;
        assert_unclean(&mut connection).await;
        connection = connect();
    }
    assert!(
        timed_out >= 5000 && cancelled >= 5000,
        "{answered} answered, {timed_out} timed out, {cancelled} cancelled"
    );
    assert_eq!(answered + timed_out + cancelled, 100_000);
}

#[test]
fn refusals_differ_from_network_failures() {
    // A program matches on these causes: a change of their names breaks it.
    let cause: Cause = Cause::Refused(framelink_transport::session::SendRefused::<EncodeError>::Finished);
    assert_eq!(cause.to_string(), "our side of the connection has ended, no message can follow");
    assert_eq!(Cause::<EncodeError>::Closed.to_string(), "this side has closed the connection");
}
