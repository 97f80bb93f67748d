//! What a message is expected to be.

mod holds;
mod mismatch;
mod parse;
mod request;
mod show;
mod test;

pub use mismatch::Mismatch;

use alloc::format;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use framelink_codec::notation::Bytes;

use self::test::{Allowed, Choice, Form, Test};
use crate::Place;
use crate::text::Short;

/// What a message is expected to be, as a text or as a function. All tests of a text must hold.
///
/// ```text
/// match     any                              every message
///           TEST,TEST,…                      at most 64 tests
///
/// tests     OFFSET:LEN=VALUE                 the bytes at this place
///           OFFSET:LEN&HEX=VALUE             only the bits of the mask, which has LEN bytes
///           len=N  len=N..M                  the length of the whole message in bytes
///           !=  in place of  =               the opposite
///
/// VALUE     text:0810  hex:80000009          equal
///           text:0810|text:0800              one of these
///           text:0800..0899                  from the first to the last, in the order of bytes
///           odd  even                        the lowest bit of the last byte: the parity of an ASCII or BCD digit, or a number
///           request                          equal to the request, at this place
///           request:OFFSET:LEN               equal to the request at another place
///           map:0200>0210|0800>0810          the request has the left value at this place, and the message the right one
///           map:hex:02>03                    in hex
///
/// escapes of text  \xHH  \n  \r  \t  \\  \,  \|  \>  \'  and other punctuation characters; `\..` for two dots
/// ```
///
/// A value has as many bytes as its place. A message that is too short for a place does not match, and neither does a test of
/// the request without a request. A test never allocates.
///
/// ```
/// use framelink_template::Match;
///
/// // SMPP: a bind_transceiver_resp with status 0 and our sequence number.
/// let bound: Match = "4:4=hex:80000009,8:4=hex:00000000,12:4=request".parse()?;
/// let bind = [0, 0, 0, 16, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 7];
/// let resp = [0, 0, 0, 16, 0x80, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 7];
/// assert!(bound.holds(&resp, Some(&bind)));
/// assert!(!bound.holds(&bind, Some(&bind)));
///
/// let error = "0:4=text:081".parse::<Match>().unwrap_err();
/// assert_eq!(error.to_string(), "column 10: expected 4 bytes, as the place has, found 3 bytes");
/// # Ok::<(), framelink_template::NotationError>(())
/// ```
#[derive(Clone)]
pub struct Match(Kind);

#[derive(Clone)]
enum Kind {
    /// Without a test, every message matches.
    Tests(Arc<[Test]>),
    By(Arc<Judge>),
}

type Judge = dyn Fn(&[u8], Option<&[u8]>) -> bool + Send + Sync;

impl Match {
    /// The most tests of a match.
    pub const MOST_TESTS: usize = 64;

    /// The most values of one test.
    pub const MOST_VALUES: usize = 256;

    /// Creates a match for every message.
    #[must_use]
    pub fn any() -> Self {
        Self::of_tests(Vec::new())
    }

    /// Creates a match for messages with these bytes at `offset`. Returns `None` if they are no [`Place`].
    ///
    /// ```
    /// use framelink_template::Match;
    ///
    /// assert_eq!(Match::bytes_at(0, b"0800"), "0:4=text:0800".parse().ok());
    /// ```
    #[must_use]
    pub fn bytes_at(offset: usize, bytes: &[u8]) -> Option<Self> {
        let place = Place::new(offset, bytes.len())?;
        let is_text = bytes.iter().all(u8::is_ascii_graphic);
        let form = if is_text { Form::Text } else { Form::Hex };
        let allowed = Allowed::OneOf(alloc::vec![Choice::Value(form, bytes.to_vec())]);
        Some(Self::of_tests(alloc::vec![Test::At { place, mask: None, is_negated: false, allowed }]))
    }

    /// Creates a match of a function. It gets the message, and the request if there is one.
    ///
    /// ```
    /// use framelink_template::Match;
    ///
    /// let long = Match::by(|message, _request| message.len() > 100);
    /// assert!(!long.holds(b"short", None));
    /// assert_eq!(long.to_string(), "by a function");
    /// ```
    pub fn by(judge: impl Fn(&[u8], Option<&[u8]>) -> bool + Send + Sync + 'static) -> Self {
        Self(Kind::By(Arc::new(judge)))
    }

    fn of_tests(tests: Vec<Test>) -> Self {
        Self(Kind::Tests(tests.into()))
    }

    /// Returns whether the message matches. `request` is the request that the message may answer.
    #[must_use]
    pub fn holds(&self, message: &[u8], request: Option<&[u8]>) -> bool {
        match &self.0 {
            Kind::Tests(tests) => tests.iter().all(|test| test.holds(message, request)),
            Kind::By(judge) => judge(message, request),
        }
    }

    /// Returns why the message does not match, by the first test that does not hold. Returns `None` if it matches.
    ///
    /// The result shows at most 16 bytes of the message.
    #[must_use]
    pub fn explain(&self, message: &[u8], request: Option<&[u8]>) -> Option<Mismatch> {
        let found_len = || format!("a message of {}", Bytes(message.len()));
        match &self.0 {
            Kind::By(judge) if judge(message, request) => None,
            Kind::By(_) => Some(Mismatch { place: None, found: found_len(), allowed: self.to_string() }),
            Kind::Tests(tests) => {
                let failed = tests.iter().find(|test| !test.holds(message, request))?;
                let bytes = failed.place().and_then(|place| place.of(message));
                let found = match bytes {
                    Some(bytes) if failed.needs_request() && request.is_none() => {
                        format!("{} and no request", Short(bytes))
                    }
                    Some(bytes) => Short(bytes).to_string(),
                    None => found_len(),
                };
                Some(Mismatch { place: failed.place(), found, allowed: failed.to_string() })
            }
        }
    }

    /// Returns whether a test of the text needs the request. A function gets the request if there is one.
    #[must_use]
    pub fn needs_request(&self) -> bool {
        self.tests().iter().any(Test::needs_request)
    }

    /// Returns whether every message matches.
    #[must_use]
    pub fn is_any(&self) -> bool {
        matches!(&self.0, Kind::Tests(tests) if tests.is_empty())
    }

    /// Returns the length of the shortest message that has all places of the tests.
    #[must_use]
    pub fn least_len(&self) -> usize {
        self.tests().iter().filter_map(Test::place).map(Place::end).max().unwrap_or_default()
    }

    fn tests(&self) -> &[Test] {
        match &self.0 {
            Kind::Tests(tests) => tests,
            Kind::By(_) => &[],
        }
    }
}

/// Texts are equal if they have the same tests. Functions are equal if they are clones of one.
impl PartialEq for Match {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Kind::Tests(one), Kind::Tests(other)) => one == other,
            (Kind::By(one), Kind::By(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for Match {}

/// Prints the normal form, which parses to an equal match; `by a function` does not.
impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Kind::Tests(tests) if tests.is_empty() => f.write_str("any"),
            Kind::Tests(tests) => tests.iter().enumerate().try_for_each(|(index, test)| {
                let comma = if index == 0 { "" } else { "," };
                write!(f, "{comma}{test}")
            }),
            Kind::By(_) => f.write_str("by a function"),
        }
    }
}

/// Shows the notation.
impl fmt::Debug for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Match({self})")
    }
}
