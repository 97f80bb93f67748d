//! `HeartbeatCodec` around our codec and around one of tokio-util.

use bytes::{Bytes, BytesMut};
use framelink_heartbeat::{Beat, Form, HeartbeatCodec};
use framelink_length::Length;
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec};

#[test]
fn around_a_codec_of_ours_and_one_of_tokio_util() {
    let form = || Form::literal(b"PING", b"PONG");
    let length: Length = "net:4".parse().expect("a notation");
    let mut ours = HeartbeatCodec::new(length.codec(), form());
    let mut theirs = HeartbeatCodec::new(LengthDelimitedCodec::new(), form());
    let wire = b"\0\0\0\x02hi\0\0\0\x04PING\0\0\0\x04PONG\0\0\0\x00\0\0\0\x05PINGS";
    let (mut a, mut b) = (BytesMut::from(&wire[..]), BytesMut::from(&wire[..]));
    let expected = [
        Beat::Message(&b"hi"[..]),
        Beat::Probe(b"PING"),
        Beat::Answer(b"PONG"),
        Beat::Message(b""),
        Beat::Message(b"PINGS"),
    ];
    for expected in expected {
        let ours = ours.decode(&mut a).expect("a frame").expect("whole");
        let theirs = theirs.decode(&mut b).expect("a frame").expect("whole");
        let ours = match ours {
            Beat::Message(message) => (0, message),
            Beat::Probe(message) => (1, message),
            Beat::Answer(message) => (2, message),
        };
        let theirs = match theirs {
            Beat::Message(message) => (0, message.freeze()),
            Beat::Probe(message) => (1, message.freeze()),
            Beat::Answer(message) => (2, message.freeze()),
        };
        let expected = match expected {
            Beat::Message(message) => (0, Bytes::copy_from_slice(message)),
            Beat::Probe(message) => (1, Bytes::copy_from_slice(message)),
            Beat::Answer(message) => (2, Bytes::copy_from_slice(message)),
        };
        assert_eq!((&ours, &theirs), (&expected, &expected));
    }
    let mut out = BytesMut::new();
    let again = Beat::Message(&b"hi"[..]);
    ours.encode(again, &mut out).expect("it fits");
    assert_eq!(out.split()[..], b"\0\0\0\x02hi"[..], "a beat can be forwarded");
    let probe = ours.form().probe(1, std::time::Duration::ZERO, b"").into_owned();
    ours.encode(probe, &mut out).expect("it fits");
    assert_eq!(out[..], b"\0\0\0\x04PING"[..]);
}
