//! One source of numbers for many connections.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use core::error::Error;
use core::fmt;
use core::ops::RangeInclusive;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::{NumberRange, NumberSource, NumbersError};

/// One source of numbers, shared by its clones: the connections of a `Client`, a `Link` or a `Pool`.
///
/// It counts from the first number of its range to the last, then from the first again, over connections and reconnects.
///
/// ```
/// use framelink_template::Numbers;
///
/// let numbers = Numbers::new(1..=3).expect("not empty");
/// let of_another_connection = numbers.clone();
/// assert_eq!((numbers.next()?, of_another_connection.next()?, numbers.next()?), (1, 2, 3));
/// assert_eq!(numbers.next()?, 1, "from the last to the first");
/// assert_eq!(numbers.next_free(|number| number == 2)?, 3);
/// # Ok::<(), framelink_template::NumbersError>(())
/// ```
#[derive(Clone)]
pub struct Numbers(Arc<Shared>);

/// Takes blocks of numbers from elsewhere, such as a file, so that a restart repeats none.
///
/// ```
/// use std::ops::RangeInclusive;
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use framelink_template::{NumberRange, Numbers, Reserve};
///
/// /// Numbers of a counter that outlives the program.
/// struct Kept(AtomicU64);
///
/// impl Reserve for Kept {
///     fn reserve(&self, _after: Option<u64>, count: u64) -> Result<RangeInclusive<u64>, Box<dyn std::error::Error>> {
///         let first = self.0.fetch_add(count, Ordering::Relaxed);
///         Ok(first..=first + count - 1)
///     }
/// }
///
/// let range = NumberRange::new(1, 999_999).expect("not empty");
/// let numbers = Numbers::reserved(range, 10, Kept(AtomicU64::new(4711)));
/// assert_eq!((numbers.next()?, numbers.next()?), (4711, 4712));
/// # Ok::<(), framelink_template::NumbersError>(())
/// ```
pub trait Reserve: Send + Sync {
    /// Reserves up to `count` numbers, 1 or more, and returns the first and the last. `after` is the last number of the block before,
    /// `None` at the first call. A block does not run past the last number of the range; the next begins at its first number.
    ///
    /// # Errors
    /// If no numbers can be reserved. The error says why.
    fn reserve(&self, after: Option<u64>, count: u64) -> Result<RangeInclusive<u64>, Box<dyn Error>>;

    /// Takes back the numbers of the last block that were not given out, when the source is dropped with its last clone. By
    /// default they are left out.
    fn give_back(&self, unused: Option<RangeInclusive<u64>>) {
        let _ = unused;
    }
}

struct Shared {
    range: NumberRange,
    block: Mutex<Block>,
    /// The numbers to reserve at a time, and from where.
    reserve: Option<(u64, Box<dyn Reserve>)>,
}

/// Numbers that may be given out.
#[derive(Clone, Copy)]
struct Block {
    /// The number that was given out last; `None` at the start.
    before: Option<u64>,
    /// The last of the block; `None` if a block has to be reserved first.
    last: Option<u64>,
}

impl Numbers {
    /// Creates a source that counts over this range. Returns `None` if the range is empty.
    #[must_use]
    pub fn new(range: RangeInclusive<u64>) -> Option<Self> {
        NumberRange::new(*range.start(), *range.end()).map(Self::over)
    }

    /// Creates a source that counts over this range.
    #[must_use]
    pub fn over(range: NumberRange) -> Self {
        Self::with(range, None)
    }

    /// Creates a source that reserves `count` numbers at a time, at least 1.
    pub fn reserved(range: NumberRange, count: u64, reserve: impl Reserve + 'static) -> Self {
        Self::with(range, Some((count.max(1), Box::new(reserve))))
    }

    fn with(range: NumberRange, reserve: Option<(u64, Box<dyn Reserve>)>) -> Self {
        let block = Mutex::new(Block { before: None, last: None });
        Self(Arc::new(Shared { range, block, reserve }))
    }

    /// Returns the next number.
    ///
    /// # Errors
    /// If numbers cannot be reserved. A source without a [`Reserve`] has no errors.
    pub fn next(&self) -> Result<u64, NumbersError> {
        let shared = &*self.0;
        let mut block = shared.block();
        let next = match (block.before, block.last, &shared.reserve) {
            (Some(before), Some(last), _) if before != last => before + 1,
            (before, _, Some((count, reserve))) => {
                let (first, last) = shared.reserve_block(&**reserve, before, *count)?;
                block.last = Some(last);
                first
            }
            (_, _, None) => {
                block.last = Some(shared.range.last());
                shared.range.first()
            }
        };
        block.before = Some(next);
        Ok(next)
    }

    /// Returns the next number that is not in use. Asks `is_used` at most once for each number of the range.
    ///
    /// # Errors
    /// If all numbers are in use, or as for [`next`](Self::next).
    pub fn next_free(&self, mut is_used: impl FnMut(u64) -> bool) -> Result<u64, NumbersError> {
        for _ in 0..self.range().count() {
            let number = self.next()?;
            if !is_used(number) {
                return Ok(number);
            }
        }
        Err(NumbersError::AllUsed(self.range()))
    }

    /// Returns the range.
    #[must_use]
    pub fn range(&self) -> NumberRange {
        self.0.range
    }

    /// Returns whether both are the same source.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        let Block { before, last } = *self.block();
        if let Some((_, reserve)) = &self.reserve {
            let unused = before.zip(last).filter(|(before, last)| before < last);
            reserve.give_back(unused.map(|(before, last)| before + 1..=last));
        }
    }
}

impl Shared {
    fn block(&self) -> MutexGuard<'_, Block> {
        // A panic of `reserve` leaves the block as it was.
        self.block.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reserve_block(&self, reserve: &dyn Reserve, after: Option<u64>, count: u64) -> Result<(u64, u64), NumbersError> {
        let block = reserve
            .reserve(after, count)
            .map_err(|error| NumbersError::NotReserved(format!("{error}").into_boxed_str()))?;
        let (first, last) = block.into_inner();
        let is_inside = first <= last && self.range.contains(first) && self.range.contains(last);
        is_inside.then_some((first, last)).ok_or(NumbersError::Outside { first, last, range: self.range })
    }
}

impl NumberSource for Numbers {
    fn next_of(&self, name: Option<&str>) -> Result<u64, NumbersError> {
        match name {
            None => self.next(),
            Some(name) => Err(NumbersError::Unknown(name.into())),
        }
    }
}

impl fmt::Debug for Numbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Numbers")
            .field("range", &format_args!("{}", self.0.range))
            .field("is_reserved", &self.0.reserve.is_some())
            .finish_non_exhaustive()
    }
}
