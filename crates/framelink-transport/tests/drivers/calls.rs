//! A request and its reply.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use framelink_transport::session::Sent;
use framelink_transport::{Blame, Cause, Operation};

use crate::support::driver::{DEADLINE, Driver, framing, on_every_driver, pair};
use crate::support::peer::{Task, half_close, read_exactly, reset};

const SHORT: Duration = Duration::from_millis(100);

on_every_driver!(
    tls:
    a_call_has_its_reply,
    a_late_reply_never_answers_another_request,
    a_refused_request_is_not_sent_and_the_connection_stays_usable,
    an_unsolicited_message_is_not_a_reply,
    half_an_unsolicited_message_is_not_a_reply,
    a_close_instead_of_a_reply_is_an_error,
    a_request_is_perhaps_sent_if_the_peer_resets_instead_of_replying,
    a_request_that_the_peer_does_not_read_is_perhaps_sent,
    one_deadline_covers_a_reply_that_dribbles,
    a_reply_may_end_with_silence,
    a_reply_may_end_with_the_close,
    a_peer_may_answer_while_it_reads,
    a_reply_may_arrive_before_the_request_is_fully_written,
    late_replies_among_hundreds_answer_no_other_request,
);

fn a_call_has_its_reply<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    let answering = Task::start(move || {
        for _ in 0..100 {
            let request = read_exactly(&peer, 6);
            (&peer).write_all(&request).expect("replying");
        }
    });
    for i in 0..100 {
        let request = format!("{i:04}");
        assert_eq!(&ours.call(request.as_bytes(), DEADLINE).unwrap()[..], request.as_bytes(), "{}", D::NAME);
    }
    answering.join();
}

fn a_late_reply_never_answers_another_request<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    let began = Instant::now();
    let error = ours.call(b"one", SHORT).unwrap_err();
    assert!(began.elapsed() >= SHORT && began.elapsed() < DEADLINE, "{}: {:?}", D::NAME, began.elapsed());
    assert_eq!((error.sent(), error.error().operation()), (Sent::NoReply, Operation::Call));
    assert!(error.to_string().ends_with("nothing came within 100ms (sent, no reply)"), "{error}");
    // The peer may see a reset here, because the connection was closed at the timeout.
    let _ = (&peer).write_all(b"\0\x04late");
    let error = ours.call(b"two", DEADLINE).unwrap_err();
    assert_eq!(error.sent(), Sent::Not);
    assert!(matches!(error.error().cause(), Cause::Unclean(_)), "{}: {error}", D::NAME);
    assert!(matches!(ours.recv().unwrap_err().cause(), Cause::Unclean(_)));
    assert!(matches!(ours.send(b"three").unwrap_err().cause(), Cause::Unclean(_)));
}

fn a_refused_request_is_not_sent_and_the_connection_stays_usable<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:1"));
    let error = ours.call(&[0; 256], DEADLINE).unwrap_err();
    assert_eq!((error.sent(), error.error().blame()), (Sent::Not, Blame::Ours), "{}", D::NAME);
    let answering = Task::start(move || {
        assert_eq!(read_exactly(&peer, 3), b"\x02hi");
        (&peer).write_all(b"\x02ok").expect("replying");
    });
    assert_eq!(&ours.call(b"hi", DEADLINE).unwrap()[..], b"ok");
    answering.join();
}

fn unsolicited<D: Driver>(bytes: &[u8]) {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    (&peer).write_all(b"\0\x02hi").unwrap();
    assert_eq!(&ours.recv().unwrap().unwrap()[..], b"hi");
    (&peer).write_all(bytes).unwrap();
    // The bytes have arrived when the kernel reports them readable; the runtime must have seen that too.
    assert!(ours.recv_within(SHORT).is_ok());
    if bytes.len() == 4 {
        // That receive may have taken the bytes, so they are sent once more.
        (&peer).write_all(bytes).unwrap();
        std::thread::sleep(SHORT);
    }
    let error = ours.call(b"one", DEADLINE).unwrap_err();
    assert_eq!(error.sent(), Sent::Not, "{}: {error}", D::NAME);
    assert!(matches!(error.error().cause(), Cause::Unsolicited), "{}: {error}", D::NAME);
}

fn an_unsolicited_message_is_not_a_reply<D: Driver>() {
    unsolicited::<D>(b"\0\x02ho");
}

fn half_an_unsolicited_message_is_not_a_reply<D: Driver>() {
    unsolicited::<D>(b"\0\x05h");
}

fn a_close_instead_of_a_reply_is_an_error<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    let closing = Task::start(move || {
        read_exactly(&peer, 4);
        half_close(&peer);
        peer
    });
    let error = ours.call(b"hi", DEADLINE).unwrap_err();
    assert_eq!(error.sent(), Sent::Perhaps, "{}: {error}", D::NAME);
    assert!(matches!(error.error().cause(), Cause::NoReply), "{error}");
    closing.join();
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    drop(peer);
    std::thread::sleep(SHORT);
    let error = ours.call(b"hi", DEADLINE).unwrap_err();
    assert!(matches!(error.sent(), Sent::Not | Sent::Perhaps), "{error}");
}

