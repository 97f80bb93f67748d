//! Our decoders and encoders beside tokio-util's `LengthDelimitedCodec`, in one run on equal bytes.
//!
//! Each case is one loop for both sides: fill a buffer with 64 KiB of whole frames (not timed), take and drop all
//! frames (timed), and use the buffer again. The two sides take turns, so that other load on the machine affects both.
//! The bench prints frames per second and the ratio of the medians. The ratio depends on the processor, so no check
//! uses it; `.ci/instructions` limits the instructions of these loops.
//!
//! `cargo bench -p framelink-length`

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use framelink_length::{Frames, Length};
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec};

const SIZES: [usize; 5] = [16, 64, 256, 1024, 16384];
const FEED: usize = 64 * 1024;
const ROUNDS: usize = 101;

fn main() {
    println!("{:<28}{:>8}{:>16}{:>16}{:>8}", "frames per second, net:2", "bytes", "ours", "tokio-util", "ratio");
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
}

/// Runs both sides in turns and prints one line.
fn report(name: &str, size: usize, ours: &mut dyn FnMut() -> Duration, theirs: &mut dyn FnMut() -> Duration) {
    let (mut our_times, mut their_times) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS + 10 {
        let (our_time, their_time) = (ours(), theirs());
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
        "{name:<28}{size:>8}{:>16.0}{:>16.0}{:>8.2}",
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

/// Whole frames of one size. The bytes of a payload differ.
fn wire(size: usize) -> Vec<u8> {
    let mut wire = Vec::new();
    for _ in 0..frames(size) {
        wire.extend_from_slice(&u16::try_from(size).unwrap_or(u16::MAX).to_be_bytes());
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
    let wire = wire(size);
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
    let (net2, wire) = (net2(), wire(size));
    move || {
        let mut time = Duration::ZERO;
        for _ in 0..REPEATS {
            let start = Instant::now();
            let count = iterate(&net2, black_box(&wire));
            time += start.elapsed();
            assert_eq!(count, frames(size));
        }
        time
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
