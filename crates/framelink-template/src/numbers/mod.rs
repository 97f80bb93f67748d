//! Sources of numbers: trace numbers, sequence numbers.

mod error;
mod range;
#[cfg(feature = "std")]
mod shared;
mod source;

pub use error::NumbersError;
pub use range::NumberRange;
#[cfg(feature = "std")]
pub use shared::{Numbers, Reserve};
pub use source::NumberSource;
