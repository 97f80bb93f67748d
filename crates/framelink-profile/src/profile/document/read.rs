//! From texts to a builder.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use framelink_codec::notation::{NotationError, Token};

use super::{
    AccessTable, ConnectionTable, Document, ExchangeTable, FramingTable, LimitsTable, LivenessTable, NONE, Number,
    PreambleTable, RESET, ReconnectTable, SignTable, SocketTable, Text, TextOr, TimeoutsTable,
};
use crate::framing::Framing;
use crate::profile::{
    Access, ConnectionKind, Duplex, ExchangeKind, Limits, Network, Policy, Pooled, Preamble, ProfileBuilder,
    ProfileError, Reach, Reconnect, Shared, Short, Side, Sign, Simplex, WhenFull,
};
use framelink_session::Assigned;

type Read<T> = Result<T, ProfileError>;

const CONNECTIONS: &[(&str, ConnectionKind)] = &[
    ("long", ConnectionKind::Long),
    ("short", ConnectionKind::Short(Short::new())),
    ("shared", ConnectionKind::Shared(Shared::new(Shared::CONNECTIONS))),
    ("pooled", ConnectionKind::Pooled(Pooled::new(Pooled::MAX))),
];
const POLICIES: &[(&str, Policy)] = &[
    ("primary-backup", Policy::PrimaryBackup),
    ("round-robin", Policy::RoundRobin),
    ("least-in-flight", Policy::LeastInFlight),
    ("sticky", Policy::Sticky),
];
const WHEN_FULL: &[(&str, WhenFull)] =
    &[("refuse-newest", WhenFull::RefuseNewest), ("drop-oldest", WhenFull::DropOldest)];
const SIDES: &[(&str, Side)] = &[("client", Side::Client), ("server", Side::Server)];
const EXCHANGES: &[(&str, ExchangeKind)] = &[
    ("sync", ExchangeKind::Sync),
    ("send-only", ExchangeKind::SendOnly),
    ("receive-only", ExchangeKind::ReceiveOnly),
    ("duplex", ExchangeKind::Duplex(Duplex::new())),
    ("simplex", ExchangeKind::Simplex(Simplex::new(Duplex::new()))),
];
const ASSIGNED: &[(&str, Assigned)] = &[("binary", Assigned::Binary), ("digits", Assigned::Digits)];
const REACHES: &[(&str, Reach)] = &[("dial", Reach::Dial), ("accept", Reach::Accept)];

impl Document {
    /// The builder that has been told all of this. Values are read, what they do together is not looked at.
    pub(crate) fn into_builder(self) -> Read<ProfileBuilder> {
        let mut builder = ProfileBuilder::new();
        if let Some(template) = self.template {
            builder = builder.template(&template.0)?;
        }
        if let Some(framing) = self.framing {
            tell_framing(framing, &mut builder)?;
        }
        if let Some(connection) = self.connection {
            if let TextOr::Table(ConnectionTable { keep_up: Some(keep_up), .. }) = &connection {
                builder.keep_up = *keep_up;
            }
            builder.connection = connection_of(connection, builder.connection)?;
        }
        if let Some(exchange) = self.exchange {
            builder.exchange = exchange_of(exchange, builder.exchange)?;
        }
        self.preamble.tell(&mut builder)?;
        builder.sign_on =
            self.sign_on.map(|said| sign_of(said, "sign-on", "sign-on.send", "sign-on.expect")).transpose()?;
        builder.sign_off =
            self.sign_off.map(|said| sign_of(said, "sign-off", "sign-off.send", "sign-off.expect")).transpose()?;
        self.reconnect.tell(&mut builder)?;
        self.access.tell(&mut builder)?;
        self.timeouts.tell(&mut builder)?;
        self.limits.tell(&mut builder)?;
        self.socket.tell(&mut builder)?;
        self.liveness.tell(&mut builder)?;
        Ok(builder)
    }
}

