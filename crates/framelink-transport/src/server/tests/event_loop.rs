//! In an event loop, what is ready together leaves with one write, and nothing waits for bytes that have not arrived.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::rc::Rc;
use std::time::Duration;

use crate::drive::TryRecv;
use crate::nonblocking::{Connection, Duplex, Event, Served, TryCall, WriteStream};
use crate::profile::Profile;
use crate::session::{Concurrency, Matching, ReplyOrder};
use framelink_profile::{Framing, FramingPair};

fn framing() -> FramingPair {
    "net:2".parse::<Framing>().unwrap().into()
}

fn frame(payload: &[u8]) -> Vec<u8> {
    [&u16::try_from(payload.len()).unwrap().to_be_bytes(), payload].concat()
}

/// A stream in memory: what each read returns, and what each write took.
#[derive(Clone, Default)]
struct Wire(Rc<RefCell<Bytes>>);

#[derive(Default)]
struct Bytes {
    reads: VecDeque<Vec<u8>>,
    writes: Vec<Vec<u8>>,
}

impl Wire {
    fn arrive(&self, payloads: &[&[u8]], part: &[u8]) {
        let frames = payloads.iter().flat_map(|payload| frame(payload)).chain(part.iter().copied()).collect();
        self.0.borrow_mut().reads.push_back(frames);
    }

    /// Returns the messages of each write since the last call.
    fn writes(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.0.borrow_mut().writes)
    }
}

impl Read for Wire {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let bytes = self.0.borrow_mut().reads.pop_front().ok_or(io::ErrorKind::WouldBlock)?;
        let (now, later) = bytes.split_at(bytes.len().min(space.len()));
        space[..now.len()].copy_from_slice(now);
        if !later.is_empty() {
            self.0.borrow_mut().reads.push_front(later.to_vec());
        }
        Ok(now.len())
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().writes.push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteStream for Wire {
    fn shut_down(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn frames(payloads: &[&[u8]]) -> Vec<u8> {
    payloads.iter().flat_map(|payload| frame(payload)).collect()
}

fn served(concurrency: Concurrency) -> (Served<FramingPair, Wire>, Wire) {
    let wire = Wire::default();
    let profile = Profile::builder("net:2".parse::<Framing>().unwrap()).build().unwrap();
    (Connection::new(wire.clone(), framing()).serve_many(&profile, concurrency), wire)
}

/// Answers requests until there are no more.
fn echo_all(served: &mut Served<FramingPair, Wire>) -> usize {
    let mut count = 0;
    while let TryRecv::Message((slot, request)) = served.try_next().unwrap() {
        assert!(served.reply(slot, Some(&request)).unwrap());
        count += 1;
    }
    count
}

#[test]
fn replies_to_requests_that_arrive_together_share_a_write() {
    for concurrency in [Concurrency::new(1), Concurrency::new(16).order_by(ReplyOrder::Finished)] {
        let (mut served, wire) = served(concurrency);
        let requests = [&[7; 20][..]; 64];
        // The last bytes are the beginning of another request, for which no reply waits.
        wire.arrive(&requests, b"\x00\x02h");
        assert_eq!(echo_all(&mut served), 64);
        assert_eq!(wire.writes(), [frames(&requests)], "{concurrency:?}");
        assert_eq!((served.owed(), served.answered()), (0, 64));
    }
}

#[test]
fn the_last_reply_is_written_before_another_call_of_the_loop() {
    let (mut served, wire) = served(Concurrency::new(4));
    wire.arrive(&[b"one", b"two"], b"\x00");
    let mut slots = Vec::new();
    for _ in 0..2 {
        let TryRecv::Message((slot, _)) = served.try_next().unwrap() else { panic!("a request") };
        slots.push(slot);
    }
    assert!(served.reply(slots[1], Some(b"2")).unwrap(), "its turn has not come");
    assert!(wire.writes().is_empty());
    assert!(served.reply(slots[0], Some(b"1")).unwrap());
    assert_eq!(wire.writes(), [frames(&[b"1", b"2"])]);
    assert!(!served.reply(slots[0], Some(b"1")).unwrap(), "it was answered");
}

#[test]
fn a_reply_does_not_wait_while_no_place_is_free_for_the_next_request() {
    let (mut served, wire) = served(Concurrency::new(2).order_by(ReplyOrder::Finished));
    wire.arrive(&[b"one", b"two", b"three"], b"");
    let mut slots = Vec::new();
    while let TryRecv::Message((slot, _)) = served.try_next().unwrap() {
        slots.push(slot);
    }
    assert_eq!(slots.len(), 2);
    served.reply(slots[0], Some(b"1")).unwrap();
    let TryRecv::Message((slot, _)) = served.try_next().unwrap() else { panic!("the third request") };
    served.reply(slot, None).unwrap();
    assert_eq!(wire.writes(), [frames(&[b"1"])]);
}

#[test]
fn replies_leave_when_64_kib_of_them_wait_in_an_event_loop() {
    let (mut served, wire) = served(Concurrency::new(1));
    wire.arrive(&[&b"x"[..]; 100], b"");
    while let TryRecv::Message((slot, _)) = served.try_next().unwrap() {
        served.reply(slot, Some(&[1; 2046])).unwrap();
    }
    let lens: Vec<_> = wire.writes().iter().map(Vec::len).collect();
    assert_eq!(lens, [65536, 65536, 65536, 100 * 2048 - 3 * 65536]);
}

#[test]
fn the_replies_before_one_that_cannot_be_sent_are_written_or_lost_with_the_connection() {
    let (mut served, wire) = served(Concurrency::new(1));
    wire.arrive(&[b"one", b"two", b"three"], b"");
    let TryRecv::Message((slot, _)) = served.try_next().unwrap() else { panic!("a request") };
    served.reply(slot, Some(b"1")).unwrap();
    let TryRecv::Message((slot, _)) = served.try_next().unwrap() else { panic!("a request") };
    assert!(served.reply(slot, Some(&[0; 70_000])).is_err());
    assert!(served.stream().is_none() && served.try_next().is_err());
    assert!(wire.writes().len() <= 1);
}

const WITHIN: Duration = Duration::from_secs(5);

fn begin(duplex: &mut Duplex<FramingPair, Wire>, request: &[u8]) {
    assert!(matches!(duplex.try_call(request, WITHIN).unwrap(), TryCall::Begun(_)));
}

#[test]
fn requests_of_a_loop_that_takes_replies_share_a_write() {
    let wire = Wire::default();
    let mut duplex = Connection::new(wire.clone(), framing()).duplex(Matching::in_order());
    let requests = [&[7; 20][..]; 64];
    for request in requests {
        begin(&mut duplex, request);
    }
    assert_eq!(wire.writes().len(), 64, "no reply has arrived, so each is written at once");
    for _ in 0..3 {
        wire.arrive(&requests, b"");
        let mut count = 0;
        while let TryRecv::Message(event) = duplex.try_recv().unwrap() {
            let Event::Reply { message, .. } = event else { panic!("a reply") };
            count += 1;
            // One of them is no reason for another request.
            if count < 64 {
                begin(&mut duplex, &message);
            }
        }
        assert_eq!(count, 64);
        assert_eq!(wire.writes(), [frames(&requests[1..])]);
        begin(&mut duplex, requests[0]);
        assert_eq!(wire.writes(), [frames(&requests[..1])], "the loop would wait now");
    }
}
