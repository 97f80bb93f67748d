//! The builder of a profile.

use std::sync::Arc;
use std::time::Duration;

use framelink_codec::notation::{NotationError, Token};

use super::address::Endpoints;
use super::limits::lowered;
use super::replies::Replying;
use super::signing::Signing;
use super::{
    Access, Address, ConnectionKind, ExchangeKind, FirstStep, Greeting, Limits, Meanwhile, Numbering, Preamble,
    Profile, ProfileError, ProxyProtocol, Reconnect, ReplyHeader, ReplyRule, Sign, TEMPLATES, Template, Timeouts, Tls,
    WhenFull, bounds, rules,
};
use crate::framing::{Framing, FramingPair};
use crate::socket::{Keepalive, SocketOptions};
use framelink_heartbeat::Heartbeat;
#[cfg(doc)]
use framelink_session::Matching;
use framelink_session::{KeyRule, Match};

/// Builds a [`Profile`]. Setters only store values; [`build`](Self::build) checks them.
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
    pub(super) endpoints: Endpoints,
    pub(super) send: Option<Framing>,
    pub(super) receive: Option<Framing>,
    pub(super) preamble: Preamble,
    pub(super) signing: Signing,
    pub(super) replying: Replying,
    pub(super) connection: ConnectionKind,
    pub(super) keep_up: bool,
    pub(super) reconnect: Reconnect,
    pub(super) exchange: ExchangeKind,
    pub(super) key_rule: Option<KeyRule>,
    pub(super) reply_rule: Option<Match>,
    pub(super) numbers: Numbering,
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
    pub(super) tls: Option<Tls>,
    pub(super) proxy_protocol: ProxyProtocol,
    pub(super) heartbeat: Option<Heartbeat>,
    pub(super) idle_limit: Option<Duration>,
    pub(super) socket: SocketOptions,
}

/// Setters of values that have a default.
macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident($value:ident: $type:ty) in $place:ident;)*) => { $(
        $(#[$doc])*
        pub const fn $name(mut self, $value: $type) -> Self {
            self.$place = Some($value);
            self
        }
    )* };
}