/// A table may say one direction only where the template, or whoever has the builder next, says the other.
fn tell_framing(said: TextOr<FramingTable>, builder: &mut ProfileBuilder) -> Read<()> {
    let read = |key, text: &Text| text.0.parse::<Framing>().map_err(unreadable(key)).map(Some);
    match said {
        TextOr::Text(text) => {
            builder.send = read("framing", &text)?;
            builder.receive = builder.send;
        }
        TextOr::Table(table) => {
            builder.send = table.send.map_or(Ok(builder.send), |text| read("framing.send", &text))?;
            builder.receive = table.receive.map_or(Ok(builder.receive), |text| read("framing.receive", &text))?;
        }
    }
    Ok(())
}

/// A word alone is the kind with its defaults; a table changes what the template says, unless it names another kind.
fn connection_of(said: TextOr<ConnectionTable>, before: ConnectionKind) -> Read<ConnectionKind> {
    let table = match said {
        TextOr::Text(text) => return word("connection", &text, CONNECTIONS),
        TextOr::Table(table) => table,
    };
    let kind = match &table.kind {
        None => before,
        Some(text) => match word("connection.kind", text, CONNECTIONS)? {
            kind if kind.name() == before.name() => before,
            kind => kind,
        },
    };
    let kind = match kind {
        ConnectionKind::Pooled(pooled) => table.pooled(pooled)?.into(),
        kind => {
            table.refuse_pooled(kind)?;
            kind
        }
    };
    let kind = shared_of(kind, table.connections)?;
    let key = if table.half_close.is_some() { "connection.half-close" } else { "connection.closes" };
    let Some(mut short) = kind.short() else {
        if table.half_close.is_none() && table.closes.is_none() {
            return Ok(kind);
        }
        let reason = format!("it says how a short connection ends, and this one is {}", kind.name());
        return Err(ProfileError::combination(key, "connection.kind", reason));
    };
    if let Some(half_close) = table.half_close {
        short.half_close = half_close;
    }
    if let Some(closes) = table.closes {
        short.closes = word("connection.closes", &closes, SIDES)?;
    }
    Ok(short.into())
}

impl ConnectionTable {
    fn pooled(&self, before: Pooled) -> Read<Pooled> {
        let number = |key, number: &Option<Number>| count(key, number.clone(), Pooled::MOST, "connections");
        let max = number("connection.max", &self.max)?;
        let mut pooled = max.map_or(before, Pooled::new);
        // 0 is a number of connections here.
        let from_zero = |key, number: &Option<Number>, default: u32| match number {
            Some(Number(text)) if text == "0" => Ok(0),
            said => count(key, said.clone(), Pooled::MOST, "connections").map(|number| number.unwrap_or(default)),
        };
        pooled.min = from_zero("connection.min", &self.min, pooled.min)?;
        pooled.max_idle = from_zero("connection.max-idle", &self.max_idle, pooled.max_idle)?;
        pooled.wait = match &self.wait {
            None => pooled.wait,
            Some(Text(text)) if text == NONE => None,
            said => {
                let expected = |_| {
                    let text = said.as_ref().map_or("", |text| &text.0);
                    unreadable("connection.wait")(token(text).mismatch("a time, such as `5s`, or `none`"))
                };
                time("connection.wait", said.clone()).map_err(expected)?
            }
        };
        pooled.idle = time("connection.idle", self.idle.clone())?.unwrap_or(pooled.idle);
        pooled.lifetime = time("connection.lifetime", self.lifetime.clone())?.unwrap_or(pooled.lifetime);
        pooled.uses = count("connection.uses", self.uses.clone(), i32::MAX.unsigned_abs(), "uses")?.or(pooled.uses);
        pooled.replace = self.replace.unwrap_or(pooled.replace);
        Ok(pooled)
    }

