//! The example hosts of the folder `hosts`, each with the messages of its protocol, byte by byte.

use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;

use crate::common::{Running, dial, framelink, half_close, read_exactly, read_to_end};

/// The bytes that a client sends, and those that it receives, each in the notation of [`bytes`].
type Exchange = (&'static str, &'static str);

/// A host, and exchanges with it on one connection.
const HOSTS: &[(&str, &[Exchange])] = &[
    (
        "card-switch",
        &[
            ("'0023' '0800' '000001' '0120143000' '001'", "'0022' '0810' '000001' '0120143000' '00'"),
            ("'0024' '0200' '000002' '0120143001' '1234'", "'0028' '0210' '000002' '0120143001' '00' ######"),
            ("'0020' '0420' '000002' '0120143001'", "'0022' '0430' '000002' '0120143001' '00'"),
        ],
    ),
    (
        "smpp",
        &[
            // bind_transceiver: system_id "a", password "b", no system_type, version 34, and the address range.
            (
                "00000019 00000009 00000000 00000001 6100 6200 00 34 00 00 00",
                "00000015 80000009 00000000 00000001 736d736300",
            ),
            ("00000010 00000015 00000000 00000002", "00000010 80000015 00000000 00000002"),
            ("00000012 00000004 00000000 00000003 0000", "00000019 80000004 00000000 00000003 '00000001' 00"),
            ("00000012 00000004 00000000 00000004 0000", "00000019 80000004 00000000 00000004 '00000002' 00"),
            ("00000010 00000103 00000000 00000005", "00000010 80000000 00000003 00000005"),
            ("00000010 00000006 00000000 00000006", "00000010 80000006 00000000 00000006"),
        ],
    ),
    (
        "modbus",
        &[
            ("0001 0000 0006 11 03 006b 0002", "0001 0000 0007 11 03 04 002a 0007"),
            ("0002 0000 0006 11 03 006b 0003", "0002 0000 0003 11 83 02"),
            ("0003 0000 0006 12 06 0001 002b", "0003 0000 0006 12 06 0001 002b"),
        ],
    ),
    (
        "mllp",
        &[
            (
                "0b 'MSH|^~\\&|LAB|HOSP|HIS|HOSP|20270115080000||ORU^R01|00000001|P|2.5' 0d 'OBX|1' 0d 1c0d",
                "0b 'MSH|^~\\&|HIS|HOSP|LAB|HOSP|' ############## '||ACK|00000001|P|2.5' 0d 'MSA|AA|00000001' 0d 1c0d",
            ),
            (
                "0b 'MSH|^~\\&|LAB|HOSP|HIS|HOSP|20270115080000||ADT^A01|00000002|P|2.5' 0d 1c0d",
                "0b 'MSH|^~\\&|HIS|HOSP|LAB|HOSP|' ############## '||ACK|00000002|P|2.5' 0d 'MSA|AE|00000002' 0d 1c0d",
            ),
        ],
    ),
    ("printer", &[("02 'one' 03", "06"), ("02 03", "15"), ("02 'two' 03", "06")]),
    (
        "diameter",
        &[
            (
                "01 000014 80 000101 00000000 00000007 00000008",
                "01 000070 00 000101 00000000 00000007 00000008 0000010c 4000000c 000007d1 \
                 00000108 40000010 'host.tld' 00000128 4000000b 'tld' 00 00000101 4000000e 0001 7f000001 0000 \
                 0000010a 4000000c 00000000 0000010d 0000000c 'host' 00000102 4000000c ffffffff",
            ),
            (
                "01 000014 80 000118 00000000 00000009 00000008",
                "01 00003c 00 000118 00000000 00000009 00000008 0000010c 4000000c 000007d1 \
                 00000108 40000010 'host.tld' 00000128 4000000b 'tld' 00",
            ),
            (
                "01 000014 c0 000110 00000004 0000000a 00000008",
                "01 00003c 20 000110 00000004 0000000a 00000008 00000108 40000010 'host.tld' \
                 00000128 4000000b 'tld' 00 0000010c 4000000c 00000bb9",
            ),
        ],
    ),
    (
        "s7",
        &[
            (
                "0300 0016 11 e0 0000 0001 00 c0010a c1020100 c2020102",
                "0300 0016 11 d0 0001 0002 00 c0010a c1020100 c2020102",
            ),
            (
                "0300 0019 02f080 3201 0000 0005 0008 0000 f0 00 0001 0001 01e0",
                "0300 001b 02f080 3203 0000 0005 0008 0000 0000 f0 00 0001 0001 00f0",
            ),
        ],
    ),
    (
        "time",
        &[
            ("", "#### '-' ## '-' ## 'T' ## ':' ## ':' ## 'Z' 0d0a"),
            ("'?' 0a", "#### '-' ## '-' ## 'T' ## ':' ## ':' ## 'Z' 0d0a"),
            ("'unix' 0d0a", "########## 0d0a"),
        ],
    ),
    ("syslog", &[("'19 <34>Jan 15 a: hello'", ""), ("'12 <34>b: again'", "")]),
];

