//! Tests of calls in an event loop.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use framelink_codec::EndedBy;

use crate::calls::{CallLoop, Event, Leg, Legs, TryCall};
use crate::drive::TryRecv;
use crate::error::{Cause, Error, Operation};
use crate::session::{KeyRule, Matching, Sending, Sent, Ticket, Unfinished};
use crate::{Framing, Message};

const SOON: Duration = Duration::from_secs(5);

type Read = Result<TryRecv, Cause<(), ()>>;

/// A connection whose reads the test sets.
struct Scripted {
    now: Duration,
    reads: VecDeque<Read>,
    is_to_go_on: bool,
    is_open: bool,
}

impl Scripted {
    fn reading(reads: impl IntoIterator<Item = Read>) -> Self {
        Self { now: Duration::ZERO, reads: reads.into_iter().collect(), is_to_go_on: false, is_open: true }
    }

    /// This connection, without a second one.
    fn alone(&mut self) -> Legs<'_, Self> {
        Legs { receiving: self, sending: None, gathers: false }
    }
}

impl Leg<(), ()> for Scripted {
    fn now(&self) -> Duration {
        self.now
    }

    fn receive(&mut self) -> Result<TryRecv, Error<(), ()>> {
        let read = self.reads.pop_front().unwrap_or(Ok(TryRecv::Nothing));
        read.map_err(|cause| Error::new(Operation::Receive, None, cause))
    }

    fn is_to_go_on(&self) -> bool {
        self.is_to_go_on
    }

    fn unfinished(&self) -> Option<Unfinished> {
        None
    }

    fn owes_beat(&self) -> bool {
        false
    }

    fn put(&mut self, message: &[u8], _gathers: bool) -> Result<Option<Ticket>, Cause<(), ()>> {
        let mut sending = Sending::new("net:2".parse::<Framing>().unwrap());
        Ok(Some(sending.queue(message).unwrap()))
    }

    fn written(&self) -> u64 {
        0
    }

    fn is_open(&self) -> bool {
        self.is_open
    }

    fn close(&mut self) {
        self.is_open = false;
    }
}

fn message(payload: &'static [u8]) -> Read {
    Ok(TryRecv::Message(Message::new(Bytes::from_static(payload), EndedBy::Count)))
}

fn with_a_call(mut legs: Legs<'_, Scripted>) -> CallLoop<(), ()> {
    let mut calls = CallLoop::new(Matching::by_key(KeyRule::at("0:2".parse().unwrap())), None);
    assert!(matches!(calls.begin(&mut legs, b"01 request", SOON), Ok(TryCall::Begun(_))));
    calls
}

#[test]
fn calls_fail_before_the_end_is_reported_and_the_end_stays() {
    let mut leg = Scripted::reading([Err(Cause::OneWay), Err(Cause::Closed)]);
    let mut calls = with_a_call(leg.alone());
    let told = calls.next(&mut leg.alone());
    assert!(matches!(told, Ok(TryRecv::Message(Event::Failed { error, .. })) if error.sent() == Sent::Not));
    for _ in 0..2 {
        assert!(matches!(calls.next(&mut leg.alone()), Err(error) if matches!(error.cause(), Cause::OneWay)));
    }
    assert!(!leg.is_open);
}

#[test]
fn an_error_after_the_peers_end_is_returned() {
    let mut leg = Scripted::reading([Ok(TryRecv::Closed), Err(Cause::Closed), Err(Cause::Closed)]);
    let mut calls = with_a_call(leg.alone());
    let told = calls.next(&mut leg.alone());
    assert!(matches!(told, Ok(TryRecv::Message(Event::Failed { error, .. })) if error.sent() == Sent::Perhaps));
    assert!(calls.next(&mut leg.alone()).is_err(), "the error is returned, and does not loop");
    assert!(calls.next(&mut leg.alone()).is_err());
}

#[test]
fn a_reply_before_the_end_of_a_pair_is_returned_first_and_both_connections_are_closed() {
    let mut receiving = Scripted::reading([message(b"01 reply"), Ok(TryRecv::Nothing)]);
    let mut sending = Scripted::reading([Ok(TryRecv::Closed)]);
    let mut calls = with_a_call(Legs { receiving: &mut receiving, sending: Some(&mut sending), gathers: false });
    let mut pair = Legs { receiving: &mut receiving, sending: Some(&mut sending), gathers: false };
    assert!(matches!(calls.next(&mut pair), Ok(TryRecv::Message(Event::Reply { .. }))));
    assert!(matches!(calls.next(&mut pair), Err(error) if matches!(error.cause(), Cause::SendingClosed)));
    assert!(!receiving.is_open && !sending.is_open);
}

#[test]
fn nothing_is_sent_into_a_pair_that_cannot_answer() {
    let mut receiving = Scripted::reading([Ok(TryRecv::Closed)]);
    let mut sending = Scripted::reading([]);
    let mut calls = with_a_call(Legs { receiving: &mut receiving, sending: Some(&mut sending), gathers: false });
    let told = calls.next(&mut Legs { receiving: &mut receiving, sending: Some(&mut sending), gathers: false });
    assert!(matches!(told, Ok(TryRecv::Message(Event::Failed { error, .. })) if error.sent() == Sent::Not));
    assert!(!sending.is_open);
}

#[test]
fn a_call_ends_though_messages_come_without_end() {
    let mut leg = Scripted { is_to_go_on: true, ..Scripted::reading([]) };
    let mut calls = with_a_call(leg.alone());
    leg.now = SOON;
    assert!(matches!(calls.next(&mut leg.alone()), Ok(TryRecv::Nothing)), "its reply may be among them");
    leg.now += Duration::from_millis(250);
    assert!(matches!(calls.next(&mut leg.alone()), Ok(TryRecv::Message(Event::Failed { .. }))));
    assert_eq!((calls.in_flight(), calls.unanswered()), (0, 1));
}
