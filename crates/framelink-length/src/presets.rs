//! The presets of this crate.

use framelink_codec::notation::Preset;

/// The presets: names for notations of this crate. A preset keeps the header if the header has free fields that a reply
/// has to repeat or set.
///
/// ```
/// use framelink_length::{Length, PRESETS};
///
/// let modbus = PRESETS.iter().find(|preset| preset.name == "modbus").unwrap();
/// assert_eq!(modbus.notation, "net:2,at=4,keep");
/// assert_eq!("modbus".parse::<Length>()?.to_string(), modbus.notation);
/// # Ok::<(), framelink_length::NotationError>(())
/// ```
pub const PRESETS: &[Preset] = &[
    Preset::new("dns", "net:2", "DNS over TCP, RFC 1035 section 4.2.2"),
    Preset::new("nac", "net:2", "network access controllers of card terminals; jPOS NACChannel"),
    Preset::new("2E", "net:2", "card switches: two bytes, exclusive of themselves"),
    Preset::new("2I", "net:2,counts=self", "card switches: two bytes, inclusive of themselves; jPOS AmexChannel"),
    Preset::new("4E", "net:4", "card switches: four bytes, exclusive of themselves; jPOS RawChannel"),
    Preset::new("4I", "net:4,counts=self", "card switches: four bytes, inclusive of themselves"),
    Preset::new("erlang-1", "net:1", "Erlang/OTP gen_tcp, {packet, 1}"),
    Preset::new("erlang-2", "net:2", "Erlang/OTP gen_tcp, {packet, 2}"),
    Preset::new("erlang-4", "net:4", "Erlang/OTP gen_tcp, {packet, 4}"),
    Preset::new("kafka", "net:4", "Apache Kafka protocol guide, \"Size\""),
    Preset::new(
        "base24-tcp",
        "net:2,suffix=03",
        "ACI BASE24 over TCP: an ETX that the length counts; jPOS BASE24TCPChannel",
    ),
    Preset::new(
        "tpkt",
        "net:2,at=2,prefix=03,counts=frame",
        "ISO transport over TCP (S7, RDP, X.224), RFC 1006 section 6",
    ),
    Preset::new("netstring", "decimal:3a,suffix=2c,counts=payload", "D. J. Bernstein, Netstrings, 1997"),
    Preset::new("syslog", "decimal:20", "syslog over TCP, octet counting, RFC 6587 section 3.4.1"),
    Preset::new(
        "iec104",
        "net:1,at=1,prefix=68",
        "telecontrol, IEC 60870-5-104: start byte 68H and length of the APDU",
    ),
    Preset::new("smpp", "net:4,counts=frame,keep", "short messages, SMPP 3.4 section 3.2: command_length"),
    Preset::new("modbus", "net:2,at=4,keep", "Modbus Messaging on TCP/IP Implementation Guide 1.0b, MBAP header"),
    Preset::new(
        "diameter",
        "net:3,at=1,prefix=01,counts=frame,keep",
        "Diameter, RFC 6733 section 3: version 1, message length",
    ),
    Preset::new(
        "postgres",
        "net:4,at=1,counts=self,keep",
        "PostgreSQL frontend/backend protocol 3, after the start-up message",
    ),
    Preset::new("mqtt", "varint,at=1,keep", "MQTT 3.1.1 section 2.2: fixed header, remaining length"),
    Preset::new(
        "mysql",
        "le:3,gap=1,counts=payload,keep",
        "MySQL client/server protocol, packets: length and sequence id",
    ),
    Preset::new("mongodb", "le:4,counts=frame,keep", "MongoDB wire protocol, message header"),
    Preset::new("tls", "net:2,at=3,keep", "TLS records, RFC 8446 section 5.1"),
    Preset::new(
        "amqp",
        "net:4,at=3,suffix=ce,counts=payload,keep",
        "AMQP 0-9-1 section 2.3.5, after the protocol header",
    ),
    Preset::new(
        "sunrpc",
        "net:4,mask=7fffffff,keep",
        "ONC RPC record marking, RFC 5531 section 11, a fragment a message",
    ),
    Preset::new(
        "bgp",
        "net:2,at=16,prefix=ffffffffffffffffffffffffffffffff,counts=frame",
        "BGP-4, RFC 4271 section 4.1: marker and length",
    ),
];
