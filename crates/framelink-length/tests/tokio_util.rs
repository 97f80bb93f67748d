//! A framing as a `tokio_util::codec::Decoder` and `Encoder`.

use bytes::{Bytes, BytesMut};
use framelink_length::{CodecError, DecodeError, EncodeError, Fault, Length, LengthCodec};
use futures_util::{SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio_util::codec::{Decoder, Encoder, Framed};

fn codec(notation: &str) -> LengthCodec {
    let length: Length = notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}"));
    length.codec()
}

/// Short and long heads, with and without a suffix, of fixed and variable width.
const NOTATIONS: &[&str] = &[
    "net:1",
    "net:2",
    "net:4",
    "net:8",
    "le:3",
    "le:8",
    "ascii:4",
    "ascii:8",
    "ascii:9",
    "ascii:18",
    "hex:4",
    "hex:4,lower",
    "hex:16",
    "ebcdic:4",
    "ebcdic:9",
    "bcd:2",
    "bcd:8",
    "bcd:9",
    "decimal:3a",
    "varint",
    "tpkt",
    "netstring",
    "bgp",
    "net:2,infix=6000010002",
    "net:2,at=8",
    "net:2,prefix=010203040506",
    "net:2,prefix=01020304050607",
    "net:4,mask=7fffffff",
    "net:2,counts=self,zero=empty",
    "net:2,tail=3,suffix=03",
    "decimal:3a,infix=60,tail=64",
    "net:2,max=300",
    "ascii:3,counts=frame,at=1",
];

fn messages() -> Vec<Vec<u8>> {
    [0, 1, 5, 9, 10, 99, 127, 128, 200].iter().map(|&len| (0..=250).take(len).collect()).collect()
}

#[test]
fn encoded_messages_are_decoded() {
    for notation in NOTATIONS {
        let (mut sender, mut receiver) = (codec(notation), codec(notation));
        let mut buffer = BytesMut::new();
        for message in messages() {
            sender.encode(&message, &mut buffer).unwrap();
        }
        for message in messages() {
            assert_eq!(receiver.decode(&mut buffer).unwrap().as_deref(), Some(&message[..]), "{notation}");
        }
        assert!(receiver.decode(&mut buffer).unwrap().is_none() && buffer.is_empty(), "{notation}");
        assert!(receiver.decode_eof(&mut buffer).unwrap().is_none(), "{notation}: a clean end");
    }
}

#[test]
fn frames_are_appended_to_the_buffer() {
    let mut codec = codec("ascii:4");
    let mut buffer = BytesMut::from(&b"before "[..]);
    codec.encode(b"hello", &mut buffer).unwrap();
    codec.encode("a str", &mut buffer).unwrap();
    codec.encode(String::from("a String"), &mut buffer).unwrap();
    codec.encode(Bytes::from_static(b"Bytes"), &mut buffer).unwrap();
    assert_eq!(buffer, &b"before 0005hello0005a str0008a String0005Bytes"[..]);
}

#[test]
fn a_frame_is_decoded_when_its_last_byte_is_received() {
    for notation in NOTATIONS {
        let mut wire = BytesMut::new();
        codec(notation).encode(b"hello", &mut wire).unwrap();
        let (mut receiver, mut buffer) = (codec(notation), BytesMut::new());
        for round in 0..2 {
            for (i, &byte) in wire.iter().enumerate() {
                buffer.extend_from_slice(&[byte]);
                let got = receiver.decode(&mut buffer).unwrap();
                let is_last = i + 1 == wire.len();
                assert_eq!(got.as_deref(), is_last.then_some(&b"hello"[..]), "{notation}: byte {i}, round {round}");
            }
        }
    }
}

#[test]
fn items_share_the_buffer_and_outlive_it() {
    let mut codec = codec("net:2");
    let mut buffer = BytesMut::from(&b"\0\x05hello\0\x03and"[..]);
    let start = buffer.as_ptr().addr();
    let first = codec.decode(&mut buffer).unwrap().unwrap();
    let second = codec.decode(&mut buffer).unwrap().unwrap();
    assert_eq!((first.as_ptr().addr(), second.as_ptr().addr()), (start + 2, start + 9), "nothing is copied");
    drop(buffer);
    assert_eq!((&first[..], &second[..]), (&b"hello"[..], &b"and"[..]));
}

