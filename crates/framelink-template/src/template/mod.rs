//! Messages that a program composes.

mod compose;
mod error;
mod example;
mod inputs;
mod parse;
mod part;
mod show;
mod time;

pub use error::ComposeError;
pub use inputs::Inputs;
pub use part::NumberField;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use self::error::Why;
use self::part::{Form, Part, Piece, Written};
use crate::Place;

/// A message that a program composes, as a text or as a function.
///
/// ```text
/// template  text:PARTS   literal characters are their UTF-8 bytes
///           hex:PARTS    literals are pairs of hex digits; spaces between pairs have no meaning
///
/// escapes of text        \xHH  \n  \r  \t  \\  \{  \}  \'  and other punctuation characters
///
/// fields    {number:WIDTH[,ENC][,of=NAME]}    the next number, in WIDTH bytes (1 to 64)
///           {utc:FORMAT[,ENC][,offset=+HH:MM]}  the time, as by strftime:
///           {local:FORMAT[,ENC]}              %Y %y %m %d %H %M %S %j %3f %6f %s %a %b %e %%
///           {request}  {request:OFFSET:LEN}   the message that is answered; LEN bytes of it
///           {random:WIDTH[,ENC]}              random digits; in binary, random bytes
///           {env:NAME}                        the value of an environment variable
///           {length:WIDTH[,ENC],of=PART}      the length in bytes of `all`, of the `rest` behind the field, or of a part
///           {pad:N}                           zeros up to a multiple of N bytes (2 to 64), from the start of the message
///           {part:NAME} … {end}               names a part; parts nest
///
/// ENC       ascii (the default), binary, binary-le, bcd, ebcdic or hex; see [`Encoding`](crate::Encoding)
/// ```
///
/// A format with a comma or brace stands between quotes: `{utc:"%H,%M"}`. A message has at most 64 KiB, a template 1024 parts.
///
/// `Display` prints the normal form, which parses to an equal template. It and `Debug` never show the value of a variable.
///
/// ```
/// use framelink_template::Template;
///
/// // PostgreSQL: a message that begins with its length, and has no type.
/// let start: Template = r"text:{length:4,binary,of=all}\x00\x03\x00\x00user\x00{env:PGUSER}\x00\x00".parse()?;
/// assert_eq!(start.variables().collect::<Vec<_>>(), ["PGUSER"]);
///
/// let error = "0800".parse::<Template>().unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "column 1: expected text:... or hex:..., such as `text:0800` or `hex:30383030`, found `0800`"
/// );
/// let error = "text:0800{number}".parse::<Template>().unwrap_err();
/// assert_eq!(error.to_string(), "column 17: expected `:` and 1 to 64 bytes after `number`");
/// # Ok::<(), framelink_template::NotationError>(())
/// ```
#[derive(Clone)]
pub struct Template(Kind);

#[derive(Clone)]
enum Kind {
    Written(Arc<Written>),
    By(Arc<Composer>),
}

