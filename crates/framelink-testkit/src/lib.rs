//! Peers, streams and proxies that misbehave on purpose, to test programs that exchange framed messages.
//!
//! ```
//! use std::io::{Read, Write};
//! use std::net::TcpStream;
//! use framelink_codec::example::OneByte;
//! use framelink_testkit::{Fault, Hostile};
//!
//! // A server that answers each message twice.
//! let peer = Hostile::listen("127.0.0.1:0", OneByte, Fault::Twice)?;
//! let mut client = TcpStream::connect(peer.local_addr())?;
//! client.write_all(b"\x02hi")?;
//! let mut replies = [0; 6];
//! client.read_exact(&mut replies)?;
//! assert_eq!(&replies, b"\x02hi\x02hi");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | to test | use |
//! | --- | --- |
//! | a program on a socket, in any language | [`Hostile`], a peer with a [`Fault`] on a thread of its own |
//! | a loop over `Read` and `Write` | [`ScriptedStream`], which returns `WouldBlock` or takes one byte when its [`Script`] says so |
//! | two programs and the connection between them | [`Proxy`], which delays, holds, duplicates and cuts |
//! | a decoder | [`BadFrames`], frames that it has to refuse |
//!
//! The crate knows nothing of the code under test. Peers are threads with `std` sockets. Of a framing they need only
//! [`Decode`](framelink_codec::Decode) and [`Encode`](framelink_codec::Encode). Random choices come from a seed: one seed gives one
//! behaviour.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::disallowed_methods))] // clippy.toml: which, and why

mod bad_frames;
mod fault;
mod hostile;
mod proxy;
mod random;
mod reserved_port;
mod sample;
mod scripted;
mod stop;

pub use bad_frames::BadFrames;
pub use fault::{Fault, UnknownFault};
pub use hostile::{Counts, Event, Hostile, HostileBuilder, StartError, Unfit};
pub use proxy::{Cut, Direction, Proxy};
pub use reserved_port::ReservedPort;
pub use scripted::{Calls, ReadStep, Script, ScriptedStream, WriteStep};

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
