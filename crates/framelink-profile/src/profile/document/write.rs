//! Writes a profile with as few keys as possible.

mod replies;
mod signing;
mod tls;

use std::fmt::Display;
use std::time::Duration;

use framelink_codec::notation::{Hex, ShowDuration, ShowSize};

use super::scalar::{Number, Text, TextOr, is_default};
use super::{
    AccessTable, ConnectionTable, Document, ExchangeTable, FramingTable, LimitsTable, LivenessTable, NONE,
    NumbersTable, PreambleTable, RESET, ReconnectTable, SocketTable, TimeoutsTable,
};
use crate::framing::FramingPair;
use crate::profile::{
    ConnectionKind, Duplex, ExchangeKind, Limits, Pooled, Profile, Reconnect, Shared, Side, Simplex, Timeouts, WhenFull,
};
use crate::socket::SocketOptions;

impl From<&Profile> for Document {
    fn from(profile: &Profile) -> Self {
        let hex = |bytes: &[u8]| (!bytes.is_empty()).then(|| text(Hex(bytes)));
        let (preamble, access) = (&profile.preamble, &profile.access);
        Self {
            template: None,
            addresses: texts(profile.addresses()),
            listen: profile.listen().map(text),
            framing: Some(framing(&profile.framing)),
            connection: connection(profile.connection, profile.keep_up),
            exchange: exchange(profile),
            numbers: numbers(profile),
            preamble: PreambleTable { send: hex(preamble.send()), expect: hex(preamble.expect()) },
            timeouts: timeouts(profile),
            first: profile.first().iter().map(signing::first).collect(),
            greeting: profile.greeting().map(signing::greeting),
            sign_on: profile.sign_on().map(signing::sign),
            sign_off: profile.sign_off().map(signing::sign),
            meanwhile: profile.meanwhile().iter().map(signing::meanwhile).collect(),
            reply: profile.server_replies().iter().map(replies::rule).collect(),
            replies: replies::header(profile.reply_header()),
            reconnect: reconnect(&profile.reconnect),
            access: AccessTable { allow: texts(&access.allow), deny: texts(&access.deny) },
            tls: profile.tls().map(tls::tls),
            proxy_protocol: tls::proxy_protocol(profile.proxy_protocol()),
            limits: limits(&profile.limits, &profile.framing),
            liveness: LivenessTable {
                heartbeat: profile.heartbeat.as_deref().map(text),
                keepalive: profile.socket.keepalive.map(text),
                idle_limit: profile.idle_limit.map(time),
            },
            socket: socket(&profile.socket),
        }
    }
}

fn framing(framing: &FramingPair) -> TextOr<FramingTable> {
    if framing.send == framing.receive {
        return TextOr::Text(text(framing.send));
    }
    TextOr::Table(FramingTable { send: Some(text(framing.send)), receive: Some(text(framing.receive)) })
}

fn connection(connection: ConnectionKind, keep_up: bool) -> Option<TextOr<ConnectionTable>> {
    let mut said = match connection {
        ConnectionKind::Long => ConnectionTable::default(),
        ConnectionKind::Shared(shared) => ConnectionTable {
            connections: unless(shared.connections, Shared::CONNECTIONS, count),
            ..Default::default()
        },
        ConnectionKind::Pooled(pooled) => lent(&pooled),
        ConnectionKind::Short(short) => ConnectionTable {
            half_close: short.half_close.then_some(true),
            closes: unless(short.closes, Side::default(), |side| text(side.name())),
            ..Default::default()
        },
    };
    said.keep_up = keep_up.then_some(true);
    let kind = text(connection.name());
    if is_default(&said) {
        return (connection != ConnectionKind::Long).then_some(TextOr::Text(kind));
    }
    Some(TextOr::Table(ConnectionTable { kind: Some(kind), ..said }))
}

fn lent(pooled: &Pooled) -> ConnectionTable {
    let default = Pooled::new(pooled.max);
    ConnectionTable {
        max: unless(pooled.max, Pooled::MAX, count),
        min: unless(pooled.min, default.min, count),
        max_idle: unless(pooled.max_idle, default.max_idle, count),
        wait: unless(pooled.wait, default.wait, |wait| wait.map_or_else(|| text(NONE), time)),
        idle: unless(pooled.idle, default.idle, time),
        lifetime: unless(pooled.lifetime, default.lifetime, time),
        uses: pooled.uses.map(count),
        replace: pooled.replace.then_some(true),
        ..Default::default()
    }
}

