//! The checks accept a correct framing and catch a wrong one.

use framelink_codec::check::{any_bytes, read, round_trip, vector};
use framelink_codec::example::OneByte;
use framelink_codec::{Decode, Decoded, End, EndedBy, Frame, Need};

#[test]
fn the_smallest_framing_holds_every_invariant() {
    vector(&OneByte, "hello", b"\x05hello", b"hello", false);
    round_trip(&OneByte, &[b"", b"a", &[7; 255], &[8; 256]], &[3, 1, 2]);
    any_bytes(&OneByte, b"\x05hello\x09cut", &[2, 5]);
}

#[test]
#[should_panic(expected = "a message came before what was needed")]
fn a_need_that_is_too_large_is_caught() {
    struct Greedy;
    impl Decode for Greedy {
        type Error = std::convert::Infallible;
        fn decode(&self, input: &[u8], _: usize, _: Option<End>) -> Result<Decoded, Self::Error> {
            let need = Need { missing: 3, looked_at: 0 };
            let frame = Frame { payload_start: 0, payload_end: 1, frame_len: 1, ended_by: EndedBy::Count };
            Ok(if input.len() < 2 { Decoded::Incomplete(need) } else { Decoded::Frame(frame) })
        }
    }
    let _ = read(&Greedy, b"abcd", &[1]);
}

#[test]
#[should_panic(expected = "the shortcut of [05, 61]")]
fn a_shortcut_that_disagrees_is_caught() {
    struct Hasty;
    impl Decode for Hasty {
        type Error = std::convert::Infallible;
        fn decode(&self, input: &[u8], looked_at: usize, end: Option<End>) -> Result<Decoded, Self::Error> {
            OneByte.decode(input, looked_at, end)
        }
        fn whole_frame(&self, input: &[u8]) -> Option<Frame> {
            let frame_len = input.len();
            Some(Frame { payload_start: 1, payload_end: frame_len, frame_len, ended_by: EndedBy::Count })
        }
    }
    let _ = read(&Hasty, b"\x05a", &[2]);
}
