//! Long connections that are lent out.

use std::time::Duration;

/// Long connections to one peer that are lent out, each for one exchange at a time.
///
/// ```
/// use std::time::Duration;
/// use framelink_profile::{ConnectionKind, Pooled};
///
/// let mut pooled = Pooled::new(4);
/// pooled.wait = Some(Duration::from_secs(1));
/// assert_eq!((pooled.min, pooled.max, pooled.max_idle), (1, 4, 4));
/// assert_eq!(ConnectionKind::from(pooled).name(), "pooled");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Pooled {
    /// So many are opened in advance, and opened again where one is lost.
    pub min: u32,
    /// There are never more, lent or not.
    pub max: u32,
    /// So many may wait to be lent; one that comes back beyond that is closed.
    pub max_idle: u32,
    /// How long a borrower waits for one when all are lent, or being opened; `None`: not at all.
    pub wait: Option<Duration>,
    /// One that nobody borrowed for so long is closed, where there are more than `min`.
    pub idle: Duration,
    /// One that is so old is closed when it is not lent. Each lives up to a tenth shorter, so that they do not end together.
    pub lifetime: Duration,
    /// One that was lent so often is closed when it comes back. `None`: as often as one likes.
    pub uses: Option<u32>,
    /// Each is closed when it comes back, and another one opened: for peers that close after each exchange.
    pub replace: bool,
}

impl Pooled {
    /// 1 is opened in advance, where nothing is said.
    pub const MIN: u32 = 1;
    /// 8, where nothing is said.
    pub const MAX: u32 = 8;
    /// No more can be asked for: 1024.
    pub const MOST: u32 = 1024;
    /// 5 s: as long as a call, which covers it.
    pub const WAIT: Duration = Duration::from_secs(5);
    /// 10 min: less than what most firewalls forget a connection after.
    pub const IDLE: Duration = Duration::from_secs(10 * 60);
    /// 1 h: a changed address of a name, or a peer that was added behind it, is met by then.
    pub const LIFETIME: Duration = Duration::from_secs(60 * 60);

    /// Up to so many connections; the rest as it is where nothing is said.
    #[must_use]
    pub const fn new(max: u32) -> Self {
        Self {
            min: if max < Self::MIN { max } else { Self::MIN },
            max,
            max_idle: max,
            wait: Some(Self::WAIT),
            idle: Self::IDLE,
            lifetime: Self::LIFETIME,
            uses: None,
            replace: false,
        }
    }
}

impl Default for Pooled {
    fn default() -> Self {
        Self::new(Self::MAX)
    }
}
