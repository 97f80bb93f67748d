//! Replies and pushes on one connection.

use std::sync::{Arc, mpsc};
use std::thread;

use framelink_transport::session::{Backlog, Concurrency, SlowRule};
use framelink_transport::{Registry, Target, blocking};

use super::{number_of, numbered, small_buffers};
use crate::support::peer::Peer;
use crate::support::server::{Serve, on_every_driver};

on_every_driver!(replies_and_pushes_never_mix_inside_a_frame);

const COUNT: usize = 2000;

/// Returns the length of a message. Some lengths are larger than one write.
fn len(number: usize) -> usize {
    8 + number * 7919 % if number.is_multiple_of(50) { 60_000 } else { 600 }
}

fn replies_and_pushes_never_mix_inside_a_frame<S: Serve>() {
    let registry = Registry::new(Backlog::new(SlowRule::Close).messages(2 * COUNT).bytes(64 << 20));
    let handler = Arc::new(|message: &[u8]| {
        let mut reply = numbered(number_of(message), len(number_of(message)) + 1);
        reply.push(b'R');
        Some(reply)
    });
    let server = S::start_with(small_buffers(), Concurrency::new(4), handler, Some(&registry));
    let mut peer = Peer::dial(server.address);
    server.member();
    let mut writer = Peer::new(peer.0.try_clone().unwrap());
    let asking = thread::spawn(move || (0..COUNT).for_each(|number| writer.write(&[&numbered(number, 8)])));
    let pushing = thread::spawn(move || {
        for number in 0..COUNT {
            let mut message = numbered(number, len(number) + 2);
            message.push(b'P');
            assert_eq!(registry.push(Target::All, &message).unwrap().queued, 1);
        }
        registry
    });
    let (mut replies, mut pushes) = (0, 0);
    while replies < COUNT || pushes < COUNT {
        let message = peer.read();
        let (next, more) = if message.last() == Some(&b'R') { (&mut replies, 2) } else { (&mut pushes, 3) };
        assert_eq!(number_of(&message), *next, "{}", S::NAME);
        assert_eq!(message.len(), len(*next) + more, "{}: every message is whole", S::NAME);
        assert!(
            message[8..message.len() - 1].iter().all(|byte| *byte == b'.'),
            "{}: no other bytes are mixed in",
            S::NAME
        );
        *next += 1;
    }
    asking.join().unwrap();
    let registry = pushing.join().unwrap();
    peer.half_close();
    assert_eq!(server.outcome().unwrap(), COUNT as u64);
    assert_eq!(registry.counts().delivered, COUNT as u64);
}

#[test]
fn a_blocking_connection_sends_pushed_messages_while_it_is_served_one_by_one() {
    let (registry, profile) = (Registry::new(Backlog::new(SlowRule::Close)), small_buffers());
    let mut listener = blocking::Listener::bind_profile("127.0.0.1:0", &Arc::new(profile.clone())).unwrap();
    let (mut peer, (joined, members)) = (Peer::dial(listener.local_addr().unwrap()), mpsc::channel());
    let members_registry = registry.clone();
    let serving = thread::spawn(move || {
        let mut connection = listener.accept().unwrap().unwrap();
        joined.send(connection.join(&members_registry)).unwrap();
        connection.serve(&profile, |request| Some(request.to_vec()))
    });
    members.recv().unwrap();
    for round in 0..3_u8 {
        assert_eq!(registry.push(Target::All, &[b'P', round]).unwrap().queued, 1);
        assert_eq!(peer.read(), [b'P', round], "nothing was asked");
        peer.write(&[&[b'R', round]]);
        assert_eq!(peer.read(), [b'R', round]);
    }
    peer.half_close();
    assert_eq!(serving.join().unwrap().unwrap(), 3);
}
