//! A profile: how to talk to one kind of peer, as data.
//!
//! ```
//! use std::time::Duration;
//! use framelink_profile::{Framing, Profile, Short};
//!
//! let profile = Profile::builder("ascii:4".parse::<Framing>()?)
//!     .connection(Short::new())
//!     .preamble(b"\x01\x02", b"\x06")
//!     .reply_timeout(Duration::from_secs(8))
//!     .build()?;
//! assert_eq!(profile.timeouts().reply, Some(Duration::from_secs(8)));
//!
//! let refused = Profile::builder("until-close".parse::<Framing>()?).build().unwrap_err();
//! assert_eq!(refused.key(), "framing");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A [`Profile`] contains the framing of each direction, the preamble, the lifetime of connections, the kind of
//! exchange, timeouts, limits and socket options. It is checked as a whole when it is built: settings that cannot work
//! together are refused with the reason. A profile is data and opens no connection.
//!
//! ```text
//!   code ──► ProfileBuilder ─┐
//!   serde ──► document ──────┼──► build: bounds, then rules ──► Profile ──► document ──► serde
//!   TOML ──► document ───────┘                                    └──────► Explanation, in words
//! ```
//!
//! `send` and `receive` are the directions as seen by the side that uses the profile. `client` and `server` are the two
//! sides of the connection. Most profiles fit both sides; see [`Profile::check_for`].

#![cfg_attr(docsrs, feature(doc_cfg))]

mod framing;
#[cfg(feature = "fuzz")]
#[doc(hidden)] // for fuzz targets and tests
pub mod fuzz;
mod profile;
mod setters;
mod socket;

pub use framing::{DecodeError, EncodeError, Framing, FramingPair, presets};
#[cfg(feature = "toml")]
pub use profile::TomlError;
pub use profile::{
    Access, Address, ClientCertificates, ConnectionKind, Duplex, ExchangeKind, Explanation, Fingerprint, FirstStep,
    Greeting, Limits, Meanwhile, Network, Numbering, OnRefusal, Policy, Pooled, Preamble, Profile, ProfileBuilder,
    ProfileError, ProxyProtocol, ProxyVersion, Reach, Reconnect, ReplyFault, ReplyHeader, ReplyRule, Roots, Shared,
    Short, Side, Sign, Simplex, TEMPLATES, Template, Timeouts, Tls, TlsVersion, WhenFull,
};
pub use socket::{Keepalive, SocketOptions};

/// Runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
