//! Tests of a reply that arrives while its call is given up, in every order of the receiver's steps and the call's.

use std::time::Duration;

use framelink_codec::{Decode, Encode};
use tokio::io::DuplexStream;

use crate::calls::{Begun, PendingCall};
use crate::drive::Came;
use crate::error::Cause;
use crate::session::{KeyRule, Matching, Sent};
use crate::tokio::{Caller, Connection, Offer, Receiver};
use crate::{Framing, FramingPair, Incoming, Message};

/// A step of the receiver with a reply, or of its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The receiver finds the call of the reply.
    Match,
    /// The receiver hands the reply to the call.
    HandOver,
    /// The call is given up.
    GiveUp,
}

/// All orders: the receiver matches before it hands over, and the call is given up at any moment.
const ORDERS: [[Step; 3]; 3] = [
    [Step::GiveUp, Step::Match, Step::HandOver],
    [Step::Match, Step::GiveUp, Step::HandOver],
    [Step::Match, Step::HandOver, Step::GiveUp],
];

const WITHIN: Duration = Duration::from_secs(5);
const REQUEST: &[u8] = b"01 request";
const REPLY: &[u8] = b"01 reply";

type OurCaller = Caller<FramingPair, tokio::io::WriteHalf<DuplexStream>>;
type OurReceiver = Receiver<FramingPair, tokio::io::ReadHalf<DuplexStream>, tokio::io::WriteHalf<DuplexStream>>;
type Failed = (Sent, Cause<<FramingPair as Decode>::Error, <FramingPair as Encode>::Error>);

/// The outcome of the call, and of its reply.
#[derive(Debug)]
struct End {
    /// `None` if the call was dropped.
    call: Option<Result<Message, Failed>>,
    late: Option<Incoming>,
    is_open: bool,
}

fn connection(matching: Matching) -> (OurCaller, OurReceiver, DuplexStream) {
    let framing = FramingPair::from("net:2".parse::<Framing>().unwrap());
    let (ours, theirs) = tokio::io::duplex(1024);
    let (reader, writer) = tokio::io::split(ours);
    let (caller, receiver) = Connection::from_parts(reader, writer, framing).duplex(matching);
    (caller, receiver, theirs)
}

async fn play(matching: Matching, order: [Step; 3], is_dropped: bool) -> End {
    let (caller, mut receiver, _peer) = connection(matching);
    let Ok(Offer::Taken(begun)) = caller.mux.begin(REQUEST, WITHIN) else { panic!("there is room") };
    let mut call = Some(PendingCall::new(&*caller.mux, begun));
    let (mut ended, mut taken, mut late) = (None, None, None);
    for step in order {
        match step {
            Step::Match => taken = Some(caller.mux.whose(message(REPLY).await)),
            Step::HandOver => late = taken.take().and_then(|taken| caller.mux.hand_over(taken)),
            Step::GiveUp if is_dropped => drop(call.take()),
            Step::GiveUp => ended = call.take().map(|call| call.end(None, WITHIN)),
        }
    }
    let handed_back = tokio::time::timeout(Duration::ZERO, receiver.recv()).await;
    let late = late.or_else(|| handed_back.ok().and_then(Result::ok).flatten());
    End { call: ended, late, is_open: caller.is_open() }
}

/// Builds a message by receiving it on a connection.
async fn message(payload: &[u8]) -> Message {
    let framing = FramingPair::from("net:2".parse::<Framing>().unwrap());
    let (ours, theirs) = tokio::io::duplex(1024);
    let (reader, writer) = tokio::io::split(ours);
    let mut ours = Connection::from_parts(reader, writer, framing);
    let (reader, writer) = tokio::io::split(theirs);
    let mut theirs = Connection::from_parts(reader, writer, framing);
    ours.send(payload).await.unwrap();
    theirs.recv().await.unwrap().expect("a message")
}

fn by_key() -> Matching {
    Matching::by_key(KeyRule::at("0:2".parse().unwrap()))
}

