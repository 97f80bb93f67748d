//! A profile as a file has it: keys and texts. Reading makes a builder of it, writing leaves defaults out.

mod read;
mod write;

use serde::{Deserialize, Serialize};

use super::scalar::{self, Number, Table, Text, TextOr};

/// What a file says.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Document {
    #[serde(deserialize_with = "scalar::word", skip_serializing_if = "Option::is_none")]
    template: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    framing: Option<TextOr<FramingTable>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<TextOr<ConnectionTable>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange: Option<TextOr<ExchangeTable>>,
    #[serde(deserialize_with = "scalar::table", skip_serializing_if = "PreambleTable::is_empty")]
    preamble: PreambleTable,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_on: Option<TextOr<SignTable>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sign_off: Option<TextOr<SignTable>>,
    #[serde(deserialize_with = "scalar::table", skip_serializing_if = "ReconnectTable::is_empty")]
    reconnect: ReconnectTable,
    #[serde(deserialize_with = "scalar::table", skip_serializing_if = "TimeoutsTable::is_empty")]
    timeouts: TimeoutsTable,
    #[serde(deserialize_with = "scalar::table", skip_serializing_if = "LimitsTable::is_empty")]
    limits: LimitsTable,
    #[serde(deserialize_with = "scalar::table", skip_serializing_if = "AccessTable::is_empty")]
    access: AccessTable,
    #[serde(deserialize_with = "scalar::table", skip_serializing_if = "LivenessTable::is_empty")]
    liveness: LivenessTable,
    #[serde(deserialize_with = "scalar::table", skip_serializing_if = "SocketTable::is_empty")]
    socket: SocketTable,
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct FramingTable {
    #[serde(deserialize_with = "scalar::notation", skip_serializing_if = "Option::is_none")]
    send: Option<Text>,
    #[serde(deserialize_with = "scalar::notation", skip_serializing_if = "Option::is_none")]
    receive: Option<Text>,
}

