//! Messages that a program composes, and what it expects from its peer.
//!
//! ```
//! # #[cfg(feature = "std")] {
//! use framelink_template::{Inputs, Match, Numbers, Template};
//!
//! // A sign-on of ISO 8583: the trace number, and the time in UTC.
//! let sign_on: Template = "text:0800{number:6}{utc:%m%d%H%M%S}".parse()?;
//! let numbers = Numbers::new(1..=999_999).expect("not empty");
//! let message = sign_on.compose(&Inputs::system(&numbers))?;
//! assert_eq!(message.get(..10), Some(&b"0800000001"[..]));
//!
//! // Its reply: 0810, with the same trace number, and the response code 00.
//! let reply: Match = "0:4=text:0810,4:6=request,20:2=text:00".parse()?;
//! let mut received = message.clone();
//! received.splice(..4, *b"0810");
//! received.extend(b"00");
//! assert!(reply.holds(&received, Some(&message)));
//! # }
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```
//!
//! A [`Template`] composes a message of literal bytes, numbers, times, copied bytes, lengths and variables. A [`Match`] tests a received
//! message. Both are a text or a closure. A [`Place`] says where bytes are, an [`Encoding`] how a number is written, and
//! [`Numbers`] which number is next.
//!
//! The crate does no I/O and has no clock: time, random digits, variables and numbers arrive as [`Inputs`]. Without the feature `std`
//! it is `no_std` (with `alloc`), without `Numbers` and `Inputs::system`.

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

mod convert;
mod encoding;
#[cfg(feature = "fuzz")]
#[doc(hidden)] // for fuzz targets and tests
pub mod fuzz;
mod matching;
mod numbers;
mod place;
#[cfg(feature = "serde")]
mod serde;
mod template;
mod text;

pub use encoding::{Encoding, EncodingError};
pub use matching::{Match, Mismatch};
pub use numbers::{NumberRange, NumberSource, NumbersError};
#[cfg(feature = "std")]
pub use numbers::{Numbers, Reserve};
pub use place::Place;
pub use template::{ComposeError, Inputs, NumberField, Template};

pub use framelink_codec::notation::NotationError;

/// Runs the example of the README.
#[cfg(all(doctest, feature = "std"))]
#[doc = include_str!("../README.md")]
struct Readme;