type Composer = dyn Fn(&Inputs<'_>) -> Option<Vec<u8>> + Send + Sync;

impl Template {
    /// The most bytes of a message: 64 KiB.
    pub const MOST_LEN: usize = 64 * 1024;

    /// The most parts of a template: literals and fields.
    pub const MOST_PARTS: usize = 1024;

    /// Creates a template of these bytes. It is printed as text if all bytes are visible ASCII characters, else in hex.
    ///
    /// ```
    /// use framelink_template::Template;
    ///
    /// assert_eq!(Template::literal(b"PING").to_string(), "text:PING");
    /// assert_eq!(Template::literal(b"\x00\x01").to_string(), "hex:0001");
    /// ```
    #[must_use]
    pub fn literal(message: &[u8]) -> Self {
        let is_text = message.iter().all(|byte| byte.is_ascii_graphic() || *byte == b' ');
        let form = if is_text { Form::Text } else { Form::Hex };
        let literal = Piece { part: Part::Literal(message.to_vec()), column: 1 };
        let pieces = if message.is_empty() { Vec::new() } else { alloc::vec![literal] };
        Self::written(Written { form, pieces })
    }

    /// Creates a template of a function. `None` means that there is no message, which is an error of the composer.
    ///
    /// ```
    /// use framelink_template::Template;
    ///
    /// let swapped = Template::by(|inputs| {
    ///     let mut reply = inputs.request?.to_vec();
    ///     reply.get_mut(1..5)?.rotate_left(2); // TPDU: destination and source
    ///     Some(reply)
    /// });
    /// assert_eq!(swapped.to_string(), "by a function");
    /// ```
    pub fn by(compose: impl Fn(&Inputs<'_>) -> Option<Vec<u8>> + Send + Sync + 'static) -> Self {
        Self(Kind::By(Arc::new(compose)))
    }

    fn written(written: Written) -> Self {
        Self(Kind::Written(Arc::new(written)))
    }

    /// Composes a message.
    ///
    /// # Errors
    /// If a field has no value, the message is longer than 64 KiB, or the function returned no message.
    pub fn compose(&self, inputs: &Inputs<'_>) -> Result<Vec<u8>, ComposeError> {
        let mut message = Vec::with_capacity(self.fixed_len().unwrap_or_default());
        self.append(inputs, &mut message)?;
        Ok(message)
    }

    /// Composes a header, and appends these bytes. Lengths of `all` and of the `rest` count them too.
    ///
    /// ```
    /// # #[cfg(feature = "std")] {
    /// use framelink_template::{Inputs, Numbers, Template};
    ///
    /// let header: Template = "text:{length:4,of=all}{number:2}".parse()?;
    /// let numbers = Numbers::new(1..=99).expect("not empty");
    /// assert_eq!(header.compose_before(b"body", &Inputs::system(&numbers)).unwrap(), b"001001body");
    /// # }
    /// # Ok::<(), framelink_template::NotationError>(())
    /// ```
    ///
    /// # Errors
    /// As for [`compose`](Self::compose). The 64 KiB are those of the header.
    pub fn compose_before(&self, rest: &[u8], inputs: &Inputs<'_>) -> Result<Vec<u8>, ComposeError> {
        let mut message = Vec::with_capacity(self.fixed_len().unwrap_or_default() + rest.len());
        match &self.0 {
            Kind::Written(written) => written.append(inputs, rest.len(), &mut message)?,
            Kind::By(_) => self.append(inputs, &mut message)?,
        }
        message.extend_from_slice(rest);
        Ok(message)
    }

    /// Composes a message behind the bytes of `out`.
    ///
    /// # Errors
    /// As for [`compose`](Self::compose). Then `out` is as before.
    pub fn append(&self, inputs: &Inputs<'_>, out: &mut Vec<u8>) -> Result<(), ComposeError> {
        match &self.0 {
            Kind::Written(written) => {
                let start = out.len();
                written.append(inputs, 0, out).inspect_err(|_| out.truncate(start))
            }
            Kind::By(compose) => {
                let fail = |why| ComposeError { column: 0, field: "".into(), why };
                let message = compose(inputs).ok_or_else(|| fail(Why::NoMessage))?;
                if message.len() > Self::MOST_LEN {
                    return Err(fail(Why::TooLong { len: message.len(), most: Self::MOST_LEN }));
                }
                out.extend_from_slice(&message);
                Ok(())
            }
        }
    }

    /// Returns the message, if it is the same each time.
    #[must_use]
    pub fn as_literal(&self) -> Option<&[u8]> {
        match self.pieces()? {
            [] => Some(&[]),
            [Piece { part: Part::Literal(bytes), .. }] => Some(bytes),
            _ => None,
        }
    }

    /// Returns whether the text has a field `request`. A function gets the request if there is one.
    #[must_use]
    pub fn needs_request(&self) -> bool {
        self.parts().any(|part| matches!(part, Part::Request(_)))
    }

    /// Returns whether two messages of a process differ in their numbers only: the text has no time, random digits or
    /// bytes of a request. A function may do anything.
    #[must_use]
    pub fn differs_in_numbers_only(&self) -> bool {
        let differs = |part: &Part| matches!(part, Part::Time(_) | Part::Random(_) | Part::Request(_));
        self.as_written().is_some() && !self.parts().any(differs)
    }

    /// Returns the names of the environment variables, in their order. A name may stand twice.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.parts().filter_map(|part| match part {
            Part::Variable(name) => Some(&**name),
            _ => None,
        })
    }

    /// Returns the numbers, in their order.
    ///
    /// ```
    /// use framelink_template::Template;
    ///
    /// let template: Template = "text:0800{number:6}{env:SITE}{number:3,bcd,of=batch}".parse()?;
    /// let numbers: Vec<_> = template.numbers().collect();
    /// assert_eq!((numbers[0].place, numbers[0].source), ("4:6".parse().ok(), None));
    /// assert_eq!((numbers[1].place, numbers[1].source), (None, Some("batch")), "behind a value of any length");
    /// assert_eq!(template.most_number(), Some(999_999));
    /// # Ok::<(), framelink_template::NotationError>(())
    /// ```
    pub fn numbers(&self) -> impl Iterator<Item = NumberField<'_>> {
        self.as_written().into_iter().flat_map(Written::offsets).filter_map(|(offset, piece)| match &piece.part {
            Part::Number { field, of } => Some(NumberField {
                place: offset.and_then(|offset| Place::new(offset, field.len)),
                len: field.len,
                encoding: field.encoding,
                source: of.as_deref(),
            }),
            _ => None,
        })
    }

    /// Returns the places of the numbers of the profile's own source, if each has a place.
    #[must_use]
    pub fn number_places(&self) -> Option<Vec<Place>> {
        self.numbers().filter(|number| number.source.is_none()).map(|number| number.place).collect()
    }

    /// Returns the largest number that all fields of the profile's own source can carry. Returns `None` without such fields.
    #[must_use]
    pub fn most_number(&self) -> Option<u64> {
        let own = self.numbers().filter(|number| number.source.is_none());
        own.map(|number| number.encoding.most(number.len)).min()
    }

    /// Returns the length of the message in bytes, if it is the same each time.
    #[must_use]
    pub fn fixed_len(&self) -> Option<usize> {
        self.as_written()?.fixed_len()
    }

    /// Returns what a message looks like, for people: a time in 2027, the number 1, and random digits as zeros. A variable is shown
    /// as `•••`, bytes of the request as their field.
    ///
    /// ```
    /// use framelink_template::Template;
    ///
    /// let template: Template = "text:0800{number:6}{utc:%m%d%H%M%S}{env:SITE}\\r".parse()?;
    /// assert_eq!(template.example(), "text:08000000010115080000•••\\r");
    /// # Ok::<(), framelink_template::NotationError>(())
    /// ```
    #[must_use]
    pub fn example(&self) -> String {
        match self.as_written() {
            Some(written) => written.example(),
            None => alloc::format!("{self}"),
        }
    }

    /// Checks that each field `request` is inside of a request with this length, the longest that a profile allows.
    ///
    /// # Errors
    /// If a field is not.
    pub fn check_places(&self, longest: usize) -> Result<(), ComposeError> {
        let is_outside = |part: &Part| matches!(part, Part::Request(Some(place)) if place.end() > longest);
        match self.pieces().into_iter().flatten().find(|piece| is_outside(&piece.part)) {
            Some(Piece { part: part @ Part::Request(Some(place)), column }) => {
                let why = Why::ShortRequest { found: longest, needed: place.end() };
                Err(ComposeError { column: *column, field: alloc::format!("{part}").into(), why })
            }
            _ => Ok(()),
        }
    }

    /// Checks that each environment variable is set. Begin with this, so that a program stops before it dials.
    ///
    /// # Errors
    /// If one is not set.
    pub fn check_variables(&self, variable: &dyn Fn(&str) -> Option<Vec<u8>>) -> Result<(), ComposeError> {
        let is_unset = |part: &Part| matches!(part, Part::Variable(name) if variable(name).is_none());
        match self.pieces().into_iter().flatten().find(|piece| is_unset(&piece.part)) {
            Some(piece) => Err(piece.fail(Why::Unset)),
            None => Ok(()),
        }
    }

    /// Checks that each named source of numbers exists: `is_known` is asked for its name.
    ///
    /// # Errors
    /// If one does not exist.
    pub fn check_sources(&self, is_known: impl Fn(&str) -> bool) -> Result<(), ComposeError> {
        let unknown = |part: &Part| match part {
            Part::Number { of: Some(name), .. } if !is_known(name) => Some(name.clone()),
            _ => None,
        };
        let found =
            self.pieces().into_iter().flatten().find_map(|piece| unknown(&piece.part).map(|name| (piece, name)));
        found.map_or(Ok(()), |(piece, name)| Err(piece.fail(Why::NoNumber(crate::NumbersError::Unknown(name)))))
    }

    fn as_written(&self) -> Option<&Written> {
        match &self.0 {
            Kind::Written(written) => Some(written),
            Kind::By(_) => None,
        }
    }

    fn pieces(&self) -> Option<&[Piece]> {
        self.as_written().map(|written| &*written.pieces)
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        self.pieces().unwrap_or_default().iter().map(|piece| &piece.part)
    }
}

/// Texts are equal if they compose the same parts. Functions are equal if they are clones of one.
impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Written(one), Kind::Written(other)) => one == other,
            (Kind::By(one), Kind::By(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Template {}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Written(written) => written.fmt(f),
            Kind::By(_) => f.write_str("by a function"),
        }
    }
}

/// Shows the notation.
impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Template({self})")
    }
}