/// Setters of values that are moved into their place.
macro_rules! owned_setters {
    ($($(#[$doc:meta])* $name:ident($value:ident: $type:ty) = $($place:ident).+: $new:expr;)*) => { $(
        $(#[$doc])*
        pub fn $name(mut self, $value: $type) -> Self {
            self.$($place).+ = $new;
            self
        }
    )* };
}

impl ProfileBuilder {
    /// Creates a builder with all defaults. The framing has none.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets connection, exchange and framing as a template has them.
    ///
    /// # Errors
    /// Returns an error that lists all templates if there is no template of this name.
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

    /// Sets the framing of both directions: one framing, or one for each. There is no default.
    pub fn framing(self, framing: impl Into<FramingPair>) -> Self {
        let FramingPair { send, receive } = framing.into();
        self.send_framing(send).receive_framing(receive)
    }

    /// Sets bytes to send and bytes to expect once after connecting, up to 1 KiB each. Defaults to none.
    pub fn preamble(mut self, send: &[u8], expect: &[u8]) -> Self {
        self.preamble = Preamble { send: send.to_vec(), expect: expect.to_vec() };
        self
    }

    /// Adds a step before the first message, in a framing of its own, up to 16. Defaults to none.
    pub fn first(mut self, step: FirstStep) -> Self {
        self.signing.first.push(step);
        self
    }

    /// Adds a rule by which a client answers other messages while it waits for the greeting or for the reply to its
    /// sign-on, up to 16. Defaults to none.
    pub fn meanwhile(mut self, rule: Meanwhile) -> Self {
        self.signing.meanwhile.push(rule);
        self
    }

    /// Sets how a lost connection is replaced and which address is dialled. Defaults to [`Reconnect::default`].
    pub const fn reconnect(mut self, reconnect: Reconnect) -> Self {
        self.reconnect = reconnect;
        self
    }

    /// Sets whether a client or a link keeps its connections up: it dials them at its start, and again when they are
    /// lost, even if no exchange needs them. For [`ConnectionKind::Long`] and [`Shared`](super::Shared). Defaults to
    /// no.
    ///
    /// A lost connection is dialled again with the delays of [`reconnect`](Self::reconnect), at another address if the
    /// first is down, and signs on. An unsolicited message is handled as follows:
    /// - A link puts it into its inbox.
    /// - An idle client hands it to `Upstream::on_unread` and dials again, because it could be taken for the next
    ///   reply.
    /// - A client that only receives returns it from its next `recv`. A client that only sends drops it.
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

    /// Changes the kind of exchange, for example the one of a template.
    pub fn map_exchange(mut self, change: impl FnOnce(ExchangeKind) -> ExchangeKind) -> Self {
        self.exchange = change(self.exchange);
        self
    }

    /// For servers: sets what happens when there are too many connections. Defaults to [`WhenFull::RefuseNewest`].
    pub const fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// For clients: sets the addresses of the peer, up to 64, each once. [`reconnect`](Self::reconnect) says which is
    /// dialled; by default the first one while it works. Defaults to none: then the role is given an address.
    pub fn addresses(mut self, addresses: impl IntoIterator<Item = Address>) -> Self {
        // One more than the limit is enough to be refused.
        self.endpoints.addresses = addresses.into_iter().take(Address::MOST + 1).collect();
        self
    }

    owned_setters! {
        /// For servers: sets where to listen. Defaults to none: then the server is given an address.
        listen(address: Address) = endpoints.listen: Some(address);
        /// Sets the first message of the server: what a client expects, and what a server sends. Defaults to none.
        greeting(greeting: Greeting) = signing.greeting: Some(greeting);
        /// Sets the exchange with which each connection of a client begins. Defaults to none.
        sign_on(sign: Sign) = signing.sign_on: Some(sign);
        /// Sets the exchange with which each connection of a client ends, if it ends cleanly. Defaults to none.
        sign_off(sign: Sign) = signing.sign_off: Some(sign);
        /// For servers: sets the rules by which a server for tests answers, such as `framelink serve`, up to 32. Defaults
        /// to none.
        server_replies(rules: impl Into<Vec<ReplyRule>>) = replying.rules: rules.into();
        /// For bridges: sets the header of requests that is kept aside and that replies carry back. Defaults to none.
        reply_header(header: ReplyHeader) = replying.header: Some(header);
        /// Sets the kind of connection: [`Long`](ConnectionKind::Long), [`Short`](super::Short), [`Shared`](super::Shared)
        /// or [`Pooled`](super::Pooled). Defaults to long.
        connection(connection: impl Into<ConnectionKind>) = connection: connection.into();
        /// Sets the kind of exchange: an [`ExchangeKind`], a [`Duplex`](super::Duplex) or a [`Simplex`](super::Simplex).
        /// Defaults to [`ExchangeKind::Sync`].
        exchange(exchange: impl Into<ExchangeKind>) = exchange: exchange.into();
        /// Sets how keys are found if many requests are in flight and the key has no fixed place, for example behind a card
        /// number: [`KeyRule::by`] has a function. [`Duplex::key`](super::Duplex::key) must not be set then. Defaults to
        /// none.
        key_rule(rule: KeyRule) = key_rule: Some(rule);
        /// Sets which messages can be replies at all, if many requests are in flight. Other messages are unsolicited,
        /// even if they have the key of a request in flight; see [`Matching::reply_rule`]. Defaults to all messages.
        reply_rule(rule: Match) = reply_rule: Some(rule);
        /// Sets which numbers framelink writes into messages. Defaults to all that fit, from 1.
        numbers(numbers: Numbering) = numbers: numbers;
        /// For servers: sets which clients may connect. Defaults to all.
        access(access: Access) = access: access;
        /// Sets that connections use TLS, and how. Defaults to no TLS.
        tls(tls: Tls) = tls: Some(tls);
        /// Sets how the PROXY protocol is used. Defaults to not at all.
        proxy_protocol(proxy: ProxyProtocol) = proxy_protocol: proxy;
        /// Sets the heartbeats that show whether the peer lives. Defaults to none.
        heartbeat(heartbeat: Heartbeat) = heartbeat: Some(heartbeat);
        /// Sets how the system probes an idle connection, a [socket](Self::socket) option. Defaults to not at all.
        keepalive(keepalive: Keepalive) = socket.keepalive: Some(keepalive);
        /// Sets the socket options. Defaults to [`SocketOptions::new`].
        socket(options: SocketOptions) = socket: options;
    }

    setters! {
        /// Sets the framing of sent messages. There is no default.
        send_framing(framing: Framing) in send;
        /// Sets the framing of received messages. There is no default.
        receive_framing(framing: Framing) in receive;
        /// Limits resolving, dialling and the preamble. Defaults to 10 s, on short connections at most to the reply
        /// timeout.
        connect_timeout(within: Duration) in connect;
        /// Limits a whole call: waiting for a connection, connecting, writing and the reply. Defaults to 5 s.
        reply_timeout(within: Duration) in reply;
        /// Limits writing one message. Defaults to 30 s.
        write_timeout(within: Duration) in write;
        /// Limits the wait for the peer to close after this side has closed. Defaults to 1 s.
        close_timeout(within: Duration) in close;
        /// For servers: limits the time from accepting a connection to the first byte of a message. Defaults to 1 min.
        first_message_timeout(within: Duration) in first_message;
        /// For servers: limits the first message of a client that has sent only heartbeats. Defaults to no longer.
        first_request_timeout(within: Duration) in first_request;
        /// For servers: limits the time from the first byte of a message to its last. Defaults to 30 s.
        frame_timeout(within: Duration) in frame;
        /// For servers: closes a connection after this time without messages. Heartbeats do not count. Defaults to 1 h.
        idle_timeout(within: Duration) in idle;
        /// For servers: limits the lifetime of a connection. Defaults to a day.
        lifetime(within: Duration) in lifetime;
        /// Limits the payload in bytes, below the limit of the framing. Defaults to the limit of the framing.
        max_message(bytes: usize) in max_message;
        /// Limits the bytes that may wait to be written. Defaults to 64 KiB.
        write_queue(bytes: usize) in write_queue;
        /// Limits the messages that may wait to be written. Defaults to 4096.
        queued_messages(most: u32) in queued_messages;
        /// For servers: limits the connections of one client at a time. Defaults to 250.
        connections_per_client(most: u32) in per_client;
        /// For servers: limits the bytes that all connections hold together. If they are used up, the client that holds
        /// most is closed. Defaults to [`Limits::default_memory`].
        memory(bytes: usize) in memory;
        /// For servers: limits the bytes that the connections of one client hold together. Defaults to half of the
        /// memory, or to what its longest messages need.
        memory_per_client(bytes: usize) in memory_per_client;
        /// For servers: limits the empty heartbeats of a client per second. Defaults to 100.
        empty_messages(most: u32) in empty_messages;
        /// For servers: limits the connections at a time. Defaults to 1000.
        connections(most: u32) in connections;
        /// Sets after how long the peer or the network, such as a firewall, drops an idle connection. The explanation
        /// of the profile takes it into account. Defaults to unknown.
        idle_limit(limit: Duration) in idle_limit;
    }

    /// Checks all settings and returns the profile.
    ///
    /// A profile that can be built may still need care: see [`Profile::mismatch_caution`], and the lines of
    /// [`Profile::explain`] that begin with `careful`.
    ///
    /// # Errors
    /// Returns an error if the framing is missing, a value is out of its bounds, or two values cannot work together.
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
            endpoints: (self.endpoints != Endpoints::default()).then(|| Arc::new(self.endpoints.clone())),
            framing,
            preamble: self.preamble.clone(),
            signing: (self.signing != Signing::default()).then(|| Arc::new(self.signing.clone())),
            replying: Profile::replying_of(&self.replying),
            connection: self.connection,
            keep_up: self.keep_up,
            reconnect: self.reconnect,
            exchange: self.exchange,
            key_rule: self.key_rule.clone(),
            reply_rule: self.reply_rule.clone(),
            numbers: (self.numbers != Numbering::default()).then(|| Arc::new(self.numbers.clone())),
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
            tls: self.tls.clone().map(Arc::new),
            proxy_protocol: (self.proxy_protocol != ProxyProtocol::new())
                .then(|| Arc::new(self.proxy_protocol.clone())),
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

    /// Moves the limit on messages into the framing, so that a profile has it in one place.
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
        // An unused direction may have messages of a fixed length, which no limit can lower.
        let (sends, receives) = (self.exchange.sends(), self.exchange.receives());
        Ok(FramingPair {
            send: if sends { lower(framing.send)? } else { framing.send },
            receive: if receives { lower(framing.receive)? } else { framing.receive },
        })
    }
}
