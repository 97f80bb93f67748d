//! A profile under way.

use std::sync::Arc;
use std::time::Duration;

use framelink_codec::notation::{NotationError, Token};

use super::limits::lowered;
use super::{
    Access, ConnectionKind, ExchangeKind, Limits, Preamble, Profile, ProfileError, Reconnect, Sign, TEMPLATES,
    Template, Timeouts, WhenFull, bounds, rules,
};
use crate::framing::{Framing, FramingPair};
use crate::socket::{Keepalive, SocketOptions};
use framelink_heartbeat::Heartbeat;

/// Builds a [`Profile`]. Setters only note; [`build`](Self::build) checks.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::{Framing, ProfileBuilder};
///
/// let error = ProfileBuilder::new()
///     .framing("quiet:2s".parse::<Framing>()?)
///     .reply_timeout(Duration::from_secs(1))
///     .build()
///     .unwrap_err();
/// assert_eq!((error.key(), error.other_key()), ("timeouts.reply", Some("framing")));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ProfileBuilder {
    pub(super) send: Option<Framing>,
    pub(super) receive: Option<Framing>,
    pub(super) preamble: Preamble,
    pub(super) sign_on: Option<Sign>,
    pub(super) sign_off: Option<Sign>,
    pub(super) connection: ConnectionKind,
    pub(super) keep_up: bool,
    pub(super) reconnect: Reconnect,
    pub(super) exchange: ExchangeKind,
    pub(super) connect: Option<Duration>,
    pub(super) reply: Option<Duration>,
    pub(super) write: Option<Duration>,
    pub(super) close: Option<Duration>,
    pub(super) first_message: Option<Duration>,
    pub(super) first_request: Option<Duration>,
    pub(super) frame: Option<Duration>,
    pub(super) idle: Option<Duration>,
    pub(super) lifetime: Option<Duration>,
    pub(super) max_message: Option<usize>,
    pub(super) write_queue: Option<usize>,
    pub(super) queued_messages: Option<u32>,
    pub(super) connections: Option<u32>,
    pub(super) per_client: Option<u32>,
    pub(super) when_full: WhenFull,
    pub(super) memory: Option<usize>,
    pub(super) memory_per_client: Option<usize>,
    pub(super) empty_messages: Option<u32>,
    pub(super) access: Access,
    pub(super) heartbeat: Option<Heartbeat>,
    pub(super) idle_limit: Option<Duration>,
    pub(super) socket: SocketOptions,
}

/// Setters of what has a default where nothing is said.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($value:ident: $type:ty) in $place:ident;)*) => { $(
        $(#[$doc])*
        pub const fn $name(mut self, $value: $type) -> Self {
            self.$place = Some($value);
            self
        }
    )* };
}

impl ProfileBuilder {
    /// All defaults; only the framing has none.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes what a template says of connection, exchange and framing.
    ///
    /// # Errors
    /// When there is none of this name; the error lists those there are.
    pub fn template(mut self, name: &str) -> Result<Self, ProfileError> {
        let Some(template) = Template::named(name) else {
            let names: Vec<_> = TEMPLATES.iter().map(|template| template.name).collect();
            let expected = format!("one of {}", names.join(", "));
            let error = Token { text: name, column: 1 }.unknown(&expected, names);
            return Err(ProfileError::Unreadable { key: "template", error });
        };
        self.connection = template.connection;
        self.exchange = template.exchange;
        let Some(framing) = template.framing else { return Ok(self) };
        let framing = framing.parse::<Framing>().map_err(|error| ProfileError::Unreadable { key: "framing", error })?;
        Ok(self.framing(framing))
    }

    /// How messages are cut and wrapped: one framing, or one for each direction. There is no default.
    pub fn framing(self, framing: impl Into<FramingPair>) -> Self {
        let FramingPair { send, receive } = framing.into();
        self.send_framing(send).receive_framing(receive)
    }

    /// Bytes to send once when connected, and bytes to expect once, up to 1 KiB each. Defaults to none.
    pub fn preamble(mut self, send: &[u8], expect: &[u8]) -> Self {
        self.preamble = Preamble { send: send.to_vec(), expect: expect.to_vec() };
        self
    }

    /// The exchange that each connection of a client begins with. Defaults to none.
    pub fn sign_on(mut self, sign: Sign) -> Self {
        self.sign_on = Some(sign);
        self
    }

    /// The exchange that each connection of a client ends with, where it ends in good order. Defaults to none.
    pub fn sign_off(mut self, sign: Sign) -> Self {
        self.sign_off = Some(sign);
        self
    }

    /// How a lost connection is replaced, and which of several addresses is dialled. Defaults to [`Reconnect::default`].
    pub const fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// How long a connection lives: [`ConnectionKind::Long`], [`Short`](super::Short), [`Shared`](super::Shared) or
    /// [`Pooled`](super::Pooled). Defaults to long.
    pub fn connection(mut self, connection: impl Into<ConnectionKind>) -> Self {
        self.connection = connection.into();
        self
    }

