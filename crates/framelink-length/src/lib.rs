//! Framings whose frames begin with their length.
//!
//! ```
//! use framelink_length::Length;
//! use futures_util::{SinkExt, StreamExt};
//! use tokio_util::codec::Framed;
//!
//! #[tokio::main(flavor = "current_thread")]
//! async fn main() -> std::io::Result<()> {
//!     // Four ASCII digits, then the message: '0' '0' '0' '5' | 'h' 'e' 'l' 'l' 'o'
//!     let ascii4: Length = "ascii:4,max=2KiB".parse().expect("a framing");
//!     let (ours, theirs) = tokio::io::duplex(1024); // or a TcpStream
//!     let mut framed = Framed::new(ours, ascii4.codec());
//!
//!     // The peer echoes: one direction of a `Framed` can be forwarded to the other.
//!     let (sink, stream) = Framed::new(theirs, ascii4.codec()).split();
//!     tokio::spawn(stream.forward(sink));
//!
//!     framed.send("hello").await?;
//!     let reply = framed.next().await.expect("the peer replies")?;
//!     assert_eq!(reply, "hello");
//!     Ok(())
//! }
//! ```
//!
//! The parts of a frame, and frames with their notation:
//!
//! ```text
//! frame = | before: at bytes | length field | gap | payload | tail |
//!                                           |<------- rest ----->|
//!
//!  0x00 0x05 | 'h' 'e' 'l' 'l' 'o'              net:2                two-byte network integer
//!  '0' '0' '0' '5' | 'h' 'e' 'l' 'l' 'o'        ascii:4              four ASCII digits
//!  0x00 0x07 | 'h' 'e' 'l' 'l' 'o'              net:2,counts=self    the length counts itself too
//!  0x03 0x00 0x00 0x09 | 'h' 'e' 'l' 'l' 'o'    tpkt                 a preset: net:2,at=2,prefix=03,counts=frame
//! ```
//!
//! A [`Length`] is such a framing as a value: parse it from its notation, or build it with a [`LengthBuilder`]. It
//! decodes and encodes as a pure function ([`Decode`], [`Encode`]):
//!
//! ```
//! use framelink_length::{FrameReader, Frames, Length};
//!
//! let ascii4: Length = "ascii:4".parse()?;
//!
//! // from a buffer
//! let payloads: Vec<_> = Frames::new(&ascii4, b"0005hello0003and").map(|frame| frame.unwrap().payload).collect();
//! assert_eq!(payloads, [&b"hello"[..], b"and"]);
//!
//! // from a std::io::Read, such as a TcpStream
//! let mut reader = FrameReader::new(&b"0005hello"[..], ascii4);
//! assert_eq!(reader.read()?.unwrap().payload, b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | you have | use |
//! | --- | --- |
//! | bytes, and a loop of your own | [`Decode::whole_frame`], then [`Decode::decode`]; [`Encode::envelope`] |
//! | a buffer with whole frames | [`Frames`] |
//! | a `Vec` to fill with frames | [`Encode::append_frame`] |
//! | a `std::io::Read` or `Write` | [`FrameReader`], [`FrameWriter`] (feature `std`) |
//! | a `tokio_util::codec::Framed` | [`LengthCodec`] (feature `tokio-util`) |
//! | a nom parser | [`parser::header`], [`parser::frame`] |
//!
//! Without default features the crate is `no_std` (with `alloc`).

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod decode;
mod encode;
mod error;
mod field;
#[cfg(feature = "fuzz")]
#[doc(hidden)] // for fuzz targets and tests
pub mod fuzz;
mod length;
mod notation;
mod presets;

pub use decode::{Header, parser};
pub use error::{DecodeError, EncodeError, Part, SpecError};
pub use field::{Counts, Field};
pub use length::{Length, LengthBuilder};
pub use presets::PRESETS;

#[cfg(feature = "tokio-util")]
pub use framelink_codec::CodecError;
pub use framelink_codec::notation::{Dialect, NotationError, Preset};
pub use framelink_codec::{
    Affix, Codec, Decode, Decoded, Encode, End, EndedBy, Ends, Envelope, Fault, Foreign, Frame, FrameRef, Frames,
    Guess, Need, Reading, ShortHead,
};
#[cfg(feature = "std")]
pub use framelink_codec::{FrameReader, FrameWriter, ReadError, WriteError, read_message, write_message};

/// A [`Length`] with the state of one stream. With the feature `tokio-util` it is a `tokio_util::codec::Decoder`
/// and an `Encoder`.
///
/// ```
/// use framelink_length::{Decoded, Length, LengthCodec};
///
/// // 0x00 0x05 | 'h' 'e' 'l' 'l' 'o'
/// let mut codec: LengthCodec = "net:2".parse::<Length>()?.codec();
/// assert!(matches!(codec.cut(b"\x00\x05hello", None)?, Decoded::Frame(frame) if frame.payload_len() == 5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type LengthCodec = Codec<Length>;

/// Runs the examples of the README.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
