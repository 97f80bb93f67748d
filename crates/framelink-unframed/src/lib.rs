//! Framings for messages without a length header.
//!
//! ```
//! use framelink_unframed::{FrameReader, Frames, Unframed};
//!
//! let line: Unframed = "line".parse()?;
//!
//! // from a buffer
//! let payloads: Vec<_> = Frames::new(&line, b"hello\r\nthere\nand").map(|frame| frame.unwrap().payload).collect();
//! assert_eq!(payloads, [&b"hello"[..], b"there"]);
//!
//! // from a std::io::Read, such as a TcpStream
//! let mut reader = FrameReader::new(&b"hello\r\n"[..], line);
//! assert_eq!(reader.read()?.unwrap().payload, b"hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! ```text
//!  'h' 'i' 0x0d 0x0a              line             ends with LF, without a CR before it; written as CR LF
//!  'h' 'i' 0x0a                   line,lf          ends with LF alone; a CR is payload
//!  'h' 'i' 0x03                   delim:03         ends with these bytes
//!  0x0b 'h' 'i' 0x1c 0x0d         mllp             a preset: between:0b..1c0d
//!  'h' 'i'                        fixed:2          every message has two bytes
//!  'h' 'i' …silence…              quiet:50ms       ends after this time without a byte
//!  'h' 'i' (one read)             each-read        is the result of one read
//!  'h' 'i' (the peer closes)      until-close      ends with the stream
//! ```
//!
//! An [`Unframed`] is such a framing as a value: parse it from its notation, or build it with an [`UnframedBuilder`].
//! It decodes and encodes as a pure function ([`Decode`], [`Encode`]). Each message has the rule that ended it
//! ([`EndedBy`]).
//!
//! | you have | use |
//! | --- | --- |
//! | bytes, and a loop of your own | [`Decode::decode`], [`Encode::envelope`], and [`Decode::ends`] for what to watch |
//! | a buffer with whole messages | [`Frames`] |
//! | a `std::io::Read` or `Write` | [`FrameReader`], [`FrameWriter`] (feature `std`) |
//! | a `tokio_util::codec::Framed` | [`UnframedCodec`] (feature `tokio-util`) |
//!
//! Without default features the crate is `no_std` (with `alloc`).

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

mod decode;
mod delimiter;
mod encode;
mod error;
#[cfg(feature = "fuzz")]
#[doc(hidden)] // for fuzz targets and tests
pub mod fuzz;
mod notation;
mod presets;
mod unframed;

pub use delimiter::Delimiter;
pub use error::{DecodeError, EncodeError, SpecError};
pub use presets::PRESETS;
pub use unframed::{Kind, Unframed, UnframedBuilder};

#[cfg(feature = "tokio-util")]
pub use framelink_codec::CodecError;
pub use framelink_codec::notation::{Dialect, NotationError, Preset};
pub use framelink_codec::{
    Affix, Codec, Decode, Decoded, Encode, End, EndedBy, Ends, Envelope, Fault, Foreign, Frame, FrameRef, Frames,
    Guess, Need, ShortHead,
};
#[cfg(feature = "std")]
pub use framelink_codec::{FrameReader, FrameWriter, ReadError, WriteError, read_message, write_message};

/// An [`Unframed`] with the state of one stream. With the feature `tokio-util` it is a `tokio_util::codec::Decoder`
/// and an `Encoder`.
///
/// ```
/// use framelink_unframed::{Decoded, Unframed, UnframedCodec};
///
/// // 'h' 'e' 'l' 'l' 'o' | 0x03
/// let mut codec: UnframedCodec = "delim:03".parse::<Unframed>()?.codec();
/// assert!(matches!(codec.cut(b"hello\x03", None)?, Decoded::Frame(frame) if frame.payload_len() == 5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type UnframedCodec = Codec<Unframed>;

/// Runs the example of the README.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
