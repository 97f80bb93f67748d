//! Frames that a framing has to refuse, made from one that it accepts.
//!
//! Only the decoder of the framing is known. So each byte of a good header is replaced by every other value, and the
//! answers are compared:
//!
//! ```text
//!   '0' '0' '0' '9' | 9 bytes      ascii:4,max=2048
//!    ▲            ▲
//!    │            └ 0x30 to 0x39 give other lengths: the field is written in ASCII digits
//!    └ 0x30 to 0x32 are taken; 0x33 to 0x39 are digits, greater, and refused: over the limit
//!      0x3a and all others are refused too: no length
//! ```

use framelink_codec::{Decode, Decoded, Encode, EndedBy};

use crate::sample;

/// The longest header that is tried.
const LONGEST_HEADER: usize = 64;
/// The longest message without an end that is tried.
const LONGEST_MESSAGE: usize = 64 * 1024 * 1024;

/// Frames that a decoder must refuse: from the header alone, if the framing has a header.
///
/// ```
/// use framelink_codec::Decode;
/// use framelink_length::Length;
/// use framelink_testkit::BadFrames;
///
/// let framing: Length = "ascii:4,max=2048".parse()?;
/// let bad = BadFrames::new(&framing, b"hello");
/// assert!(bad.garbage().contains(&b"!005hello".to_vec()));
/// assert!(bad.oversize().contains(&b"3005hello".to_vec()));
///
/// // Every header of two bytes is a length within the limit.
/// let framing: Length = "net:2".parse()?;
/// let bad = BadFrames::new(&framing, b"hello");
/// assert!(bad.garbage().is_empty() && bad.oversize().is_empty());
/// # Ok::<(), framelink_codec::notation::NotationError>(())
/// ```
#[derive(Clone, Default)]
pub struct BadFrames {
    garbage: Vec<Vec<u8>>,
    oversize: Vec<Vec<u8>>,
}

impl BadFrames {
    /// Breaks the frame of this payload in every possible way. There are no bad frames if the payload cannot be sent.
    #[must_use]
    pub fn new<F: Decode + Encode>(framing: &F, payload: &[u8]) -> Self {
        let Some((good, frame)) = sample::frame(framing, payload) else { return Self::default() };
        match frame.ended_by {
            EndedBy::Count => {
                // With `keep` the header is part of the payload, and only refused values show which bytes are the
                // header.
                let header_len = if frame.payload_start == 0 { good.len() } else { frame.payload_start };
                Header { framing, good: &good, len: header_len.min(LONGEST_HEADER) }.broken()
            }
            // No read is a bad frame.
            EndedBy::Read => Self::default(),
            _ => {
                let start = good.get(..frame.payload_start).unwrap_or_default();
                let garbage = Header { framing, good: &good, len: start.len() }.broken().garbage;
                Self { garbage, oversize: endless(framing, start).into_iter().collect() }
            }
        }
    }

    /// Returns frames whose header is no length. In a binary length, these also have a value in a byte that is 0 in
    /// every frame within the limit: the length is far too large.
    #[must_use]
    pub fn garbage(&self) -> &[Vec<u8>] {
        &self.garbage
    }

    /// Returns frames that are longer than allowed: by their header, or by their bytes if the framing has no header.
    #[must_use]
    pub fn oversize(&self) -> &[Vec<u8>] {
        &self.oversize
    }
}

/// Prints the number of frames: a frame may be as long as the limit of the framing.
impl std::fmt::Debug for BadFrames {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BadFrames")
            .field("garbage", &self.garbage.len())
            .field("oversize", &self.oversize.len())
            .finish()
    }
}

/// The header of a good frame.
struct Header<'a, F> {
    framing: &'a F,
    good: &'a [u8],
    len: usize,
}

