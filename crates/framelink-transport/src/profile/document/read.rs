//! From texts to a builder.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use framelink_codec::notation::{NotationError, Token};

use super::{
    ConnectionTable, Document, ExchangeTable, FramingTable, LimitsTable, LivenessTable, Number, PreambleTable, RESET,
    SocketTable, Text, TextOr, TimeoutsTable,
};
use crate::Framing;
use crate::profile::{
    ConnectionKind, Duplex, ExchangeKind, Limits, Preamble, ProfileBuilder, ProfileError, Reach, Shared, Short, Side,
    Simplex,
};
use crate::session::Assigned;

type Read<T> = Result<T, ProfileError>;

const CONNECTIONS: &[(&str, ConnectionKind)] = &[
    ("long", ConnectionKind::Long),
    ("short", ConnectionKind::Short(Short::new())),
    ("shared", ConnectionKind::Shared(Shared::new(Shared::CONNECTIONS))),
];
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
            builder.connection = connection_of(connection, builder.connection)?;
        }
        if let Some(exchange) = self.exchange {
            builder.exchange = exchange_of(exchange, builder.exchange)?;
        }
        self.preamble.tell(&mut builder)?;
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
            Some(Text(text)) => token(&text).hex(Preamble::MOST).map_err(unreadable(key)),
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
        builder.frame = time("timeouts.frame", self.frame)?;
        Ok(())
    }
}

impl LimitsTable {
    fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        builder.max_message = size("limits.message", self.message)?;
        builder.write_queue = size("limits.write-queue", self.write_queue)?;
        builder.connections = count("limits.connections", self.connections, Limits::MOST_CONNECTIONS, "connections")?;
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
