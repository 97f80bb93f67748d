//! Tests of full, dropped and closed inboxes.

use std::thread;
use std::time::Duration;

use super::*;
use crate::blocking::connector::Blocking;
use crate::driver::at_once;

fn inbox() -> (Outlet<Blocking>, Inbox<Blocking>) {
    let (events, inbox) = Inbox::new();
    (Outlet::new("peer".into(), events), inbox)
}

fn recv(inbox: &mut Inbox<Blocking>, within: Duration) -> Option<TryRecv<EventOfPeer<Blocking>>> {
    at_once(async { Some(inbox.recv(Some(Instant::now() + within)).await) })
}

#[test]
fn a_full_inbox_is_waited_for_and_loses_nothing() {
    let (outlet, mut inbox) = inbox();
    let telling = thread::spawn(move || {
        for _ in 0..CAPACITY + 100 {
            at_once(outlet.tell(LinkEvent::Up, &Weak::new()));
        }
    });
    for _ in 0..CAPACITY + 100 {
        assert!(matches!(recv(&mut inbox, Duration::from_secs(10)), Some(TryRecv::Message((LinkEvent::Up, _)))));
    }
    telling.join().unwrap();
    assert!(matches!(recv(&mut inbox, Duration::ZERO), Some(TryRecv::Closed)));
}

#[test]
fn a_full_inbox_of_a_link_that_is_gone_is_not_waited_for() {
    let (outlet, mut inbox) = inbox();
    let other = outlet.clone();
    let telling = thread::spawn(move || {
        for _ in 0..CAPACITY + 100 {
            at_once(other.tell(LinkEvent::Up, &Weak::new()));
        }
    });
    while inbox.0.state.lock().events.len() < CAPACITY {
        thread::yield_now();
    }
    outlet.close();
    telling.join().unwrap();
    drop(outlet);
    let held = std::iter::from_fn(|| recv(&mut inbox, Duration::ZERO)?.into_message()).count();
    assert_eq!(held, CAPACITY);
}

#[test]
fn a_dropped_inbox_takes_everything_at_once() {
    let (outlet, inbox) = inbox();
    drop(inbox);
    (0..2 * CAPACITY).for_each(|_| at_once(outlet.tell(LinkEvent::Up, &Weak::new())));
}
