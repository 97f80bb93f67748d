//! From a profile to the least that says it.

use std::time::Duration;

use framelink_codec::notation::{Hex, ShowDuration, ShowSize};

use super::{
    ConnectionTable, Document, FramingTable, LimitsTable, Number, PreambleTable, RESET, SocketTable, Text, TextOr,
    TimeoutsTable,
};
use crate::profile::{ConnectionKind, ExchangeKind, Limits, Preamble, Profile, Short, Timeouts};
use crate::{Directions, SocketOptions};

impl From<&Profile> for Document {
    fn from(profile: &Profile) -> Self {
        Self {
            template: None,
            framing: Some(framing(&profile.framing)),
            connection: connection(profile.connection),
            exchange: (profile.exchange != ExchangeKind::default()).then(|| text(profile.exchange.name())),
            preamble: preamble(&profile.preamble),
            timeouts: timeouts(profile),
            limits: limits(&profile.limits),
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

fn connection(connection: ConnectionKind) -> Option<TextOr<ConnectionTable>> {
    let short = connection.short()?;
    let kind = text(connection.name());
    if short == Short::new() {
        return Some(TextOr::Text(kind));
    }
    Some(TextOr::Table(ConnectionTable {
        kind: Some(kind),
        half_close: short.half_close.then_some(true),
        closes: (short.closes != Short::new().closes).then(|| text(short.closes.name())),
    }))
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
        frame: unless(said.frame, defaults.frame),
    }
}

/// The limit on messages went into the framing.
fn limits(limits: &Limits) -> LimitsTable {
    let default = Limits::default();
    LimitsTable {
        message: None,
        write_queue: (limits.write_queue != default.write_queue).then(|| size(limits.write_queue)),
        connections: (limits.connections != default.connections).then(|| count(limits.connections)),
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
