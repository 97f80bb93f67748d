//! Calls in an event loop.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use framelink_codec::EndedBy;

use crate::calls::{CallLoop, Event, Legs, TryCall};
use crate::error::Cause;
use crate::framing::Framing;
use crate::message::Message;
use crate::session::{KeyRule, Matching, Sending, Sent, Ticket, Unfinished};
use crate::tries::TryRecv;

const SOON: Duration = Duration::from_secs(5);

/// A connection that does what a test says.
#[derive(Default)]
struct Scripted {
    now: Duration,
    reads: VecDeque<Result<TryRecv, Cause<(), ()>>>,
    watched: Option<Cause<(), ()>>,
    is_pair: bool,
    is_to_go_on: bool,
    closed: bool,
}

impl Legs<(), ()> for Scripted {
    fn now(&self) -> Duration {
        self.now
    }

    fn is_pair(&self) -> bool {
        self.is_pair
    }

    fn receive(&mut self) -> Result<TryRecv, Cause<(), ()>> {
        self.reads.pop_front().unwrap_or(Ok(TryRecv::Nothing))
    }

    fn is_to_go_on(&self) -> bool {
        self.is_to_go_on
    }

    fn unfinished(&self) -> Option<Unfinished> {
        None
    }

    fn watch(&mut self) -> Option<Cause<(), ()>> {
        self.watched.take()
    }

    fn owes_beat(&self) -> bool {
        false
    }

    fn put(&mut self, message: &[u8]) -> Result<Option<Ticket>, Cause<(), ()>> {
        let mut sending = Sending::new("net:2".parse::<Framing>().unwrap());
        Ok(Some(sending.queue(message).unwrap()))
    }

    fn is_sending(&self) -> bool {
        !self.closed
    }

    fn written(&self) -> u64 {
        0
    }

    fn close_sending(&mut self) {
        self.closed = true;
    }

    fn close(&mut self) {
        self.closed = true;
    }
}

fn message(payload: &'static [u8]) -> Result<TryRecv, Cause<(), ()>> {
    Ok(TryRecv::Message(Message::new(Bytes::from_static(payload), EndedBy::Count)))
}

fn with_a_call(legs: &mut Scripted) -> CallLoop<(), ()> {
    let mut calls = CallLoop::new(Matching::by_key(KeyRule::at("0:2".parse().unwrap())), None);
    assert!(matches!(calls.begin(legs, b"01 request", SOON), Ok(TryCall::Begun(_))));
    calls
}

#[test]
fn calls_are_told_before_the_end_and_the_end_stays() {
    let mut legs = Scripted { reads: [Err(Cause::OneWay), Err(Cause::Closed)].into(), ..Scripted::default() };
    let mut calls = with_a_call(&mut legs);
    let told = calls.next(&mut legs);
    assert!(matches!(told, Ok(TryRecv::Message(Event::Failed { error, .. })) if error.sent() == Sent::Not));
    for _ in 0..2 {
        assert!(matches!(calls.next(&mut legs), Err(error) if matches!(error.cause(), Cause::OneWay)));
    }
    assert!(legs.closed);
}

#[test]
fn an_error_after_the_peers_end_is_returned() {
    let reads = [Ok(TryRecv::Closed), Err(Cause::Closed), Err(Cause::Closed)].into();
    let mut legs = Scripted { reads, ..Scripted::default() };
    let mut calls = with_a_call(&mut legs);
    let told = calls.next(&mut legs);
    assert!(matches!(told, Ok(TryRecv::Message(Event::Failed { error, .. })) if error.sent() == Sent::Perhaps));
    assert!(calls.next(&mut legs).is_err(), "it neither spins nor hides it");
    assert!(calls.next(&mut legs).is_err());
}

#[test]
fn what_came_before_the_end_of_a_pair_is_taken_first() {
    let reads = [message(b"01 reply"), Ok(TryRecv::Nothing)].into();
    let (watched, is_pair) = (Some(Cause::SendingClosed), true);
    let mut legs = Scripted { reads, watched, is_pair, ..Scripted::default() };
    let mut calls = with_a_call(&mut legs);
    assert!(matches!(calls.next(&mut legs), Ok(TryRecv::Message(Event::Reply { .. }))));
    assert!(matches!(calls.next(&mut legs), Err(error) if matches!(error.cause(), Cause::SendingClosed)));
}

#[test]
fn a_call_ends_though_messages_come_without_end() {
    let mut legs = Scripted { is_to_go_on: true, ..Scripted::default() };
    let mut calls = with_a_call(&mut legs);
    legs.now = SOON;
    assert!(matches!(calls.next(&mut legs), Ok(TryRecv::Nothing)), "its reply may be among them");
    legs.now += Duration::from_millis(250);
    assert!(matches!(calls.next(&mut legs), Ok(TryRecv::Message(Event::Failed { .. }))));
    assert_eq!((calls.in_flight(), calls.unanswered()), (0, 1));
}
