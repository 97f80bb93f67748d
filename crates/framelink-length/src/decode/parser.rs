//! Headers and frames as nom parsers, to embed in a parser of your own.
//!
//! ```
//! use framelink_length::{DecodeError, Length, parser};
//! use nom::{IResult, Parser, error::Error, multi::many0, number::complete::u8};
//!
//! // 0x02 | 0x00 0x02 'h' 'i' | 0x00 0x00     a version byte of somebody's own, then frames
//! let net2: Length = "net:2".parse()?;
//! let mut file = (u8::<_, Error<&[u8]>>, many0(nom::combinator::complete(parser::frame(&net2))));
//! let (rest, (version, payloads)) = file.parse(b"\x02\x00\x02hi\x00\x00").unwrap();
//! assert_eq!((version, payloads, rest), (2, vec![&b"hi"[..], b""], &b""[..]));
//! # Ok::<(), framelink_length::NotationError>(())
//! ```

use nom::error::{ErrorKind, FromExternalError, ParseError};
use nom::{Err, IResult, Needed};

use framelink_codec::{Decode, Decoded};

use crate::{DecodeError, Header, Length};

/// Parses a header: consumes the bytes up to the payload and says what they announce.
///
/// The bytes need not be there whole: too few of them are `Err::Incomplete` with how many are missing at least.
/// The infix is part of the header. Wrong ones are `Err::Error` made from a [`DecodeError`], so `nom::error::Error` keeps only the place.
pub fn header<'a, E>(length: &Length) -> impl Fn(&'a [u8]) -> IResult<&'a [u8], Header, E>
where
    E: ParseError<&'a [u8]> + FromExternalError<&'a [u8], DecodeError>,
{
    move |input| match length.header(input) {
        Ok(Ok(header)) => match input.get(header.payload_start..) {
            Some(rest) => Ok((rest, header)),
            None => Err(Err::Incomplete(Needed::new(header.payload_start - input.len()))),
        },
        Ok(Err(missing)) => Err(Err::Incomplete(Needed::new(missing))),
        Err(error) => Err(Err::Error(E::from_external_error(input, ErrorKind::LengthValue, error))),
    }
}

/// Parses a whole frame and gives its payload, or the whole frame where messages are whole frames.
///
/// Fewer bytes are `Err::Incomplete`; wrong ones `Err::Error`, as for [`header`].
pub fn frame<'a, E>(length: &Length) -> impl Fn(&'a [u8]) -> IResult<&'a [u8], &'a [u8], E>
where
    E: ParseError<&'a [u8]> + FromExternalError<&'a [u8], DecodeError>,
{
    move |input| match length.decode(input, 0, None) {
        Ok(Decoded::Frame(frame)) => Ok((input.get(frame.frame_len..).unwrap_or_default(), frame.payload(input))),
        Ok(Decoded::Incomplete(need)) => Err(Err::Incomplete(Needed::new(need.missing))),
        Err(error) => Err(Err::Error(E::from_external_error(input, ErrorKind::LengthValue, error))),
    }
}
