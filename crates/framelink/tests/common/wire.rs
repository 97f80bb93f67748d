//! A few framings, written by hand.

use std::io::Read;

/// How messages are framed on a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Ascii4,
    Bcd2,
    Net2,
    Net4,
    Line,
    Mllp,
}

impl Wire {
    pub(crate) const fn notation(self) -> &'static str {
        match self {
            Self::Ascii4 => "ascii:4",
            Self::Bcd2 => "bcd:2",
            Self::Net2 => "net:2",
            Self::Net4 => "net:4,max=64MiB",
            Self::Line => "line",
            Self::Mllp => "mllp",
        }
    }

    /// The largest payload that tests send.
    pub(crate) const fn most(self) -> usize {
        match self {
            Self::Ascii4 | Self::Bcd2 => 9999,
            Self::Net2 => 65535,
            Self::Net4 | Self::Line | Self::Mllp => 65536,
        }
    }

    pub(crate) fn frame(self, payload: &[u8]) -> Vec<u8> {
        let len = payload.len();
        let low = |shift: usize| u8::try_from(len >> shift & 0xff).expect("a byte");
        let digits = |high: usize| u8::try_from(len / high % 10 * 16 + len / (high / 10) % 10).expect("two digits");
        let (head, suffix) = match self {
            Self::Ascii4 => (format!("{len:04}").into_bytes(), &b""[..]),
            Self::Bcd2 => (vec![digits(1000), digits(10)], &b""[..]),
            Self::Net2 => (vec![low(8), low(0)], &b""[..]),
            Self::Net4 => (vec![low(24), low(16), low(8), low(0)], &b""[..]),
            Self::Line => (vec![], &b"\r\n"[..]),
            Self::Mllp => (vec![0x0b], &b"\x1c\r"[..]),
        };
        [&head, payload, suffix].concat()
    }

    pub(crate) fn frames(self, payloads: &[impl AsRef<[u8]>]) -> Vec<u8> {
        payloads.iter().flat_map(|payload| self.frame(payload.as_ref())).collect()
    }

    /// Reads one message; put a `BufReader` around a socket.
    pub(crate) fn read(self, from: &mut impl Read) -> Vec<u8> {
        let mut head = |count: usize| {
            let mut head = vec![0; count];
            from.read_exact(&mut head).expect("a header");
            head
        };
        let binary = |head: &[u8]| head.iter().fold(0, |len, &byte| len << 8 | usize::from(byte));
        let len = match self {
            Self::Ascii4 => String::from_utf8(head(4)).expect("digits").parse().expect("digits"),
            Self::Bcd2 => {
                head(2).iter().fold(0, |len, &byte| len * 100 + usize::from(byte >> 4) * 10 + usize::from(byte & 15))
            }
            Self::Net2 => binary(&head(2)),
            Self::Net4 => binary(&head(4)),
            Self::Line => return read_until(from, b"\r\n"),
            Self::Mllp => {
                assert_eq!(head(1), [0x0b], "the start of a block");
                return read_until(from, b"\x1c\r");
            }
        };
        super::read_exactly(from, len)
    }
}

fn read_until(from: &mut impl Read, end: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end) {
        bytes.extend(super::read_exactly(&mut *from, 1));
    }
    bytes.truncate(bytes.len() - end.len());
    bytes
}
