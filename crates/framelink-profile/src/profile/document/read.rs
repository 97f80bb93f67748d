//! Reads texts into a builder.

mod replies;
mod signing;
mod tls;

use std::net::{IpAddr, SocketAddr};
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use framelink_codec::notation::{NotationError, Token};

use super::scalar::{Number, Text, TextOr};
use super::{
    AccessTable, ConnectionTable, Document, ExchangeTable, FramingTable, LimitsTable, LivenessTable, NONE,
    NumbersTable, PreambleTable, RESET, ReconnectTable, SocketTable, TimeoutsTable, TlsTable,
};
use crate::profile::{
    Access, Address, ConnectionKind, Duplex, ExchangeKind, Limits, Numbering, OnRefusal, Policy, Pooled, Preamble,
    ProfileBuilder, ProfileError, Reach, Reconnect, Shared, Short, Side, Simplex, WhenFull, address as places,
};
use framelink_session::{Encoding, Match};

pub(super) type Read<T> = Result<T, ProfileError>;

/// Systems take counts as a C `int`.
const MOST_INT: u32 = i32::MAX.unsigned_abs();

/// A value that is one of several words.
trait Word: Copy + 'static {
    const ALL: &'static [Self];
    fn word(self) -> &'static str;
}

macro_rules! words {
    ($($kind:ty: [$($value:expr),*];)*) => { $(
        impl Word for $kind {
            const ALL: &'static [Self] = &[$($value),*];
            fn word(self) -> &'static str {
                self.name()
            }
        }
    )* };
}

words! {
    ConnectionKind: [
        Self::Long,
        Self::Short(Short::new()),
        Self::Shared(Shared::new(Shared::CONNECTIONS)),
        Self::Pooled(Pooled::new(Pooled::MAX))
    ];
    Policy: [Self::PrimaryBackup, Self::RoundRobin, Self::LeastInFlight, Self::Sticky];
    WhenFull: [Self::RefuseNewest, Self::DropOldest];
    Side: [Self::Client, Self::Server];
    ExchangeKind: [
        Self::Sync,
        Self::SendOnly,
        Self::ReceiveOnly,
        Self::Duplex(Duplex::new()),
        Self::Simplex(Simplex::new(Duplex::new()))
    ];
    OnRefusal: [Self::Retry, Self::Stop];
    Reach: [Self::Dial, Self::Accept];
}

impl Document {
    /// Returns a builder with all values. Values are parsed here and checked against each other later.
    pub(crate) fn into_builder(self) -> Read<ProfileBuilder> {
        let mut builder = ProfileBuilder::new();
        if let Some(template) = self.template {
            builder = builder.template(&template.0)?;
        }
        builder.endpoints.addresses = addresses_of(self.addresses)?;
        builder.endpoints.listen = parsed("listen", self.listen)?;
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
            builder.exchange = exchange_of(exchange, builder.exchange, &mut builder.reply_rule)?;
        }
        self.numbers.tell(&mut builder)?;
        self.preamble.tell(&mut builder)?;
        builder.signing.first = signing::first_of(self.first)?;
        builder.signing.greeting = self.greeting.map(signing::greeting_of).transpose()?;
        builder.signing.sign_on = self.sign_on.map(|said| signing::sign_of(said, &signing::SIGN_ON)).transpose()?;
        builder.signing.sign_off = self.sign_off.map(|said| signing::sign_of(said, &signing::SIGN_OFF)).transpose()?;
        builder.signing.meanwhile = signing::meanwhile_of(self.meanwhile)?;
        builder.replying.rules = replies::rules_of(self.reply)?;
        builder.replying.header = replies::header_of(self.replies)?;
        self.reconnect.tell(&mut builder)?;
        self.access.tell(&mut builder)?;
        builder.tls = self.tls.map(TlsTable::read).transpose()?;
        self.proxy_protocol.tell(&mut builder)?;
        self.timeouts.tell(&mut builder)?;
        self.limits.tell(&mut builder)?;
        self.socket.tell(&mut builder)?;
        self.liveness.tell(&mut builder)?;
        Ok(builder)
    }
}

fn addresses_of(said: Vec<Text>) -> Read<Vec<Address>> {
    // The count comes first: each address has its own key.
    places::check_count(said.len())?;
    let read = |(at, Text(text)): (usize, Text)| text.parse().map_err(unreadable(places::key(at)));
    said.into_iter().enumerate().map(read).collect()
}

