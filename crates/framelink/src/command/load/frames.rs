//! The frames of messages, as the fastest connections write them.

use framelink_transport::{Encode, FramingPair};

use super::payloads::Payloads;

/// What all connections of a plan send, worked out once.
#[derive(Clone, Debug)]
pub(super) struct Frames {
    pub(super) framing: FramingPair,
    /// The frame of every message and the length of the message, if all are equal.
    same: Option<(Vec<u8>, usize)>,
}

impl Frames {
    pub(super) fn of(framing: FramingPair, payloads: &Payloads) -> Self {
        let mut frames = Self { framing, same: None };
        if payloads.are_equal() {
            let mut frame = Vec::new();
            if let Ok(len) = frames.append_framed(payloads, 0, &mut frame) {
                frames.same = Some((frame, len));
            }
        }
        frames
    }

    /// Appends the frame of the message with this number. Returns the length of the message.
    #[inline]
    pub(super) fn append(&self, payloads: &Payloads, number: u64, out: &mut Vec<u8>) -> Result<usize, String> {
        match &self.same {
            Some((frame, len)) => {
                out.extend_from_slice(frame);
                Ok(*len)
            }
            None => self.append_framed(payloads, number, out),
        }
    }

    fn append_framed(&self, payloads: &Payloads, number: u64, out: &mut Vec<u8>) -> Result<usize, String> {
        let begin = out.len();
        // The header depends on the message, which is composed behind the place that most headers take.
        payloads.append(number, out);
        let len = out.len() - begin;
        if let Some(head) = self.framing.short_head(len) {
            let head = &head.bytes[..usize::from(head.len)];
            out.extend_from_slice(head);
            out[begin..].rotate_right(head.len());
            return Ok(len);
        }
        let envelope = match self.framing.envelope(&out[begin..]) {
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
}

#[cfg(test)]
mod tests {
    use framelink_transport::Framing;

    use super::*;
    use crate::arguments::load::Expect;
    use crate::command::load::payloads::Source;

    /// Returns the frames of two messages, one behind the other.
    fn framed(framing: &str, messages: &[&[u8]]) -> Vec<u8> {
        let texts = messages.iter().map(|message| message.to_vec()).collect();
        let payloads = Payloads { source: Source::Texts(texts), patch: None, expect: Expect::Any };
        let frames = Frames::of(framing.parse::<Framing>().unwrap().into(), &payloads);
        let mut out = Vec::new();
        for number in 0..2 {
            let len = frames.append(&payloads, number, &mut out).unwrap();
            assert_eq!(len, messages[usize::try_from(number).unwrap() % messages.len()].len());
        }
        out
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
            assert_eq!(framed(framing, &[b"hi", b"hello"]), wire, "{framing}");
        }
    }

    #[test]
    fn a_message_that_never_changes_is_framed_once_and_for_all() {
        assert_eq!(framed("ascii:4", &[b"hi"]), b"0002hi0002hi");
        assert_eq!(framed("line", &[b"hi"]), b"hi\r\nhi\r\n");
    }

    #[test]
    fn a_message_that_cannot_be_framed_leaves_nothing() {
        let payloads = Payloads { source: Source::Texts(vec![b"a\nb".to_vec()]), patch: None, expect: Expect::Any };
        let frames = Frames::of("line".parse::<Framing>().unwrap().into(), &payloads);
        let mut out = b"before".to_vec();
        assert!(frames.append(&payloads, 0, &mut out).is_err());
        assert_eq!(out, b"before");
    }
}
