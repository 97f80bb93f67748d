//! Good messages of an unknown framing.

use framelink_codec::{Decode, Decoded, Encode, End, Ends, Frame};

/// The longest payload that is tried.
const LONGEST: usize = 65_536;
/// The longest frame that is made byte by byte.
const LONGEST_MADE: usize = 128;

/// A payload that can be sent and read back. It contains `number` if there is room.
pub(crate) fn payload<F: Decode + Encode>(framing: &F, number: usize) -> Option<Vec<u8>> {
    let text = format!("message {number}").into_bytes();
    let of_letters = || (1..=LONGEST).map(|len| vec![b'm'; len]);
    std::iter::once(text)
        .chain(of_letters())
        .find(|payload| framing.envelope(payload).is_ok())
        // With `keep` a payload is a whole frame, which letters are not.
        .or_else(|| smallest_frame(framing).filter(|frame| framing.envelope(frame).is_ok()))
}

/// The bytes of a payload's frame, and the place of the payload in them.
pub(crate) fn frame<F: Decode + Encode>(framing: &F, payload: &[u8]) -> Option<(Vec<u8>, Frame)> {
    let envelope = framing.envelope(payload).ok()?;
    let bytes = [envelope.head.as_ref(), payload, envelope.suffix.as_ref()].concat();
    match framing.decode(&bytes, 0, end_of(framing)) {
        Ok(Decoded::Frame(frame)) if frame.frame_len == bytes.len() => Some((bytes, frame)),
        _ => None,
    }
}

/// The event that ends a message of this framing, besides its bytes.
pub(crate) fn end_of<F: Decode>(framing: &F) -> Option<End> {
    match framing.ends() {
        Ends::Close => Some(End::Closed),
        Ends::Quiet(_) => Some(End::Quiet),
        Ends::Read(_) => Some(End::Read),
        _ => None,
    }
}

/// Builds a frame from the smallest bytes that the decoder accepts. At one position every value is tried: a length that
/// counts itself is not 0, and may have its low byte first.
fn smallest_frame<F: Decode>(framing: &F) -> Option<Vec<u8>> {
    let other_bytes = (0..16).flat_map(|at| (1..=u8::MAX).map(move |byte| Some((at, byte))));
    std::iter::once(None).chain(other_bytes).find_map(|other| grow(framing, other))
}

fn grow<F: Decode>(framing: &F, other: Option<(usize, u8)>) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        match framing.decode(&bytes, 0, None) {
            Ok(Decoded::Frame(frame)) if frame.frame_len == bytes.len() => return Some(bytes),
            Ok(Decoded::Incomplete(need)) if bytes.len() + need.missing <= LONGEST_MADE => {}
            _ => return None,
        }
        let next = match other {
            Some((at, byte)) if at == bytes.len() => byte,
            _ => (0..=u8::MAX).find(|&byte| {
                bytes.push(byte);
                let is_good = framing.decode(&bytes, 0, None).is_ok();
                bytes.pop();
                is_good
            })?,
        };
        bytes.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use framelink_length::Length;
    use framelink_unframed::Unframed;

    #[test]
    fn every_kind_of_framing_gets_a_message_that_it_reads_back() {
        let of_length = "ascii:4 bcd:2 net:1,max=3 decimal:20 varint tpkt netstring base24-tcp smpp modbus mqtt mongodb postgres \
            diameter amqp mysql tls sunrpc";
        for notation in of_length.split_whitespace() {
            let framing: Length = notation.parse().unwrap();
            let payload = payload(&framing, 1).unwrap_or_else(|| panic!("{notation}"));
            assert!(frame(&framing, &payload).is_some(), "{notation}: {payload:02x?}");
        }
        for notation in ["line", "delim:03", "mllp", "fixed:700", "quiet:50ms", "each-read", "until-close"] {
            let framing: Unframed = notation.parse().unwrap();
            let payload = payload(&framing, 1).unwrap_or_else(|| panic!("{notation}"));
            assert!(frame(&framing, &payload).is_some(), "{notation}");
        }
    }
}
