//! Headers of requests that replies carry back.

use framelink_template::{ComposeError, Inputs, Template};

/// A header that the reply to a request must carry back. It is kept aside, so that the host behind a server sees messages
/// without it.
///
/// ```
/// use framelink_session::{Numbers, ReplyHeader};
/// use framelink_template::Inputs;
///
/// // The TPDU header of POS terminals: 60, destination, source. The reply swaps the two.
/// let header = ReplyHeader::new(5, "hex:60{request:3:2}{request:1:2}".parse()?);
/// let (kept, message) = header.split(b"\x60\x00\x01\x80\x020200").expect("a whole header");
/// assert_eq!(message, b"0200");
///
/// let numbers = Numbers::new(1..=9).expect("not empty");
/// let reply = header.join(kept, b"0210", &Inputs::system(&numbers)).unwrap();
/// assert_eq!(reply, b"\x60\x80\x02\x00\x010210");
/// # Ok::<(), framelink_template::NotationError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ReplyHeader {
    len: usize,
    header: Template,
}

impl ReplyHeader {
    /// The most bytes of a header: 4096.
    pub const MOST_LEN: usize = 4096;

    /// Keeps the first `len` bytes of a request. The header of its reply is composed by the template, in which `request`
    /// is these bytes. A length of `all` or of the `rest` counts the reply behind the header too.
    #[must_use]
    pub const fn new(len: usize, header: Template) -> Self {
        Self { len, header }
    }

    /// Returns the length of a request's header.
    #[expect(clippy::len_without_is_empty, reason = "not a collection")]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns the template of a reply's header.
    #[must_use]
    pub const fn header(&self) -> &Template {
        &self.header
    }

    /// Divides a request into its header and the rest. Returns `None` if it is shorter than the header.
    #[must_use]
    pub fn split<'m>(&self, request: &'m [u8]) -> Option<(&'m [u8], &'m [u8])> {
        request.split_at_checked(self.len)
    }

    /// Returns the reply with its header. `kept` is the header of the request.
    ///
    /// # Errors
    /// If the header cannot be composed.
    pub fn join(&self, kept: &[u8], reply: &[u8], inputs: &Inputs<'_>) -> Result<Vec<u8>, ComposeError> {
        self.header.compose_before(reply, &inputs.answering(kept))
    }
}
