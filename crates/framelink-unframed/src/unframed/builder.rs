//! From options to a framing that is valid.

use crate::error::{MEMORY_MAX, SpecError};
use crate::unframed::{Kind, Unframed};

/// Collects the options of an [`Unframed`]. Each setter replaces what it was given before; `build` checks the whole.
///
/// ```
/// use framelink_unframed::Unframed;
///
/// // 0x02 | 'h' 'e' 'l' 'l' 'o' | 0x03
/// let built = Unframed::between(b"\x02", b"\x03").max(2048).build()?;
/// assert_eq!(built, "between:02..03,max=2KiB".parse()?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct UnframedBuilder {
    kind: Result<Kind, SpecError>,
    lf_alone: bool,
    max: Option<usize>,
}

impl UnframedBuilder {
    pub(crate) const fn new(kind: Result<Kind, SpecError>) -> Self {
        Self { kind, lf_alone: false, max: None }
    }

    /// Ends lines with LF alone, both ways: a CR before it is part of the payload. Defaults to no.
    #[must_use]
    pub const fn lf_alone(mut self, yes: bool) -> Self {
        self.lf_alone = yes;
        self
    }

    /// The largest payload in bytes, both ways. Defaults to 1 MiB, for `each-read` to 16 KiB; `fixed` has its own.
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {
        self.max = Some(bytes);
        self
    }

    /// Whether its messages are lines, the only ones that may end with LF alone.
    pub(crate) const fn is_line(&self) -> bool {
        matches!(self.kind, Ok(Kind::Line { .. }))
    }

    /// Checks the whole and makes the framing.
    ///
    /// # Errors
    /// When an option is out of its bounds or does not go with the kind, or when no frame can exist.
    pub fn build(&self) -> Result<Unframed, SpecError> {
        let kind = match self.kind? {
            Kind::Line { .. } => Kind::Line { lf: self.lf_alone },
            kind if self.lf_alone => {
                return Err(SpecError::NotTaken { option: "lf", kind: kind.name(), by: "line" });
            }
            kind => kind,
        };
        let max = self.max.unwrap_or(kind.default_max());
        check_max(&kind, max)?;
        Ok(Unframed { kind, max_payload: max })
    }
}

/// Each read is offered its whole `max`, whatever then comes, so it has to be a size that a read may well have: 1 MiB.
const READ_MAX: usize = 1024 * 1024;

fn check_max(kind: &Kind, max: usize) -> Result<(), SpecError> {
    let least = kind.least_payload();
    if max < least {
        return Err(SpecError::MaxBelow { max, least });
    }
    match *kind {
        Kind::Fixed(every) if max > every => Err(SpecError::MaxBeyond { max, every }),
        Kind::EachRead if max > READ_MAX => Err(SpecError::MaxBeyondRead { max, most: READ_MAX }),
        _ if max > MEMORY_MAX => Err(SpecError::MaxBeyondMemory { max, most: MEMORY_MAX }),
        _ => Ok(()),
    }
}