    /// What only a pool has.
    fn refuse_pooled(&self, kind: ConnectionKind) -> Read<()> {
        let said = [
            ("connection.min", self.min.is_some()),
            ("connection.max", self.max.is_some()),
            ("connection.max-idle", self.max_idle.is_some()),
            ("connection.wait", self.wait.is_some()),
            ("connection.idle", self.idle.is_some()),
            ("connection.lifetime", self.lifetime.is_some()),
            ("connection.uses", self.uses.is_some()),
            ("connection.replace", self.replace.is_some()),
        ];
        match said.iter().find(|(_, is_said)| *is_said) {
            None => Ok(()),
            Some((key, _)) => {
                let reason =
                    format!("it says how connections are lent, which is pooled, and this one is {}", kind.name());
                Err(ProfileError::combination(key, "connection.kind", reason))
            }
        }
    }
}

/// A text alone is a message that has no reply.
fn sign_of(said: TextOr<SignTable>, key: &'static str, send: &'static str, expect: &'static str) -> Read<Sign> {
    let hex = |key, text: &Text| match text.0.is_empty() {
        true => Ok(Vec::new()),
        false => secret(key, text, Sign::MOST),
    };
    match said {
        TextOr::Text(text) => Ok(Sign::new(&hex(key, &text)?)),
        TextOr::Table(SignTable { send: Some(text), expect: start }) => {
            let sign = Sign::new(&hex(send, &text)?);
            match start {
                Some(start) => Ok(sign.expect(&hex(expect, &start)?)),
                None => Ok(sign),
            }
        }
        TextOr::Table(SignTable { send: None, .. }) => {
            Err(ProfileError::combination(key, send, "it is a message, and none is given"))
        }
    }
}

impl ReconnectTable {
    fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        let reconnect = &mut builder.reconnect;
        if let Some(text) = &self.policy {
            reconnect.policy = word("reconnect.policy", text, POLICIES)?;
        }
        reconnect.first = time("reconnect.first", self.first)?.unwrap_or(reconnect.first);
        reconnect.cap = time("reconnect.cap", self.cap)?.unwrap_or(reconnect.cap);
        let eject_after = count("reconnect.eject-after", self.eject_after, Reconnect::MOST_FAILURES, "failures")?;
        reconnect.eject_after = eject_after.unwrap_or(reconnect.eject_after);
        reconnect.fail_back = time("reconnect.fail-back", self.fail_back)?.unwrap_or(reconnect.fail_back);
        Ok(())
    }
}

impl AccessTable {
    fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        let read = |key, networks: Vec<Text>| {
            let network = |Text(text)| text.parse::<Network>().map_err(unreadable(key));
            networks.into_iter().map(network).collect::<Read<Vec<_>>>()
        };
        builder.access = Access { allow: read("access.allow", self.allow)?, deny: read("access.deny", self.deny)? };
        Ok(())
    }
}

fn shared_of(kind: ConnectionKind, connections: Option<Number>) -> Read<ConnectionKind> {
    match (kind, count("connection.connections", connections, Shared::MOST, "connections")?) {
        (kind, None) => Ok(kind),
        (ConnectionKind::Shared(_), Some(connections)) => Ok(Shared::new(connections).into()),
        (kind, Some(_)) => {
            let reason = format!("it says how many connections are shared, and this one is {}", kind.name());
            Err(ProfileError::combination("connection.connections", "connection.kind", reason))
        }
    }
}

/// As with connections.
fn exchange_of(said: TextOr<ExchangeTable>, before: ExchangeKind) -> Read<ExchangeKind> {
    let table = match said {
        TextOr::Text(text) => return word("exchange", &text, EXCHANGES),
        TextOr::Table(table) => table,
    };
    let kind = match &table.kind {
        None => before,
        Some(text) => match word("exchange.kind", text, EXCHANGES)? {
            kind if kind.name() == before.name() => before,
            kind => kind,
        },
    };
    match kind {
        ExchangeKind::Duplex(duplex) => {
            table.refuse_reach(kind)?;
            Ok(table.duplex(duplex)?.into())
        }
        ExchangeKind::Simplex(mut simplex) => {
            simplex.send = table.send.as_ref().map_or(Ok(simplex.send), |text| word("exchange.send", text, REACHES))?;
            simplex.receive =
                table.receive.as_ref().map_or(Ok(simplex.receive), |text| word("exchange.receive", text, REACHES))?;
            simplex.calls = table.duplex(simplex.calls)?;
            Ok(simplex.into())
        }
        kind => {
            table.refuse_calls(kind)?;
            table.refuse_reach(kind)?;
            Ok(kind)
        }
    }
}

