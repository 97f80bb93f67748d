//! The bytes that the number in the length field counts.

/// The bytes that the number in the length field counts.
///
/// ```text
/// frame = | before | length field | gap | payload | tail |
///         |        |              |     |         |      |
///         |        |              |     |<-Payload->     |
///         |        |              |<-------Rest--------->|
///         |        |<---------------Itself-------------->|
///         |<-----------------------Frame---------------->|
/// ```
///
/// ```
/// use framelink_length::{Counts, Encode, Field, Length};
///
/// // 0x00 0x07 | 'h' 'e' 'l' 'l' 'o'
/// let counts_itself = Length::builder(Field::Net(2)).counts(Counts::Itself).build()?;
/// assert_eq!(counts_itself.envelope(b"hello")?.head.as_ref(), [0, 7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Counts {
    /// All bytes after the length field. The default.
    #[default]
    Rest,
    /// The payload alone.
    Payload,
    /// The length field and all after it: `counts=self`.
    Itself,
    /// The whole frame.
    Frame,
    /// The bytes after the length field are the number plus this.
    Adjust(i64),
}
