//! Decodes or encodes one buffer of frames again and again, for a profiler.
//!
//! `frame_loop WAY NOTATION PAYLOAD_BYTES ROUNDS` handles 64 KiB of whole frames in each round and prints the number of
//! all frames. `.ci/instructions` counts the instructions of the loop with callgrind.
//!
//! | way | the loop |
//! | --- | --- |
//! | `iterate` | [`Frames`], the borrowed iterator |
//! | `append` | [`Encode::append_frame`] into a `Vec` |
//! | `decode`, `encode` | our codec as a tokio-util `Decoder` or `Encoder` |
//! | `decode-theirs`, `encode-theirs` | tokio-util's `LengthDelimitedCodec` on the same bytes; `net:2` only |
//! | `split` | `BytesMut::split_to` alone for each frame: the least that a `Decoder` does |
//! | `iterate-any`, `append-any`, `decode-any`, `encode-any` | ours with a [`Framing`], as in a connection, instead of a [`Length`] |

use std::error::Error;
use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use framelink_codec::{Codec, Decode, Encode, Frames};
use framelink_length::Length;
use framelink_profile::Framing;
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec};

const USAGE: &str = "usage: frame_loop WAY NOTATION PAYLOAD_BYTES ROUNDS; the ways stand at the head of frame_loop.rs";
const ROUND_BYTES: usize = 64 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().ok_or(USAGE);
    let (way, notation) = (next()?, next()?);
    let payload = Bytes::from(vec![7; next()?.parse()?]);
    let rounds: usize = next()?.parse()?;
    let count = match &*way {
        "decode-theirs" | "encode-theirs" if notation != "net:2" => {
            Err("LengthDelimitedCodec is set up for net:2 here".into())
        }
        "decode-theirs" | "encode-theirs" | "split" => by_theirs(&way, &notation.parse::<Length>()?, &payload, rounds),
        _ => match way.strip_suffix("-any") {
            Some(way) => by_ours(way, notation.parse::<Framing>()?, &payload, rounds),
            None => by_ours(&way, notation.parse::<Length>()?, &payload, rounds),
        },
    }?;
    println!("{count}");
    Ok(())
}

type Count = Result<usize, Box<dyn Error>>;

fn by_ours<F: Decode + Encode + Copy>(way: &str, framing: F, payload: &Bytes, rounds: usize) -> Count {
    let (wire, frames) = frames_of(&framing, payload)?;
    match way {
        "iterate" => repeat(rounds, || iterate(&framing, black_box(&wire))),
        "append" => repeat(rounds, appending(framing, payload, frames)),
        "decode" => repeat(rounds, decoding(Codec::new(framing), &wire)),
        "encode" => repeat(rounds, encoding(Codec::new(framing), payload, frames)),
        _ => Err(USAGE.into()),
    }
}

fn by_theirs(way: &str, net2: &Length, payload: &Bytes, rounds: usize) -> Count {
    let (wire, frames) = frames_of(net2, payload)?;
    let theirs = LengthDelimitedCodec::builder().length_field_type::<u16>().new_codec();
    match way {
        "decode-theirs" => repeat(rounds, decoding(theirs, &wire)),
        "encode-theirs" => repeat(rounds, encoding(theirs, payload, frames)),
        _ => repeat(rounds, splitting(wire.len() / frames, &wire)),
    }
}

/// Returns the bytes of a round, and their number of frames.
fn frames_of<F: Encode>(framing: &F, payload: &[u8]) -> Result<(Vec<u8>, usize), Box<dyn Error>> {
    let mut frame = Vec::new();
    framing.append_frame(payload, &mut frame)?;
    let frames = ROUND_BYTES / frame.len();
    Ok((frame.repeat(frames), frames))
}

fn repeat(rounds: usize, mut round: impl FnMut() -> Count) -> Count {
    (0..rounds).map(|_| round()).sum()
}

#[inline(never)]
fn iterate<F: Decode>(framing: &F, wire: &[u8]) -> Count {
    let mut count = 0;
    for frame in Frames::new(framing, wire) {
        black_box(frame?.payload);
        count += 1;
    }
    Ok(count)
}

fn decoding<D: Decoder<Error: Error + 'static>>(mut codec: D, wire: &[u8]) -> impl FnMut() -> Count {
    let mut buffer = BytesMut::with_capacity(ROUND_BYTES);
    move || {
        buffer.reserve(wire.len());
        buffer.extend_from_slice(wire);
        decode(&mut codec, &mut buffer)
    }
}

#[inline(never)]
fn decode<D: Decoder<Error: Error + 'static>>(codec: &mut D, buffer: &mut BytesMut) -> Count {
    let mut count = 0;
    while let Some(item) = codec.decode(buffer)? {
        black_box(&item);
        count += 1;
    }
    Ok(count)
}

fn splitting(frame_len: usize, wire: &[u8]) -> impl FnMut() -> Count {
    let mut buffer = BytesMut::with_capacity(ROUND_BYTES);
    move || {
        buffer.reserve(wire.len());
        buffer.extend_from_slice(wire);
        split(frame_len, &mut buffer)
    }
}

#[inline(never)]
fn split(frame_len: usize, buffer: &mut BytesMut) -> Count {
    let mut count = 0;
    while !buffer.is_empty() {
        black_box(&buffer.split_to(frame_len));
        count += 1;
    }
    Ok(count)
}

fn encoding<E: Encoder<Bytes, Error: Error + 'static>>(
    mut codec: E,
    payload: &Bytes,
    frames: usize,
) -> impl FnMut() -> Count {
    let mut buffer = BytesMut::with_capacity(2 * ROUND_BYTES);
    move || {
        buffer.clear();
        encode(&mut codec, payload, frames, &mut buffer)
    }
}

#[inline(never)]
fn encode<E: Encoder<Bytes, Error: Error + 'static>>(
    codec: &mut E,
    payload: &Bytes,
    frames: usize,
    buffer: &mut BytesMut,
) -> Count {
    for _ in 0..frames {
        codec.encode(black_box(payload).clone(), buffer)?;
    }
    Ok(frames)
}

fn appending<F: Encode>(framing: F, payload: &[u8], frames: usize) -> impl FnMut() -> Count {
    let mut buffer = Vec::with_capacity(2 * ROUND_BYTES);
    move || {
        buffer.clear();
        append(&framing, payload, frames, &mut buffer)
    }
}

#[inline(never)]
fn append<F: Encode>(framing: &F, payload: &[u8], frames: usize, buffer: &mut Vec<u8>) -> Count {
    for _ in 0..frames {
        framing.append_frame(black_box(payload), buffer)?;
    }
    Ok(frames)
}