/// A table may set one direction only, if a template or a later builder call sets the other.
fn tell_framing(said: TextOr<FramingTable>, builder: &mut ProfileBuilder) -> Read<()> {
    match said {
        TextOr::Text(text) => {
            builder.send = parsed("framing", Some(text))?;
            builder.receive = builder.send;
        }
        TextOr::Table(table) => {
            builder.send = parsed("framing.send", table.send)?.or(builder.send);
            builder.receive = parsed("framing.receive", table.receive)?.or(builder.receive);
        }
    }
    Ok(())
}

/// A word selects a kind with its defaults. A table changes the template's settings, unless it names another kind.
fn connection_of(said: TextOr<ConnectionTable>, before: ConnectionKind) -> Read<ConnectionKind> {
    let table = match said {
        TextOr::Text(text) => return word("connection", &text),
        TextOr::Table(table) => table,
    };
    let mut kind = kind_of("connection.kind", table.kind.as_ref(), before)?;
    let connections = count("connection.connections", &table.connections, 1..=Shared::MOST, "connections")?;
    table.refuse_others(kind)?;
    match &mut kind {
        ConnectionKind::Long => {}
        ConnectionKind::Short(short) => {
            set(&mut short.half_close, table.half_close);
            set(&mut short.closes, table.closes.map(|text| word("connection.closes", &text)).transpose()?);
        }
        ConnectionKind::Shared(shared) => set(&mut shared.connections, connections),
        ConnectionKind::Pooled(pooled) => *pooled = table.pooled(*pooled)?,
    }
    Ok(kind)
}

impl ConnectionTable {
    fn pooled(self, before: Pooled) -> Read<Pooled> {
        let number = |key, said, least| count(key, said, least..=Pooled::MOST, "connections");
        let mut pooled = number("connection.max", &self.max, 1)?.map_or(before, Pooled::new);
        set(&mut pooled.min, number("connection.min", &self.min, 0)?);
        set(&mut pooled.max_idle, number("connection.max-idle", &self.max_idle, 0)?);
        if let Some(text) = &self.wait {
            pooled.wait = time_or("connection.wait", text, NONE, "a time, such as `5s`, or `none`")?;
        }
        set(&mut pooled.idle, time("connection.idle", self.idle)?);
        set(&mut pooled.lifetime, time("connection.lifetime", self.lifetime)?);
        pooled.uses = count("connection.uses", &self.uses, 1..=MOST_INT, "uses")?.or(pooled.uses);
        set(&mut pooled.replace, self.replace);
        Ok(pooled)
    }

    /// Refuses keys that only other kinds have.
    fn refuse_others(&self, kind: ConnectionKind) -> Read<()> {
        let pooled = (kind.pooled().is_some(), "it says how connections are lent, which is pooled");
        let shared = (matches!(kind, ConnectionKind::Shared(_)), "it says how many connections are shared");
        let short = (kind.short().is_some(), "it says how a short connection ends");
        let keys = [
            ("connection.min", self.min.is_some(), pooled),
            ("connection.max", self.max.is_some(), pooled),
            ("connection.max-idle", self.max_idle.is_some(), pooled),
            ("connection.wait", self.wait.is_some(), pooled),
            ("connection.idle", self.idle.is_some(), pooled),
            ("connection.lifetime", self.lifetime.is_some(), pooled),
            ("connection.uses", self.uses.is_some(), pooled),
            ("connection.replace", self.replace.is_some(), pooled),
            ("connection.connections", self.connections.is_some(), shared),
            ("connection.half-close", self.half_close.is_some(), short),
            ("connection.closes", self.closes.is_some(), short),
        ];
        refuse(&keys, "connection.kind", kind.name())
    }
}

impl ReconnectTable {
    fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        let reconnect = &mut builder.reconnect;
        set(&mut reconnect.policy, self.policy.map(|text| word("reconnect.policy", &text)).transpose()?);
        set(&mut reconnect.first, time("reconnect.first", self.first)?);
        set(&mut reconnect.cap, time("reconnect.cap", self.cap)?);
        let failures = 1..=Reconnect::MOST_FAILURES;
        set(&mut reconnect.eject_after, count("reconnect.eject-after", &self.eject_after, failures, "failures")?);
        set(&mut reconnect.fail_back, time("reconnect.fail-back", self.fail_back)?);
        Ok(())
    }
}