impl ExchangeTable {
    fn duplex(&self, mut duplex: Duplex) -> Read<Duplex> {
        if let Some(Text(text)) = &self.key {
            duplex.key = Some(text.parse().map_err(unreadable("exchange.key"))?);
        }
        if let Some(text) = &self.assign {
            duplex.assigned = Some(word("exchange.assign", text, ASSIGNED)?);
        }
        let in_flight = count("exchange.in-flight", self.in_flight.clone(), Duplex::MOST_IN_FLIGHT, "requests")?;
        duplex.in_flight = in_flight.unwrap_or(duplex.in_flight);
        duplex.serialized = self.serialize.unwrap_or(duplex.serialized);
        Ok(duplex)
    }

    /// What only many requests in flight have.
    fn refuse_calls(&self, kind: ExchangeKind) -> Read<()> {
        let said = [
            ("exchange.key", self.key.is_some()),
            ("exchange.assign", self.assign.is_some()),
            ("exchange.in-flight", self.in_flight.is_some()),
            ("exchange.serialize", self.serialize.is_some()),
        ];
        refuse(&said, kind, "it is about many requests in flight, which duplex and simplex have")
    }

    /// What only a pair of connections has.
    fn refuse_reach(&self, kind: ExchangeKind) -> Read<()> {
        let said = [("exchange.send", self.send.is_some()), ("exchange.receive", self.receive.is_some())];
        refuse(&said, kind, "it says who dials one of two connections, which simplex has")
    }
}

fn refuse(said: &[(&'static str, bool)], kind: ExchangeKind, reason: &str) -> Read<()> {
    match said.iter().find(|(_, is_said)| *is_said) {
        None => Ok(()),
        Some((key, _)) => {
            let reason = format!("{reason}, and this one is {}", kind.name());
            Err(ProfileError::combination(key, "exchange.kind", reason))
        }
    }
}

impl PreambleTable {
    fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        let read = |key, text: Option<Text>| match text {
            None => Ok(Vec::new()),
            Some(text) => secret(key, &text, Preamble::MOST),
        };
        builder.preamble =
            Preamble { send: read("preamble.send", self.send)?, expect: read("preamble.expect", self.expect)? };
        Ok(())
    }
}

impl TimeoutsTable {
    fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        builder.connect = time("timeouts.connect", self.connect)?;
        builder.reply = time("timeouts.reply", self.reply)?;
        builder.write = time("timeouts.write", self.write)?;
        builder.close = time("timeouts.close", self.close)?;
        builder.first_message = time("timeouts.first-message", self.first_message)?;
        builder.first_request = time("timeouts.first-request", self.first_request)?;
        builder.frame = time("timeouts.frame", self.frame)?;
        builder.idle = time("timeouts.idle", self.idle)?;
        builder.lifetime = time("timeouts.lifetime", self.lifetime)?;
        Ok(())
    }
}

impl LimitsTable {
    fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        builder.max_message = size("limits.message", self.message)?;
        builder.write_queue = size("limits.write-queue", self.write_queue)?;
        let (connections, messages) = (Limits::MOST_CONNECTIONS, Limits::MOST_MESSAGES);
        builder.queued_messages = count("limits.queued-messages", self.queued_messages, messages, "messages")?;
        builder.connections = count("limits.connections", self.connections, connections, "connections")?;
        builder.per_client =
            count("limits.connections-per-client", self.connections_per_client, connections, "connections")?;
        if let Some(text) = &self.when_full {
            builder.when_full = word("limits.when-full", text, WHEN_FULL)?;
        }
        builder.memory = size("limits.memory", self.memory)?;
        builder.memory_per_client = size("limits.memory-per-client", self.memory_per_client)?;
        builder.empty_messages = count("limits.empty-messages", self.empty_messages, messages, "messages a second")?;
        Ok(())
    }
}

