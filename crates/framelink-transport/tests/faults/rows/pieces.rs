//! Rows 1 to 3: in which pieces the bytes of valid frames may arrive.

use std::io::Write;
use std::thread;
use std::time::{Duration, Instant};

use framelink_testkit::ReadStep;
use framelink_transport::{Cause, TryRecv};

use crate::cell::{Cell, Role, next};
use crate::driver::DEADLINE;
use crate::ends::Ends;
use crate::peer::{Task, ready};
use crate::script::OverScript;

/// One of the messages is empty.
const MESSAGES: [&[u8]; 3] = [b"hello", b"", b"\x00\xff hi"];

/// Two pieces on a socket, and three on a scripted stream where every read is one piece.
pub(crate) fn cut_anywhere<D: Ends + OverScript>(cell: Cell) {
    let frames = cell.frames(&MESSAGES);
    let (mut ours, peer) = cell.pair::<D>();
    for cut in 0..=frames.len() {
        (&peer).write_all(&frames[..cut]).unwrap();
        // The driver looks at the first piece before the rest is sent.
        let mut messages = Vec::new();
        while let TryRecv::Message(message) = ours.recv_within(Duration::ZERO).unwrap() {
            messages.push(message.to_vec());
        }
        (&peer).write_all(&frames[cut..]).unwrap();
        while messages.len() < MESSAGES.len() {
            messages.push(next(&mut ours));
        }
        assert!(messages == MESSAGES, "cut at {cut}");
    }
    for first in 0..frames.len() {
        for second in first..frames.len() {
            let pieces = [&frames[..first], &frames[first..second], &frames[second..]];
            let reads = pieces.iter().map(ReadStep::bytes).chain([ReadStep::End]).collect();
            let received = D::receive(cell.framing(), reads);
            assert!(received.error.is_none() && received.messages == MESSAGES, "cut at {first} and {second}");
        }
    }
}

pub(crate) fn many_at_once<D: Ends>(cell: Cell) {
    for count in [1, 10, 10_000_u32] {
        let (mut ours, peer) = cell.pair::<D>();
        let payloads: Vec<_> = (0..count).map(u32::to_be_bytes).collect();
        let frames = cell.frames(&payloads);
        let writing = Task::start(move || {
            (&peer).write_all(&frames).unwrap();
            peer
        });
        for payload in payloads {
            assert_eq!(next(&mut ours), payload, "of {count}");
        }
        drop(writing.join());
        assert!(ours.recv().unwrap().is_none(), "no other message arrives");
    }
}

pub(crate) fn a_byte_at_a_time<D: Ends>(cell: Cell) {
    let (mut ours, peer) = cell.pair::<D>();
    let frames = cell.frames(&MESSAGES);
    let dribbling = Task::start(move || {
        for byte in frames {
            (&peer).write_all(&[byte]).unwrap();
            thread::sleep(Duration::from_millis(1));
        }
        peer
    });
    for message in MESSAGES {
        assert_eq!(next(&mut ours), message);
    }
    drop(dribbling.join());
    match cell.role {
        Role::Client => the_time_of_a_call_is_not_extended::<D>(cell),
        Role::Server => the_time_of_a_frame_is_not_extended::<D>(cell),
    }
}

const LIMIT: Duration = Duration::from_millis(100);

/// Dribbles bytes until the other side has closed, or far longer than it may wait.
fn dribble(cell: Cell, mut peer: std::net::TcpStream) -> impl FnOnce() {
    let frame = cell.frame(&[b'x'; 9000]);
    move || {
        for byte in frame {
            if peer.write_all(&[byte]).is_err() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
    }
}

fn the_time_of_a_call_is_not_extended<D: Ends>(cell: Cell) {
    let (mut ours, peer) = cell.pair::<D>();
    let dribbling = Task::start({
        let dribble = dribble(cell, peer.try_clone().unwrap());
        move || {
            crate::peer::read_exactly(&peer, cell.frame(b"hi").len());
            dribble();
        }
    });
    let began = Instant::now();
    let error = ours.call(b"hi", LIMIT).unwrap_err();
    assert!(matches!(error.error().cause(), Cause::TimedOut { .. }), "{error}");
    assert!(error.to_string().contains(" of a message"), "the error says how much arrived: {error}");
    assert!(began.elapsed() >= LIMIT && began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    drop(ours);
    dribbling.join();
}

fn the_time_of_a_frame_is_not_extended<D: Ends>(cell: Cell) {
    let (address, server) = D::echo(cell.profile().frame_timeout(LIMIT).build().unwrap());
    let peer = ready(std::net::TcpStream::connect(address).unwrap());
    let began = Instant::now();
    let dribbling = Task::start(dribble(cell, peer));
    let error = server.join().unwrap_err();
    assert!(matches!(error.cause(), Cause::TimedOut { .. }), "{error}");
    assert!(began.elapsed() >= LIMIT && began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    dribbling.join();
}
