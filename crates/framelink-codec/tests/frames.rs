//! Frames in a buffer, written frames, and the bytes around a payload.

use framelink_codec::example::OneByte;
use framelink_codec::{Affix, End, Fault, Frames};

#[test]
fn a_closed_buffer_that_ends_inside_a_frame_is_an_error() {
    let mut frames = Frames::ended(&OneByte, b"\x02hi\x05the", End::Closed);
    assert!(matches!(frames.next(), Some(Ok(frame)) if frame.payload == b"hi"));
    assert!(matches!(frames.next(), Some(Err(Fault::Truncated { came: 4, missing: 2, .. }))));
    assert!(frames.next().is_none());
    assert_eq!(frames.rest(), b"\x05the");
}

#[test]
fn an_affix_keeps_bytes_of_every_length() {
    let bytes = std::array::from_fn::<u8, 65, _>(|i| u8::try_from(i + 1).unwrap());
    for len in 0..=Affix::CAPACITY {
        let affix = Affix::new(&bytes[..len]).unwrap();
        assert_eq!(affix.as_ref(), &bytes[..len]);
    }
    let mut affix = Affix::new(b"before").unwrap();
    assert_eq!(affix.set(&bytes), None);
    assert_eq!(affix.as_ref(), b"before", "too many bytes change nothing");
}

#[cfg(feature = "std")]
#[test]
fn debug_shows_no_payload() {
    let mut writer = framelink_codec::FrameWriter::new(Vec::new(), OneByte);
    writer.write(&[0xca, 0xfe]).unwrap();
    assert_eq!(format!("{writer:?}"), "FrameWriter { framing: OneByte, state: Open, .. }");
}
