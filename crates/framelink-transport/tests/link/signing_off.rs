//! A link that signs off, and expects a reply: it shuts down writing after the reply, and the application does not get it.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use framelink_transport::profile::{ConnectionKind, Sign};
use framelink_transport::session::Match;
use framelink_transport::{Incoming, LinkEvent, Profile, blocking, tokio as on_tokio};

use super::host::{DEADLINE, by_key, profile};

fn signs_off() -> Profile {
    let sign_off = Sign::new(b"99 off").expect(b"99");
    profile(ConnectionKind::Long, by_key()).sign_off(sign_off).build().unwrap()
}

/// Any reply will do, and messages that begin with 77 can be no replies: the rule of the sign-off, or of the exchange.
fn signs_off_with_rules() -> [Profile; 2] {
    let sign_off = || Sign::new(b"99 off").expect(Match::any());
    let rule: Match = "0:1=text:9".parse().unwrap();
    let of_sign = sign_off().reply_rule(rule.clone());
    [
        profile(ConnectionKind::Long, by_key()).sign_off(of_sign).build().unwrap(),
        profile(ConnectionKind::Long, by_key()).reply_rule(rule).sign_off(sign_off()).build().unwrap(),
    ]
}

fn takes(stream: &mut TcpStream, frame: &[u8]) {
    let mut bytes = vec![0; frame.len()];
    stream.read_exact(&mut bytes).unwrap();
    assert_eq!(bytes, frame);
}

/// Sends a message of its own before the reply to the sign-off. When the link has received it, our side is still open.
fn host(listener: &TcpListener, received: &Receiver<()>) {
    let mut stream = listener.accept().unwrap().0;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    takes(&mut stream, b"\0\x0899 hello");
    stream.write_all(b"\0\x0899 reply").unwrap();
    takes(&mut stream, b"\0\x0699 off");
    stream.write_all(b"\0\x0777 news").unwrap();
    received.recv_timeout(DEADLINE).unwrap();
    stream.set_nonblocking(true).unwrap();
    assert_eq!(stream.peek(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock, "the end before the reply");
    stream.set_nonblocking(false).unwrap();
    stream.write_all(b"\0\x0999 signed").unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap(), 0);
}

/// Checks the next event. Tells the host of its message.
fn check(event: LinkEvent, seen: &mut Vec<&'static str>, received: &Sender<()>) {
    seen.push(match event {
        LinkEvent::Up => "up",
        LinkEvent::Incoming(Incoming::Message(message)) => {
            assert_eq!(&message[..], b"77 news");
            received.send(()).unwrap();
            "news"
        }
        LinkEvent::Lost(None) => "lost",
        event => panic!("{event:?}"),
    });
}

const EVENTS: [&str; 3] = ["up", "news", "lost"];

#[test]
fn the_reply_to_a_sign_off_is_waited_for_on_threads() {
    is_waited_for_on_threads(signs_off());
}

/// It was taken for the reply, and lost.
#[test]
fn a_message_that_can_be_no_reply_does_not_end_a_sign_off_with_any_reply() {
    signs_off_with_rules().into_iter().for_each(is_waited_for_on_threads);
}

fn is_waited_for_on_threads(profile: Profile) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tell, received) = channel();
    let host = thread::spawn(move || host(&listener, &received));
    let (link, mut inbox) = blocking::Link::new(profile, address).unwrap();
    assert_eq!(&link.call(b"99 hello").unwrap()[..], b"99 reply");
    let closing = thread::spawn(move || link.close(DEADLINE));
    let mut seen = Vec::new();
    while let Some(event) = inbox.recv() {
        check(event, &mut seen, &tell);
    }
    assert_eq!(seen, EVENTS);
    closing.join().unwrap();
    host.join().unwrap();
}

#[tokio::test]
async fn the_reply_to_a_sign_off_is_waited_for_on_tasks() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (tell, received) = channel();
    let host = thread::spawn(move || host(&listener, &received));
    let (link, mut inbox) = on_tokio::Link::new(signs_off(), address).unwrap();
    assert_eq!(&link.call(b"99 hello").await.unwrap()[..], b"99 reply");
    let closing = tokio::spawn(link.close(DEADLINE));
    let mut seen = Vec::new();
    while let Some(event) = inbox.recv().await {
        check(event, &mut seen, &tell);
    }
    assert_eq!(seen, EVENTS);
    closing.await.unwrap();
    host.join().unwrap();
}

/// `close` returns as soon as the host has closed.
#[test]
fn a_host_that_closes_instead_of_replying_to_the_sign_off_is_not_waited_for() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let host = thread::spawn(move || {
        for _ in 0..2 {
            let mut stream = listener.accept().unwrap().0;
            takes(&mut stream, b"\0\x0699 off");
        }
    });
    let (link, _inbox) = blocking::Link::new(signs_off(), address.clone()).unwrap();
    link.connect().unwrap();
    link.close(DEADLINE * 100);
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let (link, _inbox) = on_tokio::Link::new(signs_off(), address).unwrap();
        link.connect().await.unwrap();
        link.close(DEADLINE * 100).await;
    });
    host.join().unwrap();
}
