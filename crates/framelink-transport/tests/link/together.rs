//! Requests of many tasks over a link leave in one write. The peer counts its reads.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

use framelink_transport::profile::Duplex;
use framelink_transport::tokio::Link;
use framelink_transport::{Framing, Profile};

use crate::support::runtime;
use crate::support::task::Task;

const CALLERS: usize = 64;
const ROUNDS: usize = 20;
/// Each request is its number, in three digits: five bytes on the wire with the header.
const FRAME_LEN: usize = 5;

/// Answers the requests of a round at once, when it has all of them. Returns how many reads it made after the first
/// round, in which the tasks wait for the connection one after the other.
fn peer(listener: &TcpListener) -> usize {
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_nodelay(true).unwrap();
    let mut reads = 0;
    let mut space = vec![0; 64 * 1024];
    for round in 0..=ROUNDS {
        let mut len = 0;
        while len < CALLERS * FRAME_LEN {
            let count = stream.read(&mut space[len..]).unwrap();
            assert!(count > 0, "the link stays");
            len += count;
            reads += usize::from(round > 0);
        }
        stream.write_all(&space[..len]).unwrap();
    }
    reads
}

#[test]
fn requests_of_tasks_whose_replies_arrived_at_once_leave_in_one_write() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let peer = Task::start(move || peer(&listener));
    let framing: Framing = "net:2".parse().unwrap();
    let duplex = Duplex::new().key("0:3".parse().unwrap());
    let profile = Profile::builder(framing).exchange(duplex).reply_timeout(Duration::from_secs(10)).build().unwrap();
    runtime().block_on(async {
        let (link, _) = Link::new(profile, address).unwrap();
        let callers: Vec<_> = (0..CALLERS)
            .map(|call| {
                let link = link.clone();
                tokio::spawn(async move {
                    let request = format!("{call:03}");
                    for _ in 0..=ROUNDS {
                        assert_eq!(&link.call(request.as_bytes()).await.unwrap()[..], request.as_bytes());
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
    });
    let reads = peer.join();
    assert!(reads <= 2 * ROUNDS, "{reads} reads of {ROUNDS} rounds of {CALLERS} requests");
}