#[test]
fn an_end_inside_a_frame_has_the_received_and_the_missing_bytes() {
    let mut codec = codec("ascii:4");
    let mut buffer = BytesMut::from(&b"0002hi0005hel"[..]);
    assert_eq!(codec.decode_eof(&mut buffer).unwrap().unwrap(), &b"hi"[..], "what is whole comes first");
    let error = codec.decode_eof(&mut buffer).unwrap_err();
    assert!(matches!(error, CodecError::Fault(Fault::Truncated { came: 7, missing: 2, guess: None })), "{error:?}");
    assert_eq!(error.to_string(), "stream ended inside a frame: 7 bytes came, at least 2 more were owed");
    assert_eq!(buffer, &b"0005hel"[..], "and stays to be looked at");
    // The fault stays, even if the rest arrives after all.
    buffer.extend_from_slice(b"lo");
    assert_eq!(codec.decode(&mut buffer).unwrap_err().to_string(), error.to_string());
}

#[test]
fn an_end_inside_a_header_has_the_least_missing_bytes() {
    let mut buffer = BytesMut::from(&b"00"[..]);
    let error = codec("ascii:4").decode_eof(&mut buffer).unwrap_err();
    assert_eq!(error.to_string(), "stream ended inside a frame: 2 bytes came, at least 2 more were owed");
}

#[test]
fn kept_frames_are_whole_both_ways() {
    let (mut sender, mut receiver) = (codec("smpp"), codec("smpp"));
    let enquire_link = b"\0\0\0\x10\0\0\0\x15\0\0\0\0\0\0\0\x01";
    let mut buffer = BytesMut::new();
    sender.encode(enquire_link, &mut buffer).unwrap();
    assert_eq!(buffer, &enquire_link[..]);
    assert_eq!(receiver.decode(&mut buffer).unwrap().unwrap(), &enquire_link[..]);
    let error = sender.encode(&enquire_link[..12], &mut buffer).unwrap_err();
    assert_eq!(error.to_string(), "message is not a whole frame: it is 12 bytes, its header asks for at least 4 more");
    assert!(buffer.is_empty(), "nothing was written");
}

#[test]
fn a_payload_that_cannot_be_sent_writes_no_byte_and_the_next_is_sent() {
    for (notation, text) in [
        ("net:1", "payload is 256 bytes, the header can announce at most 255"),
        ("net:4,max=255", "payload is 256 bytes, limit is 255"),
        ("decimal:3a,max=255", "payload is 256 bytes, limit is 255"),
        ("net:2,adjust=+300", "payload is 256 bytes, the header can announce no fewer than 300"),
    ] {
        let mut codec = codec(notation);
        let mut buffer = BytesMut::new();
        let error = codec.encode([7; 256], &mut buffer).unwrap_err();
        assert!(matches!(error, CodecError::Encode(_)), "{notation}: {error:?}");
        assert_eq!((error.to_string().as_str(), buffer.len()), (text, 0), "{notation}");
        let fits = if notation == "net:2,adjust=+300" { 300 } else { 255 };
        codec.encode(vec![7; fits], &mut buffer).unwrap();
        assert!(buffer.len() > fits, "{notation}");
    }
}

#[test]
fn a_decoder_stays_in_its_first_error() {
    let mut codec = codec("ascii:4");
    let mut buffer = BytesMut::from(&b"00x5hello"[..]);
    let first = codec.decode(&mut buffer).unwrap_err().to_string();
    assert_eq!(first, "header byte 2 is 0x78, expected an ASCII digit");
    let mut good = BytesMut::from(&b"0005hello"[..]);
    for _ in 0..3 {
        assert_eq!(codec.decode(&mut good).unwrap_err().to_string(), first);
        assert_eq!(codec.decode_eof(&mut good).unwrap_err().to_string(), first);
    }
    assert_eq!((&buffer[..], &good[..]), (&b"00x5hello"[..], &b"0005hello"[..]), "no byte is taken");
    // The other direction continues.
    codec.encode(b"bye", &mut good).unwrap();
    assert_eq!(good, &b"0005hello0003bye"[..]);
}

