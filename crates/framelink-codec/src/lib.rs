//! What a framing codec is: bytes in, a message or a need for more bytes out.
//!
//! ```
//! use framelink_codec::{Frames, example::OneByte};
//!
//! // 0x02 'h' 'i' | 0x05 't' 'h' 'e'        one byte of length, then the payload; two bytes are missing
//! let mut frames = Frames::new(&OneByte, b"\x02hi\x05the");
//! assert_eq!(frames.next().unwrap()?.payload, b"hi");
//! assert!(frames.next().is_none());
//! assert_eq!(frames.rest(), b"\x05the");
//! # Ok::<(), framelink_codec::Fault<std::convert::Infallible>>(())
//! ```
//!
//! The crate is the interface between framings and the code that uses them: sockets, sessions and runtimes.
//!
//! ```text
//!   received bytes         ──► Decode::decode ──► Frame      the place of the message
//!   and why no more arrive                   ├──► Incomplete the bytes that it still needs
//!   (End)                                    └──► an error   plain data
//!
//!   payload ──► Encode::envelope ──► head | payload, untouched | suffix
//! ```
//!
//! A framing is a value that says how messages are decoded ([`Decode`]) and encoded ([`Encode`]). Both are pure functions of bytes, so a
//! framing can be shared, copied and called again. The state of one stream (how far it is scanned, and its first error) is a
//! [`Codec`].
//!
//! | you have | use |
//! | --- | --- |
//! | a buffer with whole frames | [`Frames`], a borrowed iterator |
//! | a `Vec` to fill with frames | [`Encode::append_frame`] |
//! | a `std::io::Read` or `Write` | [`FrameReader`], [`read_message`], [`FrameWriter`] |
//! | a `tokio_util::codec::Framed` | [`Codec`], which is a `Decoder` and an `Encoder` (feature `tokio-util`) |
//! | a framing of your own | the two traits; [`example::OneByte`] is the smallest framing |
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

/// Runs the example of the README.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