fn serve(host: &str) -> (Running, SocketAddr) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("hosts").join(format!("{host}.toml"));
    let text = std::fs::read_to_string(&file).expect("a host");
    assert!(text.lines().count() <= 15, "{host} has at most 15 lines");
    let file = file.to_str().expect("UTF-8");
    let done = Running::run(&mut framelink(["check", file]));
    assert_eq!((done.code, &*done.stderr), (Some(0), ""), "{host}");
    assert!(!done.stdout.contains("is never used"), "{host}: {}", done.stdout);
    Running::listen(&mut framelink(["serve", "--listen", "127.0.0.1:0", "--profile", file]))
}

#[test]
fn each_host_answers_the_messages_of_its_protocol() {
    for (host, exchanges) in HOSTS {
        let (_server, address) = serve(host);
        let mut client = dial(address);
        for (sent, expected) in *exchanges {
            let sent: Vec<u8> = bytes(sent).into_iter().map(|byte| byte.expect("no wildcard")).collect();
            client.write_all(&sent).expect("sending");
            let expected = bytes(expected);
            let received = read_exactly(&client, expected.len());
            let matches = received.iter().zip(&expected).all(|(byte, expected)| match expected {
                Some(expected) => byte == expected,
                None => byte.is_ascii_digit(),
            });
            assert!(matches, "{host}: {}", received.escape_ascii());
        }
        half_close(&client);
        assert_eq!(read_to_end(&client), b"", "{host} sends nothing more");
    }
}

#[test]
fn a_legacy_host_answers_one_line_and_closes() {
    let (_server, address) = serve("legacy");
    for (sent, received) in [(&b"BAL 1234\n"[..], &b"OK 1234 0001234.50\n"[..]), (b"XFER\r\n", b"ERR 01\n")] {
        let mut client = dial(address);
        client.write_all(sent).expect("sending");
        assert_eq!(read_to_end(&client), received);
    }
}

#[test]
fn a_syslog_collector_closes_the_connection_of_a_sender_without_a_priority() {
    let (_server, address) = serve("syslog");
    let mut client = dial(address);
    client.write_all(b"5 <34>a5 hello").expect("sending");
    assert_eq!(read_to_end(&client), b"");
}

/// Pairs of hex digits, text between single quotes, and `#` for any ASCII digit. Spaces have no meaning outside of text.
fn bytes(text: &str) -> Vec<Option<u8>> {
    let mut bytes = Vec::new();
    for (index, part) in text.split('\'').enumerate() {
        if index % 2 == 1 {
            bytes.extend(part.bytes().map(Some));
            continue;
        }
        let mut digits = part.bytes().filter(|byte| !byte.is_ascii_whitespace());
        while let Some(first) = digits.next() {
            if first == b'#' {
                bytes.push(None);
                continue;
            }
            let pair = [first, digits.next().expect("a pair of digits")];
            let pair = std::str::from_utf8(&pair).expect("ASCII");
            bytes.push(Some(u8::from_str_radix(pair, 16).expect("hex digits")));
        }
    }
    bytes
}
