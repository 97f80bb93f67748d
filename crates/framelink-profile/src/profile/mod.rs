//! A profile and its parts.

mod access;
mod bounds;
mod builder;
mod connection;
#[cfg(feature = "serde")]
mod document;
mod error;
mod exchange;
mod explanation;
mod limits;
mod liveness;
mod preamble;
mod reconnect;
mod rules;
mod template;
mod timeouts;
#[cfg(feature = "toml")]
mod toml;
mod words;

pub use access::{Access, Network};
pub use builder::ProfileBuilder;
pub use connection::{ConnectionKind, Pooled, Shared, Short, Side};
pub use error::ProfileError;
pub use exchange::{Duplex, ExchangeKind, Reach, Simplex};
pub use explanation::Explanation;
pub use limits::{Limits, WhenFull};
pub use preamble::{Preamble, Sign};
pub use reconnect::{Policy, Reconnect};
pub use template::{TEMPLATES, Template};
pub use timeouts::Timeouts;
#[cfg(feature = "toml")]
pub use toml::TomlError;

use std::sync::Arc;
use std::time::Duration;

use framelink_heartbeat::Heartbeat;

use crate::framing::FramingPair;
use crate::socket::SocketOptions;

/// How to talk to one kind of peer.
///
/// What exists is valid, so its fields are private and read through getters: a public field could be changed into what no
/// rule has seen. Its parts are plain data.
///
/// ```
/// use framelink_profile::{ExchangeKind, Framing, Profile};
///
/// let profile = Profile::template("long-sync", "bcd:2".parse::<Framing>()?)?;
/// assert_eq!(profile.exchange(), ExchangeKind::Sync);
/// assert_eq!(profile.framing().send, profile.framing().receive);
/// assert!(profile.explain().to_string().starts_with("connection   long: stays open for many messages\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Profile {
    framing: FramingPair,
    preamble: Preamble,
    sign_on: Option<Arc<Sign>>,
    sign_off: Option<Arc<Sign>>,
    connection: ConnectionKind,
    keep_up: bool,
    reconnect: Reconnect,
    exchange: ExchangeKind,
    timeouts: Timeouts,
    limits: Limits,
    access: Arc<Access>,
    heartbeat: Option<Arc<Heartbeat>>,
    idle_limit: Option<Duration>,
    socket: SocketOptions,
}

/// Methods that return a part of the profile that is copied.
macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => { $(
        $(#[$doc])*
        #[must_use]
        pub const fn $name(&self) -> $type {
            self.$name
        }
    )* };
}

impl Profile {
    /// Starts a profile: a long connection, a message and its reply at a time.
    pub fn builder(framing: impl Into<FramingPair>) -> ProfileBuilder {
        ProfileBuilder::new().framing(framing)
    }

    /// A template as it is, with this framing.
    ///
    /// # Errors
    /// When there is no such template, or the framing does not go with it.
    pub fn template(name: &str, framing: impl Into<FramingPair>) -> Result<Self, ProfileError> {
        ProfileBuilder::new().template(name)?.framing(framing).build()
    }

    parts! {
        /// How messages are cut and wrapped. A limit on messages is part of it.
        framing: FramingPair;
        /// How a lost connection is replaced, and which of several addresses is dialled.
        reconnect: Reconnect;
        /// Whether all connections of a client or a link are dialled at its start, and again when they are lost.
        keep_up: bool;
        /// How long a connection lives.
        connection: ConnectionKind;
        /// What goes to and fro.
        exchange: ExchangeKind;
        /// How long things may take.
        timeouts: Timeouts;
        /// How much there may be.
        limits: Limits;
        /// Whatever is idle for so long is dropped on the way, by a firewall say, or by the peer.
        idle_limit: Option<Duration>;
    }

    /// What is said once, before the first message.
    #[must_use]
    pub const fn preamble(&self) -> &Preamble {
        &self.preamble
    }

    /// The exchange that each connection of a client begins with.
    #[must_use]
    pub fn sign_on(&self) -> Option<&Sign> {
        self.sign_on.as_deref()
    }

    /// The exchange that each connection of a client ends with, where it ends in good order.
    #[must_use]
    pub fn sign_off(&self) -> Option<&Sign> {
        self.sign_off.as_deref()
    }

    /// Who may connect to a server.
    #[must_use]
    pub fn access(&self) -> &Access {
        &self.access
    }

    /// What shows whether the other side lives, beside the [keepalive](SocketOptions::keepalive) of the socket.
    #[must_use]
    pub const fn heartbeat(&self) -> Option<&Arc<Heartbeat>> {
        self.heartbeat.as_ref()
    }

    /// What the socket is told.
    #[must_use]
    pub const fn socket(&self) -> &SocketOptions {
        &self.socket
    }

    /// What it means, in plain words.
    #[must_use]
    pub fn explain(&self) -> Explanation {
        Explanation::of(self)
    }

    /// Says why a client may get wrong replies, and what to do about it, where requests are in flight together and replies have no
    /// key. `None` where a reply that is lost does no such harm.
    ///
    /// Such a profile can be built, because some peers have no key. An application that uses one says this to its operator when it
    /// starts; [`explain`](Self::explain) has it in a line that begins with `careful`.
    ///
    /// ```
    /// use framelink_profile::{Duplex, Framing, Profile};
    ///
    /// let builder = Profile::builder("ascii:4".parse::<Framing>()?);
    /// let in_order = builder.clone().exchange(Duplex::new()).build()?;
    /// assert!(in_order.mismatch_caution().is_some_and(|caution| caution.contains("exchange.key")));
    /// let by_key = builder.exchange(Duplex::new().key("4:6".parse()?)).build()?;
    /// assert_eq!(by_key.mismatch_caution(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn mismatch_caution(&self) -> Option<String> {
        let duplex = self.exchange.duplex()?;
        (duplex.key.is_none() && duplex.in_flight > 1).then(|| {
            format!(
                "replies have no key, and up to {} requests are in flight on a connection: if the peer leaves out one reply, or sends a \
                 message by itself, each reply after it goes to a wrong request, and nothing shows it; give a key (exchange.key), or \
                 have one exchange at a time on each connection (connection = \"pooled\", or exchange.in-flight = 1)",
                duplex.in_flight
            )
        })
    }
}
