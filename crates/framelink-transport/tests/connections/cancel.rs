//! Every future is dropped after every number of polls: no byte is lost, no message arrives twice, and no reply answers
//! another call.

use std::time::Duration;

use framelink_transport::profile::{Short, Side};
use framelink_transport::session::Sent;
use framelink_transport::tokio::{Cause, Client, Connector, Listener};
use framelink_transport::{Frames, Profile, TryRecv};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::support::streams::{MANNERS, Reader, Step, Then, framing, poll_times, run, scripted};

/// No future in these tests needs more polls.
const MOST_POLLS: usize = 60;
const LONG: Duration = Duration::from_secs(3600);

fn payloads(wire: &[u8]) -> Vec<Vec<u8>> {
    let framing = framing("net:2");
    let mut frames = Frames::new(&framing, wire);
    let payloads = frames.by_ref().map(|frame| frame.expect("only whole frames").payload.to_vec()).collect();
    assert_eq!(frames.rest(), b"", "no frame is cut");
    payloads
}

#[test]
fn a_dropped_recv_loses_no_byte() {
    let wire = b"\0\x05hello\0\0\0\x03and";
    for manner in MANNERS {
        for polls in 1..MOST_POLLS {
            // The future is dropped each time, or only the first time.
            for drops in [usize::MAX, 1] {
                let (mut connection, _) = scripted("net:2", Reader::new(wire, manner, Then::End), &[Step::Bytes(9)]);
                let mut messages = Vec::new();
                let mut dropped = 0;
                let end = loop {
                    let polls = if dropped < drops { polls } else { MOST_POLLS };
                    match poll_times(connection.recv(), polls) {
                        Some(Ok(Some(message))) => messages.push(message.to_vec()),
                        Some(end) => break end,
                        None => dropped += 1,
                    }
                    assert!(dropped < 1000, "{manner:?}, {polls} polls");
                };
                assert!(matches!(end, Ok(None)), "{manner:?}, {polls} polls: {end:?}");
                assert_eq!(messages, [&b"hello"[..], b"", b"and"], "{manner:?}, {polls} polls");
            }
        }
    }
}

