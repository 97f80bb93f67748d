//! An accounting record to a Diameter server: capabilities, watchdog, request.

include!("../../examples/recipes/diameter.rs");

use crate::peer::{NO_REPLY, Peer, Step, bytes, error_with, expects, refused, sends};

/// An AVP with the M flag, by RFC 6733 section 4.1.
fn avp(code: u32, data: &[u8]) -> Vec<u8> {
    flagged_avp(code, 0x40, data)
}

fn flagged_avp(code: u32, flags: u8, data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(8 + data.len()).unwrap().to_be_bytes();
    let padding = vec![0; data.len().wrapping_neg() % 4];
    [&code.to_be_bytes()[..], &[flags], &length[1..], data, &padding].concat()
}

/// A message, by RFC 6733 section 3: `head` is flags, command and application.
fn message(head: &str, hop_by_hop: u32, end_to_end: u32, avps: &[Vec<u8>]) -> Vec<u8> {
    let avps = avps.concat();
    let length = u32::try_from(20 + avps.len()).unwrap().to_be_bytes();
    let (hop_by_hop, end_to_end) = (hop_by_hop.to_be_bytes(), end_to_end.to_be_bytes());
    [&[1], &length[1..], &bytes(head), &hop_by_hop, &end_to_end, &avps].concat()
}

fn origin(host: &str) -> [Vec<u8>; 2] {
    [avp(264, host.as_bytes()), avp(296, b"example.com")]
}

fn result(code: u32) -> Vec<u8> {
    avp(268, &code.to_be_bytes())
}

fn from_client(more: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    origin("client.example.com").into_iter().chain(more).collect()
}

fn from_server(code: u32, more: impl IntoIterator<Item = Vec<u8>>) -> Vec<Vec<u8>> {
    [result(code)].into_iter().chain(origin("server.example.com")).chain(more).collect()
}

fn exchanges_capabilities(code: u32) -> [Step; 2] {
    let (number, zero) = (3_u32.to_be_bytes(), [0; 4]);
    let product = |name| flagged_avp(269, 0, name);
    let address = avp(257, &[0, 1, 192, 0, 2, 10]);
    let cer = from_client([address.clone(), avp(266, &zero), product(b"framelink"), avp(259, &number)]);
    let cea = from_server(code, [address, avp(266, &zero), product(b"peer"), avp(259, &number)]);
    [
        expects(message("80 000101 00000000", 0x7fff_ffff, 0x7fff_ffff, &cer)),
        sends(message("00 000101 00000000", 0x7fff_ffff, 0x7fff_ffff, &cea)),
    ]
}

fn asks() -> Step {
    let session = avp(263, b"client.example.com;1;1");
    let more = [avp(283, b"example.com"), avp(480, &[0, 0, 0, 1]), avp(485, &[0; 4])];
    let acr: Vec<_> = [session].into_iter().chain(from_client(more)).collect();
    expects(message("c0 00010f 00000003", 1, 1, &acr))
}

fn answers(code: u32) -> Step {
    sends(message("40 00010f 00000003", 1, 1, &from_server(code, [])))
}

fn open(steps: impl IntoIterator<Item = Step>) -> Vec<Step> {
    exchanges_capabilities(2001).into_iter().chain(steps).collect()
}

fn disconnects() -> [Step; 3] {
    let number = 0x7fff_fffe;
    [
        expects(message("80 00011a 00000000", number, number, &from_client([avp(273, &[0, 0, 0, 2])]))),
        sends(message("00 00011a 00000000", number, number, &from_server(2001, []))),
        Step::ExpectsEnd,
    ]
}

#[test]
fn a_record_is_sent_and_the_watchdog_is_answered() {
    let peer = Peer::with(open(
        [
            asks(),
            sends(message("80 000118 00000000", 7, 8, &origin("server.example.com"))),
            expects(message("00 000118 00000000", 7, 8, &[vec![result(2001)], from_client([])].concat())),
            answers(2001),
        ]
        .into_iter()
        .chain(disconnects()),
    ));
    account(&peer.address()).unwrap();
    peer.finish();
}

#[test]
fn errors_say_what_the_server_did() {
    let [cer, _] = exchanges_capabilities(5010);
    let refuses = exchanges_capabilities(5010).into_iter().chain([Step::ExpectsEnd]).collect();
    let aca = &message("40 00010f 00000003", 1, 1, &from_server(5012, []))[4..];
    let refusal = format!("the record was refused: {aca:02x?}");
    for (steps, error) in [
        (
            vec![cer],
            "calling the peer: signing on at PEER: the peer closed the connection instead of replying (not sent)",
        ),
        (refuses, &refused(128, "expected 16:12=hex:0000010c4000000c000007d1, found hex:0000010c4000000c00001392")),
        (open([asks()]), NO_REPLY),
        (open([asks(), answers(5012)].into_iter().chain(disconnects())), &refusal),
        (
            open([asks(), sends(bytes("02000014")), Step::ExpectsEnd]),
            "calling PEER: prefix byte at offset 0 is 0x02, expected 0x01 (perhaps sent)",
        ),
    ] {
        assert_eq!(error_with(steps, account), error);
    }
}
