//! What a template draws numbers from.

use super::NumbersError;

/// A source of numbers, as a template sees it.
///
/// `Numbers` (feature `std`) is one. A program with several counters writes its own, which knows them by name.
///
/// ```
/// use core::cell::Cell;
/// use framelink_template::{NumberSource, NumbersError};
///
/// struct Two { stan: Cell<u64>, batch: u64 }
///
/// impl NumberSource for Two {
///     fn next_of(&self, name: Option<&str>) -> Result<u64, NumbersError> {
///         match name {
///             None => Ok(self.stan.replace(self.stan.get() + 1)),
///             Some("batch") => Ok(self.batch),
///             Some(other) => Err(NumbersError::Unknown(other.into())),
///         }
///     }
/// }
///
/// let source = Two { stan: Cell::new(1), batch: 7 };
/// assert_eq!((source.next_of(None), source.next_of(None), source.next_of(Some("batch"))), (Ok(1), Ok(2), Ok(7)));
/// ```
pub trait NumberSource {
    /// Returns the next number of the counter with this name; of the profile's own counter without a name.
    ///
    /// # Errors
    /// If there is no such counter, or it has no number.
    fn next_of(&self, name: Option<&str>) -> Result<u64, NumbersError>;
}
