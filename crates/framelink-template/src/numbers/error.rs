//! Why a source has no number.

use alloc::boxed::Box;
use core::error::Error;
use core::fmt;

use super::NumberRange;

/// Why a source has no number.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NumbersError {
    /// All numbers of the range are in use.
    AllUsed(NumberRange),
    /// Numbers could not be reserved: the text says why.
    NotReserved(Box<str>),
    /// A block of reserved numbers is empty or outside the range.
    Outside {
        /// The first number of the block.
        first: u64,
        /// Its last number.
        last: u64,
        /// The range of the source.
        range: NumberRange,
    },
    /// No source has this name.
    Unknown(Box<str>),
}

impl fmt::Display for NumbersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AllUsed(range) => write!(f, "all numbers of {range} are in use"),
            Self::NotReserved(why) => write!(f, "no numbers could be reserved: {why}"),
            Self::Outside { first, last, range } => {
                write!(f, "the numbers {first} to {last} were reserved, expected numbers of {range}")
            }
            Self::Unknown(name) => write!(f, "there is no source of numbers with the name `{name}`"),
        }
    }
}

impl Error for NumbersError {}
