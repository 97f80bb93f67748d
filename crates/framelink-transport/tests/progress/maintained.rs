//! `maintain` reads from a peer that never stops sending for a bounded time, and asks to be called again.

use std::time::Duration;

use framelink_testkit::ScriptedStream;
use framelink_transport::heartbeat::Role;
use framelink_transport::{FramingPair, blocking, nonblocking, tokio as on_tokio};

use super::stream::{Flood, PING, ping};
use crate::support::driver::framing;

/// The most reads of one call.
const FEW: usize = 64;
const MANY: usize = 10_000;

/// The floods: a message, and a heartbeat that wants an answer.
const FLOODS: [&[u8]; 2] = [b"\0\x04news", PING];

#[test]
fn maintaining_a_flooded_connection_ends_soon_on_the_non_blocking_driver() {
    for bytes in FLOODS {
        let flood = Flood::new(bytes, MANY);
        let mut connection = nonblocking::Connection::<FramingPair, _>::new(flood.clone(), framing("net:2"));
        connection.watch(ping(), Role::Server);
        assert_eq!(
            connection.maintain(true).unwrap(),
            Some(Duration::ZERO),
            "`maintain` reports that more bytes are ready"
        );
        assert!(flood.take_reads() <= FEW);
    }
}

#[test]
fn maintaining_a_flooded_connection_ends_soon_on_the_blocking_driver() {
    for bytes in FLOODS {
        let flood = Flood::new(bytes, MANY);
        let mut connection =
            blocking::Connection::<FramingPair, _, _>::from_parts(flood.clone(), flood.clone(), framing("net:2"));
        connection.watch(ping(), Role::Server);
        assert_eq!(
            connection.maintain(true).unwrap(),
            Some(Duration::ZERO),
            "`maintain` reports that more bytes are ready"
        );
        assert!(flood.take_reads() <= FEW);
    }
}

#[tokio::test]
async fn maintaining_a_flooded_connection_ends_soon_on_tokio() {
    for bytes in FLOODS {
        let (flood, (writer, _script)) = (Flood::new(bytes, MANY), ScriptedStream::new([], []));
        let mut connection =
            on_tokio::Connection::<FramingPair, _, _>::from_parts(flood.clone(), writer, framing("net:2"));
        connection.watch(ping(), Role::Server);
        assert_eq!(
            connection.maintain(true).unwrap(),
            Some(Duration::ZERO),
            "`maintain` reports that more bytes are ready"
        );
        assert!(flood.take_reads() <= FEW);
    }
}
