//! Tests of the call table.

use std::borrow::Cow;
use std::time::Duration;

use crate::Framing;
use crate::calls::table::sent_of;
use crate::calls::{CallTable, Refusal};
use crate::error::Cause;
use crate::session::{KeyRule, Matching, NotBegun, Sending, Sent};

type Table = CallTable<u8, (), ()>;

const NOW: Duration = Duration::ZERO;
const SOON: Duration = Duration::from_secs(5);

fn begin(table: &mut Table, request: &'static [u8]) -> Result<(), Refusal<(), ()>> {
    table.begin(&mut Cow::Borrowed(request), 0, NOW, SOON).map(drop)
}

fn by_key() -> Matching {
    Matching::by_key(KeyRule::at("0:2".parse().unwrap()))
}

#[test]
fn a_call_that_can_wait_is_told_from_one_that_never_can_begin() {
    let mut table = Table::new(by_key().window(2).serialized(true));
    assert!(begin(&mut table, b"01").is_ok());
    assert!(matches!(begin(&mut table, b"01"), Err(Refusal::Later(NotBegun::DuplicateKey))));
    assert!(matches!(begin(&mut table, b"1"), Err(Refusal::Never(Cause::NotBegun(NotBegun::NoKey { .. })))));
    assert!(begin(&mut table, b"02").is_ok());
    assert!(matches!(begin(&mut table, b"03"), Err(Refusal::Later(NotBegun::Full { window: 2 }))));
    let mut table = Table::new(by_key());
    assert!(begin(&mut table, b"01").is_ok());
    assert!(matches!(begin(&mut table, b"01"), Err(Refusal::Never(Cause::NotBegun(NotBegun::DuplicateKey)))));
}

#[test]
fn after_a_failure_to_send_no_call_begins_and_the_receiver_still_returns_messages() {
    let mut table = Table::new(by_key());
    assert!(begin(&mut table, b"01").is_ok());
    table.fail(&Cause::SendingClosed);
    table.fail(&Cause::Closed);
    assert!(matches!(begin(&mut table, b"02"), Err(Refusal::Never(Cause::SendingClosed))), "the first reason counts");
    assert!(table.over().is_none() && table.lost().is_none());
    assert!(matches!(table.failure(), Some(Cause::SendingClosed)));
    assert_eq!(table.end(&Cause::OneWay).len(), 1);
    assert!(matches!(table.lost(), Some(Cause::OneWay)));
    assert!(table.failure().is_none(), "the receiver has returned it");
}

#[test]
fn after_the_peer_has_closed_its_side_ours_can_go_on_sending() {
    let mut table = Table::new(Matching::in_order());
    assert!(begin(&mut table, b"01").is_ok());
    assert_eq!(table.end_calls(&Cause::NoReply).len(), 1);
    assert!(matches!(table.over(), Some(Cause::NoReply)));
    assert!(table.lost().is_none() && table.failure().is_none());
    assert!(matches!(begin(&mut table, b"02"), Err(Refusal::Never(Cause::NoReply))));
}

#[test]
fn a_request_that_can_still_leave_is_never_called_not_sent() {
    let mut sending = Sending::new("net:2".parse::<Framing>().unwrap());
    let ticket = sending.queue(b"hello").unwrap();
    let timed_out = Cause::<(), ()>::TimedOut { after: SOON, unwritten_bytes: 0, unfinished: None };
    for (written, cause, goes_on, sent) in [
        (0, &timed_out, true, Sent::Perhaps),
        (0, &timed_out, false, Sent::Not),
        (1, &timed_out, false, Sent::Perhaps),
        (7, &timed_out, true, Sent::NoReply),
        (7, &Cause::Closed, true, Sent::Perhaps),
    ] {
        assert_eq!(sent_of(ticket, written, cause, goes_on), sent, "{written} bytes, {cause:?}, {goes_on}");
    }
}
