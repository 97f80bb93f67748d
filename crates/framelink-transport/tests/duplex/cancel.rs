//! Calls that are dropped or cancelled.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use framelink_transport::nonblocking::{Event, TryCall};
use framelink_transport::session::{Matching, Sent};
use framelink_transport::{Cause, Incoming, TryRecv, blocking, nonblocking, tokio};

use crate::support::many::{DEADLINE, by_key, framing};
use crate::support::peer::{Peer, small_sockets};

/// A connection of the tokio driver, on a runtime of one thread.
struct Ours {
    caller: tokio::Caller,
    receiver: tokio::Receiver,
    runtime: ::tokio::runtime::Runtime,
}

fn ours(matching: Matching) -> (Ours, Peer) {
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (ours, theirs) = small_sockets();
    ours.set_nonblocking(true).unwrap();
    let stream = runtime.block_on(async {
        let stream = ::tokio::net::TcpStream::from_std(ours).unwrap();
        // Nothing is written before the runtime has registered the socket.
        stream.writable().await.unwrap();
        stream
    });
    let (caller, receiver) = tokio::Connection::from_stream(stream, framing("net:2")).duplex(matching);
    (Ours { caller, receiver, runtime }, Peer(theirs))
}

impl Ours {
    fn next(&mut self) -> Option<Incoming> {
        let received = async { ::tokio::time::timeout(DEADLINE, self.receiver.recv()).await };
        self.runtime.block_on(received).expect("a message arrives").unwrap()
    }

    /// Polls a call this many times and drops it. Returns whether the call ended.
    fn poll_and_drop(&self, request: &[u8], polls: usize) -> bool {
        let _entered = self.runtime.enter();
        let mut call = pin!(self.caller.call(request, DEADLINE));
        let mut context = Context::from_waker(Waker::noop());
        (0..polls).any(|_| matches!(call.as_mut().poll(&mut context), Poll::Ready(_)))
    }
}

#[test]
fn a_call_that_was_never_polled_sends_nothing() {
    let (ours, mut peer) = ours(by_key());
    assert!(!ours.poll_and_drop(b"01", 0));
    assert_eq!((ours.caller.in_flight(), ours.caller.unanswered()), (0, 0));
    peer.expect_nothing();
}

#[test]
fn by_key_the_reply_to_a_dropped_call_is_late() {
    let (mut ours, mut peer) = ours(by_key());
    assert!(!ours.poll_and_drop(b"01 dropped", 1));
    assert_eq!(peer.read(), b"01 dropped");
    assert_eq!((ours.caller.in_flight(), ours.caller.unanswered()), (0, 1));
    peer.send(b"01 reply");
    assert!(matches!(ours.next(), Some(Incoming::Late(late)) if &late.message()[..] == b"01 reply"));
}

#[test]
fn a_reply_that_a_dropped_call_did_not_return_is_late() {
    for matching in [by_key(), Matching::in_order()] {
        let (mut ours, mut peer) = ours(matching);
        let caller = ours.caller.clone();
        let entered = ours.runtime.enter();
        let mut call = Box::pin(caller.call(b"01 dropped", DEADLINE));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(entered);
        assert_eq!(peer.read(), b"01 dropped");
        peer.send(b"01 reply");
        peer.send(b"99 news");
        // The message behind the reply shows that the receiver has handed the reply to the call.
        assert!(matches!(ours.next(), Some(Incoming::Message(news)) if &news[..] == b"99 news"));
        assert_eq!((ours.caller.in_flight(), ours.caller.unanswered()), (0, 0));
        drop(call);
        assert!(matches!(ours.next(), Some(Incoming::Late(late)) if &late.message()[..] == b"01 reply"));
    }
}

#[test]
fn in_order_a_dropped_call_keeps_its_place() {
    let (mut ours, mut peer) = ours(Matching::in_order());
    assert!(!ours.poll_and_drop(b"dropped", 1));
    assert_eq!(peer.read(), b"dropped");
    let calling = ours.caller.clone();
    let call = ours.runtime.spawn(async move { calling.call(b"kept", DEADLINE).await });
    ours.runtime.block_on(::tokio::task::yield_now());
    assert_eq!(peer.read(), b"kept");
    peer.send(b"re: dropped");
    peer.send(b"re: kept");
    let Some(Incoming::Late(late)) = ours.next() else { panic!("not late") };
    assert_eq!((&late.message()[..], late.key()), (&b"re: dropped"[..], None));
    let reply = ours.runtime.block_on(async {
        ::tokio::select! {
            reply = call => reply.unwrap().unwrap(),
            received = ours.receiver.recv() => panic!("{received:?}"),
        }
    });
    assert_eq!(&reply[..], b"re: kept");
}

#[test]
fn calls_dropped_at_every_poll_lose_nothing_and_answer_no_other() {
    let (mut ours, mut peer) = ours(by_key().window(200));
    // The peer does not read for now, so requests stay half written.
    let request = |call: usize| [format!("{call:02}").as_bytes(), &[b'x'; 30_000]].concat();
    for call in 0..99 {
        ours.poll_and_drop(&request(call), call % 4);
    }
    let accepted = ours.caller.unanswered();
    assert!(accepted > 3, "{accepted}");
    let echoing = std::thread::spawn(move || {
        for _ in 0..accepted {
            let request = peer.read();
            assert!(request[2..].iter().all(|byte| *byte == b'x') && request.len() == 30_002, "every frame is whole");
            peer.send(&request[..2]);
        }
        peer
    });
    for _ in 0..accepted {
        assert!(matches!(ours.next(), Some(Incoming::Late(_))));
    }
    let mut peer = echoing.join().unwrap();
    peer.expect_nothing();
    assert_eq!((ours.caller.in_flight(), ours.caller.unanswered()), (0, 0));
}