impl<F: Decode + Encode> Header<'_, F> {
    fn broken(&self) -> BadFrames {
        let places: Vec<FaultPlace> = (0..self.len).map(|at| self.place(at)).collect();
        let used = || places.iter().filter(|place| place.is_length).flat_map(|place| place.taken.iter().copied());
        let digits = Digits::of(used());
        let mut bad = BadFrames::default();
        for place in &places {
            let most = place.taken.iter().copied().max().unwrap_or(u8::MAX);
            for &byte in &place.refused {
                let is_greater = place.is_length && byte > most && digits.has(byte);
                let into = if is_greater { &mut bad.oversize } else { &mut bad.garbage };
                into.push(self.with(place.at, byte));
            }
        }
        if bad.oversize.is_empty()
            && let Some(first) = places.iter().find(|place| place.is_length)
        {
            bad.oversize.extend(self.lengthened(first.at, digits.greatest));
        }
        bad
    }

    /// Tries every value of one byte in the decoder.
    fn place(&self, at: usize) -> FaultPlace {
        let mut place = FaultPlace { at, is_length: false, taken: Vec::new(), refused: Vec::new() };
        for byte in 0..=u8::MAX {
            let bytes = self.with(at, byte);
            match self.frame_len(&bytes) {
                Some(len) => {
                    place.is_length |= len != self.good.len();
                    place.taken.push(byte);
                }
                None if self.is_refused(&bytes, self.len) => place.refused.push(byte),
                None => {} // what is wrong lies behind the header
            }
        }
        place
    }

    /// If a header grows with its number: a header with more and more digits in front, until the number is too large.
    fn lengthened(&self, at: usize, digit: u8) -> Option<Vec<u8>> {
        let header_len = |payload_len| self.framing.envelope(&vec![b'm'; payload_len]).ok().map(|it| it.head.len());
        if header_len(1)? == header_len(300)? {
            return None;
        }
        let mut bytes = self.good.to_vec();
        let mut announced = bytes.len();
        for added in 1..=18 {
            bytes.insert(at, digit);
            match self.frame_len(&bytes) {
                Some(len) if len > announced + 1 => announced = len,
                None if self.is_refused(&bytes, self.len + added) => return Some(bytes),
                _ => return None,
            }
        }
        None
    }

    fn with(&self, at: usize, byte: u8) -> Vec<u8> {
        let mut bytes = self.good.to_vec();
        if let Some(place) = bytes.get_mut(at) {
            *place = byte;
        }
        bytes
    }

    /// The length of the frame that begins with these bytes, if it is known.
    fn frame_len(&self, bytes: &[u8]) -> Option<usize> {
        match self.framing.decode(bytes, 0, sample::end_of(self.framing)).ok()? {
            Decoded::Frame(frame) => Some(frame.frame_len),
            Decoded::Incomplete(need) => Some(bytes.len().saturating_add(need.missing)),
        }
    }

    /// Whether the decoder refuses the first bytes alone.
    fn is_refused(&self, bytes: &[u8], header_len: usize) -> bool {
        let start = bytes.get(..header_len).unwrap_or(bytes);
        self.framing.decode(start, 0, None).is_err()
    }
}

/// One byte of a header: the values that the decoder accepts there, and those that it refuses from the header alone.
struct FaultPlace {
    at: usize,
    /// Whether its value changes the length of the frame.
    is_length: bool,
    taken: Vec<u8>,
    refused: Vec<u8>,
}

/// The digits of one kind of length. A small limit accepts only a few digits, so the others are taken from here.
struct Digits {
    greatest: u8,
    kind: fn(u8) -> bool,
}

impl Digits {
    const KINDS: [Self; 5] = [
        Self { greatest: b'9', kind: |byte| byte.is_ascii_digit() },
        Self { greatest: 0xf9, kind: |byte| matches!(byte, 0xf0..=0xf9) },
        Self { greatest: b'F', kind: |byte| byte.is_ascii_hexdigit() },
        Self { greatest: 0x99, kind: |byte| byte >> 4 <= 9 && byte & 15 <= 9 },
        Self { greatest: 0xff, kind: |_| true },
    ];

    /// The kind with the fewest digits that contains all of these.
    fn of(used: impl Iterator<Item = u8> + Clone) -> Self {
        let [.., any] = Self::KINDS;
        Self::KINDS.into_iter().find(|kind| used.clone().all(|byte| kind.has(byte))).unwrap_or(any)
    }

    fn has(&self, byte: u8) -> bool {
        (self.kind)(byte)
    }
}

/// A message that goes on until it is refused.
fn endless<F: Decode>(framing: &F, start: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = start.to_vec();
    while bytes.len() <= LONGEST_MESSAGE {
        match framing.decode(&bytes, 0, None) {
            Ok(Decoded::Incomplete(_)) => bytes.resize((bytes.len() * 2).max(64), b'm'),
            Ok(Decoded::Frame(_)) => return None,
            Err(_) => return Some(bytes),
        }
    }
    None
}
