//! The frames of messages, as connections without a session write them.

use framelink_transport::{Encode, FramingPair};

use super::payloads::Payloads;
use super::schedule::Row;

/// The frames that are composed before a write have about this many bytes at most.
const MOST_OUTPUT: usize = 256 * 1024;

/// The frames of messages that are written next, one behind the other. All connections of a thread use it in turn.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    framing: FramingPair,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// Frames that differ in their numbers only: the others of their bytes are written once and for all.
    Alike {
        frames: Vec<u8>,
        frame_len: usize,
        head_len: usize,
        count: usize,
        most: usize,
    },
    Composed(Vec<u8>),
}

impl Frames {
    /// Makes room for the frames of `depth` messages.
    pub(super) fn new(framing: FramingPair, payloads: &Payloads, depth: usize) -> Self {
        Self { framing, kind: alike(framing, payloads, depth).unwrap_or(Kind::Composed(Vec::new())) }
    }

    pub(super) fn clear(&mut self) {
        match &mut self.kind {
            Kind::Alike { count, .. } => *count = 0,
            Kind::Composed(frames) => frames.clear(),
        }
    }

    pub(super) fn as_bytes(&self) -> &[u8] {
        match &self.kind {
            Kind::Alike { frames, frame_len, count, .. } => &frames[..frame_len * count],
            Kind::Composed(frames) => frames,
        }
    }

    /// Returns how many messages may be added before the frames are to be written.
    #[inline]
    pub(super) fn room(&self) -> usize {
        match &self.kind {
            Kind::Alike { count, most, .. } => most - count,
            Kind::Composed(frames) => usize::from(frames.len() < MOST_OUTPUT),
        }
    }

    /// Adds the frames of these messages, for which there is room. Returns the length of the messages in all.
    #[inline]
    pub(super) fn add(&mut self, payloads: &Payloads, row: Row) -> Result<u64, String> {
        match &mut self.kind {
            Kind::Alike { frames, frame_len, head_len, count, .. } => {
                if payloads.patch.is_some() {
                    let places = frames.chunks_exact_mut(*frame_len).skip(*count).take(row.len);
                    let numbers = std::iter::successors(Some(row.first), |number| Some(number.wrapping_add(row.step)));
                    for (place, number) in places.zip(numbers) {
                        payloads.number(number, &mut place[*head_len..]);
                    }
                }
                *count += row.len;
                Ok(((*frame_len - *head_len) * row.len) as u64)
            }
            Kind::Composed(frames) => append(self.framing, payloads, row.first, frames).map(|len| len as u64),
        }
    }
}

/// Returns frames of which only the numbers change; `None` if the messages differ in more, or their header may.
fn alike(framing: FramingPair, payloads: &Payloads, depth: usize) -> Option<Kind> {
    let len = payloads.have_one_template().then(|| payloads.len_of(0))??;
    let head_len = framing.short_head(len)?.len.into();
    let mut frames = Vec::new();
    append(framing, payloads, 0, &mut frames).ok()?;
    let frame_len = frames.len();
    let most = (MOST_OUTPUT / frame_len).clamp(1, depth);
    Some(Kind::Alike { frames: frames.repeat(most), frame_len, head_len, count: 0, most })
}

fn append(framing: FramingPair, payloads: &Payloads, number: u64, out: &mut Vec<u8>) -> Result<usize, String> {
    let begin = out.len();
    if let Some(len) = payloads.len_of(number)
        && let Some(head) = framing.short_head(len)
    {
        out.extend_from_slice(&head.bytes[..usize::from(head.len)]);
        payloads.append(number, out);
        return Ok(len);
    }
    // The header depends on the message, which is composed behind the place of the header.
    payloads.append(number, out);
    let len = out.len() - begin;
    let envelope = match framing.envelope(&out[begin..]) {
        Ok(envelope) => envelope,
        Err(error) => {
            out.truncate(begin);
            return Err(error.to_string());
        }
    };
    let head = envelope.head.as_ref();
    out.extend_from_slice(head);
    out[begin..].rotate_right(head.len());
    out.extend_from_slice(envelope.suffix.as_ref());
    Ok(len)
}

#[cfg(test)]
mod tests {
    use framelink_transport::Framing;
    use framelink_transport::session::Encoding;