impl LivenessTable {
    fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        builder.heartbeat = match self.heartbeat {
            Some(Text(text)) => Some(text.parse().map_err(unreadable("liveness.heartbeat"))?),
            None => None,
        };
        builder.socket.keepalive = match self.keepalive {
            Some(Text(text)) => Some(text.parse().map_err(unreadable("liveness.keepalive"))?),
            None => None,
        };
        builder.idle_limit = time("liveness.idle-limit", self.idle_limit)?;
        Ok(())
    }
}

impl SocketTable {
    fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        let socket = &mut builder.socket;
        socket.source = self.source.map(|text| address("socket.source", &text.0)).transpose()?;
        socket.interface = self.interface.map(|name| name.0);
        socket.nodelay = self.nodelay.unwrap_or(socket.nodelay);
        socket.receive_buffer = size("socket.receive-buffer", self.receive_buffer)?;
        socket.send_buffer = size("socket.send-buffer", self.send_buffer)?;
        socket.linger = match self.linger {
            Some(Text(text)) if text == RESET => Some(Duration::ZERO),
            Some(Text(text)) => Some(linger(&text)?),
            None => None,
        };
        socket.backlog =
            count("socket.backlog", self.backlog, i32::MAX.unsigned_abs(), "connections")?.unwrap_or(socket.backlog);
        socket.reuse_address = self.reuse_address.unwrap_or(socket.reuse_address);
        Ok(())
    }
}

fn word<T: Copy>(key: &'static str, text: &Text, words: &[(&str, T)]) -> Read<T> {
    if let Some((_, meant)) = words.iter().find(|(word, _)| *word == text.0) {
        return Ok(*meant);
    }
    let all: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    Err(unreadable(key)(token(&text.0).mismatch(&format!("one of {}", all.join(", ")))))
}

fn time(key: &'static str, text: Option<Text>) -> Read<Option<Duration>> {
    text.map(|text| token(&text.0).duration().map_err(unreadable(key))).transpose()
}

/// Bytes that may be a password: an error does not repeat them.
fn secret(key: &'static str, Text(text): &Text, most: usize) -> Read<Vec<u8>> {
    let without_text = |error: NotationError| match text.chars().position(|c| !c.is_ascii_hexdigit()) {
        Some(other) => {
            NotationError::new(other + 1, 1, "expected pairs of hex digits, found another character".to_owned())
        }
        None if text.len() % 2 == 1 => {
            NotationError::new(1, text.len(), "expected pairs of hex digits, found an odd number of digits".to_owned())
        }
        None => error,
    };
    token(text).hex(most).map_err(without_text).map_err(unreadable(key))
}

fn size(key: &'static str, number: Option<Number>) -> Read<Option<usize>> {
    number.map(|number| token(&number.0).size().map_err(unreadable(key))).transpose()
}

fn count(key: &'static str, number: Option<Number>, most: u32, what: &str) -> Read<Option<u32>> {
    let Some(Number(text)) = number else { return Ok(None) };
    let number = token(&text).number(1..=most as usize, what).map_err(unreadable(key))?;
    Ok(u32::try_from(number).ok())
}

fn linger(text: &str) -> Read<Duration> {
    let expected = |_| token(text).mismatch("a number of seconds above 0, such as `5s`, or `reset`");
    token(text).duration().map_err(expected).map_err(unreadable("socket.linger"))
}

/// The port may be left out, for it is 0 nearly always.
fn address(key: &'static str, text: &str) -> Read<SocketAddr> {
    let alone = || text.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, 0));
    let expected = |_| token(text).mismatch("an IP address, or one with a port, such as `10.0.0.7:0` or `[::1]:0`");
    text.parse().or_else(|_| alone()).map_err(expected).map_err(unreadable(key))
}

const fn token(text: &str) -> Token<'_> {
    Token { text, column: 1 }
}

fn unreadable(key: &'static str) -> impl Fn(NotationError) -> ProfileError {
    move |error| ProfileError::Unreadable { key, error }
}
