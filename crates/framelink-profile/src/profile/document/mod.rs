//! A profile as a file has it: keys and texts. Reading makes a builder. Writing leaves defaults out.

mod read;
mod scalar;
mod write;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use self::scalar::{Number, Table, Text, TextOr};
use crate::profile::Profile;

/// The word for a reset on close, because the notation has no time of 0.
const RESET: &str = "reset";
/// The word for no waiting.
const NONE: &str = "none";
/// The word for the authorities that the system trusts.
const SYSTEM: &str = "system";

/// Writes only what differs from the defaults. A template is written as the settings that it stands for.
impl Serialize for Profile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Document::from(self).serialize(serializer)
    }
}

/// Reads and checks a profile. The format must be self-describing, like JSON, YAML and TOML.
impl<'de> Deserialize<'de> for Profile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let document: Document = scalar::table(deserializer)?;
        document.into_builder().and_then(|builder| builder.build()).map_err(de::Error::custom)
    }
}

/// Tables of a file: the text of an error at the table, and each key with its type and reader.
macro_rules! tables {
    ($($table:ident, $expected:literal { $($key:ident: $value:ty = $read:literal,)* })*) => { $(
        #[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
        #[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
        pub(super) struct $table { $(
            #[serde(deserialize_with = $read, skip_serializing_if = "scalar::is_default")]
            $key: $value,
        )* }

        impl Table for $table {
            const EXPECTED: &'static str = $expected;
        }
    )* };
}

