//! From a profile to the least that says it.

use std::time::Duration;

use framelink_codec::notation::{Hex, ShowDuration, ShowSize};

use super::{
    AccessTable, ConnectionTable, Document, ExchangeTable, FramingTable, LimitsTable, LivenessTable, NONE, Number,
    PreambleTable, RESET, ReconnectTable, SignTable, SocketTable, Text, TextOr, TimeoutsTable,
};
use crate::framing::Directions;
use crate::profile::{
    Access, ConnectionKind, Duplex, ExchangeKind, Limits, Pooled, Preamble, Profile, Reach, Reconnect, Shared, Short,
    Sign, Simplex, Timeouts, WhenFull,
};
use crate::socket::SocketOptions;

impl From<&Profile> for Document {
    fn from(profile: &Profile) -> Self {
        Self {
            template: None,
            framing: Some(framing(&profile.framing)),
            connection: connection(profile.connection, profile.keep_up),
            exchange: exchange(profile.exchange),
            preamble: preamble(&profile.preamble),
            timeouts: timeouts(profile),
            sign_on: profile.sign_on().map(sign),
            sign_off: profile.sign_off().map(sign),
            reconnect: reconnect(&profile.reconnect),
            access: access(&profile.access),
            limits: limits(&profile.limits, &profile.framing),
            liveness: LivenessTable {
                heartbeat: profile.heartbeat.as_deref().map(text),
                keepalive: profile.socket.keepalive.map(text),
                idle_limit: profile.idle_limit.map(|limit| text(ShowDuration(limit))),
            },
            socket: socket(&profile.socket),
        }
    }
}

fn framing(framing: &Directions) -> TextOr<FramingTable> {
    if framing.send == framing.receive {
        return TextOr::Text(text(framing.send));
    }
    TextOr::Table(FramingTable { send: Some(text(framing.send)), receive: Some(text(framing.receive)) })
}

fn connection(connection: ConnectionKind, keep_up: bool) -> Option<TextOr<ConnectionTable>> {
    let kind = text(connection.name());
    let short = match connection {
        ConnectionKind::Long | ConnectionKind::Shared(_) if keep_up => {
            let connections = match connection {
                ConnectionKind::Shared(shared) if shared != Shared::default() => Some(count(shared.connections)),
                _ => None,
            };
            let table = ConnectionTable { kind: Some(kind), connections, keep_up: Some(true), ..Default::default() };
            return Some(TextOr::Table(table));
        }
        ConnectionKind::Long => return None,
        ConnectionKind::Shared(shared) if shared == Shared::default() => return Some(TextOr::Text(kind)),
        ConnectionKind::Shared(Shared { connections }) => {
            let connections = Some(count(connections));
            return Some(TextOr::Table(ConnectionTable { kind: Some(kind), connections, ..Default::default() }));
        }
        ConnectionKind::Pooled(pooled) if pooled == Pooled::default() => return Some(TextOr::Text(kind)),
        ConnectionKind::Pooled(pooled) => {
            return Some(TextOr::Table(ConnectionTable { kind: Some(kind), ..lent(&pooled) }));
        }
        ConnectionKind::Short(short) => short,
    };
    if short == Short::new() {
        return Some(TextOr::Text(kind));
    }
    Some(TextOr::Table(ConnectionTable {
        kind: Some(kind),
        half_close: short.half_close.then_some(true),
        closes: (short.closes != Short::new().closes).then(|| text(short.closes.name())),
        ..Default::default()
    }))
}

fn lent(pooled: &Pooled) -> ConnectionTable {
    let default = Pooled::new(pooled.max);
    let wait = || pooled.wait.map_or_else(|| text(NONE), |wait| text(ShowDuration(wait)));
    ConnectionTable {
        max: (pooled.max != Pooled::MAX).then(|| count(pooled.max)),
        min: (pooled.min != default.min).then(|| count(pooled.min)),
        max_idle: (pooled.max_idle != default.max_idle).then(|| count(pooled.max_idle)),
        wait: (pooled.wait != default.wait).then(wait),
        idle: (pooled.idle != default.idle).then(|| text(ShowDuration(pooled.idle))),
        lifetime: (pooled.lifetime != default.lifetime).then(|| text(ShowDuration(pooled.lifetime))),
        uses: pooled.uses.map(count),
        replace: pooled.replace.then_some(true),
        ..Default::default()
    }
}

fn sign(sign: &Sign) -> TextOr<SignTable> {
    let send = text(Hex(sign.send()));
    match sign.expected() {
        None => TextOr::Text(send),
        Some(start) => TextOr::Table(SignTable { send: Some(send), expect: Some(text(Hex(start))) }),
    }
}

