//! Cuts a buffer of frames over and over: something for a profiler to count.
//!
//! `cut_frames NOTATION PAYLOAD_BYTES ROUNDS` fills 64 KiB with whole frames and iterates over them so many times.
//! Two runs with different rounds differ by the iteration alone; `.ci/instructions` counts that with callgrind.

use std::error::Error;
use std::hint::black_box;

use framelink_length::{Encode, Frames, Length};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().ok_or("usage: cut_frames NOTATION PAYLOAD_BYTES ROUNDS");
    let length: Length = next()?.parse()?;
    let payload = vec![7; next()?.parse()?];
    let rounds: usize = next()?.parse()?;

    let envelope = length.envelope(&payload)?;
    let frame = [envelope.head.as_ref(), &payload, envelope.suffix.as_ref()].concat();
    let wire = frame.repeat(64 * 1024 / frame.len());
    let mut frames = 0;
    for _ in 0..rounds {
        frames += iterate(&length, black_box(&wire))?;
    }
    println!("{frames}");
    Ok(())
}

#[inline(never)]
fn iterate(length: &Length, wire: &[u8]) -> Result<usize, Box<dyn Error>> {
    let mut count = 0;
    for frame in Frames::new(length, wire) {
        black_box(frame?.payload);
        count += 1;
    }
    Ok(count)
}
