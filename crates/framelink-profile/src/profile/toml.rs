//! Profiles as TOML, with the place of an error.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use ::toml::de::DeTable;

use super::document::Document;
use super::{Profile, ProfileBuilder, ProfileError};

impl Profile {
    /// Reads a profile from TOML.
    ///
    /// ```
    /// use framelink_profile::Profile;
    ///
    /// let profile = Profile::from_toml("template = 'short-sync'\nframing = 'ascii:4'\ntimeouts.reply = '8s'")?;
    /// assert_eq!(profile.connection().name(), "short");
    ///
    /// let error = Profile::from_toml("framing = 'ascii:40'").unwrap_err();
    /// assert_eq!(error.to_string(), "line 1, column 18: framing: expected 1 to 18 digits, found `40`");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns an error with line and column for invalid TOML, an unknown key, or settings that are not valid.
    pub fn from_toml(text: &str) -> Result<Self, TomlError> {
        ProfileBuilder::from_toml(text)?.build().map_err(|error| TomlError::locate(text, error))
    }

    /// Returns the shortest TOML of the profile. Defaults are left out, and a template is written as its settings.
    ///
    /// ```
    /// use framelink_profile::Profile;
    ///
    /// let profile = Profile::from_toml("template = 'short-sync'\nframing = 'ascii:4'\ntimeouts.reply = '5000ms'")?;
    /// assert_eq!(profile.to_toml(), "framing = \"ascii:4\"\nconnection = \"short\"\n");
    /// # Ok::<(), framelink_profile::TomlError>(())
    /// ```
    #[must_use]
    pub fn to_toml(&self) -> String {
        // Only strings, integers and booleans in tables with fixed keys, which TOML can express.
        ::toml::to_string(&Document::from(self)).unwrap_or_default()
    }
}

impl ProfileBuilder {
    /// Reads a builder from TOML, so that its settings can be changed before they are checked.
    ///
    /// # Errors
    /// Returns an error with line and column for invalid TOML, an unknown key, or a value that cannot be parsed.
    pub fn from_toml(text: &str) -> Result<Self, TomlError> {
        let document: Document = ::toml::from_str(text).map_err(|error| TomlError::syntax(text, &error))?;
        document.into_builder().map_err(|error| TomlError::locate(text, error))
    }
}

/// An error in a profile in TOML, and its place.
///
/// ```
/// use framelink_profile::Profile;
///
/// let error = Profile::from_toml("framing = \"line\"\nexchange = \"both\"").unwrap_err();
/// assert_eq!((error.line(), error.column(), error.len()), (2, 13, 4));
/// assert_eq!(error.message(), "exchange: expected one of sync, send-only, receive-only, duplex, simplex, found `both`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TomlError {
    line: usize,
    column: usize,
    len: usize,
    message: Box<str>,
    cause: Option<Box<ProfileError>>,
}

impl TomlError {
    /// Returns the line, counted from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }

    /// Returns the column in characters, counted from 1.
    #[must_use]
    pub const fn column(&self) -> usize {
        self.column
    }

    /// Returns how many characters of the line the error is about. 0 if something is missing.
    #[expect(clippy::len_without_is_empty, reason = "a stretch of text, not a collection")]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns what was found and expected, without line and column.
    #[must_use]
    pub const fn message(&self) -> &str {
        &self.message
    }

    /// Returns the error of the profile, if the TOML is valid.
    #[must_use]
    pub fn profile_error(&self) -> Option<&ProfileError> {
        self.cause.as_deref()
    }

    /// Finds the text that an error is about: the value of its key, or of the other key if the first has a default.
    fn locate(text: &str, error: ProfileError) -> Self {
        let keys = [Some(error.key()), error.other_key(), Some("template")];
        let span = DeTable::parse(text)
            .ok()
            .and_then(|document| keys.into_iter().flatten().find_map(|key| span_of(document.get_ref(), key)));
        let (span, message) = match &error {
            // The column within the value becomes a column of the line, and is not repeated.
            ProfileError::Unreadable { key, error } => (
                span.map(|span| within(text, span, error.column(), error.len())),
                format!("{key}: {}", error.message()),
            ),
            ProfileError::Missing { .. } => (span.map(|span| span.start..span.start), error.to_string()),
            _ => (span, error.to_string()),
        };
        Self { cause: Some(Box::new(error)), ..Self::at(text, span.unwrap_or(0..0), message) }
    }

    fn syntax(text: &str, error: &::toml::de::Error) -> Self {
        let span = error.span().unwrap_or(0..0);
        let message = error.message().trim_end().replace('\n', "; ");
        let is_secret = DeTable::parse(text).is_ok_and(|document| is_secret(document.get_ref(), &span));
        Self::at(text, span, if is_secret { without_value(&message) } else { message })
    }

