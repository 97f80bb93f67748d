//! Our decoders and encoders beside tokio-util's `LengthDelimitedCodec` (`net:2`) and wire-codec's `LengthPrefixed`
//! (`net:4`), in one run on equal bytes.
//!
//! Each case is one loop for both sides: fill a buffer with 64 KiB of whole frames (not timed), take and drop all
//! frames (timed), and use the buffer again. The two sides take turns, so that other load on the machine affects both.
//! The bench prints frames per second and the ratio of the medians. The ratio depends on the processor, so no check
//! uses it; `.ci/instructions` limits the instructions of these loops.
//!
//! The last lines compare a peer with a yardstick: only `extend_from_slice` of each payload, without its head. No encoder
//! is faster.
//!
//! `cargo bench -p framelink-length`

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use framelink_length::{Encode, Frames, Length};
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec};
use wire_codec::WriteBuf;
use wire_codec::framing::{Endian, Framer, LengthPrefixed, LengthWidth};

const SIZES: [usize; 5] = [16, 64, 256, 1024, 16384];
const FEED: usize = 64 * 1024;
const ROUNDS: usize = 101;

fn main() {
    println!("{:<32}{:>8}{:>16}{:>16}{:>8}", "frames per second", "bytes", "ours", "theirs", "ratio");
    for size in SIZES {
        report("tokio-util Decoder", size, &mut decoder(size), &mut their_decoder(size));
    }
    for size in SIZES {
        report("borrowed iterator", size, &mut iterator(size), &mut their_decoder(size));
    }
    for size in SIZES {
        // One payload and one buffer for both: their alignment in memory affects the speed of a copy.
        let payload = Bytes::from(vec![7; size]);
        let buffer = Rc::new(RefCell::new(BytesMut::with_capacity(2 * FEED)));
        report(
            "tokio-util Encoder",
            size,
            &mut encode_all(net2().codec(), payload.clone(), buffer.clone()),
            &mut encode_all(theirs(), payload, buffer),
        );
    }
    let net4: Length = "net:4".parse().expect("a notation");
    for size in SIZES {
        let wire = wire(4, size);
        let ours = || iterate(black_box(&net4), black_box(&wire));
        report("wire-codec next_frame", size, &mut timed(ours), &mut timed(|| next_frames(black_box(&wire))));
    }
    for size in SIZES {
        // As above, one payload and one buffer for all.
        let (payload, space) = (vec![7; size], RefCell::new(vec![0; 2 * FEED]));
        let mut ours = timed_in(&space, |space| append_frames(black_box(&net4), black_box(&payload), space));
        let mut theirs = timed_in(&space, |space| write_frames(black_box(&payload), space));
        report("wire-codec write_frame", size, &mut ours, &mut theirs);
        let mut copy = timed_in(&space, |space| extend(black_box(&payload), space));
        report("(extend_from_slice) write_frame", size, &mut copy, &mut theirs);
    }
}

/// Runs both sides in turns and prints one line.
fn report(name: &str, size: usize, ours: &mut dyn FnMut() -> Duration, theirs: &mut dyn FnMut() -> Duration) {
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + 10 {
        // Neither side always runs on what the other left in the caches.
        let (our_time, their_time) = if round % 2 == 0 {
            (ours(), theirs())
        } else {
            let their_time = theirs();
            (ours(), their_time)
        };
        if round >= 10 {
            our_times.push(our_time);
            their_times.push(their_time);
        }
    }
    let [our_median, their_median] = [our_times, their_times].map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    });
    let per_second = |median: f64| frames(size) as f64 * REPEATS as f64 / median;
    println!(
        "{name:<32}{size:>8}{:>16.0}{:>16.0}{:>8.2}",
        per_second(our_median),
        per_second(their_median),
        their_median / our_median
    );
}

/// How often one timing fills and empties the buffer.
const REPEATS: usize = 8;

fn frames(size: usize) -> usize {
    FEED / (size + 2)
}

/// Whole frames of one size, with a head of `head` bytes. The bytes of a payload differ.
fn wire(head: usize, size: usize) -> Vec<u8> {
    let mut wire = Vec::new();
    for _ in 0..frames(size) {
        wire.extend_from_slice(&size.to_be_bytes()[8 - head..]);
        wire.extend((0..size).map(|i| u8::try_from(i % 251).unwrap_or(0)));
    }
    wire
}

fn net2() -> Length {
    "net:2".parse().expect("a notation")
}

fn theirs() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().length_field_type::<u16>().new_codec()
}

