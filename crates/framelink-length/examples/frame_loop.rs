//! Decodes or encodes one buffer of frames again and again, for a profiler.
//!
//! `frame_loop WAY NOTATION PAYLOAD_BYTES ROUNDS` handles 64 KiB of whole frames in each round and prints the number of
//! all frames. `.ci/instructions` counts the instructions of the loop with callgrind.
//!
//! | way | the loop |
//! | --- | --- |
//! | `iterate` | [`Frames`], the borrowed iterator |
//! | `decode`, `encode` | our codec as a tokio-util `Decoder` or `Encoder` |
//! | `decode-theirs`, `encode-theirs` | tokio-util's `LengthDelimitedCodec` on the same bytes; `net:2` only |

use std::error::Error;
use std::hint::black_box;

use bytes::{Bytes, BytesMut};
use framelink_length::{Encode, Frames, Length};
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec};

const USAGE: &str = "usage: frame_loop iterate|decode|encode|decode-theirs|encode-theirs NOTATION PAYLOAD_BYTES ROUNDS";
const ROUND_BYTES: usize = 64 * 1024;

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let mut next = || args.next().ok_or(USAGE);
    let (way, notation) = (next()?, next()?);
    let length: Length = notation.parse()?;
    let payload = Bytes::from(vec![7; next()?.parse()?]);
    let rounds: usize = next()?.parse()?;
    if way.ends_with("-theirs") && notation != "net:2" {
        return Err("LengthDelimitedCodec is set up for net:2 here".into());
    }

    let envelope = length.envelope(&payload)?;
    let frame = [envelope.head.as_ref(), &payload, envelope.suffix.as_ref()].concat();
    let frames = ROUND_BYTES / frame.len();
    let wire = frame.repeat(frames);
    let count = match &*way {
        "iterate" => repeat(rounds, || iterate(&length, black_box(&wire))),
        "decode" => repeat(rounds, decoding(length.codec(), &wire)),
        "encode" => repeat(rounds, encoding(length.codec(), &payload, frames)),
        "decode-theirs" => repeat(rounds, decoding(theirs(), &wire)),
        "encode-theirs" => repeat(rounds, encoding(theirs(), &payload, frames)),
        _ => return Err(USAGE.into()),
    }?;
    println!("{count}");
    Ok(())
}

type Count = Result<usize, Box<dyn Error>>;

fn repeat(rounds: usize, mut round: impl FnMut() -> Count) -> Count {
    (0..rounds).map(|_| round()).sum()
}

fn theirs() -> LengthDelimitedCodec {
    LengthDelimitedCodec::builder().length_field_type::<u16>().new_codec()
}

#[inline(never)]
fn iterate(length: &Length, wire: &[u8]) -> Count {
    let mut count = 0;
    for frame in Frames::new(length, wire) {
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
