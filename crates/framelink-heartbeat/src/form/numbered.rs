//! The heartbeat of framelink: a number, a timestamp and data.

use alloc::vec::Vec;
use core::time::Duration;

use nom::bytes::complete::tag;
use nom::combinator::rest;
use nom::number::complete::{be_u8, be_u32, be_u64};
use nom::{IResult, Parser};

use crate::form::Seen;

/// A heartbeat with a number, a timestamp and data, for two programs that both use it.
///
/// ```text
///   0            4      5            9              17
///   | 46 4c 48 42 | kind | number     | timestamp    | data …       |
///   | "FLHB"      | 01 probe, 02 answer | u32, network order
///                                     | u64, network order: microseconds of the prober's clock
///                                                    | 0 to 256 bytes
/// ```
///
/// An answer repeats the number, the timestamp and the data of its probe. From the answer the prober learns which probe
/// it answers and how long that took.
///
/// ```
/// use core::time::Duration;
/// use framelink_heartbeat::Numbered;
///
/// let probe = Numbered::probe(7, Duration::from_millis(1500), b"node 3");
/// let bytes = probe.to_vec();
/// assert_eq!(bytes[..9], *b"FLHB\x01\x00\x00\x00\x07");
/// let answer = Numbered::parse(&bytes).unwrap().answer().to_vec();
/// let answer = Numbered::parse(&answer).unwrap();
/// assert!(!answer.is_probe);
/// assert_eq!((answer.number, answer.micros, answer.data), (7, 1_500_000, &b"node 3"[..]));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbered<'d> {
    /// Whether it is a probe; otherwise it is an answer.
    pub is_probe: bool,
    /// The number of the probe.
    pub number: u32,
    /// Microseconds of the prober's clock.
    pub micros: u64,
    /// Data of the prober's application.
    pub data: &'d [u8],
}

impl<'d> Numbered<'d> {
    /// The first four bytes.
    pub const MAGIC: [u8; 4] = *b"FLHB";
    /// The length without data: 17 bytes.
    pub const HEAD: usize = 17;
    /// The most data: 256 bytes.
    pub const MOST_DATA: usize = 256;
    const PROBE: u8 = 1;
    const ANSWER: u8 = 2;

    /// Creates a probe. It takes the lowest 32 bits of the number and the first 256 bytes of the data.
    #[must_use]
    pub fn probe(number: u64, now: Duration, data: &'d [u8]) -> Self {
        let number = low_bits(number);
        let micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        Self { is_probe: true, number, micros, data: data.get(..Self::MOST_DATA).unwrap_or(data) }
    }

    /// Returns the answer to this probe.
    #[must_use]
    pub const fn answer(self) -> Self {
        Self { is_probe: false, ..self }
    }

    /// Parses a message; `None` if it is not such a heartbeat.
    #[must_use]
    pub fn parse(message: &'d [u8]) -> Option<Self> {
        let (_, numbered) = parse(message).ok()?;
        (numbered.data.len() <= Self::MOST_DATA).then_some(numbered)
    }

    /// Returns the bytes of the message.
    #[must_use]
    pub fn to_vec(self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(Self::HEAD + self.data.len());
        bytes.extend_from_slice(&Self::MAGIC);
        bytes.push(if self.is_probe { Self::PROBE } else { Self::ANSWER });
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&self.micros.to_be_bytes());
        bytes.extend_from_slice(self.data);
        bytes
    }

    pub(crate) const fn seen(&self) -> Seen {
        match self.is_probe {
            true => Seen::Probe,
            false => Seen::Answer { number: Some(self.number as u64) },
        }
    }
}

fn parse(message: &[u8]) -> IResult<&[u8], Numbered<'_>> {
    let (message, _) = tag(&Numbered::MAGIC[..]).parse(message)?;
    let (message, is_probe) = nom::combinator::map_opt(be_u8, |kind| match kind {
        Numbered::PROBE => Some(true),
        Numbered::ANSWER => Some(false),
        _ => None,
    })
    .parse(message)?;
    let (message, (number, micros, data)) = (be_u32, be_u64, rest).parse(message)?;
    Ok((message, Numbered { is_probe, number, micros, data }))
}

/// The part of a number that a heartbeat carries.
pub(crate) fn low_bits(number: u64) -> u32 {
    u32::try_from(number & u64::from(u32::MAX)).unwrap_or(u32::MAX)
}
