//! What bytes that are no frame may be instead.

use core::fmt;

use crate::notation::Bytes;

/// A guess why a length is wrong, or why a frame does not end. It is part of an error text and changes nothing else.
///
/// ```
/// use framelink_codec::Guess;
///
/// let guess = Guess::foreign(b"GET / HTTP/1.1\r\n").unwrap();
/// assert_eq!(guess.to_string(), "the bytes begin like an HTTP request (is the peer an HTTP client?)");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Guess {
    /// Another protocol.
    Foreign(Foreign),
    /// The length field is printable text: up to 8 of its bytes, then zeros.
    Text([u8; 8]),
    /// The length field is ASCII digits: up to 8 of its bytes, then zeros.
    AsciiDigits([u8; 8]),
    /// In the other byte order, the length field is this number, which fits.
    OtherByteOrder(u64),
    /// As packed BCD, the length field is this number, which fits.
    PackedBcd(u64),
    /// As a binary number, the length field is this number, which fits.
    Binary(u64),
    /// The frame is complete if the number also counts this many bytes of the header.
    CountsHeader(usize),
    /// The frame is complete if the number counts this many bytes more than the notation says.
    CountsMore(usize),
    /// The frame is complete if the number counts this many bytes less than the notation says.
    CountsLess(usize),
    /// The length field is EBCDIC digits, and the frame is complete: up to 8 digits in ASCII, then zeros.
    EbcdicDigits([u8; 8]),
    /// The length field is digits with blanks in place of zeros, and the frame is complete: up to 8 bytes in ASCII,
    /// then zeros.
    BlankPadded([u8; 8]),
    /// As another field, the length field is this number, which fits.
    ReadAs {
        /// The other field.
        reading: Reading,
        /// Its number.
        number: u64,
    },
    /// As another field, the length field is this number, and the frame is incomplete.
    Lacks {
        /// The other field.
        reading: Reading,
        /// Its number. Both numbers have 32 bits, so that errors stay small. Longer frames get no guess.
        number: u32,
        /// The missing bytes of the frame.
        missing: u32,
    },
    /// A syslog message that begins with its priority, not with its length: the peer ends messages with a newline.
    SyslogLine,
    /// The last byte of the delimiter at the end of a message differs.
    OtherEnd {
        /// Its offset from the first byte of the frame.
        offset: usize,
        /// The byte that was received.
        found: u8,
        /// The byte of the delimiter.
        expected: u8,
    },
}

/// A length field with its width in bytes or digits, as in the notation.
///
/// ```
/// assert_eq!(framelink_codec::Reading::Le(4).to_string(), "le:4");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reading {
    /// A network-order integer of this many bytes.
    Net(u8),
    /// A little-endian integer of this many bytes.
    Le(u8),
    /// Packed BCD of this many bytes.
    Bcd(u8),
    /// This many ASCII digits.
    Ascii(u8),
    /// This many EBCDIC digits.
    Ebcdic(u8),
    /// This many digits, with blanks in place of zeros.
    BlankPadded(u8),
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, width) = match self {
            Self::Net(width) => ("net", width),
            Self::Le(width) => ("le", width),
            Self::Bcd(width) => ("bcd", width),
            Self::Ascii(width) => ("ascii", width),
            Self::Ebcdic(width) => ("ebcdic", width),
            Self::BlankPadded(width) => return write!(f, "{width} digits with blanks in place of zeros"),
        };
        write!(f, "{kind}:{width}")
    }
}

impl Guess {
    /// Recognises another protocol by the first bytes of a connection.
    ///
    /// ```
    /// use framelink_codec::{Foreign, Guess};
    ///
    /// assert_eq!(Guess::foreign(b"GET / HTTP/1.1\r\n"), Some(Guess::Foreign(Foreign::HttpRequest)));
    /// assert_eq!(Guess::foreign(b"0012hello, world"), None);
    /// ```
    #[must_use]
    pub fn foreign(input: &[u8]) -> Option<Self> {
        Foreign::recognise(input).map(Self::Foreign)
    }
}

impl fmt::Display for Guess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Foreign(foreign) => write!(f, "the bytes begin like {foreign}"),
            Self::Text(field) => {
                write!(f, "the length field is the ASCII text \"{}\"", Shown(field))
            }
            Self::AsciiDigits(field) => {
                write!(f, "the length field is the ASCII digits \"{}\"", Shown(field))
            }
            Self::OtherByteOrder(number) => {
                write!(f, "in the other byte order the length field says {number}, which fits")
            }
            Self::PackedBcd(number) => {
                write!(f, "read as packed BCD the length field says {number}, which fits")
            }
            Self::Binary(number) => {
                write!(f, "read as a binary number the length field says {number}, which fits")
            }
            Self::CountsHeader(len) => {
                let unit = if *len == 1 { "byte" } else { "bytes" };
                write!(f, "the frame is complete if the number counts {len} header {unit} too")
            }
            Self::CountsMore(len) => {
                write!(f, "the frame is complete if the number counts {} more than it is said to", Bytes(*len))
            }
            Self::CountsLess(len) => {
                write!(f, "the frame is complete if the number counts {} less: not its header, say", Bytes(*len))
            }
            Self::EbcdicDigits(digits) => {
                write!(f, "the length field is the EBCDIC digits \"{}\"", Shown(digits))
            }
            Self::BlankPadded(field) => {
                write!(f, "the length field is \"{}\", with blanks in place of zeros", Shown(field))
            }
            Self::ReadAs { reading, number } => {
                write!(f, "read as {reading} the length field says {number}, which fits")
            }
            Self::Lacks { reading, number, missing } => write!(
                f,
                "read as {reading} the length field says {number}, and {} of that frame {} missing",
                Bytes(usize::try_from(*missing).unwrap_or(usize::MAX)),
                if *missing == 1 { "is" } else { "are" }
            ),
            Self::SyslogLine => f.write_str(
                "the bytes begin like a syslog message without its length (does the peer end messages with a newline?)",
            ),
            Self::OtherEnd { offset, found, expected } => {
                write!(f, "the end of a message has 0x{found:02x} at offset {offset}, expected 0x{expected:02x}")
            }
        }
    }
}