fn decoder(size: usize) -> impl FnMut() -> Duration {
    decode_all(net2().codec(), size)
}

fn their_decoder(size: usize) -> impl FnMut() -> Duration {
    decode_all(theirs(), size)
}

fn decode_all<D: Decoder<Error: std::fmt::Debug>>(mut codec: D, size: usize) -> impl FnMut() -> Duration {
    let wire = wire(2, size);
    let mut buffer = BytesMut::with_capacity(FEED);
    move || {
        let mut time = Duration::ZERO;
        for _ in 0..REPEATS {
            buffer.reserve(wire.len());
            buffer.extend_from_slice(&wire);
            let start = Instant::now();
            let count = take_all(&mut codec, &mut buffer);
            time += start.elapsed();
            assert_eq!(count, frames(size));
        }
        time
    }
}

#[inline(never)]
fn take_all<D: Decoder<Error: std::fmt::Debug>>(codec: &mut D, buffer: &mut BytesMut) -> usize {
    let mut count = 0;
    while let Some(item) = codec.decode(buffer).expect("whole frames") {
        black_box(&item);
        count += 1;
    }
    count
}

fn iterator(size: usize) -> impl FnMut() -> Duration {
    let (net2, wire) = (net2(), wire(2, size));
    timed(move || iterate(&net2, black_box(&wire)))
}

/// Times a loop that returns its number of frames.
fn timed(mut all: impl FnMut() -> usize) -> impl FnMut() -> Duration {
    move || {
        let start = Instant::now();
        for _ in 0..REPEATS {
            black_box(all());
        }
        start.elapsed()
    }
}

/// Like [`timed`], for a loop that writes to the first of all bytes of this buffer.
fn timed_in(space: &RefCell<Vec<u8>>, mut all: impl FnMut(&mut Vec<u8>) -> usize) -> impl FnMut() -> Duration {
    move || {
        let mut space = space.borrow_mut();
        space.resize(2 * FEED, 0);
        timed(|| all(&mut space))()
    }
}

#[inline(never)]
fn iterate(length: &Length, wire: &[u8]) -> usize {
    let mut count = 0;
    for frame in Frames::new(length, wire) {
        black_box(frame.expect("whole frames").payload);
        count += 1;
    }
    count
}

fn encode_all<E: Encoder<Bytes, Error: std::fmt::Debug>>(
    mut codec: E,
    payload: Bytes,
    buffer: Rc<RefCell<BytesMut>>,
) -> impl FnMut() -> Duration {
    move || {
        let mut buffer = buffer.borrow_mut();
        let mut time = Duration::ZERO;
        for _ in 0..REPEATS {
            buffer.clear();
            let start = Instant::now();
            put_all(&mut codec, &payload, frames(payload.len()), &mut buffer);
            time += start.elapsed();
            black_box(&buffer);
        }
        time
    }
}

#[inline(never)]
fn put_all<E: Encoder<Bytes, Error: std::fmt::Debug>>(
    codec: &mut E,
    payload: &Bytes,
    count: usize,
    buffer: &mut BytesMut,
) {
    for _ in 0..count {
        codec.encode(black_box(payload).clone(), buffer).expect("a payload that fits");
    }
}

fn length_prefixed() -> LengthPrefixed {
    LengthPrefixed::bounded(black_box(LengthWidth::U32), black_box(Endian::Big))
}

#[inline(never)]
fn next_frames(mut wire: &[u8]) -> usize {
    let (framer, mut count) = (length_prefixed(), 0);
    while let Some(frame) = framer.next_frame(wire).expect("whole frames") {
        black_box(frame.payload());
        wire = &wire[frame.consumed()..];
        count += 1;
    }
    count
}

#[inline(never)]
fn append_frames(length: &Length, payload: &[u8], space: &mut Vec<u8>) -> usize {
    space.clear();
    for _ in 0..frames(payload.len()) {
        length.append_frame(black_box(payload), space).expect("a payload that fits");
    }
    frames(payload.len())
}

#[inline(never)]
fn write_frames(payload: &[u8], space: &mut [u8]) -> usize {
    let framer = length_prefixed();
    let mut out = WriteBuf::new(space);
    for _ in 0..frames(payload.len()) {
        framer.write_frame(black_box(payload), &mut out).expect("a payload that fits");
    }
    frames(payload.len())
}

#[inline(never)]
fn extend(payload: &[u8], space: &mut Vec<u8>) -> usize {
    space.clear();
    for _ in 0..frames(payload.len()) {
        space.extend_from_slice(black_box(payload));
    }
    frames(payload.len())
}