    /// Whether a client with a long connection, or a link, dials all its connections at its start, and again when they are lost, although
    /// no exchange needs one. For [`ConnectionKind::Long`] and [`Shared`](super::Shared). Defaults to no.
    ///
    /// A connection that is lost is dialled again with the delays of [`reconnect`](Self::reconnect), at another address if the first is down, and
    /// signs on. Unsolicited messages of a link go to its inbox. An unsolicited message costs an idle client its connection, because it could be
    /// taken for the next reply: it is handed to `Upstream::on_unread`, and the connection is dialled again. A client that only receives gets
    /// such messages from its next `recv`, and one that only sends drops them.
    ///
    /// ```
    /// use framelink_profile::{Duplex, Framing, Profile, Shared};
    ///
    /// let duplex = Duplex::new().key("4:6".parse()?);
    /// let profile = Profile::builder("ascii:4".parse::<Framing>()?).connection(Shared::new(2)).exchange(duplex);
    /// assert!(profile.keep_up(true).build()?.keep_up());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub const fn keep_up(mut self, yes: bool) -> Self {
        self.keep_up = yes;
        self
    }

    /// What goes to and fro: an [`ExchangeKind`], a [`Duplex`](super::Duplex) or a [`Simplex`](super::Simplex). Defaults to
    /// [`ExchangeKind::Sync`].
    pub fn exchange(mut self, exchange: impl Into<ExchangeKind>) -> Self {
        self.exchange = exchange.into();
        self
    }

    /// Changes what was said of the exchange, by a template perhaps.
    pub fn map_exchange(mut self, change: impl FnOnce(ExchangeKind) -> ExchangeKind) -> Self {
        self.exchange = change(self.exchange);
        self
    }

    /// For servers: what becomes of a connection too many. Defaults to [`WhenFull::RefuseNewest`].
    pub const fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// For servers: who may connect. Defaults to everybody.
    pub fn access(mut self, access: Access) -> Self {
        self.access = access;
        self
    }

    /// What shows whether the other side lives. Defaults to nothing.
    pub fn heartbeat(mut self, heartbeat: Heartbeat) -> Self {
        self.heartbeat = Some(heartbeat);
        self
    }

    /// How the system probes an idle connection; part of what the [socket](Self::socket) is told. Defaults to not at all.
    pub fn keepalive(mut self, keepalive: Keepalive) -> Self {
        self.socket.keepalive = Some(keepalive);
        self
    }

    /// What the socket is told. Defaults to [`SocketOptions::new`].
    pub fn socket(mut self, options: SocketOptions) -> Self {
        self.socket = options;
        self
    }

    setters! {
        /// How what is sent is wrapped. There is no default.
        send_framing(framing: Framing) in send;
        /// How what is received is cut. There is no default.
        receive_framing(framing: Framing) in receive;
        /// Resolving and dialling, and the preamble. Defaults to 10 s, on a short connection to no more than the reply's.
        connect_timeout(within: Duration) in connect;
        /// A whole call: waiting for a connection, connecting, writing and the reply. Defaults to 5 s.
        reply_timeout(within: Duration) in reply;
        /// Writing one message. Defaults to 30 s.
        write_timeout(within: Duration) in write;
        /// For a peer to close too when we close first. Defaults to 1 s.
        close_timeout(within: Duration) in close;
        /// For servers: from accepting a connection to the first byte of a message. Defaults to 1 min.
        first_message_timeout(within: Duration) in first_message;
        /// For servers: how long a client that has sent only heartbeats may take for its first message. Defaults to the time of every other
        /// client.
        first_request_timeout(within: Duration) in first_request;
        /// For servers: from the first byte of a message to its last. Defaults to 30 s.
        frame_timeout(within: Duration) in frame;
        /// For servers: how long a connection is kept on which nothing comes or goes, heartbeats apart. Defaults to 1 h.
        idle_timeout(within: Duration) in idle;
        /// For servers: how long any connection is kept. Defaults to a day.
        lifetime(within: Duration) in lifetime;
        /// The largest payload in bytes; it may lower what the framing says. Defaults to what the framing says.
        max_message(bytes: usize) in max_message;
        /// Bytes that may wait to be written. Defaults to 64 KiB.
        write_queue(bytes: usize) in write_queue;
        /// Messages that may wait to be written. Defaults to 4096.
        queued_messages(most: u32) in queued_messages;
        /// For servers: connections of one client at a time. Defaults to 250.
        connections_per_client(most: u32) in per_client;
        /// For servers: bytes that all connections hold together. When they are used up, the client that holds most is closed. Defaults to
        /// [`Limits::default_memory`].
        memory(bytes: usize) in memory;
        /// For servers: how many bytes of this memory the connections of one client hold together. Defaults to half of it, or to as many as the
        /// longest messages need.
        memory_per_client(bytes: usize) in memory_per_client;
        /// For servers: how many empty heartbeats a client may send a second. Defaults to 100.
        empty_messages(most: u32) in empty_messages;
        /// For servers: connections at a time. Defaults to 1000.
        connections(most: u32) in connections;
        /// Whatever is idle for so long is dropped on the way, by a firewall say, or by the peer; the profile is explained with that in
        /// mind. Defaults to unknown.
        idle_limit(limit: Duration) in idle_limit;
    }

    /// Checks the whole and makes the profile.
    ///
    /// A profile that can be built may still need care: see [`Profile::mismatch_caution`], and the lines of
    /// [`Profile::explain`] that begin with `careful`.
    ///
    /// # Errors
    /// When the framing is missing, a value is out of its bounds, or two values cannot work together.
    pub fn build(&self) -> Result<Profile, ProfileError> {
        let framing = match (self.send, self.receive) {
            (Some(send), Some(receive)) => FramingPair { send, receive },
            (None, None) => return Err(ProfileError::Missing { key: "framing" }),
            (None, Some(_)) => return Err(ProfileError::Missing { key: "framing.send" }),
            (Some(_), None) => return Err(ProfileError::Missing { key: "framing.receive" }),
        };
        if self.reply.is_some() && !self.exchange.sends() {
            return Err(rules::reply_without_request());
        }
        let framing = self.limited(framing)?;
        let memory = self.memory.unwrap_or_else(|| Limits::default_memory(&framing));
        let share = self.memory_per_client.unwrap_or_else(|| Limits::default_memory_per_client(memory, &framing));
        let profile = Profile {
            framing,
            preamble: self.preamble.clone(),
            sign_on: self.sign_on.clone().map(Arc::new),
            sign_off: self.sign_off.clone().map(Arc::new),
            connection: self.connection,
            keep_up: self.keep_up,
            reconnect: self.reconnect,
            exchange: self.exchange,
            timeouts: self.timeouts(),
            limits: Limits {
                write_queue: self.write_queue.unwrap_or(Limits::WRITE_QUEUE),
                queued_messages: self.queued_messages.unwrap_or(Limits::QUEUED_MESSAGES),
                connections: self.connections.unwrap_or(Limits::CONNECTIONS),
                per_client: self.per_client.unwrap_or(Limits::PER_CLIENT),
                when_full: self.when_full,
                memory,
                memory_per_client: share,
                empty_messages: self.empty_messages.unwrap_or(Limits::EMPTY_MESSAGES),
            },
            access: Arc::new(self.access.clone()),
            heartbeat: self.heartbeat.clone().map(Arc::new),
            idle_limit: self.idle_limit,
            socket: self.socket.clone(),
        };
        bounds::check(&profile)?;
        rules::check(&profile)?;
        Ok(profile)
    }

    fn timeouts(&self) -> Timeouts {
        let defaults = Timeouts::defaults(self.connection, self.exchange);
        let reply = self.reply.or(defaults.reply);
        let connect = self.connect.unwrap_or_else(|| Timeouts::default_connect(self.connection, reply));
        let first_message = self.first_message.unwrap_or(defaults.first_message);
        Timeouts {
            connect,
            reply,
            write: self.write.unwrap_or(defaults.write),
            close: self.close.unwrap_or(defaults.close),
            first_message,
            first_request: self.first_request.unwrap_or(first_message),
            frame: self.frame.unwrap_or(defaults.frame),
            idle: self.idle.unwrap_or(defaults.idle),
            lifetime: self.lifetime.unwrap_or(defaults.lifetime),
        }
    }

    /// The framing with the limit on messages, where one is given: a profile has that in one place only.
    fn limited(&self, framing: FramingPair) -> Result<FramingPair, ProfileError> {
        let Some(max) = self.max_message else { return Ok(framing) };
        let said = framing.send.max_payload().max(framing.receive.max_payload());
        let refuse = |reason| ProfileError::combination("limits.message", "framing", reason);
        if max > said {
            let reason = format!("it may only lower the {said} bytes that the framing allows, not raise them to {max}");
            return Err(refuse(reason));
        }
        let lower = |framing: Framing| {
            let refused = |error: NotationError| refuse(format!("{framing}: {}", error.message()));
            lowered(framing, max).map_err(refused)
        };
        // A direction that is not used may have messages of one length, which no limit can lower.
        let (sends, receives) = (self.exchange.sends(), self.exchange.receives());
        Ok(FramingPair {
            send: if sends { lower(framing.send)? } else { framing.send },
            receive: if receives { lower(framing.receive)? } else { framing.receive },
        })
    }
}