    use super::*;
    use crate::arguments::load::Expect;
    use crate::command::load::payloads::{Patch, Source};

    fn texts(messages: &[&[u8]]) -> Payloads {
        let texts = messages.iter().map(|message| message.to_vec()).collect();
        Payloads { source: Source::Texts(texts), patch: None, expect: Expect::Any }
    }

    fn frames(framing: &str, payloads: &Payloads) -> Frames {
        Frames::new(framing.parse::<Framing>().unwrap().into(), payloads, 16)
    }

    const fn one(number: u64) -> Row {
        Row { first: number, step: 1, len: 1 }
    }

    /// Returns the frames of two messages, one behind the other. The frames before are gone.
    fn framed(framing: &str, payloads: &Payloads) -> Vec<u8> {
        let mut frames = frames(framing, payloads);
        for number in 7..10 {
            frames.add(payloads, one(number)).unwrap();
        }
        frames.clear();
        for number in 0..2 {
            assert!(frames.room() > 0);
            assert_eq!(frames.add(payloads, one(number)).unwrap(), payloads.len_of(number).unwrap() as u64);
        }
        frames.as_bytes().to_vec()
    }

    #[test]
    fn frames_stand_one_behind_the_other() {
        for (framing, wire) in [
            ("ascii:4", &b"0002hi0005hello"[..]),
            ("net:2,counts=self", b"\x00\x04hi\x00\x07hello"),
            ("bcd:2,infix=6000010002", b"\x00\x07\x60\x00\x01\x00\x02hi\x00\x10\x60\x00\x01\x00\x02hello"),
            ("line", b"hi\r\nhello\r\n"),
            ("between:02..03", b"\x02hi\x03\x02hello\x03"),
        ] {
            assert_eq!(framed(framing, &texts(&[b"hi", b"hello"])), wire, "{framing}");
        }
    }

    #[test]
    fn frames_that_are_alike_have_their_own_numbers() {
        let numbered = Patch { start: 1, len: 2, written: Encoding::Ascii, is_key: false, range: None };
        for (patch, ascii, line) in [
            (None, &b"0004hey!0004hey!"[..], &b"hey!\r\nhey!\r\n"[..]),
            (Some(numbered), b"0004h00!0004h01!", b"h00!\r\nh01!\r\n"),
        ] {
            let payloads = Payloads { patch, ..texts(&[b"hey!"]) };
            assert!(matches!(frames("ascii:4", &payloads).kind, Kind::Alike { .. }));
            assert_eq!((&*framed("ascii:4", &payloads), &*framed("line", &payloads)), (ascii, line));
        }
    }

    #[test]
    fn frames_of_a_row_have_numbers_that_are_a_step_apart() {
        let numbered = Patch { start: 1, len: 2, written: Encoding::Ascii, is_key: false, range: None };
        let payloads = Payloads { patch: Some(numbered), ..texts(&[b"hey!"]) };
        let mut frames = frames("ascii:4", &payloads);
        assert_eq!((frames.add(&payloads, one(7)), frames.room()), (Ok(4), 15));
        assert_eq!(frames.add(&payloads, Row { first: 8, step: 20, len: 3 }), Ok(12));
        assert_eq!(frames.as_bytes(), b"0004h07!0004h08!0004h28!0004h48!");
    }

    #[test]
    fn frames_are_full_at_the_limit_or_the_depth() {
        let payloads = texts(&[b"hey!"]);
        let count = |mut frames: Frames| {
            let mut count = 0;
            while frames.room() > 0 {
                frames.add(&payloads, one(count)).unwrap();
                count += 1;
            }
            count
        };
        let of = |notation: &str, depth| Frames::new(notation.parse::<Framing>().unwrap().into(), &payloads, depth);
        assert_eq!([1, 16, 65_536].map(|depth| count(of("ascii:4", depth))), [1, 16, 32_768]);
        assert_eq!(count(of("line", 1)), 43_691);
    }

    #[test]
    fn a_message_that_cannot_be_framed_leaves_nothing() {
        let payloads = texts(&[b"ab", b"a\nb"]);
        let mut frames = frames("line", &payloads);
        assert!(frames.add(&payloads, one(0)).is_ok() && frames.add(&payloads, one(1)).is_err());
        assert_eq!(frames.as_bytes(), b"ab\r\n");
    }
}