impl AccessTable {
    fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        let (allow, deny) = (parsed_all("access.allow", self.allow)?, parsed_all("access.deny", self.deny)?);
        builder.access = Access { allow, deny };
        Ok(())
    }
}

/// Like [`connection_of`].
fn exchange_of(
    said: TextOr<ExchangeTable>,
    before: ExchangeKind,
    reply_rule: &mut Option<Match>,
) -> Read<ExchangeKind> {
    let mut table = match said {
        TextOr::Text(text) => return word("exchange", &text),
        TextOr::Table(table) => table,
    };
    let kind = kind_of("exchange.kind", table.kind.as_ref(), before)?;
    table.refuse_others(kind)?;
    *reply_rule = parsed("exchange.reply", table.reply.take())?;
    match kind {
        ExchangeKind::Duplex(duplex) => Ok(table.duplex(duplex)?.into()),
        ExchangeKind::Simplex(mut simplex) => {
            let reach = |key, said: &Option<Text>| said.as_ref().map(|text| word(key, text)).transpose();
            set(&mut simplex.send, reach("exchange.send", &table.send)?);
            set(&mut simplex.receive, reach("exchange.receive", &table.receive)?);
            simplex.calls = table.duplex(simplex.calls)?;
            Ok(simplex.into())
        }
        kind => Ok(kind),
    }
}

impl ExchangeTable {
    fn duplex(self, mut duplex: Duplex) -> Read<Duplex> {
        duplex.key = parsed("exchange.key", self.key)?.or(duplex.key);
        if let Some(text) = &self.assign {
            duplex.assigned = Some(encoding("exchange.assign", text)?);
        }
        let requests = 1..=Duplex::MOST_IN_FLIGHT;
        set(&mut duplex.in_flight, count("exchange.in-flight", &self.in_flight, requests, "requests")?);
        set(&mut duplex.serialized, self.serialize);
        Ok(duplex)
    }

    /// Refuses keys that only other kinds have.
    fn refuse_others(&self, kind: ExchangeKind) -> Read<()> {
        let calls = (kind.duplex().is_some(), "it is about many requests in flight, which duplex and simplex have");
        let is_simplex = matches!(kind, ExchangeKind::Simplex(_));
        let pair = (is_simplex, "it says who dials one of two connections, which simplex has");
        let keys = [
            ("exchange.key", self.key.is_some(), calls),
            ("exchange.assign", self.assign.is_some(), calls),
            ("exchange.reply", self.reply.is_some(), calls),
            ("exchange.in-flight", self.in_flight.is_some(), calls),
            ("exchange.serialize", self.serialize.is_some(), calls),
            ("exchange.send", self.send.is_some(), pair),
            ("exchange.receive", self.receive.is_some(), pair),
        ];
        refuse(&keys, "exchange.kind", kind.name())
    }
}

/// Refuses the first key that is set although the kind does not have it, with the reason.
fn refuse(keys: &[(&'static str, bool, (bool, &str))], with: &'static str, kind: &str) -> Read<()> {
    match keys.iter().find(|(_, is_said, (is_of_kind, _))| *is_said && !is_of_kind) {
        None => Ok(()),
        Some((key, _, (_, reason))) => {
            Err(ProfileError::combination(key, with, format!("{reason}, and this one is {kind}")))
        }
    }
}

impl NumbersTable {
    fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        let range = parsed("numbers.range", self.range)?;
        builder.numbers = Numbering { range, file: self.file.map(|Text(name)| name.into()) };
        Ok(())
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
        let messages = |key, said, what| count(key, said, 1..=Limits::MOST_MESSAGES, what);
        let connections = |key, said| count(key, said, 1..=Limits::MOST_CONNECTIONS, "connections");
        builder.queued_messages = messages("limits.queued-messages", &self.queued_messages, "messages")?;
        builder.connections = connections("limits.connections", &self.connections)?;
        builder.per_client = connections("limits.connections-per-client", &self.connections_per_client)?;
        set(&mut builder.when_full, self.when_full.map(|text| word("limits.when-full", &text)).transpose()?);
        builder.memory = size("limits.memory", self.memory)?;
        builder.memory_per_client = size("limits.memory-per-client", self.memory_per_client)?;
        builder.empty_messages = messages("limits.empty-messages", &self.empty_messages, "messages a second")?;
        Ok(())
    }
}

impl LivenessTable {
    fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        builder.heartbeat = parsed("liveness.heartbeat", self.heartbeat)?;
        builder.socket.keepalive = parsed("liveness.keepalive", self.keepalive)?;
        builder.idle_limit = time("liveness.idle-limit", self.idle_limit)?;
        Ok(())
    }
}

