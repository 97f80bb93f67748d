//! Codecs of tokio-util as framings: messages are whole frames, and an error of the codec is kept.

use bytes::{Bytes, BytesMut};
use framelink_codec::{Decode, Decoded, Encode, End, ForeignCodec, Frames};
use tokio_util::codec::{Decoder, Encoder, LengthDelimitedCodec, LinesCodec};

#[test]
fn each_frame_is_a_message_in_chunks_of_any_size() {
    let codec = ForeignCodec::new(LengthDelimitedCodec::new());
    let wire = b"\0\0\0\x02hi\0\0\0\0\0\0\0\x01!";
    let frames: Vec<_> = Frames::new(&codec, wire).map(|frame| frame.unwrap().payload).collect();
    assert_eq!(frames, [&b"\0\0\0\x02hi"[..], b"\0\0\0\0", b"\0\0\0\x01!"]);
    for cut in 0..6 {
        assert!(matches!(codec.decode(&wire[..cut], 0, None), Ok(Decoded::Incomplete(_))), "{cut}");
    }
    assert_eq!(codec.open(frames[0]).unwrap(), &b"hi"[..]);
}

#[test]
fn only_whole_single_frames_are_sent() {
    let codec = ForeignCodec::new(LinesCodec::new());
    assert!(codec.envelope(b"hello\n").is_ok());
    assert_eq!(codec.envelope(b"hello").unwrap_err().message(), "this is no whole frame: seal the item first");
    assert!(codec.envelope(b"a\nb\n").unwrap_err().message().contains("one message is one frame"));
}

/// The codec of a client: encodes requests as lines, and decodes lines that begin with a plus as replies.
#[derive(Clone, Debug)]
struct Asks;

impl Decoder for Asks {
    type Item = Bytes;
    type Error = std::io::Error;

    fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<Bytes>, std::io::Error> {
        match bytes.iter().position(|&byte| byte == b'\n') {
            Some(_) if bytes.first() != Some(&b'+') => Err(std::io::Error::other("no reply")),
            Some(end) => Ok(Some(bytes.split_to(end + 1).freeze())),
            None => Ok(None),
        }
    }
}

impl Encoder<&str> for Asks {
    type Error = std::io::Error;

    fn encode(&mut self, item: &str, bytes: &mut BytesMut) -> Result<(), std::io::Error> {
        bytes.extend_from_slice(item.as_bytes());
        bytes.extend_from_slice(b"\n");
        Ok(())
    }
}

#[test]
fn a_codec_of_requests_and_replies_sends_what_it_could_not_decode() {
    let request = ForeignCodec::new(Asks).seal("ping").unwrap();
    assert_eq!(ForeignCodec::new(Asks).envelope(&request).unwrap_err().message(), "no reply");
    assert!(ForeignCodec::new(Asks).unchecked().envelope(&request).is_ok());
    assert_eq!(ForeignCodec::new(Asks).open(b"+pong\n").unwrap(), &b"+pong\n"[..]);
    let error = ForeignCodec::new(Asks).open(b"+a\n+b\n").unwrap_err();
    assert_eq!(error.message(), "bytes follow the frame: one message is one frame");
}

#[test]
fn a_codec_that_adds_to_the_stream_is_an_error() {
    #[derive(Clone)]
    struct Grows;
    impl Decoder for Grows {
        type Item = ();
        type Error = std::io::Error;

        fn decode(&mut self, bytes: &mut BytesMut) -> Result<Option<()>, std::io::Error> {
            bytes.extend_from_slice(b"more");
            Ok(Some(()))
        }
    }
    let error = ForeignCodec::new(Grows).decode(b"a", 0, None).unwrap_err();
    assert_eq!(error.message(), "the codec put more bytes into the stream than came");
}

/// A codec whose error is longer than the text that is kept.
#[derive(Clone)]
struct Complains;

impl Decoder for Complains {
    type Item = ();
    type Error = std::io::Error;

    fn decode(&mut self, _bytes: &mut BytesMut) -> Result<Option<()>, std::io::Error> {
        Err(std::io::Error::other("é".repeat(100)))
    }
}

#[test]
fn the_end_of_the_stream_may_end_a_frame_and_an_error_stays() {
    let codec = ForeignCodec::new(LinesCodec::new());
    assert!(matches!(codec.decode(b"no end", 0, Some(End::Closed)), Ok(Decoded::Frame(frame)) if frame.frame_len == 6));
    let codec = ForeignCodec::new(LinesCodec::new_with_max_length(3));
    assert_eq!(codec.decode(b"too long", 0, None).unwrap_err().to_string(), "max line length exceeded");
    let long = ForeignCodec::new(Complains).decode(b"a", 0, None).unwrap_err();
    assert_eq!(long.message(), "é".repeat(60));
}
