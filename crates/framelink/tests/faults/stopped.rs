//! A bridge that is stopped and continues.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::Leg;
use crate::common::{DEADLINE, Host, Running, Wire, dial, framelink};

const BEAT: Duration = Duration::from_millis(200);
const STOPPED: Duration = Duration::from_millis(2000);

/// Answers `?` with `!` for this time, or until this many have arrived, and returns how many arrived.
fn beats(wire: Wire, mut stream: &TcpStream, time: Duration, most: usize) -> usize {
    let (began, mut count, frame) = (Instant::now(), 0, wire.frame(b"?"));
    let mut came = Vec::new();
    stream.set_read_timeout(Some(Duration::from_millis(20))).expect("a read timeout");
    while began.elapsed() < time && count < most {
        let mut bytes = [0; 256];
        match stream.read(&mut bytes) {
            Ok(0) => panic!("the bridge has closed"),
            Ok(read) => came.extend_from_slice(&bytes[..read]),
            Err(_) => {}
        }
        while came.starts_with(&frame) {
            came.drain(..frame.len());
            count += 1;
            stream.write_all(&wire.frame(b"!")).expect("answering");
        }
    }
    assert!(came.len() < frame.len(), "other bytes arrived: {came:?}");
    count
}

/// There is no burst of heartbeats, no peer is taken for dead, and messages pass.
pub(crate) fn goes_on(&(wire, leg): &(Wire, Leg)) {
    let host = Host::listen();
    let (framing, to) = (wire.notation(), host.address.to_string());
    let arguments = ["bridge", "--listen", "127.0.0.1:0", "--framing", framing, "--to", &to, "--to-framing", framing];
    let (flag, by) = match leg {
        Leg::Client => ("--heartbeat", "server"),
        Leg::Host => ("--to-heartbeat", "client"),
    };
    let heartbeat = format!("literal:3f..21,by={by},interval=200ms,timeout=1500ms");
    let (bridge, address) = Running::listen(&mut framelink([&arguments[..], &[flag, &heartbeat]].concat()));
    let (client, host) = (dial(address), host.accept());
    let (ours, other) = match leg {
        Leg::Client => (&client, &host),
        Leg::Host => (&host, &client),
    };
    assert_eq!(beats(wire, ours, DEADLINE, 2), 2, "the bridge sends heartbeats");
    bridge.signal("STOP");
    beats(wire, ours, STOPPED, usize::MAX);
    bridge.signal("CONT");
    let went_on = Instant::now();
    let count = beats(wire, ours, 3 * BEAT, usize::MAX);
    let at_most = 2 + went_on.elapsed().as_millis() / BEAT.as_millis();
    assert!(count as u128 <= at_most, "{count} heartbeats, {at_most} are due");
    let mut from = ours;
    from.write_all(&wire.frame(b"hello")).expect("sending");
    assert_eq!(
        crate::common::read_exactly(other, wire.frame(b"hello").len()),
        wire.frame(b"hello"),
        "the bridge passes messages on"
    );
}
