//! Framings by hand.

/// A framing of messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    Ascii4,
    Bcd2,
    Net1,
    Net2,
    Net4,
    Le4Frame,
    Hex4,
    Ebcdic4,
    Varint,
    Netstring,
    Line,
    Mllp,
    Fixed8,
    UntilClose,
    Quiet,
    EachRead,
}

impl Wire {
    pub(crate) const ALL: [Self; 16] = [
        Self::Ascii4,
        Self::Bcd2,
        Self::Net1,
        Self::Net2,
        Self::Net4,
        Self::Le4Frame,
        Self::Hex4,
        Self::Ebcdic4,
        Self::Varint,
        Self::Netstring,
        Self::Line,
        Self::Mllp,
        Self::Fixed8,
        Self::UntilClose,
        Self::Quiet,
        Self::EachRead,
    ];

    pub(crate) const fn notation(self) -> &'static str {
        match self {
            Self::Ascii4 => "ascii:4",
            Self::Bcd2 => "bcd:2",
            Self::Net1 => "net:1",
            Self::Net2 => "net:2",
            Self::Net4 => "net:4",
            Self::Le4Frame => "le:4,counts=frame",
            Self::Hex4 => "hex:4",
            Self::Ebcdic4 => "ebcdic:4",
            Self::Varint => "varint",
            Self::Netstring => "netstring",
            Self::Line => "line",
            Self::Mllp => "mllp",
            Self::Fixed8 => "fixed:8",
            Self::UntilClose => "until-close",
            Self::Quiet => "quiet:50ms",
            Self::EachRead => "each-read",
        }
    }

    /// Returns the sizes that the framing can express, of 0, 1, both sides of each boundary of its header, and 64 KiB.
    pub(crate) const fn sizes(self) -> &'static [usize] {
        match self {
            Self::Ascii4 | Self::Bcd2 | Self::Ebcdic4 => &[0, 1, 999, 9999],
            Self::Net1 => &[0, 1, 254, 255],
            Self::Net2 | Self::Hex4 => &[0, 1, 255, 256, 65535],
            Self::Varint => &[0, 1, 127, 128, 16383, 16384, 65536],
            Self::Netstring => &[0, 1, 9, 10, 99, 100, 65536],
            Self::Net4 | Self::Le4Frame => &[0, 1, 65535, 65536],
            Self::Line | Self::Mllp => &[0, 1, 2048, 65536],
            Self::Fixed8 => &[8],
            Self::UntilClose | Self::Quiet => &[1, 65536],
            // On the loopback interface, one read returns a message of this size whole.
            Self::EachRead => &[1, 1000],
        }
    }

    /// Returns one byte more than the longest payload, if that size can be tried.
    pub(crate) const fn too_large(self) -> Option<usize> {
        match self {
            Self::Ascii4 | Self::Bcd2 | Self::Ebcdic4 => Some(10_000),
            Self::Net1 => Some(256),
            Self::Net2 | Self::Hex4 => Some(65_536),
            Self::Fixed8 => Some(9),
            Self::EachRead => Some(16 * 1024 + 1),
            _ => Some(1024 * 1024 + 1),
        }
    }

    pub(crate) const fn ends_by_itself(self) -> bool {
        !matches!(self, Self::UntilClose | Self::Quiet | Self::EachRead)
    }

    pub(crate) fn frame(self, payload: &[u8]) -> Vec<u8> {
        let len = payload.len();
        let byte = |shift: usize| u8::try_from(len >> shift & 0xff).expect("a byte");
        let digits = format!("{len:04}").into_bytes();
        let (head, suffix): (Vec<u8>, &[u8]) = match self {
            Self::Ascii4 => (digits, b""),
            Self::Ebcdic4 => (digits.iter().map(|digit| digit - b'0' + 0xf0).collect(), b""),
            Self::Bcd2 => (digits.chunks(2).map(|pair| (pair[0] - b'0') << 4 | (pair[1] - b'0')).collect(), b""),
            Self::Hex4 => (format!("{len:04X}").into_bytes(), b""),
            Self::Net1 => (vec![byte(0)], b""),
            Self::Net2 => (vec![byte(8), byte(0)], b""),
            Self::Net4 => (vec![byte(24), byte(16), byte(8), byte(0)], b""),
            Self::Le4Frame => {
                let whole = u32::try_from(len + 4).expect("a length");
                (whole.to_le_bytes().to_vec(), b"")
            }
            Self::Varint => {
                let (mut head, mut rest) = (Vec::new(), len);
                while rest > 0x7f {
                    head.push(u8::try_from(rest & 0x7f | 0x80).expect("a byte"));
                    rest >>= 7;
                }
                head.push(u8::try_from(rest).expect("a byte"));
                (head, b"")
            }
            Self::Netstring => (format!("{len}:").into_bytes(), b","),
            Self::Line => (vec![], b"\r\n"),
            Self::Mllp => (vec![0x0b], b"\x1c\r"),
            Self::Fixed8 | Self::UntilClose | Self::Quiet | Self::EachRead => (vec![], b""),
        };
        [&head, payload, suffix].concat()
    }
}

/// Returns a payload without any byte of a delimiter.
pub(crate) fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|i| b'a' + u8::try_from(i % 23).expect("a byte")).collect()
}