/// A protocol that is recognised by its first bytes.
///
/// ```
/// use framelink_codec::Foreign;
///
/// assert_eq!(Foreign::recognise(b"SSH-2.0-OpenSSH_9.6\r\n"), Some(Foreign::Ssh));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Foreign {
    /// `GET `, `POST `, … (RFC 9110, section 9) or the HTTP/2 preface.
    HttpRequest,
    /// `HTTP/1.` (RFC 9112, section 4).
    HttpResponse,
    /// A TLS record (RFC 8446, section 5.1) with a handshake: `16 03 0x`.
    TlsHandshake,
    /// A TLS record with an alert: `15 03 0x`.
    TlsAlert,
    /// `SSH-` (RFC 4253, section 4.2).
    Ssh,
    /// The PROXY protocol header of HAProxy, version 1 (`PROXY `) or 2 (`0d 0a 0d 0a 00 0d 0a 51 …`).
    Proxy,
}

/// The first bytes of protocols that begin with text. At least four bytes, or a whole shorter signature, have to match.
const SIGNATURES: &[(&[u8], Foreign)] = &[
    (b"GET ", Foreign::HttpRequest),
    (b"POST ", Foreign::HttpRequest),
    (b"PUT ", Foreign::HttpRequest),
    (b"HEAD ", Foreign::HttpRequest),
    (b"DELETE ", Foreign::HttpRequest),
    (b"OPTIONS ", Foreign::HttpRequest),
    (b"PATCH ", Foreign::HttpRequest),
    (b"CONNECT ", Foreign::HttpRequest),
    (b"TRACE ", Foreign::HttpRequest),
    (b"PRI * HTTP/2", Foreign::HttpRequest),
    (b"HTTP/1.", Foreign::HttpResponse),
    (b"SSH-", Foreign::Ssh),
    (b"PROXY ", Foreign::Proxy),
    (b"\r\n\r\n\0\r\nQUIT\n", Foreign::Proxy),
];

impl Foreign {
    /// Returns the protocol whose connections begin like `input`.
    #[must_use]
    pub fn recognise(input: &[u8]) -> Option<Self> {
        let signed = SIGNATURES.iter().find_map(|&(signature, foreign)| {
            let common = signature.len().min(input.len());
            let enough = common >= signature.len().min(4);
            (enough && signature.get(..common) == input.get(..common)).then_some(foreign)
        });
        signed.or_else(|| tls_record(input))
    }
}

/// A TLS record: type, version 3.x, then, as far as they are received, a length and a hello or a two-byte alert. A few
/// bytes are weak evidence, so all received bytes have to match.
fn tls_record(input: &[u8]) -> Option<Foreign> {
    let (&[kind, 3, 0..=4, high], rest) = input.split_first_chunk::<4>()? else { return None };
    let record_len = rest.first().map(|&low| u16::from_be_bytes([high, low]));
    match kind {
        0x16 => {
            let is_len = record_len.map_or(high <= 0x48, |len| (4..=0x4800).contains(&len));
            let is_hello = rest.get(1).is_none_or(|kind| matches!(kind, 1 | 2));
            (is_len && is_hello).then_some(Foreign::TlsHandshake)
        }
        0x15 => {
            let is_level = rest.get(1).is_none_or(|level| matches!(level, 1 | 2));
            (high == 0 && record_len.is_none_or(|len| len == 2) && is_level).then_some(Foreign::TlsAlert)
        }
        _ => None,
    }
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::HttpRequest => "an HTTP request (is the peer an HTTP client?)",
            Self::HttpResponse => "an HTTP response (is the peer an HTTP server?)",
            Self::TlsHandshake => "a TLS handshake (does the peer expect TLS?)",
            Self::TlsAlert => "a TLS alert (does the peer expect TLS?)",
            Self::Ssh => "an SSH banner (is this the SSH port?)",
            Self::Proxy => "a PROXY protocol header (does a proxy stand before the peer?)",
        })
    }
}

/// Prints field bytes as text, without the zeros after them.
struct Shown<'a>(&'a [u8; 8]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.0.iter().position(|&byte| byte == 0).unwrap_or(self.0.len());
        write!(f, "{}", self.0.get(..len).unwrap_or_default().escape_ascii())
    }
}
