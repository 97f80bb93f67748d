//! A framing of your own: `cargo run --example user_codec`.
//!
//! ```text
//!  '$' | payload | '*' | two hex digits: the exclusive or of the payload | 0x0d 0x0a
//! ```

use std::error::Error;
use std::fmt;

use framelink_transport::blocking::{Connector, Listener};
use framelink_transport::{Decode, Decoded, Encode, End, EndedBy, Envelope, Frame, Need, SocketOptions};

/// Sentences with a checksum, as measuring instruments send them.
#[derive(Clone, Copy, Debug)]
struct Sentences;

/// The errors of a sentence: plain data, with numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wrong {
    Start(u8),
    Checksum { came: [u8; 2], computed: [u8; 2] },
    Star(usize),
}

impl Decode for Sentences {
    type Error = Wrong;

    fn decode(&self, input: &[u8], looked_at: usize, _: Option<End>) -> Result<Decoded, Wrong> {
        if let Some(&first) = input.first()
            && first != b'$'
        {
            return Err(Wrong::Start(first));
        }
        // A scan continues where the last one stopped.
        let from = looked_at.min(input.len());
        let Some(star) = input[from..].iter().position(|&byte| byte == b'*').map(|at| from + at) else {
            return Ok(Decoded::Incomplete(Need { missing: 1, looked_at: input.len() }));
        };
        let frame_len = star + 5;
        if input.len() < frame_len {
            return Ok(Decoded::Incomplete(Need { missing: frame_len - input.len(), looked_at: star }));
        }
        let (came, computed) = ([input[star + 1], input[star + 2]], checksum(&input[1..star]));
        if came != computed {
            return Err(Wrong::Checksum { came, computed });
        }
        Ok(Decoded::Frame(Frame { payload_start: 1, payload_end: star, frame_len, ended_by: EndedBy::Delimiter }))
    }
}

impl Encode for Sentences {
    type Error = Wrong;

    fn wrap(&self, payload: &[u8], envelope: &mut Envelope) -> Result<(), Wrong> {
        if let Some(at) = payload.iter().position(|&byte| byte == b'*') {
            return Err(Wrong::Star(at));
        }
        let [high, low] = checksum(payload);
        // Head and suffix are stored in the envelope. The payload is sent from where it is.
        envelope.set(b"$", &[b'*', high, low, b'\r', b'\n']).ok_or(Wrong::Star(0))
    }
}

fn checksum(payload: &[u8]) -> [u8; 2] {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let sum = payload.iter().fold(0, |sum, byte| sum ^ byte);
    [DIGITS[usize::from(sum >> 4)], DIGITS[usize::from(sum & 15)]]
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(came) => write!(f, "byte 0 is {came:#04x}, expected `$`"),
            Self::Checksum { came, computed } => {
                write!(f, "checksum `{}`, expected `{}`", came.escape_ascii(), computed.escape_ascii())
            }
            Self::Star(at) => write!(f, "`*` at byte {at} of the payload would end it"),
        }
    }
}

impl Error for Wrong {}

fn main() -> Result<(), Box<dyn Error>> {
    let mut listener = Listener::bind_with("127.0.0.1:0", Sentences, SocketOptions::new())?;
    let address = listener.local_addr()?;
    let instrument = std::thread::spawn(move || {
        let mut connection = listener.accept().ok().flatten()?;
        while let Ok(Some(request)) = connection.recv() {
            connection.send(&[&request[..], b",42.0"].concat()).ok()?;
        }
        Some(())
    });
    let mut connection = Connector::with_codec(Sentences).connect(address)?;
    let reply = connection.call(b"GPGGA,depth", std::time::Duration::from_secs(5))?;
    println!("{}", String::from_utf8_lossy(&reply));
    println!("{}", connection.call(b"a*b", std::time::Duration::from_secs(5)).expect_err("a refusal"));
    drop(connection);
    instrument.join().map_err(|_| "the instrument failed")?;
    Ok(())
}