impl SocketTable {
    fn tell(self, builder: &mut ProfileBuilder) -> Read<()> {
        let socket = &mut builder.socket;
        socket.source = self.source.map(|text| address("socket.source", &text.0)).transpose()?;
        socket.interface = self.interface.map(|name| name.0);
        set(&mut socket.nodelay, self.nodelay);
        socket.receive_buffer = size("socket.receive-buffer", self.receive_buffer)?;
        socket.send_buffer = size("socket.send-buffer", self.send_buffer)?;
        let expected = "a number of seconds above 0, such as `5s`, or `reset`";
        let linger = self.linger.map(|text| time_or("socket.linger", &text, RESET, expected)).transpose()?;
        socket.linger = linger.map(Option::unwrap_or_default);
        set(&mut socket.backlog, count("socket.backlog", &self.backlog, 1..=MOST_INT, "connections")?);
        set(&mut socket.reuse_address, self.reuse_address);
        Ok(())
    }
}

/// Sets a value unless it is missing.
fn set<T>(place: &mut T, said: Option<T>) {
    if let Some(said) = said {
        *place = said;
    }
}

/// Reads how a number is written. `digits` is the old word for ascii.
fn encoding(key: &'static str, Text(text): &Text) -> Read<Encoding> {
    if text == "digits" { Ok(Encoding::Ascii) } else { text.parse().map_err(unreadable(key)) }
}

fn word<T: Word>(key: &'static str, Text(text): &Text) -> Read<T> {
    let all = || T::ALL.iter().copied();
    all().find(|value| value.word() == text).ok_or_else(|| {
        let words: Vec<_> = all().map(T::word).collect();
        unreadable(key)(token(text).mismatch(&format!("one of {}", words.join(", "))))
    })
}

/// Returns the named kind, with the settings of `before` if that is of this kind.
fn kind_of<T: Word>(key: &'static str, said: Option<&Text>, before: T) -> Read<T> {
    let Some(text) = said else { return Ok(before) };
    let kind: T = word(key, text)?;
    Ok(if kind.word() == before.word() { before } else { kind })
}

fn parsed<T: FromStr<Err = NotationError>>(key: &'static str, text: Option<Text>) -> Read<Option<T>> {
    text.map(|Text(text)| text.parse().map_err(unreadable(key))).transpose()
}

fn parsed_all<T: FromStr<Err = NotationError>>(key: &'static str, said: Vec<Text>) -> Read<Vec<T>> {
    said.into_iter().map(|Text(text)| text.parse().map_err(unreadable(key))).collect()
}

fn time(key: &'static str, text: Option<Text>) -> Read<Option<Duration>> {
    text.map(|Text(text)| token(&text).duration().map_err(unreadable(key))).transpose()
}

/// Reads a time, or the word for none. `expected` names both.
fn time_or(key: &'static str, Text(text): &Text, none: &str, expected: &str) -> Read<Option<Duration>> {
    if text == none {
        return Ok(None);
    }
    let time = token(text).duration().map_err(|_| token(text).mismatch(expected));
    time.map(Some).map_err(unreadable(key))
}

/// Reads bytes that may be a password. Errors do not repeat them.
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

fn count(key: &'static str, said: &Option<Number>, range: RangeInclusive<u32>, what: &str) -> Read<Option<u32>> {
    let Some(Number(text)) = said else { return Ok(None) };
    let range = *range.start() as usize..=*range.end() as usize;
    let number = token(text).number(range, what).map_err(unreadable(key))?;
    Ok(u32::try_from(number).ok())
}

/// Reads an address. The port may be left out, because it is nearly always 0.
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
