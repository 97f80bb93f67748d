//! Headers of the PROXY protocol, from random bytes.

use crate::profile::ProxyVersion;
use crate::proxy_protocol::{HeaderStep, read_header};

/// The largest header: small, so that it is exceeded.
const MAX: usize = 512;

/// Reads bytes as a header, the first of them as they are, then behind each signature. A header is found as soon as its
/// last byte is there and not before, `Missing` never asks for a byte behind it, and a header that is written again is
/// read as it was.
///
/// # Panics
/// If an invariant does not hold.
pub fn proxy_header(data: &[u8]) {
    let signatures: [&[u8]; 5] = [b"", b"PROXY ", b"PROXY TCP4 ", b"PROXY TCP6 ", b"\r\n\r\n\0\r\nQUIT\n\x21"];
    for signature in signatures {
        check(&[signature, data].concat());
    }
}

fn check(bytes: &[u8]) {
    let all = read_header(bytes, MAX);
    let len = match &all {
        Ok(HeaderStep::Whole(_, len)) => *len,
        _ => bytes.len(),
    };
    let mut received = 0;
    while received < len {
        match read_header(&bytes[..received], MAX) {
            Ok(HeaderStep::Missing(count)) => {
                assert!(count > 0 && received + count <= MAX, "{received} and {count} more");
                assert!(!matches!(all, Ok(HeaderStep::Whole(..))) || received + count <= len, "beyond the header");
                received += count;
            }
            // An error is found when enough bytes are there, and more bytes do not change it into a header.
            Err(_) => return assert!(all.is_err(), "{all:?}"),
            Ok(HeaderStep::Whole(..)) => panic!("a header of {len} bytes is whole after {received}"),
        }
    }
    let Ok(HeaderStep::Whole(info, _)) = all else { return };
    let written = info.header(ProxyVersion::V2);
    if info.client.is_some() {
        let again = read_header(&written, usize::MAX).expect("it is valid");
        assert!(matches!(again, HeaderStep::Whole(read, len) if read == info && len == written.len()));
    }
}