fn is_late(incoming: Option<&Incoming>) -> bool {
    matches!(incoming, Some(Incoming::Late(late)) if &late.message()[..] == REPLY)
}

#[tokio::test]
async fn a_reply_at_the_last_moment_is_the_reply_or_comes_late_and_never_ends_the_call_as_closed() {
    for order in ORDERS {
        let end = play(by_key(), order, false).await;
        let name = format!("{order:?}: {end:?}");
        assert!(end.is_open, "{name}");
        match end.call.expect("the call has ended") {
            Ok(reply) => assert!(&reply[..] == REPLY && end.late.is_none(), "{name}"),
            Err((sent, cause)) => {
                assert!(matches!((sent, cause), (Sent::NoReply, Cause::TimedOut { .. })), "{name}");
                assert!(is_late(end.late.as_ref()), "{name}");
            }
        }
    }
}

#[tokio::test]
async fn in_order_a_reply_that_was_matched_before_the_deadline_leaves_the_connection_open() {
    for order in &ORDERS[1..] {
        let end = play(Matching::in_order(), *order, false).await;
        let name = format!("{order:?}: {end:?}");
        assert!(end.is_open, "{name}");
        let is_reply = matches!(&end.call, Some(Ok(reply)) if &reply[..] == REPLY);
        assert!(is_reply != is_late(end.late.as_ref()), "{name}");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_hands_its_reply_to_the_receiver() {
    for matching in [by_key as fn() -> Matching, Matching::in_order] {
        for order in ORDERS {
            let end = play(matching(), order, true).await;
            assert!(end.is_open && is_late(end.late.as_ref()), "{order:?}: {end:?}");
        }
    }
}

#[tokio::test]
async fn a_reply_that_is_handed_over_while_the_call_is_given_up_is_the_reply() {
    let (caller, _receiver, _peer) = connection(by_key());
    let Ok(Offer::Taken(begun)) = caller.mux.begin(REQUEST, WITHIN) else { panic!("there is room") };
    let Begun { call, ticket, mut answer } = begun;
    let taken = caller.mux.whose(message(REPLY).await);
    assert!(caller.mux.give_up(call, ticket, Some(WITHIN)).is_none(), "it has been answered");
    assert!(caller.mux.hand_over(taken).is_none(), "the call has it");
    let outcome = caller.mux.last_outcome(&mut answer, ticket, WITHIN);
    assert!(outcome.is_ok_and(|reply| &reply.message()[..] == REPLY));
}

#[tokio::test]
async fn a_call_whose_connection_ends_at_the_last_moment_says_why() {
    let (caller, _receiver, _peer) = connection(by_key());
    let Ok(Offer::Taken(begun)) = caller.mux.begin(REQUEST, WITHIN) else { panic!("there is room") };
    let Begun { call, ticket, mut answer } = begun;
    caller.mux.end(&Cause::Unattended);
    assert!(caller.mux.give_up(call, ticket, Some(WITHIN)).is_none(), "the end of the connection is its outcome");
    let outcome = caller.mux.last_outcome(&mut answer, ticket, WITHIN);
    assert!(matches!(outcome, Err(Cause::Unattended)));
}

/// A reply that another task's `abort` has overtaken: its call has failed, and it is not an unsolicited message.
#[tokio::test]
async fn a_reply_that_is_read_while_this_side_closes_goes_to_no_call_and_not_to_the_receiver() {
    let (caller, _receiver, _peer) = connection(by_key());
    let Ok(Offer::Taken(begun)) = caller.mux.begin(REQUEST, WITHIN) else { panic!("there is room") };
    let read = message(REPLY).await;
    caller.abort();
    let (mut answer, mut unread) = (begun.answer, None);
    let received = caller.mux.on_came(Ok(Came::Message(read)), false, |message| unread = Some(message));
    assert!(matches!(received, Ok(None)));
    assert_eq!(unread.as_deref(), Some(REPLY));
    assert!(caller.mux.last_outcome(&mut answer, begun.ticket, WITHIN).is_err());
}