impl Table for FramingTable {
    const EXPECTED: &'static str =
        "the notation of a framing, such as \"ascii:4\", or a table with `send` and `receive`";
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct ConnectionTable {
    #[serde(deserialize_with = "scalar::word", skip_serializing_if = "Option::is_none")]
    kind: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    half_close: Option<bool>,
    #[serde(deserialize_with = "scalar::word", skip_serializing_if = "Option::is_none")]
    closes: Option<Text>,
    #[serde(deserialize_with = "scalar::count", skip_serializing_if = "Option::is_none")]
    connections: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_up: Option<bool>,
    #[serde(deserialize_with = "scalar::count", skip_serializing_if = "Option::is_none")]
    min: Option<Number>,
    #[serde(deserialize_with = "scalar::count", skip_serializing_if = "Option::is_none")]
    max: Option<Number>,
    #[serde(deserialize_with = "scalar::count", skip_serializing_if = "Option::is_none")]
    max_idle: Option<Number>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    wait: Option<Text>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    idle: Option<Text>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    lifetime: Option<Text>,
    #[serde(deserialize_with = "scalar::count", skip_serializing_if = "Option::is_none")]
    uses: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replace: Option<bool>,
}

impl Table for ConnectionTable {
    const EXPECTED: &'static str =
        "\"long\", \"short\", \"shared\", \"pooled\", or a table with `kind` and what belongs to it";
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct ExchangeTable {
    #[serde(deserialize_with = "scalar::word", skip_serializing_if = "Option::is_none")]
    kind: Option<Text>,
    #[serde(deserialize_with = "scalar::key", skip_serializing_if = "Option::is_none")]
    key: Option<Text>,
    #[serde(deserialize_with = "scalar::word", skip_serializing_if = "Option::is_none")]
    assign: Option<Text>,
    #[serde(deserialize_with = "scalar::count", skip_serializing_if = "Option::is_none")]
    in_flight: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    serialize: Option<bool>,
    #[serde(deserialize_with = "scalar::word", skip_serializing_if = "Option::is_none")]
    send: Option<Text>,
    #[serde(deserialize_with = "scalar::word", skip_serializing_if = "Option::is_none")]
    receive: Option<Text>,
}

impl Table for ExchangeTable {
    const EXPECTED: &'static str = "a word such as \"sync\" or \"duplex\", or a table with `kind`, `key`, `assign`, \
                                    `in-flight`, `serialize`, `send` and `receive`";
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct PreambleTable {
    #[serde(deserialize_with = "scalar::hex", skip_serializing_if = "Option::is_none")]
    send: Option<Text>,
    #[serde(deserialize_with = "scalar::hex", skip_serializing_if = "Option::is_none")]
    expect: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct SignTable {
    #[serde(deserialize_with = "scalar::hex", skip_serializing_if = "Option::is_none")]
    send: Option<Text>,
    #[serde(deserialize_with = "scalar::hex", skip_serializing_if = "Option::is_none")]
    expect: Option<Text>,
}

impl Table for SignTable {
    const EXPECTED: &'static str = "a message in hex, or a table with `send` and `expect`";
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct ReconnectTable {
    #[serde(deserialize_with = "scalar::word", skip_serializing_if = "Option::is_none")]
    policy: Option<Text>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    first: Option<Text>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    cap: Option<Text>,
    #[serde(deserialize_with = "scalar::count", skip_serializing_if = "Option::is_none")]
    eject_after: Option<Number>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    fail_back: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct AccessTable {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    allow: Vec<Text>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    deny: Vec<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct TimeoutsTable {
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    connect: Option<Text>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    reply: Option<Text>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    write: Option<Text>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    close: Option<Text>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    first_message: Option<Text>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    first_request: Option<Text>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    frame: Option<Text>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    idle: Option<Text>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    lifetime: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct LimitsTable {
    #[serde(deserialize_with = "scalar::size", skip_serializing_if = "Option::is_none")]
    message: Option<Number>,
    #[serde(deserialize_with = "scalar::size", skip_serializing_if = "Option::is_none")]
    write_queue: Option<Number>,
    #[serde(deserialize_with = "scalar::count", skip_serializing_if = "Option::is_none")]
    queued_messages: Option<Number>,
    #[serde(deserialize_with = "scalar::count", skip_serializing_if = "Option::is_none")]
    connections: Option<Number>,
    #[serde(deserialize_with = "scalar::count", skip_serializing_if = "Option::is_none")]
    connections_per_client: Option<Number>,
    #[serde(deserialize_with = "scalar::word", skip_serializing_if = "Option::is_none")]
    when_full: Option<Text>,
    #[serde(deserialize_with = "scalar::size", skip_serializing_if = "Option::is_none")]
    memory: Option<Number>,
    #[serde(deserialize_with = "scalar::size", skip_serializing_if = "Option::is_none")]
    memory_per_client: Option<Number>,
    #[serde(deserialize_with = "scalar::count", skip_serializing_if = "Option::is_none")]
    empty_messages: Option<Number>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct LivenessTable {
    #[serde(deserialize_with = "scalar::word", skip_serializing_if = "Option::is_none")]
    heartbeat: Option<Text>,
    #[serde(deserialize_with = "scalar::word", skip_serializing_if = "Option::is_none")]
    keepalive: Option<Text>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    idle_limit: Option<Text>,
}

#[derive(Clone, Debug, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct SocketTable {
    #[serde(deserialize_with = "scalar::address", skip_serializing_if = "Option::is_none")]
    source: Option<Text>,
    #[serde(deserialize_with = "scalar::word", skip_serializing_if = "Option::is_none")]
    interface: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodelay: Option<bool>,
    #[serde(deserialize_with = "scalar::size", skip_serializing_if = "Option::is_none")]
    receive_buffer: Option<Number>,
    #[serde(deserialize_with = "scalar::size", skip_serializing_if = "Option::is_none")]
    send_buffer: Option<Number>,
    #[serde(deserialize_with = "scalar::time", skip_serializing_if = "Option::is_none")]
    linger: Option<Text>,
    #[serde(deserialize_with = "scalar::count", skip_serializing_if = "Option::is_none")]
    backlog: Option<Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reuse_address: Option<bool>,
}

impl Table for Document {
    const EXPECTED: &'static str = "a profile, which is a table";
}

impl Table for PreambleTable {
    const EXPECTED: &'static str = "a table with `send` and `expect`";
}

impl Table for TimeoutsTable {
    const EXPECTED: &'static str = "a table of times";
}

impl Table for ReconnectTable {
    const EXPECTED: &'static str = "a table with `policy`, `first`, `cap`, `eject-after` and `fail-back`";
}

impl Table for AccessTable {
    const EXPECTED: &'static str = "a table with `allow` and `deny`, each a list of networks";
}

impl Table for LimitsTable {
    const EXPECTED: &'static str = "a table of limits";
}

impl Table for LivenessTable {
    const EXPECTED: &'static str = "a table with `heartbeat`, `keepalive` and `idle-limit`";
}

impl Table for SocketTable {
    const EXPECTED: &'static str = "a table of socket options";
}

/// How a reset on close is written: a time of 0 is none in the notation.
const RESET: &str = "reset";

/// How no waiting is written.
const NONE: &str = "none";

macro_rules! is_empty {
    ($($table:ty),*) => { $(
        impl $table {
            fn is_empty(&self) -> bool {
                *self == Self::default()
            }
        }
    )* };
}
is_empty!(PreambleTable, TimeoutsTable, ReconnectTable, AccessTable, LimitsTable, LivenessTable, SocketTable);
