//! A peer that echoes messages, with heartbeats between them. It shares no code with the drivers under test.

use std::io::{Read, Write};
use std::net::TcpStream;

use framelink_transport::{Frames, Framing};

#[derive(Debug, Default)]
pub(crate) struct Counts {
    pub(crate) messages: u64,
    pub(crate) probes_answered: u64,
    /// Unsolicited answers, and probes of the peer's own.
    pub(crate) beats_sent: u64,
    pub(crate) answers_came: u64,
}

/// Echoes each message, answers probes, and sends heartbeats between the messages.
pub(crate) fn echo(stream: TcpStream) -> Counts {
    echo_in(stream, "net:2", [b"\0\x04PING".to_vec(), b"\0\x04PONG".to_vec()])
}

/// Like `echo`, with another framing, whose frames of `PING` and `PONG` are given.
pub(crate) fn echo_in(mut stream: TcpStream, notation: &str, [ping, pong]: [Vec<u8>; 2]) -> Counts {
    let framing: Framing = notation.parse().unwrap();
    let (mut counts, mut unread, mut space) = (Counts::default(), Vec::new(), vec![0; 64 * 1024]);
    loop {
        let count = match stream.read(&mut space) {
            Ok(0) | Err(_) => return counts,
            Ok(count) => count,
        };
        unread.extend_from_slice(&space[..count]);
        let (mut whole, mut back) = (0, Vec::new());
        for found in Frames::new(&framing, &unread) {
            let found = found.expect("only whole frames");
            whole += found.wire.len();
            match found.payload {
                b"PING" => {
                    counts.probes_answered += 1;
                    back.extend(&pong);
                }
                b"PONG" => counts.answers_came += 1,
                message => {
                    assert_eq!(
                        message,
                        counts.messages.to_be_bytes(),
                        "no message is lost, and none is cut by a heartbeat"
                    );
                    counts.messages += 1;
                    back.extend_from_slice(found.wire);
                    if counts.messages % 5 == 0 {
                        counts.beats_sent += 1;
                        back.extend(if counts.messages % 500 == 0 { &ping } else { &pong });
                    }
                }
            }
        }
        unread.drain(..whole);
        if stream.write_all(&back).is_err() {
            return counts;
        }
    }
}
