//! The numbers of a profile.

use std::path::PathBuf;

use framelink_codec::notation::Bytes;
use framelink_session::NumberRange;

use super::{Profile, ProfileError, Side, bounds};

/// Which numbers framelink chooses for a peer: for keys, templates and heartbeats.
///
/// A client, a link and a pool count over all their connections, and go on after a reconnect. With a file, they also go
/// on after a restart.
///
/// ```
/// use framelink_profile::{Duplex, Framing, Numbering, Profile};
/// use framelink_session::Encoding;
///
/// let duplex = Duplex::new().key("4:6".parse()?).assigned(Encoding::Ascii);
/// let builder = Profile::builder("ascii:4".parse::<Framing>()?).exchange(duplex);
/// assert_eq!(builder.build()?.number_range().to_string(), "1..999999");
///
/// let upper_half = Numbering { range: Some("500000..999999".parse()?), file: Some("stan.numbers".into()) };
/// assert_eq!(builder.numbers(upper_half).build()?.number_range().first(), 500_000);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Numbering {
    /// The first and the last number. `None`: from 1 to the largest number that fits wherever the profile writes one.
    pub range: Option<NumberRange>,
    /// The file that keeps what is used up, relative to the working directory of the program. It is locked: only one
    /// program uses it at a time. `None`: a program counts from the first number.
    pub file: Option<PathBuf>,
}

impl Numbering {
    /// The most bytes of the name of the file: 4096.
    pub const MOST_NAME: usize = 4096;
}

/// A part of a profile that writes numbers.
pub(super) struct NumberUse {
    /// The key of the profile.
    pub(super) key: &'static str,
    /// How many bytes a number has.
    pub(super) len: usize,
    /// The largest number that fits.
    pub(super) most: u64,
    /// How many numbers are in use at a time.
    pub(super) at_a_time: u64,
}

impl Profile {
    /// Returns the first and the last number that framelink chooses.
    #[must_use]
    pub fn number_range(&self) -> NumberRange {
        let said = self.numbers.as_ref().and_then(|numbers| numbers.range);
        let least = || self.number_uses().into_iter().map(|number| number.most).min();
        said.unwrap_or_else(|| NumberRange::from_1_to(least().unwrap_or(u64::MAX)))
    }

    /// Returns whether framelink chooses numbers for any part of the profile.
    #[must_use]
    pub fn uses_numbers(&self) -> bool {
        !self.number_uses().is_empty()
    }

    /// Returns the parts of the profile that write numbers.
    pub(super) fn number_uses(&self) -> Vec<NumberUse> {
        let mut uses = Vec::new();
        if let Some(duplex) = self.exchange.duplex()
            && let (Some(places), Some(encoding)) = (duplex.key, duplex.assigned)
            && let Some(place) = places.iter().next()
        {
            let most = encoding.most(place.len());
            let at_a_time = duplex.in_flight.into();
            uses.push(NumberUse { key: "exchange.assign", len: place.len(), most, at_a_time });
        }
        for (key, template) in [Side::Client, Side::Server].into_iter().flat_map(|side| self.templates(side)) {
            let own = template.numbers().filter(|number| number.source.is_none());
            uses.extend(own.map(|number| {
                let most = number.encoding.most(number.len);
                NumberUse { key, len: number.len, most, at_a_time: 0 }
            }));
        }
        uses
    }
}

/// All numbers of the range must fit, and last for all that are used at a time.
pub(super) fn check(profile: &Profile) -> Result<(), ProfileError> {
    check_file(profile)?;
    let range = profile.number_range();
    let is_said = profile.numbers().is_some_and(|numbers| numbers.range.is_some());
    for NumberUse { key, len, most, at_a_time } in profile.number_uses() {
        if range.last() > most {
            let hold = if len == 1 { "holds" } else { "hold" };
            let reason =
                format!("the numbers go up to {}, and {} {hold} at most {most} there", range.last(), Bytes(len));
            return Err(ProfileError::combination("numbers.range", key, reason));
        }
        if range.count() <= at_a_time {
            let (with, what) = match is_said {
                true => ("numbers.range", "numbers".to_owned()),
                false => ("exchange.key", format!("keys of {}", Bytes(len))),
            };
            let reason = format!("there are only {} {what}, for up to {at_a_time} requests", range.count());
            return Err(ProfileError::combination("exchange.in-flight", with, reason));
        }
    }
    Ok(())
}

fn check_file(profile: &Profile) -> Result<(), ProfileError> {
    let Some(file) = profile.numbers().and_then(|numbers| numbers.file.as_deref()) else { return Ok(()) };
    bounds::check_file("numbers.file", file, "stan.numbers")
}
