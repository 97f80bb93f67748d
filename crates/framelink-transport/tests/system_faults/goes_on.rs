//! A connection with constant traffic that survives a fault below it: no message is lost, repeated or reordered, and
//! the connection stays open.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use framelink_transport::heartbeat::{Form, Heartbeat};
use framelink_transport::{Framing, Profile};

use crate::cell::Role;
use crate::driver::framing;
use crate::host::{Play, Scene};
use crate::namespace::{FAR, NEAR};
use crate::ours::Serves;
use crate::plain::{Plain, Until, echo};
use crate::rows::{by, of};
use crate::stage::DEADLINE;

#[derive(Clone, Copy, Debug)]
pub(crate) struct GoesOn {
    /// The length of a message in bytes.
    size: usize,
}

impl GoesOn {
    pub(crate) const fn of(size: usize) -> Self {
        Self { size }
    }

    /// Returns message number `number`. All messages differ.
    fn message(self, number: usize) -> Vec<u8> {
        let mut message = format!("{number:08}").into_bytes();
        message.extend((8..self.size).map(|at| u8::try_from((number * 31 + at * 7) % 251).expect("a byte")));
        message
    }

    /// Asserts that every sent message was received once, in order.
    #[track_caller]
    fn check(self, seen: &[Vec<u8>], sent: usize) {
        assert_eq!(seen.len(), sent, "the number of received messages is the number of sent ones");
        for (number, message) in seen.iter().enumerate() {
            assert!(*message == self.message(number), "message {number} differs from the sent one");
        }
    }
}

/// The timeouts are far longer than the faults of the rows, so no connection may be declared dead.
fn heartbeat(role: Role) -> Heartbeat {
    let heartbeat = Heartbeat::relaxed(Form::literal(b"PING", b"PONG")).by(by(role));
    heartbeat.interval(Duration::from_millis(500)).unwrap().timeout(Duration::from_secs(10)).unwrap()
}

impl Play for GoesOn {
    fn client<D: Serves>(&self, scene: &Scene) {
        let (Scene { cell, part, .. }, network) = (scene, scene.network());
        let (tell, told) = mpsc::channel();
        let (seen, sent) = thread::scope(|scope| {
            let peer = scope.spawn(move || {
                network.far.enter();
                let listener = TcpListener::bind((FAR, 0)).expect("a port");
                tell.send(listener.local_addr().expect("an address")).expect("a client");
                echo(&listener, cell.wire, part, Until::End)
            });
            let address = told.recv_timeout(DEADLINE).expect("a peer");
            let mut ours = D::connect(address, framing(cell.wire.notation())).expect("connecting");
            ours.watch(heartbeat(Role::Client), of(Role::Client));
            let mut sent = 0;
            while !part.is_over() {
                let reply = ours.call(&self.message(sent), DEADLINE).expect("a reply");
                assert!(reply[..] == self.message(sent), "the reply to message {sent}");
                sent += 1;
                part.step();
                if sent == 1 {
                    part.is_ready();
                }
            }
            drop(ours);
            (peer.join().expect("the peer"), sent)
        });
        self.check(&seen, sent);
    }

    fn server<D: Serves>(&self, scene: &Scene) {
        let (Scene { cell, part, .. }, network) = (scene, scene.network());
        let (tell, told) = mpsc::channel::<SocketAddr>();
        let framing: Framing = cell.wire.notation().parse().expect("a notation");
        let profile = Profile::builder(framing).heartbeat(heartbeat(Role::Server)).frame_timeout(DEADLINE);
        let profile = Arc::new(profile.build().expect("a profile"));
        thread::scope(|scope| {
            let peer = scope.spawn(move || {
                network.far.enter();
                let address = told.recv_timeout(DEADLINE).expect("a server");
                let mut peer = Plain::dial(address, cell.wire);
                let mut sent = 0;
                while !part.is_over() {
                    assert!(peer.call(&self.message(sent), part) == self.message(sent), "the reply to message {sent}");
                    sent += 1;
                    part.step();
                    if sent == 1 {
                        part.is_ready();
                    }
                }
                peer.half_close();
                peer.idle_to_the_end();
                sent
            });
            let mut seen = Vec::new();
            let ended = D::serve(NEAR, profile, &tell, |message| {
                seen.push(message.to_vec());
                message.to_vec()
            });
            let sent = peer.join().expect("the peer");
            self.check(&seen, sent);
            assert_eq!(ended.expect("an orderly end"), u64::try_from(sent).expect("a count"));
        });
    }
}
