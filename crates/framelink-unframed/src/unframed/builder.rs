//! The builder of an `Unframed`.

use crate::error::{MEMORY_MAX, SpecError};
use crate::unframed::{Kind, Unframed};

/// Builds an [`Unframed`]. A setter replaces the value before. `build` checks all options together.
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

    /// Sets whether lines end with LF alone, both ways; a CR before it is then part of the payload. The default is no.
    #[must_use]
    pub const fn lf_alone(mut self, yes: bool) -> Self {
        self.lf_alone = yes;
        self
    }

    /// Sets the largest payload in bytes, both ways. The default is 1 MiB; 16 KiB for `each-read`; N for `fixed:N`.
    #[must_use]
    pub const fn max(mut self, bytes: usize) -> Self {
        self.max = Some(bytes);
        self
    }

    /// Whether the kind is `line`, the only kind with the option `lf`.
    pub(crate) const fn is_line(&self) -> bool {
        matches!(self.kind, Ok(Kind::Line { .. }))
    }

    /// Builds the framing.
    ///
    /// # Errors
    /// If an option is out of bounds or does not go with the kind, or if no frame can exist.
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

/// The largest `max` of `each-read`: 1 MiB. Every read gets a buffer of `max` bytes.
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
