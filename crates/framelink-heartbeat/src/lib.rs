//! Heartbeats: their form, when to send them, and when a silent peer counts as dead.
//!
//! ```
//! use core::time::Duration;
//! use framelink_heartbeat::{Due, Heartbeat, Role};
//!
//! // "We ping every 30 seconds; hang up if no pong comes within 10."
//! let heartbeat: Heartbeat = "literal:50494e47..504f4e47".parse()?;
//! assert_eq!(heartbeat.detection_bound(Role::Client), Some(Duration::from_secs(40)));
//!
//! let mut liveness = heartbeat.liveness(Role::Client, u32::MAX, Duration::ZERO);
//! assert!(matches!(liveness.poll(Duration::from_secs(30)), Due::Probe(1)));
//! assert_eq!(*heartbeat.form().probe(1, Duration::ZERO, b""), *b"PING");
//! # Ok::<(), framelink_heartbeat::NotationError>(())
//! ```
//!
//! A [`Heartbeat`] describes the heartbeats of one kind of peer. A [`Liveness`] applies it to one connection, with time as an argument:
//! no I/O, no clock, no runtime. A `HeartbeatCodec` (feature `tokio-util`) tells heartbeats from messages in any `Framed`.
//!
//! The connections of `framelink-transport` send and answer heartbeats themselves. Without default features the crate is `no_std`
//! (with `alloc`).

#![no_std]
#![cfg_attr(docsrs, feature(doc_cfg))]

extern crate alloc;

#[cfg(feature = "tokio-util")]
mod codec;
mod error;
mod form;
#[cfg(feature = "fuzz")]
#[doc(hidden)] // for fuzz targets and tests
pub mod fuzz;
mod heartbeat;
mod liveness;
mod moment;
mod notation;
mod rules;

#[cfg(feature = "tokio-util")]
pub use codec::{Beat, HeartbeatCodec};
pub use error::HeartbeatError;
pub use form::{Form, Numbered, Own, Pattern, Seen};
pub use heartbeat::Heartbeat;
pub use liveness::{Due, Liveness, RoundTrips, Standing, Verdict};
#[doc(hidden)] // for the session
pub use moment::{Moment, nanos};
pub use notation::PRESETS;
pub use rules::{By, Life, Role};

pub use framelink_codec::notation::NotationError;

/// Runs the example of the README.
#[cfg(all(doctest, feature = "tokio-util"))]
#[doc = include_str!("../README.md")]
struct Readme;