#[test]
fn a_dropped_recv_ref_loses_no_message() {
    let wire = b"\0\x05hello\0\0\0\x03and";
    for manner in MANNERS {
        for polls in 1..MOST_POLLS {
            let (mut connection, _) = scripted("net:2", Reader::new(wire, manner, Then::End), &[Step::Bytes(9)]);
            let mut messages = Vec::new();
            for drops in 0.. {
                assert!(drops < 1000, "{manner:?}, {polls} polls");
                match poll_times(connection.recv_ref(), polls) {
                    Some(Ok(Some(message))) => messages.push(message.to_vec()),
                    Some(Ok(None)) => break,
                    Some(Err(error)) => panic!("{manner:?}, {polls} polls: {error}"),
                    None => {}
                }
            }
            assert_eq!(messages, [&b"hello"[..], b"", b"and"], "{manner:?}, {polls} polls");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_recv_within_loses_no_byte() {
    tokio::task::unconstrained(async {
        let wire = b"\0\x05hello\0\0\0\x03and";
        for manner in MANNERS {
            for polls in 1..MOST_POLLS {
                // The future is dropped each time, or only the first time.
                for drops in [usize::MAX, 1] {
                    let (mut connection, _) =
                        scripted("net:2", Reader::new(wire, manner, Then::End), &[Step::Bytes(9)]);
                    let mut messages = Vec::new();
                    let mut dropped = 0;
                    let end = loop {
                        let polls = if dropped < drops { polls } else { MOST_POLLS };
                        match poll_times(connection.recv_within(LONG), polls) {
                            Some(Ok(TryRecv::Message(message))) => messages.push(message.to_vec()),
                            Some(end) => break end,
                            None => dropped += 1,
                        }
                        assert!(dropped < 1000, "{manner:?}, {polls} polls");
                    };
                    assert!(matches!(end, Ok(TryRecv::Closed)), "{manner:?}, {polls} polls: {end:?}");
                    assert_eq!(messages, [&b"hello"[..], b"", b"and"], "{manner:?}, {polls} polls");
                }
            }
        }
    })
    .await;
}

#[test]
fn a_dropped_send_is_written_whole_or_not_at_all_before_the_next_message() {
    for manner in MANNERS {
        for polls in 0..MOST_POLLS {
            let (mut connection, written) = scripted("net:2", Reader::new(b"", manner, Then::Wait), manner);
            run(connection.send(b"first")).unwrap();
            let before = written.all().len();
            let sent = poll_times(connection.send(b"dropped"), polls);
            let begun = written.all().len() > before;
            run(connection.send(b"next")).unwrap();
            run(connection.send(b"last")).unwrap();
            let messages = payloads(&written.all());
            let without = [&b"first"[..], b"next", b"last"];
            let with = [&b"first"[..], b"dropped", b"next", b"last"];
            assert!(messages == without || messages == with, "{manner:?}, {polls} polls: {messages:?}");
            if begun || sent.is_some() {
                assert_eq!(messages, with, "{manner:?}, {polls} polls: a send that was begun is finished");
            }
            if polls == 0 {
                assert_eq!(messages, without, "{manner:?}: a send that was never polled is not sent");
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_send_within_is_written_whole_or_not_at_all_before_the_next_message() {
    tokio::task::unconstrained(async {
        for manner in MANNERS {
            for polls in 0..MOST_POLLS {
                let (mut connection, written) = scripted("net:2", Reader::new(b"", manner, Then::Wait), manner);
                run(connection.send(b"first")).unwrap();
                let before = written.all().len();
                let sent = poll_times(connection.send_within(b"dropped", LONG), polls);
                let begun = written.all().len() > before;
                run(connection.send(b"next")).unwrap();
                run(connection.send(b"last")).unwrap();
                let messages = payloads(&written.all());
                let without = [&b"first"[..], b"next", b"last"];
                let with = [&b"first"[..], b"dropped", b"next", b"last"];
                assert!(messages == without || messages == with, "{manner:?}, {polls} polls: {messages:?}");
                if begun || sent.is_some() {
                    assert_eq!(messages, with, "{manner:?}, {polls} polls: a send that was begun is finished");
                }
                if polls == 0 {
                    assert_eq!(messages, without, "{manner:?}: a send that was never polled is not sent");
                }
            }
        }
    })
    .await;
}

#[test]
fn a_dropped_flush_or_finish_is_continued_by_the_next() {
    for manner in MANNERS {
        for polls in 0..MOST_POLLS {
            let (mut connection, written) = scripted("net:2", Reader::new(b"", manner, Then::Wait), manner);
            for message in [&b"one"[..], b"two", b"three"] {
                run(connection.feed(message)).unwrap();
            }
            assert_eq!(written.all(), b"", "a message that is fed waits for a flush");
            drop(poll_times(connection.flush(), polls));
            drop(poll_times(connection.finish(), polls));
            run(connection.finish()).unwrap();
            assert_eq!(payloads(&written.all()), [&b"one"[..], b"two", b"three"], "{manner:?}, {polls} polls");
            assert!(written.is_shut_down(), "{manner:?}, {polls} polls");
        }
    }
}

#[test]
fn a_dropped_feed_is_accepted_whole_or_not_at_all() {
    // The messages are so large that every second one has to wait for room.
    let [one, two, three] = [1, 2, 3].map(|byte: u8| vec![byte; 40_000]);
    for manner in [&[Step::Pending, Step::Bytes(9000)][..], &[Step::Bytes(20_000), Step::Pending, Step::Pending]] {
        for polls in 0..MOST_POLLS {
            let (mut connection, written) = scripted("net:2", Reader::new(b"", manner, Then::Wait), manner);
            run(connection.feed(&one)).unwrap();
            run(connection.feed(&two)).unwrap();
            let fed = poll_times(connection.feed(&three), polls).is_some();
            run(connection.feed(b"next")).unwrap();
            run(connection.flush()).unwrap();
            let mut expected = vec![one.clone(), two.clone(), b"next".to_vec()];
            if fed {
                expected.insert(2, three.clone());
            }
            assert!(payloads(&written.all()) == expected, "{manner:?}, {polls} polls");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_dropped_call_the_connection_refuses_all_use_and_delivers_no_late_reply() {
    tokio::task::unconstrained(async {
        for (manner, notation) in MANNERS.iter().flat_map(|manner| [(manner, "net:2"), (manner, "quiet:50ms")]) {
            for polls in 0..MOST_POLLS {
                let (mut connection, written) = scripted(notation, Reader::new(b"", manner, Then::Wait), manner);
                let called = poll_times(connection.call(b"request", LONG), polls);
                assert!(called.is_none(), "{called:?}");
                if polls == 0 {
                    assert_eq!(written.all(), b"");
                    run(connection.send(b"fine")).unwrap();
                    continue;
                }
                let before = written.all();
                let case = format!("{notation}, {manner:?}, {polls} polls");
                for error in [
                    run(connection.send(b"more")).unwrap_err(),
                    run(connection.feed(b"more")).unwrap_err(),
                    run(connection.flush()).unwrap_err(),
                    run(connection.finish()).unwrap_err(),
                    run(connection.recv()).unwrap_err(),
                ] {
                    assert!(matches!(error.cause(), Cause::Unclean(_)), "{case}: {error}");
                }
                let error = run(connection.call(b"another", LONG)).unwrap_err();
                assert_eq!(error.sent(), Sent::Not, "{case}");
                assert!(matches!(error.error().cause(), Cause::Unclean(_)), "{case}: {error}");
                assert_eq!(written.all(), before, "{case}: no byte is written");
            }
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_reply_that_arrives_while_its_call_is_dropped_is_never_delivered() {
    tokio::task::unconstrained(async {
        let mut whole = 0;
        {
            for polls in 1..MOST_POLLS {
                // The request takes a few polls to write, then the reply comes.
                let (ours, mut theirs) = tokio::io::duplex(4);
                let (reader, writer) = tokio::io::split(ours);
                let mut connection =
                    framelink_transport::tokio::Connection::from_parts(reader, writer, framing("net:2"));
                let mut peer = std::pin::pin!(async {
                    let mut request = [0; 9];
                    theirs.read_exact(&mut request).await.expect("the request");
                    theirs.write_all(b"\0\x05reply").await.expect("room for the reply");
                    theirs.read_to_end(&mut Vec::new()).await
                });
                let reply = {
                    let mut call = std::pin::pin!(connection.call(b"request", LONG));
                    (0..polls).find_map(|_| {
                        let reply = poll_times(call.as_mut(), 1);
                        if reply.is_none() {
                            drop(poll_times(peer.as_mut(), 1));
                        }
                        reply
                    })
                };
                match reply {
                    Some(reply) => {
                        assert_eq!(&reply.unwrap()[..], b"reply");
                        whole += 1;
                        drop(run(connection.send(b"on")));
                    }
                    None => {
                        drop(poll_times(peer.as_mut(), 20));
                        let error = run(connection.recv()).unwrap_err();
                        assert!(matches!(error.cause(), Cause::Unclean(_)), "{polls} polls: {error}");
                        // The halves do not return the reply either.
                        let (mut receiver, mut sender) = connection.split();
                        let error = run(receiver.recv()).unwrap_err();
                        assert!(matches!(error.cause(), Cause::Closed), "{polls} polls: {error}");
                        assert!(run(sender.send(b"more")).is_err());
                    }
                }
            }
            assert!(whole > 0 && whole < MOST_POLLS - 1, "some calls were dropped and some were not: {whole}");
        }
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn a_dropped_close_closes_the_stream_and_repeats_no_bytes() {
    tokio::task::unconstrained(async {
        for manner in MANNERS {
            for polls in 0..MOST_POLLS {
                let (mut connection, written) = scripted("net:2", Reader::new(b"\0\x02ok", manner, Then::Wait), manner);
                run(connection.feed(b"one")).unwrap();
                run(connection.feed(b"two")).unwrap();
                let closed = poll_times(connection.close(LONG), polls);
                assert!(closed.is_none(), "the peer never closes");
                let expected = b"\0\x03one\0\x03two";
                assert!(expected.starts_with(&written.all()), "{manner:?}, {polls} polls");
                if written.is_shut_down() {
                    assert_eq!(written.all(), expected, "{manner:?}, {polls} polls");
                }
            }
        }
    })
    .await;
}

#[tokio::test]
async fn a_dropped_accept_loses_no_connection() {
    tokio::time::timeout(Duration::from_secs(20), async {
        for polls in 0..4 {
            let mut listener = Listener::bind("127.0.0.1:0", framing("net:2")).await.unwrap();
            let address = listener.local_addr().unwrap();
            let mut accepted = Vec::new();
            let mut clients = Vec::new();
            for number in 0..10_u8 {
                let mut client = Connector::new(framing("net:2")).connect(address).await.unwrap();
                client.send(&[number]).await.unwrap();
                clients.push(client);
                // A connection that is accepted in these polls is kept. The rest of the future is dropped.
                accepted.extend(poll_times(listener.accept(), polls));
            }
            while accepted.len() < clients.len() {
                accepted.push(listener.accept().await);
            }
            let mut numbers = Vec::new();
            for connection in accepted {
                numbers.push(connection.unwrap().recv().await.unwrap().unwrap()[0]);
            }
            assert_eq!(numbers, (0..10).collect::<Vec<u8>>(), "{polls} polls");
        }
    })
    .await
    .expect("within the deadline");
}

#[tokio::test]
async fn a_dropped_connect_leaves_no_open_connection_behind() {
    tokio::time::timeout(Duration::from_secs(20), async {
        for polls in 0..5 {
            let mut listener = Listener::bind("127.0.0.1:0", framing("net:2")).await.unwrap();
            let address = listener.local_addr().unwrap();
            let connector = Connector::new(framing("net:2"));
            for _ in 0..5 {
                drop(poll_times(connector.connect(address), polls));
            }
            let mut kept = connector.connect(address).await.unwrap();
            kept.send(b"hello").await.unwrap();
            // Connections of dropped attempts are closed without a message. Any outcome of theirs is skipped.
            let message = loop {
                match listener.accept().await.unwrap().recv().await {
                    Ok(Some(message)) => break message,
                    Ok(None) => {}
                    Err(error) => assert!(matches!(error.cause(), Cause::Reset(_)), "{error}"),
                }
            };
            assert_eq!(&message[..], b"hello", "{polls} polls");
        }
    })
    .await
    .expect("within the deadline");
}

#[tokio::test]
async fn a_dropped_serve_answers_in_whole_messages_and_closes() {
    tokio::time::timeout(Duration::from_secs(20), async {
        let profile = Profile::builder(framing("net:2")).build().unwrap();
        let mut most = 0;
        for polls in 0..12 {
            let mut listener = Listener::bind("127.0.0.1:0", framing("net:2")).await.unwrap();
            let mut client = tokio::net::TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            client.write_all(b"\0\x02hi\0\x02ho\0\x02hm").await.unwrap();
            let connection = listener.accept().await.unwrap();
            let answer = |message: framelink_transport::Message| async move {
                tokio::task::yield_now().await;
                Some(message.to_vec())
            };
            assert!(connection.stream().unwrap().readable().await.is_ok());
            assert!(poll_times(connection.serve(&profile, answer), polls).is_none(), "the client has not closed");
            let mut answers = Vec::new();
            // The server closes with unread bytes, so the connection may be reset.
            let _ = client.read_to_end(&mut answers).await;
            let answers = payloads(&answers);
            assert!([&b"hi"[..], b"ho", b"hm"].starts_with(&answers.iter().map(Vec::as_slice).collect::<Vec<_>>()));
            most = most.max(answers.len());
        }
        assert_eq!(most, 3, "some futures are dropped after the last answer");
    })
    .await
    .expect("within the deadline");
}

#[tokio::test]
async fn a_dropped_recv_of_a_client_loses_no_message_while_the_peer_is_open() {
    tokio::time::timeout(Duration::from_secs(20), async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            let mut kept = Vec::new();
            for number in 0..5 {
                let (mut stream, _) = listener.accept().await.unwrap();
                stream.write_all(&[0, 1, number]).await.unwrap();
                kept.push(stream);
            }
        });
        let short = Short::new().closes(Side::Server);
        let exchange = framelink_transport::profile::ExchangeKind::ReceiveOnly;
        let profile = Profile::builder(framing("net:2")).connection(short).exchange(exchange);
        let close = Duration::from_millis(400);
        let profile = profile.close_timeout(close).build().unwrap();
        let mut client = Client::new(profile, address).unwrap();
        let mut numbers = Vec::new();
        while numbers.len() < 5 {
            numbers.push(client.recv().await.unwrap().unwrap()[0]);
            // `recv` waits for the peer to close. A dropped dial is given up, together with the messages of that peer.
            let began = tokio::time::Instant::now();
            for _ in 0..3 {
                if began.elapsed() < close / 2 {
                    assert!(poll_times(client.recv(), 2).is_none(), "the peer has not closed");
                }
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(numbers, [0, 1, 2, 3, 4]);
    })
    .await
    .expect("within the deadline");
}
