//! What a framing codec is: bytes in, a message or a need out.
//!
//! This crate is the waist of framelink. Above it stand sockets, sessions and runtimes, below it stand the
//! framings; each side knows only what is written here.
//!
//! ```text
//!   bytes that came ──► Decode::decode ──► Frame      where the message lies
//!   and why no more                   ├──► Incomplete how many bytes it still takes
//!   will come (End)                   └──► an error   plain data
//!
//!   payload ──► Encode::envelope ──► head | payload, untouched | suffix
//! ```
//!
//! A framing is a value that says how messages are cut ([`Decode`]) and wrapped ([`Encode`]): it is a pure
//! function of bytes, so it can be shared, copied and asked twice. What a stream of bytes needs besides, a memory
//! of how far it has looked and of the first error, is a [`Codec`]. On these stand the ways in for everyone who
//! needs only a part of framelink:
//!
//! | you have | you take |
//! | --- | --- |
//! | a buffer with whole frames in it | [`Frames`], a borrowed iterator |
//! | a `std::io::Read` or `Write` | [`FrameReader`], [`read_message`], [`FrameWriter`] |
//! | a `tokio_util::codec::Framed` | [`Codec`], which is a `Decoder` and an `Encoder` (feature `tokio-util`) |
//! | a framing of your own | the two traits; [`example::OneByte`] is the smallest one |
//!
//! Without default features the crate is `no_std` (with `alloc`).

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

#[cfg(feature = "check")]
pub mod check;
mod codec;
pub mod example;
mod frames;
mod framing;
pub mod notation;
mod stream;
#[cfg(feature = "tokio-util")]
mod tokio_util;

pub use codec::{Codec, Fault};
pub use frames::{FrameRef, Frames};
pub use framing::{
    Affix, Decode, Decoded, Encode, End, EndedBy, Ends, Envelope, Foreign, Frame, Guess, Need, Reading, ShortHead,
};
pub use stream::ReadBuffer;
#[cfg(feature = "std")]
pub use stream::{FrameReader, FrameWriter, ReadError, WriteError, read_message, write_message};
#[cfg(feature = "tokio-util")]
pub use tokio_util::{CodecError, ForeignCodec, ForeignError};

/// The README's example, tested.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
