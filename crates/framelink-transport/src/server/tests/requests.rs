//! The requests of a connection: which are read, when they are handled, and when the connection has been served.

use std::io;
use std::time::Duration;

use framelink_heartbeat::{Heartbeat, Role};

use crate::error::{Cause, Error, Operation};
use crate::profile::{Profile, Short};
use crate::server::requests::{PlacedRequest, ServedRequests};
use crate::session::{Concurrency, Received, Receiving, Session};
use framelink_profile::{DecodeError, EncodeError, Framing};
use framelink_session::Message;

type Requests = ServedRequests<DecodeError, EncodeError, Vec<u8>>;

const NOW: Duration = Duration::ZERO;

fn framing() -> Framing {
    "net:2".parse().unwrap()
}

fn begin(profile: &Profile, with_heartbeats: bool, at_a_time: usize) -> Requests {
    let mut session = Session::new(framing(), framing());
    if with_heartbeats {
        let heartbeat: Heartbeat = "empty,interval=30s".parse().unwrap();
        session.watch(heartbeat.into(), Role::Server, 0, NOW);
    }
    ServedRequests::begin(&mut session.receiving, &session.sending, profile, Concurrency::new(at_a_time))
}

fn profile() -> Profile {
    Profile::builder(framing()).build().unwrap()
}

fn message() -> Message {
    let mut receiving = Receiving::new(framing());
    receiving.on_bytes(b"\x00\x02hi", NOW);
    let Ok(Received::Message(message)) = receiving.poll() else { panic!("a message") };
    message
}

fn error(cause: Cause<DecodeError, EncodeError>) -> Error {
    Error::new(Operation::Receive, None, cause)
}

fn receive(requests: &mut Requests) -> Option<PlacedRequest> {
    assert!(requests.may_read());
    requests.on_received(Ok(Some(message()))).unwrap()
}

fn answer(requests: &mut Requests, request: PlacedRequest) {
    assert!(requests.answer(request.0, None, NOW));
}

#[test]
fn no_more_is_read_than_can_be_handled() {
    let mut requests = begin(&profile(), false, 2);
    let one = receive(&mut requests).unwrap();
    let two = receive(&mut requests).unwrap();
    assert!(!requests.may_read(), "both handlers are busy");
    answer(&mut requests, two);
    assert!(!requests.may_read(), "the reply before it is still owed");
    answer(&mut requests, one);
    assert!(requests.may_read());
    assert!(requests.ended().is_none(), "there may be more requests");
}

#[test]
fn with_heartbeats_requests_are_read_ahead_in_their_order_and_up_to_a_limit() {
    let mut requests = begin(&profile(), true, 1);
    let mut current = receive(&mut requests).unwrap();
    let mut ahead = 0;
    while requests.may_read() {
        assert!(receive(&mut requests).is_none(), "there is no place for it yet");
        ahead += 1;
    }
    assert_eq!(ahead, 64);
    requests.on_received(Ok(None)).unwrap();
    for left in (0..ahead).rev() {
        assert!(requests.next().is_none() && requests.ended().is_none(), "{left} are left");
        let place = current.0;
        answer(&mut requests, current);
        current = requests.next().unwrap();
        assert!(current.0 > place);
    }
    assert!(requests.ended().is_none(), "the last one is not answered");
    answer(&mut requests, current);
    assert!(matches!(requests.ended(), Some(Ok(()))));
}

#[test]
fn requests_before_an_error_are_answered_and_then_the_error_is_told_once() {
    let mut requests = begin(&profile(), false, 2);
    let request = receive(&mut requests).unwrap();
    assert!(requests.on_received(Err(error(Cause::TooManyEmpty { most: 1 }))).unwrap().is_none());
    assert!(!requests.may_read() && requests.ended().is_none());
    answer(&mut requests, request);
    let Some(Err(told)) = requests.ended() else { panic!("the error") };
    assert!(matches!(told.cause(), Cause::TooManyEmpty { .. }));
    assert!(matches!(requests.ended(), Some(Ok(()))), "from then on the connection has ended");
}

#[test]
fn a_lost_connection_ends_at_once() {
    let mut requests = begin(&profile(), false, 2);
    let _request = receive(&mut requests).unwrap();
    let lost = error(Cause::Reset(io::ErrorKind::ConnectionReset.into()));
    assert!(requests.on_received(Err(lost)).is_err());
}

#[test]
fn a_short_connection_has_one_request() {
    let short = Profile::builder(framing()).connection(Short::new()).build().unwrap();
    let mut requests = begin(&short, true, 8);
    let request = receive(&mut requests).unwrap();
    assert!(!requests.may_read());
    answer(&mut requests, request);
    assert!(matches!(requests.ended(), Some(Ok(()))));
}
