//! Recognises the header that a proxy sends before the first byte of its client.

use std::error::Error;
use std::fmt;
use std::time::Duration;

/// A PROXY protocol header from an address that it is not accepted from. The connection is closed.
///
/// A connection has a header if it begins with one of these:
///
/// | version | first bytes |
/// | --- | --- |
/// | 1 | `PROXY TCP4 `, `PROXY TCP6 ` or `PROXY UNKNOWN` |
/// | 2 | `0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a` |
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::Framing;
/// use framelink_session::{ProxyHeader, Receiving};
///
/// let mut receiving = Receiving::new("line".parse::<Framing>()?);
/// receiving.refuse_proxy_header();
/// receiving.on_bytes(b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 7000\r\nhello\r\n", Duration::ZERO);
/// assert_eq!(receiving.poll_preamble(), Ok(false));
/// assert_eq!(receiving.proxy_header(), Some(ProxyHeader::Version1));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ProxyHeader {
    /// The text header.
    Version1,
    /// The binary header.
    Version2,
}

impl fmt::Display for ProxyHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = match self {
            Self::Version1 => 1,
            Self::Version2 => 2,
        };
        write!(
            f,
            "the connection begins with a PROXY protocol header (version {version}), which is not accepted from this address: add its \
             network to proxy-protocol.accept-from, or switch the header off at the proxy (HAProxy: send-proxy, \
             send-proxy-v2; nginx: proxy_protocol)"
        )
    }
}

impl Error for ProxyHeader {}

/// The first bytes of each header.
const SIGNATURES: [(&[u8], ProxyHeader); 4] = [
    (b"PROXY TCP4 ", ProxyHeader::Version1),
    (b"PROXY TCP6 ", ProxyHeader::Version1),
    (b"PROXY UNKNOWN", ProxyHeader::Version1),
    (b"\r\n\r\n\0\r\nQUIT\n", ProxyHeader::Version2),
];

/// How long bytes that may become a header are kept.
#[derive(Clone, Copy, Debug)]
pub(super) enum KeptFor {
    /// Bytes that are no frame are a fault after 1 s.
    Fault,
    /// A message is delivered after 250 ms.
    Message,
}

impl KeptFor {
    const fn time(self) -> Duration {
        match self {
            Self::Fault => Duration::from_secs(1),
            Self::Message => Duration::from_millis(250),
        }
    }
}

/// Checks the first bytes of an accepted connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watch {
    /// For each signature, a bit that says whether it begins with the bytes received until now.
    fits: u8,
    pub(super) state: Watching,
}

/// The state of the check.
#[derive(Clone, Copy, Debug)]
pub(super) enum Watching {
    /// No decision yet.
    Looking,
    /// The bytes are kept from the framing for this time after the last of them arrived.
    Keeping(KeptFor),
    /// Bytes were kept for the full time and no header followed. Each client is delayed once at most.
    LetGo,
    /// A header was received.
    Found(ProxyHeader),
}

/// What the first bytes of a connection are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum First {
    /// The signature of a header.
    Header,
    /// The beginning of a signature.
    Perhaps,
    Data,
}

impl Watch {
    /// Returns `None` if the expected preamble begins like a header.
    pub(super) fn new(preamble: &[u8]) -> Option<Self> {
        let new = Self { fits: u8::MAX, state: Watching::Looking };
        let mut watch = new;
        (preamble.is_empty() || watch.look(0, preamble) == First::Data).then_some(new)
    }

    /// Checks bytes that follow the first `before` bytes, which were checked and taken.
    pub(super) fn look(&mut self, before: usize, bytes: &[u8]) -> First {
        let mut first = First::Data;
        for (number, (signature, header)) in SIGNATURES.into_iter().enumerate() {
            let rest = signature.get(before..).unwrap_or_default();
            let common = rest.len().min(bytes.len());
            let fits = self.fits & 1 << number != 0 && !rest.is_empty() && rest.get(..common) == bytes.get(..common);
            if !fits {
                self.fits &= !(1 << number);
            }
            if fits && common == rest.len() {
                self.state = Watching::Found(header);
                return First::Header;
            }
            if fits {
                first = First::Perhaps;
            }
        }
        first
    }

    /// Returns how long the bytes are kept after the last of them arrived.
    #[inline]
    pub(super) const fn keeps_for(&self) -> Option<Duration> {
        match self.state {
            Watching::Keeping(kept) => Some(kept.time()),
            Watching::Looking | Watching::LetGo | Watching::Found(_) => None,
        }
    }

    /// Returns the header, once it was received.
    #[inline]
    pub(super) const fn found(&self) -> Option<ProxyHeader> {
        match self.state {
            Watching::Found(header) => Some(header),
            Watching::Looking | Watching::Keeping(_) | Watching::LetGo => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_recognised_when_its_signature_is_complete_and_not_before() {
        for (signature, header) in SIGNATURES {
            for len in 1..=signature.len() {
                for before in 0..len {
                    let mut watch = Watch::new(b"").unwrap();
                    watch.look(0, &signature[..before]);
                    let expected = if len == signature.len() { First::Header } else { First::Perhaps };
                    let first = watch.look(before, &signature[before..len]);
                    assert_eq!(first, expected, "{before} and {len} of {header:?}");
                }
                let mut other = signature[..len].to_vec();
                other[len - 1] ^= 0x20;
                assert_eq!(Watch::new(b"").unwrap().look(0, &other), First::Data, "{other:02x?}");
            }
        }
    }

    #[test]
    fn a_preamble_that_begins_like_a_header_is_not_refused() {
        for preamble in [&b"P"[..], b"PROXY TCP4 192.0.2.1 ", b"\r\n"] {
            assert!(Watch::new(preamble).is_none(), "{preamble:02x?}");
        }
        for preamble in [&b""[..], b"PING", b"PROXY\r\n", b"\r\n\0"] {
            assert!(Watch::new(preamble).is_some(), "{preamble:02x?}");
        }
    }
}