tables! {
    Document, "a profile, which is a table" {
        template: Option<Text> = "scalar::word",
        addresses: Vec<Text> = "scalar::addresses",
        listen: Option<Text> = "scalar::endpoint",
        framing: Option<TextOr<FramingTable>> = "Option::deserialize",
        connection: Option<TextOr<ConnectionTable>> = "Option::deserialize",
        exchange: Option<TextOr<ExchangeTable>> = "Option::deserialize",
        numbers: NumbersTable = "scalar::table",
        preamble: PreambleTable = "scalar::table",
        first: Vec<FirstTable> = "scalar::tables",
        greeting: Option<TextOr<GreetingTable>> = "Option::deserialize",
        sign_on: Option<TextOr<SignTable>> = "Option::deserialize",
        sign_off: Option<TextOr<SignTable>> = "Option::deserialize",
        meanwhile: Vec<MeanwhileTable> = "scalar::tables",
        reply: Vec<ReplyTable> = "scalar::tables",
        replies: RepliesTable = "scalar::table",
        reconnect: ReconnectTable = "scalar::table",
        timeouts: TimeoutsTable = "scalar::table",
        limits: LimitsTable = "scalar::table",
        access: AccessTable = "scalar::table",
        tls: Option<TlsTable> = "scalar::some_table",
        proxy_protocol: ProxyProtocolTable = "scalar::table",
        liveness: LivenessTable = "scalar::table",
        socket: SocketTable = "scalar::table",
    }

    FramingTable, "the notation of a framing, such as \"ascii:4\", or a table with `send` and `receive`" {
        send: Option<Text> = "scalar::notation",
        receive: Option<Text> = "scalar::notation",
    }

    ConnectionTable, "\"long\", \"short\", \"shared\", \"pooled\", or a table with `kind` and what belongs to it" {
        kind: Option<Text> = "scalar::word",
        half_close: Option<bool> = "Option::deserialize",
        closes: Option<Text> = "scalar::word",
        connections: Option<Number> = "scalar::count",
        keep_up: Option<bool> = "Option::deserialize",
        min: Option<Number> = "scalar::count",
        max: Option<Number> = "scalar::count",
        max_idle: Option<Number> = "scalar::count",
        wait: Option<Text> = "scalar::time",
        idle: Option<Text> = "scalar::time",
        lifetime: Option<Text> = "scalar::time",
        uses: Option<Number> = "scalar::count",
        replace: Option<bool> = "Option::deserialize",
    }

    ExchangeTable, "a word such as \"sync\" or \"duplex\", or a table with `kind`, `key`, `assign`, `reply`, `in-flight`, \
                    `serialize`, `send` and `receive`" {
        kind: Option<Text> = "scalar::word",
        key: Option<Text> = "scalar::key",
        assign: Option<Text> = "scalar::word",
        reply: Option<Text> = "scalar::rule",
        in_flight: Option<Number> = "scalar::count",
        serialize: Option<bool> = "Option::deserialize",
        send: Option<Text> = "scalar::word",
        receive: Option<Text> = "scalar::word",
    }

    NumbersTable, "a table with `range` and `file`" {
        range: Option<Text> = "scalar::range",
        file: Option<Text> = "scalar::file",
    }

    PreambleTable, "a table with `send` and `expect`" {
        send: Option<Text> = "scalar::hex",
        expect: Option<Text> = "scalar::hex",
    }

    FirstTable, "a table with `send`, or with `expect` and `say`, and with `bytes` or `framing`" {
        send: Option<Text> = "scalar::message",
        expect: Option<Text> = "scalar::match_",
        say: Option<Text> = "scalar::message",
        bytes: Option<Number> = "scalar::size",
        framing: Option<Text> = "scalar::notation",
        optional: Option<bool> = "Option::deserialize",
    }

    GreetingTable, "a match in quotes, such as \"0:4=text:INFO\", or a table with `expect` and `send`" {
        expect: Option<Text> = "scalar::match_",
        send: Option<Text> = "scalar::message",
    }

    SignTable, "a message in quotes, such as \"text:0800\", or a table with `send`, `expect`, `reply` and `refused`" {
        send: Option<Text> = "scalar::message",
        expect: Option<Text> = "scalar::match_",
        reply: Option<Text> = "scalar::match_",
        refused: Option<Text> = "scalar::word",
    }

    MeanwhileTable, "a table with `when` and `say`" {
        when: Option<Text> = "scalar::match_",
        say: Option<Text> = "scalar::message",
    }

    ReplyTable, "a table with `when`, `say`, `after`, `fault` and `times`" {
        when: Option<Text> = "scalar::match_",
        say: Option<Text> = "scalar::message",
        after: Option<Text> = "scalar::time",
        fault: Option<Text> = "scalar::word",
        times: Option<Number> = "scalar::count",
    }

    RepliesTable, "a table with `request-header` and `header`" {
        request_header: Option<Number> = "scalar::count",
        header: Option<Text> = "scalar::message",
    }

    ReconnectTable, "a table with `policy`, `first`, `cap`, `eject-after` and `fail-back`" {
        policy: Option<Text> = "scalar::word",
        first: Option<Text> = "scalar::time",
        cap: Option<Text> = "scalar::time",
        eject_after: Option<Number> = "scalar::count",
        fail_back: Option<Text> = "scalar::time",
    }

    AccessTable, "a table with `allow` and `deny`, each a list of networks" {
        allow: Vec<Text> = "scalar::networks",
        deny: Vec<Text> = "scalar::networks",
    }

    TlsTable, "a table such as { certificate = \"server.pem\", key = \"server.key\" }, or { } for a client" {
        certificate: Option<Text> = "scalar::file",
        key: Option<Text> = "scalar::file",
        roots: Option<Text> = "scalar::roots",
        revocation_lists: Option<Text> = "scalar::file",
        server_name: Option<Text> = "scalar::word",
        client_certificates: Option<Text> = "scalar::word",
        minimum_version: Option<Text> = "scalar::version",
        alpn: Vec<Text> = "scalar::alpn",
        dangerously_accept_any_certificate: Option<bool> = "Option::deserialize",
        handshake_timeout: Option<Text> = "scalar::time",
        allow_names: Vec<Text> = "scalar::names",
        allow_sha256: Vec<Text> = "scalar::fingerprints",
    }

    ProxyProtocolTable, "a table with `accept-from`, `send`, `timeout` and `max-header`" {
        accept_from: Vec<Text> = "scalar::networks",
        send: Option<Text> = "scalar::word",
        timeout: Option<Text> = "scalar::time",
        max_header: Option<Number> = "scalar::size",
    }

    TimeoutsTable, "a table of times" {
        connect: Option<Text> = "scalar::time",
        reply: Option<Text> = "scalar::time",
        write: Option<Text> = "scalar::time",
        close: Option<Text> = "scalar::time",
        first_message: Option<Text> = "scalar::time",
        first_request: Option<Text> = "scalar::time",
        frame: Option<Text> = "scalar::time",
        idle: Option<Text> = "scalar::time",
        lifetime: Option<Text> = "scalar::time",
    }

    LimitsTable, "a table of limits" {
        message: Option<Number> = "scalar::size",
        write_queue: Option<Number> = "scalar::size",
        queued_messages: Option<Number> = "scalar::count",
        connections: Option<Number> = "scalar::count",
        connections_per_client: Option<Number> = "scalar::count",
        when_full: Option<Text> = "scalar::word",
        memory: Option<Number> = "scalar::size",
        memory_per_client: Option<Number> = "scalar::size",
        empty_messages: Option<Number> = "scalar::count",
    }

    LivenessTable, "a table with `heartbeat`, `keepalive` and `idle-limit`" {
        heartbeat: Option<Text> = "scalar::word",
        keepalive: Option<Text> = "scalar::word",
        idle_limit: Option<Text> = "scalar::time",
    }

    SocketTable, "a table of socket options" {
        source: Option<Text> = "scalar::address",
        interface: Option<Text> = "scalar::word",
        nodelay: Option<bool> = "Option::deserialize",
        receive_buffer: Option<Number> = "scalar::size",
        send_buffer: Option<Number> = "scalar::size",
        linger: Option<Text> = "scalar::time",
        backlog: Option<Number> = "scalar::count",
        reuse_address: Option<bool> = "Option::deserialize",
    }
}
