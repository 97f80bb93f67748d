use super::*;
use crate::profile::ProxyVersion;
use crate::proxy_protocol::HeaderReader;
use std::io;

fn whole(bytes: &[u8]) -> (ProxyInfo, usize) {
    match read_header(bytes, 4096) {
        Ok(HeaderStep::Whole(info, len)) => (*info, len),
        other => panic!("{other:?}"),
    }
}

fn full() -> ProxyInfo {
    let mut info = ProxyInfo::new("[2001:db8::7]:56324".parse().unwrap(), "[2001:db8::1]:7000".parse().unwrap());
    (info.alpn, info.authority) = (Some(b"iso8583".to_vec()), Some("switch.example".to_owned()));
    info.unique_id = Some(vec![1, 2, 3]);
    info.tls = Some(ProxiedTls {
        version: Some("TLSv1.3".to_owned()),
        cipher: Some("TLS_AES_128_GCM_SHA256".to_owned()),
        has_certificate: true,
        is_verified: true,
        common_name: Some("terminal 7".to_owned()),
    });
    info
}

#[test]
fn what_is_written_is_read_with_all_values() {
    let v4 = ProxyInfo::new("192.0.2.7:1".parse().unwrap(), "192.0.2.1:65535".parse().unwrap());
    for info in [ProxyInfo::default(), v4.clone(), full()] {
        let header = info.header(ProxyVersion::V2);
        assert_eq!(whole(&header), (info.clone(), header.len()));
    }
    assert_eq!(whole(&v4.header(ProxyVersion::V1)).0, v4);
    let addresses = ProxyInfo { client: full().client, server: full().server, ..ProxyInfo::default() };
    assert_eq!(whole(&full().header(ProxyVersion::V1)).0, addresses, "version 1 has only addresses");
    let mixed = ProxyInfo::new("192.0.2.7:1".parse().unwrap(), "[2001:db8::1]:2".parse().unwrap());
    for version in [ProxyVersion::V1, ProxyVersion::V2] {
        let client = whole(&mixed.header(version)).0.client.unwrap();
        assert_eq!((client.ip().to_canonical(), client.port()), (mixed.client.unwrap().ip(), 1), "one family");
    }
}

#[test]
fn values_that_are_too_long_are_left_out() {
    let mut info = full();
    info.alpn = Some(vec![b'a'; 70_000]);
    info.tls.as_mut().unwrap().common_name = Some("x".repeat(70_000));
    let (read, _) = whole(&info.header(ProxyVersion::V2));
    assert_eq!((read.alpn, read.authority), (None, info.authority));
    assert_eq!(read.tls.unwrap().common_name, None);
}

#[test]
fn local_and_unknown_have_no_address() {
    let local = [PROTOCOL_PREFIX, &[0x20, 0x11, 0, 12, 192, 0, 2, 7, 192, 0, 2, 1, 0, 1, 0, 2]].concat();
    let unspecified = [PROTOCOL_PREFIX, &[0x21, 0x00, 0, 3, 9, 9, 9]].concat();
    let datagram = [PROTOCOL_PREFIX, &[0x21, 0x12, 0, 12, 192, 0, 2, 7, 192, 0, 2, 1, 0, 1, 0, 2]].concat();
    let unix = [PROTOCOL_PREFIX, &[0x21, 0x31, 0, 216], &[b'/'; 216]].concat();
    let junk = b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n".to_vec();
    for header in [local, unspecified, datagram, unix, b"PROXY UNKNOWN\r\n".to_vec(), junk] {
        assert_eq!(whole(&header), (ProxyInfo::default(), header.len()));
    }
}

/// Reads never go beyond the header, wherever it is split and whatever follows it.
#[test]
fn a_header_is_read_in_pieces_and_no_byte_beyond_it() {
    let headers = [
        ProxyInfo::new("192.0.2.7:56324".parse().unwrap(), "192.0.2.1:7000".parse().unwrap()).header(ProxyVersion::V1),
        b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n".to_vec(),
        b"PROXY TCP6 :: :: 0 0\r\n".to_vec(),
        b"PROXY UNKNOWN\r\n".to_vec(),
        full().header(ProxyVersion::V1),
        full().header(ProxyVersion::V2),
    ];
    for header in headers {
        let expected = whole(&header).0;
        let stream = [&header[..], b"\x16\x03\x01 hello\r\n"].concat();
        for piece in 1..=stream.len() {
            let (mut reader, mut at, mut reads) = (HeaderReader::new(4096), 0, 0);
            let info = loop {
                let mut has_read = false;
                let step = reader.advance(|space| {
                    if std::mem::replace(&mut has_read, true) {
                        return Err(io::ErrorKind::WouldBlock.into());
                    }
                    let count = space.len().min(piece);
                    space[..count].copy_from_slice(&stream[at..at + count]);
                    (at, reads) = (at + count, reads + 1);
                    Ok(count)
                });
                match step {
                    Ok(info) => break *info,
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "{error}"),
                }
            };
            assert_eq!((&info, at), (&expected, header.len()), "pieces of {piece}");
            assert!(piece < 107 || reads <= 20, "{reads} reads for {header:?}");
        }
    }
}

#[test]
fn wrong_headers_are_refused_with_a_reason() {
    let binary = |rest: &[u8]| [PROTOCOL_PREFIX, rest].concat();
    let long = [&b"PROXY UNKNOWN "[..], &[b'x'; 100]].concat();
    for (bytes, told) in [
        (b"hello".to_vec(), "begins with 68 65 6c 6c 6f (proxy-protocol.accept-from"),
        (b"PROXX".to_vec(), "must begin with a PROXY protocol header"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n".to_vec(), "is wrong: "),
        (b"PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n".to_vec(), "Header has an invalid protocol"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.256 1 2\r\n".to_vec(), "invalid IP address for the destination"),
        (b"PROXY TCP4 1.1.1.1 2.2.2.2 1 65536\r\n".to_vec(), "invalid TCP port for the destination"),
        (long, "has 116 bytes or more, and 107 are allowed (proxy-protocol.max-header)"),
        (binary(&[0x31, 0x11, 0, 0]), "Expected version"),
        (binary(&[0x25, 0x11, 0, 0]), "Invalid command"),
        (binary(&[0x21, 0x11, 0, 4, 1, 1, 1, 1]), "cannot store the 12 bytes"),
        (binary(&[0x21, 0x11, 0xff, 0xff]), "has 65551 bytes or more, and 4096 are allowed"),
        (binary(&[0x21, 0x11, 0, 13, 1, 1, 1, 1, 2, 2, 2, 2, 0, 1, 0, 2, 9]), "leftover"),
        (binary(&[0x21, 0x11, 0, 15, 1, 1, 1, 1, 2, 2, 2, 2, 0, 1, 0, 2, 0x20, 0, 0]), "PP2_TYPE_SSL has 0 bytes"),
    ] {
        let error = read_header(&bytes, 4096).unwrap_err().to_string();
        assert!(error.contains(told), "{bytes:?}: {error}");
    }
    let closed = HeaderReader::new(4096).advance(|_| Ok(0)).unwrap_err();
    assert!(closed.to_string().contains("closed the connection after 0 bytes"), "{closed}");
}
