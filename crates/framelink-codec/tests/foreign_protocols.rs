//! Other protocols are recognised by the first bytes of a connection.

use framelink_codec::{Foreign, Guess};

#[test]
fn a_guess_is_small_because_every_error_has_one() {
    assert!(size_of::<Option<Guess>>() <= 16);
}

/// The first bytes of each known protocol.
const BEGINNINGS: &[(&[u8], Foreign)] = &[
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
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", Foreign::TlsHandshake),
    (b"\x15\x03\x03\x00\x02\x02\x28", Foreign::TlsAlert),
];

#[test]
fn a_protocol_is_recognised_from_four_bytes_on_and_not_before() {
    for &(signature, foreign) in BEGINNINGS {
        for len in 0..=signature.len() {
            let known = Foreign::recognise(&signature[..len]);
            let expected = (len >= signature.len().min(4)).then_some(foreign);
            assert_eq!(known, expected, "first {len} bytes of {signature:02x?}");
        }
    }
}

#[test]
fn ordinary_headers_are_not_taken_for_another_protocol() {
    let record_like = b"\x16\x03\x01 and 5632 more bytes";
    for header in
        [&b"0012"[..], b"\0\x0c", b"\0\0\0\x0c", b"\x00\x12", b"\x03\0\0\x10", b"\x16\x03\x09\x00", record_like]
    {
        assert_eq!(Foreign::recognise(header), None, "{header:02x?}");
    }
}