#[test]
fn a_dropped_receiver_closes_the_connection() {
    let (Ours { caller, receiver, runtime }, mut peer) = ours(by_key());
    let calling = caller.clone();
    let call = runtime.spawn(async move { calling.call(b"01", DEADLINE).await });
    runtime.block_on(::tokio::task::yield_now());
    peer.read();
    drop(receiver);
    let error = runtime.block_on(call).unwrap().unwrap_err();
    assert!(matches!(error.error().cause(), Cause::Unattended), "{error}");
    assert_eq!(error.sent(), Sent::Perhaps);
    assert!(peer.read_to_end().is_empty());
    assert!(matches!(runtime.block_on(caller.send(b"more")).unwrap_err().cause(), Cause::Unattended));
}

#[test]
fn a_call_without_a_receiver_ends_in_time() {
    let (ours, mut peer) = ours(by_key());
    let within = Duration::from_millis(50);
    let call = ours.runtime.block_on(ours.caller.call(b"01", within));
    assert_eq!(call.unwrap_err().sent(), Sent::NoReply);
    assert_eq!(peer.read(), b"01");
}

#[test]
fn blocking_a_dropped_receiver_closes_the_connection() {
    let (stream, theirs) = small_sockets();
    let (caller, receiver) = blocking::Connection::from_stream(stream, framing("net:2")).duplex(by_key());
    let mut peer = Peer(theirs);
    let calling = caller.clone();
    let call = std::thread::spawn(move || calling.call(b"01", DEADLINE));
    peer.read();
    drop(receiver);
    let error = call.join().unwrap().unwrap_err();
    assert!(matches!(error.error().cause(), Cause::Unattended), "{error}");
    assert!(peer.read_to_end().is_empty());
    assert!(matches!(caller.send(b"more").unwrap_err().cause(), Cause::Unattended));
}

#[test]
fn blocking_a_connection_can_be_aborted_while_its_receiver_waits() {
    let (stream, theirs) = small_sockets();
    let (caller, mut receiver) = blocking::Connection::from_stream(stream, framing("net:2")).duplex(by_key());
    let receiving = std::thread::spawn(move || receiver.recv());
    caller.abort();
    let error = receiving.join().unwrap().unwrap_err();
    assert!(matches!(error.cause(), Cause::Closed), "{error}");
    assert!(Peer(theirs).read_to_end().is_empty());
}

#[test]
fn nonblocking_the_reply_to_a_cancelled_call_is_late() {
    let (stream, theirs) = small_sockets();
    let connection = nonblocking::Connection::from_stream(stream, framing("net:2")).unwrap();
    let (mut ours, mut peer) = (connection.duplex(Matching::in_order()), Peer(theirs));
    let TryCall::Begun(first) = ours.try_call(b"one", DEADLINE).unwrap() else { panic!("no room") };
    let TryCall::Begun(second) = ours.try_call(b"two", DEADLINE).unwrap() else { panic!("no room") };
    assert!(ours.cancel(first) && !ours.cancel(first));
    peer.read();
    peer.read();
    peer.send(b"re: one");
    peer.send(b"re: two");
    let next = ours.recv_within(DEADLINE).unwrap();
    assert!(matches!(next, TryRecv::Message(Event::Incoming(Incoming::Late(late))) if late.call() == first));
    let next = ours.recv_within(DEADLINE).unwrap();
    assert!(matches!(next, TryRecv::Message(Event::Reply { call, .. }) if call == second));
}

#[test]
fn nonblocking_in_order_a_cancelled_call_that_is_never_answered_ends_the_link() {
    let (stream, theirs) = small_sockets();
    let connection = nonblocking::Connection::from_stream(stream, framing("net:2")).unwrap();
    let (mut ours, mut peer) = (connection.duplex(Matching::in_order()), Peer(theirs));
    let TryCall::Begun(first) = ours.try_call(b"one", Duration::from_millis(50)).unwrap() else { panic!("no room") };
    let TryCall::Begun(second) = ours.try_call(b"two", DEADLINE).unwrap() else { panic!("no room") };
    ours.cancel(first);
    peer.read();
    let next = ours.recv_within(DEADLINE).unwrap();
    let TryRecv::Message(Event::Failed { call, error }) = next else { panic!("{next:?}") };
    assert_eq!((call, error.sent()), (second, Sent::Perhaps));
    assert!(matches!(ours.recv_within(DEADLINE).unwrap_err().cause(), Cause::Unclean(_)));
}

#[test]
fn in_order_a_later_reply_is_not_taken_for_that_of_a_cancelled_call() {
    let (mut ours, mut peer) = ours(Matching::in_order());
    {
        let _entered = ours.runtime.enter();
        let mut call = pin!(ours.caller.call(b"a", Duration::from_millis(50)));
        assert!(call.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    assert_eq!(peer.read(), b"a");
    let calling = ours.caller.clone();
    let call = ours.runtime.spawn(async move { calling.call(b"b", DEADLINE).await });
    ours.runtime.block_on(::tokio::task::yield_now());
    assert_eq!(peer.read(), b"b");
    std::thread::sleep(Duration::from_millis(100));
    // The peer leaves out the reply to the first call, so the call of this reply is unknown.
    peer.send(b"re: b");
    let received = ours.runtime.block_on(async { ::tokio::time::timeout(DEADLINE, ours.receiver.recv()).await });
    assert!(matches!(received.unwrap().unwrap_err().cause(), Cause::Unclean(_)));
    assert_eq!(ours.runtime.block_on(call).unwrap().unwrap_err().sent(), Sent::Perhaps);
}