#[test]
fn the_buffer_grows_with_received_bytes_not_with_announced_ones() {
    let mut codec = codec("net:4,max=1024MiB");
    let mut buffer = BytesMut::from(&b"\x3f\xff\xff\xff"[..]);
    let mut arrived = buffer.len();
    while arrived < 1_000_000 {
        assert!(codec.decode(&mut buffer).unwrap().is_none());
        assert!(buffer.capacity() > arrived, "a read would have no room");
        assert!(buffer.capacity() <= 4096 + 4 * arrived, "{} of room for {arrived}", buffer.capacity());
        let more = 997.min(buffer.capacity() - buffer.len());
        buffer.extend_from_slice(&vec![7; more]);
        arrived += more;
    }
}

#[test]
fn a_decoder_stays_in_its_error_when_its_buffer_is_emptied() {
    let mut codec = codec("ascii:4");
    let mut buffer = BytesMut::from("x");
    let error = codec.decode(&mut buffer).unwrap_err().to_string();
    buffer.clear();
    assert_eq!(codec.decode(&mut buffer).unwrap_err().to_string(), error);
    assert_eq!(codec.decode_eof(&mut buffer).unwrap_err().to_string(), error);
}

#[test]
fn frames_after_a_large_frame_do_not_keep_its_memory() {
    let mut codec = codec("net:4");
    let large = 1024 * 1024;
    let mut buffer = BytesMut::new();
    codec.encode(vec![7; large], &mut buffer).unwrap();
    codec.encode("x", &mut buffer).unwrap();
    assert_eq!(codec.decode(&mut buffer).unwrap().unwrap().len(), large);
    let small = codec.decode(&mut buffer).unwrap().unwrap();
    // The last handle shows the size of its memory.
    drop(buffer);
    let memory = small.try_into_mut().expect("no other handle");
    assert!(memory.capacity() < 64, "a byte holds {} bytes", memory.capacity());
}

#[tokio::test]
async fn what_one_framed_receives_is_forwarded_to_another_with_other_headers() {
    let (client, ours) = tokio::io::duplex(64);
    let (host, theirs) = tokio::io::duplex(64);
    let (_, requests) = Framed::new(ours, codec("ascii:4")).split::<Bytes>();
    let (to_host, _) = Framed::new(theirs, codec("bcd:2")).split();
    let forwarding = tokio::spawn(requests.forward(to_host));

    let mut client = Framed::new(client, codec("ascii:4"));
    client.send("hello").await.unwrap();
    let mut host = Framed::new(host, codec("bcd:2"));
    assert_eq!(host.next().await.unwrap().unwrap(), "hello");
    drop(client);
    forwarding.await.unwrap().unwrap();
}

/// Forwards the messages in `wire`, and returns the result.
async fn forward(wire: &[u8], from: &str, to: &str) -> Result<(), CodecError<DecodeError, EncodeError>> {
    let (mut peer, ours) = tokio::io::duplex(64);
    peer.write_all(wire).await.expect("there is room");
    drop(peer);
    let (_host, theirs) = tokio::io::duplex(64);
    let (_, stream) = Framed::new(ours, codec(from)).split::<Bytes>();
    let (sink, _) = Framed::new(theirs, codec(to)).split();
    stream.forward(sink).await
}

#[tokio::test]
async fn forwarding_ends_with_the_error_of_the_side_that_failed() {
    let error = forward(b"000x", "ascii:4", "net:2").await.unwrap_err();
    assert!(matches!(error, CodecError::Fault(Fault::Wrong { .. })), "{error:?}");
    let error = forward(b"0002ok", "ascii:4", "net:2,max=1").await.unwrap_err();
    assert!(matches!(error, CodecError::Encode(_)), "{error:?}");
    assert!(forward(b"0002ok", "ascii:4", "net:2").await.is_ok());
}
