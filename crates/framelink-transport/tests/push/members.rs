//! The receivers of a push.

use std::io::Write;

use framelink_transport::session::{Backlog, SlowRule};
use framelink_transport::{Registry, Target};

use super::{number_of, numbered, subscribed};
use crate::support::server::{Serve, on_every_driver};

on_every_driver!(
    a_push_reaches_one_some_or_all_members,
    messages_arrive_in_order,
    a_connection_that_ends_leaves_the_registry_and_its_counts_stay,
    a_message_that_cannot_be_framed_is_pushed_to_no_member,
);

fn a_push_reaches_one_some_or_all_members<S: Serve>() {
    let registry = Registry::new(Backlog::new(SlowRule::Drop));
    let (_server, mut subscribers) = subscribed::<S>(&registry, 4);
    let ids: Vec<_> = subscribers.iter().map(|(id, _)| *id).collect();
    assert_eq!(registry.members(), ids);
    assert_eq!(registry.push(Target::One(ids[1]), b"one").unwrap().queued, 1);
    assert_eq!(registry.push(Target::Some(&[ids[0], ids[1], ids[3]]), b"some").unwrap().queued, 3);
    assert_eq!(registry.push(Target::All, b"all").unwrap().queued, 4);
    let expected: [&[&str]; 4] = [&["some", "all"], &["one", "some", "all"], &["all"], &["some", "all"]];
    for ((_, peer), expected) in subscribers.iter_mut().zip(expected) {
        for message in expected {
            assert_eq!(peer.read(), message.as_bytes(), "{}", S::NAME);
        }
        peer.expect_nothing();
    }
}

fn messages_arrive_in_order<S: Serve>() {
    let registry = Registry::new(Backlog::new(SlowRule::Close).messages(4000));
    let (_server, mut subscribers) = subscribed::<S>(&registry, 3);
    for number in 0..3000 {
        assert_eq!(registry.push(Target::All, &numbered(number, 8)).unwrap().queued, 3);
    }
    for (_, peer) in &mut subscribers {
        for number in 0..3000 {
            assert_eq!(number_of(&peer.read()), number, "{}", S::NAME);
        }
    }
}

fn a_connection_that_ends_leaves_the_registry_and_its_counts_stay<S: Serve>() {
    let registry = Registry::new(Backlog::new(SlowRule::Drop));
    let (server, mut subscribers) = subscribed::<S>(&registry, 2);
    registry.push(Target::All, b"both").unwrap();
    for (_, peer) in &mut subscribers {
        assert_eq!(peer.read(), b"both");
    }
    let (left, peer) = subscribers.remove(0);
    drop(peer);
    server.outcome().unwrap();
    assert_eq!(registry.members(), [subscribers[0].0], "{}", S::NAME);
    let pushed = registry.push(Target::Some(&[left, subscribers[0].0]), b"one").unwrap();
    assert_eq!((pushed.queued, pushed.gone), (1, 1));
    assert_eq!(subscribers[0].1.read(), b"one");
    // A frame that begins and never ends makes the other connection fail.
    subscribers[0].1.0.write_all(&[0]).unwrap();
    subscribers[0].1.half_close();
    server.outcome().unwrap_err();
    assert!(registry.is_empty());
    assert_eq!(registry.counts().delivered, 3, "the counts include members that have left");
}

fn a_message_that_cannot_be_framed_is_pushed_to_no_member<S: Serve>() {
    let registry = Registry::new(Backlog::new(SlowRule::Drop));
    let (_server, mut subscribers) = subscribed::<S>(&registry, 2);
    let error = registry.push(Target::All, &vec![0; 70_000]).unwrap_err();
    assert_eq!(error.to_string(), "payload is 70000 bytes, the header can announce at most 65535");
    registry.push(Target::All, b"next").unwrap();
    for (_, peer) in &mut subscribers {
        assert_eq!(peer.read(), b"next", "{}", S::NAME);
    }
}