    /// Counts lines and characters up to a byte position.
    fn at(text: &str, span: Range<usize>, message: String) -> Self {
        let before = text.get(..span.start).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let about = text.get(span).unwrap_or_default().lines().next().unwrap_or_default();
        Self {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
            len: about.chars().count(),
            message: message.into_boxed_str(),
            cause: None,
        }
    }
}

impl fmt::Display for TomlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.message)
    }
}

/// The source is the source of the [`ProfileError`](Self::profile_error), whose text is part of this error's text.
impl Error for TomlError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.profile_error()?.source()
    }
}

/// Tables with values that may be passwords. A password in a template belongs into an environment variable.
const SECRETS: [&str; 3] = ["preamble", "sign-on", "sign-off"];

/// Returns whether this place is in a value that may be a password.
fn is_secret(table: &DeTable<'_>, place: &Range<usize>) -> bool {
    fn holds(table: &DeTable<'_>, place: &Range<usize>) -> bool {
        table.iter().any(|(_, value)| holds_in(value, place))
    }
    fn holds_in(value: &::toml::Spanned<::toml::de::DeValue<'_>>, place: &Range<usize>) -> bool {
        let is_within = value.span().start <= place.start && place.start < value.span().end;
        is_within || value.get_ref().as_table().is_some_and(|inner| holds(inner, place))
    }
    let secrets = table.iter().filter(|(name, _)| SECRETS.contains(&&**name.get_ref()));
    secrets.into_iter().any(|(_, value)| holds_in(value, place))
}

/// Removes the found value from a message. Its type stays.
fn without_value(message: &str) -> String {
    let is_of_value = message.starts_with("invalid type: ") || message.starts_with("invalid value: ");
    let parts = message.rsplit_once(", expected ").filter(|_| is_of_value);
    let Some((found, expected)) = parts else { return message.to_owned() };
    let found = found.find(['"', '`']).and_then(|quote| found.get(..quote)).unwrap_or(found);
    format!("{}, expected {expected}", found.trim_end())
}

/// Returns the place of a key's value, or of the table around it. If the value is a table, the place of its name.
fn span_of(table: &DeTable<'_>, path: &str) -> Option<Range<usize>> {
    let (first, rest) = path.split_once('.').map_or((path, None), |(first, rest)| (first, Some(rest)));
    let (name, value) = table.iter().find(|(name, _)| name.get_ref() == first)?;
    if let (Some(items), Some(rest)) = (value.get_ref().as_array(), rest) {
        let (number, rest) = rest.split_once('.').map_or((rest, None), |(number, rest)| (number, Some(rest)));
        let item = items.get(number.parse::<usize>().ok()?.checked_sub(1)?)?;
        let inner = rest.and_then(|rest| span_of(item.get_ref().as_table()?, rest));
        return inner.or_else(|| Some(item.span()));
    }
    match (value.get_ref().as_table(), rest) {
        (Some(inner), Some(rest)) => span_of(inner, rest).or_else(|| Some(name.span())),
        (Some(_), None) => Some(name.span()),
        (None, _) => Some(value.span()),
    }
}

/// Returns the place of a part of a string. `column` and `len` count characters of its value.
fn within(text: &str, span: Range<usize>, column: usize, len: usize) -> Range<usize> {
    let Some(places) = text.get(span.clone()).and_then(places_in) else { return span };
    let place = |at: usize| span.start + places.get(at).or(places.last()).copied().unwrap_or_default();
    let first = column.saturating_sub(1);
    place(first)..place(first + len)
}

/// Returns where each character of the value of a TOML string stands in its quoted text, and where the value ends.
fn places_in(quoted: &str) -> Option<Vec<usize>> {
    let (quote, inner) = ["\"\"\"", "'''", "\"", "'"]
        .iter()
        .find_map(|quote| Some((quote, quoted.strip_prefix(quote)?.strip_suffix(quote)?)))?;
    let (end, mut rest) = (quote.len() + inner.len(), inner);
    if quote.len() > 1 {
        // A line break right after the quotes is not part of the value.
        rest = rest.strip_prefix("\r\n").or(rest.strip_prefix('\n')).unwrap_or(rest);
    }
    let mut places = Vec::new();
    while let Some(first) = rest.chars().next() {
        let escaped = rest.strip_prefix('\\').filter(|_| quote.starts_with('"'));
        let len = match escaped.map(|escaped| (escaped, escaped.chars().next())) {
            // A backslash at the end of a line: blanks and line breaks after it are not part of the value.
            Some((escaped, Some(blank))) if blank.is_whitespace() => {
                rest = escaped.trim_start();
                continue;
            }
            Some((_, Some('x'))) => 4,
            Some((_, Some('u'))) => 6,
            Some((_, Some('U'))) => 10,
            Some(_) => 2,
            None => first.len_utf8(),
        };
        places.push(end - rest.len());
        rest = rest.get(len..).unwrap_or_default();
    }
    places.push(end);
    Some(places)
}
