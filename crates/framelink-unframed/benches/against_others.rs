//! Our delimited messages in a buffer beside wire-codec's `Delimited` (with its feature `memchr`, the faster of its two
//! searches), in one run on equal bytes.
//!
//! Each case is one loop for both sides over 64 KiB of whole messages. The two sides take turns, so that other load on
//! the machine affects both. The bench prints messages per second and the ratio of the medians.
//!
//! The lines of `memchr` compare wire-codec with a yardstick: only the search for the last byte of each delimiter. No
//! decoder that searches message by message with this crate is faster. Blocks of 16 or 32 bytes that the compiler
//! vectorises, before the call of `memchr`, were slower than the call from 64 bytes on.
//!
//! `cargo bench -p framelink-unframed`

use std::hint::black_box;
use std::time::{Duration, Instant};

use framelink_unframed::{Encode, Frames, Unframed};
use wire_codec::WriteBuf;
use wire_codec::framing::{Delimited, Framer};

const SIZES: [usize; 4] = [16, 64, 256, 1024];
const FEED: usize = 64 * 1024;
const ROUNDS: usize = 101;
/// How often one timing handles all messages.
const REPEATS: usize = 8;

fn main() {
    println!("{:<32}{:>8}{:>16}{:>16}{:>8}", "messages per second", "bytes", "ours", "wire-codec", "ratio");
    for (notation, delimiter) in [("delim:0a", &b"\n"[..]), ("delim:1c0d", b"\x1c\x0d")] {
        let unframed: Unframed = notation.parse().expect("a notation");
        let theirs = Delimited::bounded(delimiter).expect("a delimiter");
        for size in SIZES {
            let messages = FEED / (size + delimiter.len());
            let wire = [&payload(size), delimiter].concat().repeat(messages);
            let ours = || iterate(black_box(&unframed), black_box(&wire));
            report(&format!("{notation} next_frame"), size, ours, || next_frames(black_box(&theirs), black_box(&wire)));
            let last = delimiter[delimiter.len() - 1];
            let only_search = || search(black_box(last), black_box(&wire));
            let name = format!("({notation} memchr) next_frame");
            report(&name, size, only_search, || next_frames(black_box(&theirs), black_box(&wire)));
        }
        for size in SIZES {
            let (payload, messages) = (payload(size), FEED / (size + delimiter.len()));
            let (mut out, mut space) = (Vec::with_capacity(FEED), vec![0; FEED]);
            let ours = || append_frames(black_box(&unframed), messages, black_box(&payload), &mut out);
            let theirs = || write_frames(black_box(&theirs), messages, black_box(&payload), &mut space);
            report(&format!("{notation} write_frame"), size, ours, theirs);
        }
    }
}

/// Bytes without a delimiter.
fn payload(size: usize) -> Vec<u8> {
    (0..size).map(|i| b'a' + u8::try_from(i % 26).unwrap_or(0)).collect()
}

/// Runs both sides in turns, each first in half of the rounds, and prints one line.
fn report(name: &str, size: usize, mut ours: impl FnMut() -> usize, mut theirs: impl FnMut() -> usize) {
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + 10 {
        let early = (round % 2 == 0).then(|| time(&mut ours));
        let their_time = time(&mut theirs);
        let our_time = early.unwrap_or_else(|| time(&mut ours));
        if round >= 10 {
            our_times.push(our_time);
            their_times.push(their_time);
        }
    }
    let messages = ours() as f64 * REPEATS as f64;
    let [our_median, their_median] = [our_times, their_times].map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    });
    println!(
        "{name:<32}{size:>8}{:>16.0}{:>16.0}{:>8.2}",
        messages / our_median,
        messages / their_median,
        their_median / our_median
    );
}

fn time(all: &mut impl FnMut() -> usize) -> Duration {
    let start = Instant::now();
    for _ in 0..REPEATS {
        black_box(all());
    }
    start.elapsed()
}

#[inline(never)]
fn iterate(unframed: &Unframed, wire: &[u8]) -> usize {
    let mut count = 0;
    for frame in Frames::new(unframed, wire) {
        black_box(frame.expect("whole messages").payload);
        count += 1;
    }
    count
}

#[inline(never)]
fn search(last: u8, mut wire: &[u8]) -> usize {
    let mut count = 0;
    while let Some(found) = memchr::memchr(last, wire) {
        let (message, behind) = wire.split_at(found + 1);
        black_box(message);
        wire = behind;
        count += 1;
    }
    count
}

#[inline(never)]
fn next_frames(theirs: &Delimited<'_>, mut wire: &[u8]) -> usize {
    let mut count = 0;
    while let Some(frame) = theirs.next_frame(wire).expect("whole messages") {
        black_box(frame.payload());
        wire = &wire[frame.consumed()..];
        count += 1;
    }
    count
}

#[inline(never)]
fn append_frames(unframed: &Unframed, messages: usize, payload: &[u8], out: &mut Vec<u8>) -> usize {
    out.clear();
    for _ in 0..messages {
        unframed.append_frame(black_box(payload), out).expect("a payload without delimiter");
    }
    messages
}

#[inline(never)]
fn write_frames(theirs: &Delimited<'_>, messages: usize, payload: &[u8], space: &mut [u8]) -> usize {
    let mut out = WriteBuf::new(space);
    for _ in 0..messages {
        theirs.write_frame(black_box(payload), &mut out).expect("a payload without delimiter");
    }
    messages
}
