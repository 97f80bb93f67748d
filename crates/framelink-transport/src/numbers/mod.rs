//! The numbers that a role writes into its messages: one source for all its connections.

mod file;
mod lock_file;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use self::file::{Blocks, NumberFile};
use crate::profile::{Profile, ProfileError};
use crate::session::Numbers;

/// The source of numbers of a connector or a listener, and of the role that uses it.
#[derive(Clone, Debug)]
pub(crate) struct RoleNumbers {
    numbers: Numbers,
    /// Opened when the role is made, or when the first number is needed.
    file: Option<Arc<NumberFile>>,
}

impl RoleNumbers {
    /// Returns `None` if nothing in the profile has numbers. With `[numbers]`, the program may write them itself.
    pub(crate) fn of(profile: &Profile) -> Option<Self> {
        if !profile.uses_numbers() && profile.numbers().is_none() {
            return None;
        }
        let range = profile.number_range();
        let Some(name) = profile.numbers().and_then(|numbers| numbers.file.as_deref()) else {
            return Some(Self { numbers: Numbers::over(range), file: None });
        };
        let file = Arc::new(NumberFile::new(name.to_owned(), range));
        let numbers = Numbers::reserved(range, NumberFile::block_len(range), Blocks(Arc::clone(&file)));
        Some(Self { numbers, file: Some(file) })
    }

    /// Returns the source of the profile's numbers, and opens its file, if there are any.
    #[cfg(any(feature = "blocking", feature = "tokio"))]
    pub(crate) fn opened(profile: &Profile) -> Result<Option<Self>, ProfileError> {
        let numbers = Self::of(profile);
        numbers.as_ref().map_or(Ok(()), Self::open)?;
        Ok(numbers)
    }

    pub(crate) const fn numbers(&self) -> &Numbers {
        &self.numbers
    }

    /// Opens the file, if there is one, before anything is dialled.
    pub(crate) fn open(&self) -> Result<(), ProfileError> {
        let Some(file) = &self.file else { return Ok(()) };
        file.prepare().map_err(|error| ProfileError::OutOfBounds {
            key: "numbers.file",
            found: format!("`{}`", file.shown()),
            allowed: format!("a file that this program can lock, read and write: {error}"),
        })
    }
}
