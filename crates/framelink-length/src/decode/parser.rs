//! Headers and frames as nom parsers, for use in your own parser.
//!
//! ```
//! use framelink_length::{DecodeError, Length, parser};
//! use nom::{IResult, Parser, error::Error, multi::many0, number::complete::u8};
//!
//! // 0x02 | 0x00 0x02 'h' 'i' | 0x00 0x00     a version byte, then frames
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

/// Parses a header: consumes the bytes before the payload.
///
/// The infix is part of the header. If bytes are missing, the result is `Err::Incomplete` with their least number. If
/// bytes are wrong, it is `Err::Error` from a [`DecodeError`], of which `nom::error::Error` keeps only the position.
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

/// Parses a whole frame and returns its payload, or the whole frame if messages are whole frames.
///
/// Missing and wrong bytes are reported as by [`header`].
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