fn reconnect(reconnect: &Reconnect) -> ReconnectTable {
    let default = Reconnect::default();
    let unless = |time: Duration, default| (time != default).then(|| text(ShowDuration(time)));
    ReconnectTable {
        policy: (reconnect.policy != default.policy).then(|| text(reconnect.policy.name())),
        first: unless(reconnect.first, default.first),
        cap: unless(reconnect.cap, default.cap),
        eject_after: (reconnect.eject_after != default.eject_after).then(|| count(reconnect.eject_after)),
        fail_back: unless(reconnect.fail_back, default.fail_back),
    }
}

fn access(access: &Access) -> AccessTable {
    AccessTable { allow: access.allow.iter().map(text).collect(), deny: access.deny.iter().map(text).collect() }
}

fn exchange(exchange: ExchangeKind) -> Option<TextOr<ExchangeTable>> {
    if exchange == ExchangeKind::default() {
        return None;
    }
    let kind = text(exchange.name());
    let (default, reach) = (Simplex::default(), |reach: Reach| text(reach.name()));
    let simplex = if let ExchangeKind::Simplex(simplex) = exchange { simplex } else { default };
    let duplex = exchange.duplex().unwrap_or_default();
    let said = ExchangeTable {
        kind: None,
        key: duplex.key.map(text),
        assign: duplex.assigned.map(|assigned| text(assigned.name())),
        in_flight: (duplex.in_flight != Duplex::IN_FLIGHT).then(|| count(duplex.in_flight)),
        serialize: duplex.serialized.then_some(true),
        send: (simplex.send != default.send).then(|| reach(simplex.send)),
        receive: (simplex.receive != default.receive).then(|| reach(simplex.receive)),
    };
    if said == ExchangeTable::default() {
        return Some(TextOr::Text(kind));
    }
    Some(TextOr::Table(ExchangeTable { kind: Some(kind), ..said }))
}

fn preamble(preamble: &Preamble) -> PreambleTable {
    let hex = |bytes: &[u8]| (!bytes.is_empty()).then(|| text(Hex(bytes)));
    PreambleTable { send: hex(preamble.send()), expect: hex(preamble.expect()) }
}

fn timeouts(profile: &Profile) -> TimeoutsTable {
    let said = &profile.timeouts;
    let defaults = Timeouts::defaults(profile.connection, profile.exchange);
    let default_connect = Timeouts::default_connect(profile.connection, said.reply);
    let unless = |time: Duration, default| (time != default).then(|| text(ShowDuration(time)));
    TimeoutsTable {
        connect: unless(said.connect, default_connect),
        reply: said.reply.filter(|_| said.reply != defaults.reply).map(|reply| text(ShowDuration(reply))),
        write: unless(said.write, defaults.write),
        close: unless(said.close, defaults.close),
        first_message: unless(said.first_message, defaults.first_message),
        first_request: unless(said.first_request, said.first_message),
        frame: unless(said.frame, defaults.frame),
        idle: unless(said.idle, defaults.idle),
        lifetime: unless(said.lifetime, defaults.lifetime),
    }
}

/// The limit on messages went into the framing.
fn limits(limits: &Limits, framing: &Directions) -> LimitsTable {
    let default = Limits::default();
    let share = Limits::default_memory_per_client(limits.memory, framing);
    let unless = |number: u32, default| (number != default).then(|| count(number));
    LimitsTable {
        message: None,
        write_queue: (limits.write_queue != default.write_queue).then(|| size(limits.write_queue)),
        queued_messages: unless(limits.queued_messages, default.queued_messages),
        connections: unless(limits.connections, default.connections),
        connections_per_client: unless(limits.per_client, default.per_client),
        memory: (limits.memory != Limits::default_memory(framing)).then(|| size(limits.memory)),
        memory_per_client: (limits.memory_per_client != share).then(|| size(limits.memory_per_client)),
        when_full: (limits.when_full != WhenFull::default()).then(|| text(limits.when_full.name())),
        empty_messages: unless(limits.empty_messages, default.empty_messages),
    }
}

fn socket(socket: &SocketOptions) -> SocketTable {
    let default = SocketOptions::new();
    SocketTable {
        source: socket.source.map(text),
        interface: socket.interface.as_ref().map(text),
        nodelay: (socket.nodelay != default.nodelay).then_some(socket.nodelay),
        receive_buffer: socket.receive_buffer.map(size),
        send_buffer: socket.send_buffer.map(size),
        linger: socket.linger.map(|linger| if linger.is_zero() { text(RESET) } else { text(ShowDuration(linger)) }),
        backlog: (socket.backlog != default.backlog).then(|| count(socket.backlog)),
        reuse_address: (socket.reuse_address != default.reuse_address).then_some(socket.reuse_address),
    }
}

fn text(value: impl ToString) -> Text {
    Text(value.to_string())
}

fn size(bytes: usize) -> Number {
    Number(ShowSize(bytes).to_string())
}

fn count(number: u32) -> Number {
    Number(number.to_string())
}