fn reconnect(reconnect: &Reconnect) -> ReconnectTable {
    let default = Reconnect::default();
    ReconnectTable {
        policy: unless(reconnect.policy, default.policy, |policy| text(policy.name())),
        first: unless(reconnect.first, default.first, time),
        cap: unless(reconnect.cap, default.cap, time),
        eject_after: unless(reconnect.eject_after, default.eject_after, count),
        fail_back: unless(reconnect.fail_back, default.fail_back, time),
    }
}

fn numbers(profile: &Profile) -> NumbersTable {
    let Some(numbers) = profile.numbers() else { return NumbersTable::default() };
    NumbersTable { range: numbers.range.map(text), file: numbers.file.as_ref().map(|file| text(file.display())) }
}

fn exchange(profile: &Profile) -> Option<TextOr<ExchangeTable>> {
    let exchange = profile.exchange;
    if exchange == ExchangeKind::default() {
        return None;
    }
    let kind = text(exchange.name());
    let default = Simplex::default();
    let simplex = if let ExchangeKind::Simplex(simplex) = exchange { simplex } else { default };
    let duplex = exchange.duplex().unwrap_or_default();
    let said = ExchangeTable {
        kind: None,
        key: duplex.key.map(text).or_else(|| profile.key_rule().map(|_| text("by a function"))),
        assign: duplex.assigned.map(|assigned| text(assigned.name())),
        reply: profile.reply_rule().map(text),
        in_flight: unless(duplex.in_flight, Duplex::IN_FLIGHT, count),
        serialize: duplex.serialized.then_some(true),
        send: unless(simplex.send, default.send, |reach| text(reach.name())),
        receive: unless(simplex.receive, default.receive, |reach| text(reach.name())),
    };
    if is_default(&said) {
        return Some(TextOr::Text(kind));
    }
    Some(TextOr::Table(ExchangeTable { kind: Some(kind), ..said }))
}

fn timeouts(profile: &Profile) -> TimeoutsTable {
    let said = &profile.timeouts;
    let defaults = Timeouts::defaults(profile.connection, profile.exchange);
    TimeoutsTable {
        connect: unless(said.connect, Timeouts::default_connect(profile.connection, said.reply), time),
        reply: said.reply.filter(|_| said.reply != defaults.reply).map(time),
        write: unless(said.write, defaults.write, time),
        close: unless(said.close, defaults.close, time),
        first_message: unless(said.first_message, defaults.first_message, time),
        first_request: unless(said.first_request, said.first_message, time),
        frame: unless(said.frame, defaults.frame, time),
        idle: unless(said.idle, defaults.idle, time),
        lifetime: unless(said.lifetime, defaults.lifetime, time),
    }
}

/// The limit on messages is part of the framing.
fn limits(limits: &Limits, framing: &FramingPair) -> LimitsTable {
    let default = Limits::default();
    let share = Limits::default_memory_per_client(limits.memory, framing);
    LimitsTable {
        message: None,
        write_queue: unless(limits.write_queue, default.write_queue, size),
        queued_messages: unless(limits.queued_messages, default.queued_messages, count),
        connections: unless(limits.connections, default.connections, count),
        connections_per_client: unless(limits.per_client, default.per_client, count),
        memory: unless(limits.memory, Limits::default_memory(framing), size),
        memory_per_client: unless(limits.memory_per_client, share, size),
        when_full: unless(limits.when_full, WhenFull::default(), |rule| text(rule.name())),
        empty_messages: unless(limits.empty_messages, default.empty_messages, count),
    }
}

fn socket(socket: &SocketOptions) -> SocketTable {
    let default = SocketOptions::new();
    SocketTable {
        source: socket.source.map(text),
        interface: socket.interface.as_ref().map(text),
        nodelay: unless(socket.nodelay, default.nodelay, |yes| yes),
        receive_buffer: socket.receive_buffer.map(size),
        send_buffer: socket.send_buffer.map(size),
        linger: socket.linger.map(|linger| if linger.is_zero() { text(RESET) } else { time(linger) }),
        backlog: unless(socket.backlog, default.backlog, count),
        reuse_address: unless(socket.reuse_address, default.reuse_address, |yes| yes),
    }
}

/// Returns the value as text, unless it is the default.
fn unless<T: PartialEq, S>(value: T, default: T, show: impl FnOnce(T) -> S) -> Option<S> {
    (value != default).then(|| show(value))
}

fn text(value: impl ToString) -> Text {
    Text(value.to_string())
}

fn texts<T: Display>(values: &[T]) -> Vec<Text> {
    values.iter().map(text).collect()
}

fn time(time: Duration) -> Text {
    text(ShowDuration(time))
}

fn size(bytes: usize) -> Number {
    Number(ShowSize(bytes).to_string())
}

fn count(number: u32) -> Number {
    Number(number.to_string())
}