fn a_request_is_perhaps_sent_if_the_peer_resets_instead_of_replying<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:2"));
    let resetting = Task::start(move || {
        read_exactly(&peer, 4);
        reset(peer);
    });
    let error = ours.call(b"hi", DEADLINE).unwrap_err();
    assert_eq!(error.sent(), Sent::Perhaps, "{}: {error}", D::NAME);
    assert!(matches!(error.error().cause(), Cause::Reset(_)), "{error}");
    resetting.join();
}

fn a_request_that_the_peer_does_not_read_is_perhaps_sent<D: Driver>() {
    let (mut ours, _peer) = pair::<D>(framing("net:4,max=64MiB"));
    let request = vec![0; 32 * 1024 * 1024];
    let began = Instant::now();
    let error = ours.call(&request, SHORT).unwrap_err();
    assert!(began.elapsed() >= SHORT && began.elapsed() < DEADLINE, "{}: {:?}", D::NAME, began.elapsed());
    assert_eq!(error.sent(), Sent::Perhaps, "{error}");
    assert!(error.to_string().contains("bytes could not be written within 100ms"), "{error}");
}

fn one_deadline_covers_a_reply_that_dribbles<D: Driver>() {
    let within = Duration::from_millis(300);
    let (mut ours, peer) = pair::<D>(framing("ascii:4"));
    let dribbling = Task::start(move || {
        let mut peer: &TcpStream = &peer;
        // Bytes before the request would be unsolicited.
        assert_eq!(read_exactly(peer, 6), b"0002hi");
        for byte in b"0100".iter().chain(&[b'x'; 100]) {
            if peer.write_all(&[*byte]).is_err() {
                return;
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    let began = Instant::now();
    let error = ours.call(b"hi", within).unwrap_err();
    let took = began.elapsed();
    assert!(took >= within && took < within * 6, "{}: {took:?}", D::NAME);
    assert!(error.to_string().contains("no whole message within 300ms"), "{error}");
    drop(ours);
    dribbling.join();
}

fn a_reply_may_end_with_silence<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("quiet:500ms"));
    let answering = Task::start(move || {
        read_exactly(&peer, 2);
        (&peer).write_all(b"in two ").expect("half");
        std::thread::sleep(Duration::from_millis(5));
        (&peer).write_all(b"parts").expect("the other half");
        peer
    });
    let began = Instant::now();
    assert_eq!(&ours.call(b"hi", DEADLINE).unwrap()[..], b"in two parts", "{}", D::NAME);
    assert!(began.elapsed() >= Duration::from_millis(500));
    answering.join();
}

fn a_reply_may_end_with_the_close<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("until-close"));
    let answering = Task::start(move || {
        assert_eq!(crate::support::peer::read_to_end(&peer), b"all of it");
        (&peer).write_all(b"all of the reply").expect("replying");
    });
    assert_eq!(&ours.call(b"all of it", DEADLINE).unwrap()[..], b"all of the reply", "{}", D::NAME);
    answering.join();
}

/// Every twentieth reply arrives after its call has timed out. The next call is made on a new connection.
fn late_replies_among_hundreds_answer_no_other_request<D: Driver>() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let count = 300;
    std::thread::spawn(move || {
        while let Ok((peer, _)) = listener.accept() {
            std::thread::spawn(move || {
                let (mut reader, mut peer) = (&peer, &peer);
                let mut request = [0; 6];
                while std::io::Read::read_exact(&mut reader, &mut request).is_ok() {
                    if request[2..] != *b"stop" && request[5] % 20 == 7 {
                        std::thread::sleep(Duration::from_millis(60));
                    }
                    if peer.write_all(&request).is_err() {
                        return;
                    }
                }
            });
        }
    });
    let mut ours = D::connect(address, framing("net:2")).unwrap();
    let (mut answered, mut given_up) = (0, 0);
    for i in 0_u32..count {
        let request = i.to_be_bytes();
        match ours.call(&request, Duration::from_millis(20)) {
            Ok(reply) => {
                assert_eq!(reply[..], request, "{}: the reply to another request", D::NAME);
                answered += 1;
            }
            Err(error) => {
                assert_eq!(error.sent(), Sent::NoReply, "{error}");
                given_up += 1;
                ours = D::connect(address, framing("net:2")).unwrap();
            }
        }
    }
    assert_eq!(answered + given_up, count);
    assert!(given_up > 0 && answered > count / 2, "{}: {answered} and {given_up}", D::NAME);
}

fn a_peer_may_answer_while_it_reads<D: Driver>() {
    const LARGE: usize = 16 * 1024 * 1024;
    let (mut ours, peer) = pair::<D>(framing("net:4,max=64MiB"));
    // The peer stores nothing, so it stops reading while its answer is not read.
    let echoing = Task::start(move || std::io::copy(&mut (&peer).take(4 + LARGE as u64), &mut &peer).expect("an echo"));
    let request = vec![7; LARGE];
    assert!(ours.call(&request, DEADLINE).unwrap()[..] == request, "{}", D::NAME);
    echoing.join();
}

fn a_reply_may_arrive_before_the_request_is_fully_written<D: Driver>() {
    let (mut ours, peer) = pair::<D>(framing("net:4,max=64MiB"));
    let refusing = Task::start(move || {
        read_exactly(&peer, 9);
        (&peer).write_all(b"\0\0\0\x08too much").expect("refusing");
        peer
    });
    let reply = ours.call(&vec![7; 16 * 1024 * 1024], DEADLINE).unwrap();
    assert_eq!(&reply[..], b"too much", "{}", D::NAME);
    refusing.join();
}
