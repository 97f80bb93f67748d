//! Connections, clients, pools and servers that send and receive messages over TCP, in any framing.
//!
//! ```
//! use std::time::Duration;
//! use framelink_transport::{Framing, tokio::{Connector, Listener}};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let framing: Framing = "ascii:4".parse()?; // four ASCII digits announce the length of the message
//! let mut listener = Listener::bind("127.0.0.1:0", framing).await?;
//! let address = listener.local_addr()?;
//! tokio::spawn(async move {
//!     let mut connection = listener.accept().await?;
//!     while let Some(message) = connection.recv().await? {
//!         connection.send(&message).await?;
//!     }
//!     Ok::<_, Box<dyn std::error::Error + Send + Sync>>(())
//! });
//!
//! // Sends '0' '0' '0' '5' | 'h' 'e' 'l' 'l' 'o', and receives a copy.
//! let mut connection = Connector::new(framing).connect(address).await?;
//! let reply = connection.call(b"hello", Duration::from_secs(5)).await?;
//! assert_eq!(&reply[..], b"hello");
//! # Ok(())
//! # }
//! ```
//!
//! Start with the module of your driver: [`blocking`], [`nonblocking`] or [`tokio`]. A type that several drivers
//! have under one name follows the same rules on each. A [`profile`] describes as data how to talk to one kind of peer.
//!
//! ```text
//!   Client, Link, Pool, Server, Registry    roles: do what a profile says, on one or more connections
//!     │
//!   Upstream                                decides which address of a peer is dialled when
//!     │
//!   blocking │ nonblocking │ tokio          drivers: move bytes and tell the time, one session for each socket
//!     │
//!   framelink-profile                       Framing: any notation as one value; Profile: how to talk to one kind of peer
//!     │
//!   framelink-session                       a codec, queues, deadlines and heartbeats; decides what to do next
//! ```
//!
//! Each driver is a default feature with the name of its module. Without default features, the crate has the
//! [`session`] and the profile, and no runtime.

#![cfg_attr(docsrs, feature(doc_cfg))]
#![cfg_attr(not(test), warn(clippy::disallowed_methods))] // clippy.toml: which, and why
#![cfg_attr(
    not(all(feature = "blocking", feature = "nonblocking", feature = "tokio")),
    allow(
        dead_code,
        unused_imports,
        unused_macros,
        reason = "the drivers share these items, and only all drivers together use all of them"
    )
)]

#[cfg(feature = "socket")]
mod admission;
#[cfg(feature = "blocking")]
pub mod blocking;
#[cfg(feature = "socket")]
mod calls;
#[cfg(feature = "socket")]
mod client;
#[cfg(feature = "socket")]
mod connection;
#[cfg(feature = "socket")]
mod drive;
#[cfg(feature = "socket")]
mod driver;
#[cfg(feature = "socket")]
mod error;
#[cfg(any(test, feature = "fuzz"))]
#[doc(hidden)] // for fuzz targets and tests
pub mod fuzz;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod link;
#[cfg(feature = "socket")]
mod net;
#[cfg(feature = "nonblocking")]
pub mod nonblocking;
#[cfg(feature = "socket")]
mod numbers;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod pool;
#[cfg(feature = "socket")]
pub mod proxy_protocol;
#[cfg(feature = "socket")]
mod registry;
#[cfg(feature = "socket")]
mod server;
pub mod session;
#[cfg(all(feature = "socket", any(test, feature = "fuzz")))]
mod simulated;
#[cfg(feature = "tls")]
pub mod tls;
#[cfg(all(feature = "socket", not(feature = "tls")))]
#[path = "tls/absent.rs"]
mod tls;
#[cfg(feature = "tokio")]
pub mod tokio;
pub mod upstream;
#[cfg(feature = "socket")]
mod zone;

#[cfg(feature = "socket")]
pub use admission::{Admission, AdmissionCounts, HeldBytes, Refusal, ServerEvent};
#[cfg(feature = "socket")]
pub use drive::{CloseReport, TryRecv, TrySend};
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub use error::PoolError;
#[cfg(feature = "socket")]
pub use error::{Blame, CallError, Cause, ConnectError, Error, HandlerError, Operation};
#[cfg(feature = "socket")]
#[cfg(feature = "socket")]
pub use framelink_session::Reply;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub use link::{LinkEvent, LinkStatus};
#[cfg(feature = "socket")]
pub use net::connector::Connector;
#[cfg(any(feature = "blocking", feature = "nonblocking"))]
pub use net::peer::{Peer, ToPeer};
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub use pool::{CloseReason, PoolReport, PoolStatus};
#[cfg(feature = "socket")]
pub use registry::{MemberId, Pushed, Registry, Target};
#[cfg(feature = "socket")]
pub use server::{Answer, ClosedCounts, DrainReport, HandlerResult, RuleHandler, RuledAnswer, ServerCounts};
#[cfg(feature = "socket")]
pub use zone::zoned_address;

pub use framelink_codec::notation::{NotationError, Preset};
pub use framelink_codec::{
    Codec, Decode, Decoded, Encode, End, EndedBy, Ends, Envelope, Fault, Frame, Frames, Guess, Need, Reading,
};
#[cfg(feature = "tokio-util")]
pub use framelink_codec::{CodecError, ForeignCodec, ForeignError};
pub use framelink_codec::{FrameReader, FrameWriter, ReadError, WriteError};
pub use framelink_heartbeat as heartbeat;
pub use framelink_heartbeat::Heartbeat;
pub use framelink_length::{Counts, Field, Length};
#[doc(inline)]
pub use framelink_profile as profile;
#[doc(inline)]
pub use framelink_profile::{
    DecodeError, EncodeError, Framing, FramingPair, Keepalive, Profile, ProfileBuilder, ProfileError, SocketOptions,
    presets,
};
#[cfg(feature = "socket")]
#[doc(inline)]
pub use framelink_session::{Incoming, LateReply};
#[doc(inline)]
pub use framelink_session::{Message, MessageRef};
pub use framelink_unframed::Unframed;

/// Runs the example of the README.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
