//! Prints values as the notation writes them.

use core::fmt;
use core::time::Duration;

/// Prints bytes as pairs of lower-case hex digits.
///
/// ```
/// assert_eq!(framelink_codec::notation::Hex(&[0x1c, 0x0d]).to_string(), "1c0d");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Prints a number of bytes in the largest exact unit.
///
/// ```
/// use framelink_codec::notation::ShowSize;
///
/// assert_eq!(ShowSize(2048).to_string(), "2KiB");
/// assert_eq!(ShowSize(2049).to_string(), "2049");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ShowSize(pub usize);

impl fmt::Display for ShowSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const KIB: usize = 1024;
        const MIB: usize = 1024 * 1024;
        match self.0 {
            0 => f.write_str("0"),
            size if size % MIB == 0 => write!(f, "{}MiB", size / MIB),
            size if size % KIB == 0 => write!(f, "{}KiB", size / KIB),
            size => write!(f, "{size}"),
        }
    }
}

/// Prints a time in the largest exact unit, as [`Token::duration`](super::Token::duration) parses it, without fractions
/// of a millisecond.
///
/// ```
/// use core::time::Duration;
/// use framelink_codec::notation::ShowDuration;
///
/// assert_eq!(ShowDuration(Duration::from_secs(90)).to_string(), "90s");
/// assert_eq!(ShowDuration(Duration::from_secs(120)).to_string(), "2m");
/// assert_eq!(ShowDuration(Duration::from_secs(36 * 3600)).to_string(), "36h");
/// assert_eq!(ShowDuration(Duration::from_secs(48 * 3600)).to_string(), "2d");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ShowDuration(pub Duration);

impl fmt::Display for ShowDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u128, &str); 4] = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "m"), (1000, "s")];
        let millis = self.0.as_millis();
        match UNITS.iter().find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit)) {
            Some((unit, name)) => write!(f, "{}{name}", millis / unit),
            None => write!(f, "{millis}ms"),
        }
    }
}

/// Prints a number of bytes with its unit.
///
/// ```
/// use framelink_codec::notation::Bytes;
///
/// assert_eq!((Bytes(1).to_string(), Bytes(2).to_string()), ("1 byte".into(), "2 bytes".into()));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Bytes(pub usize);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, if self.0 == 1 { "byte" } else { "bytes" })
    }
}
