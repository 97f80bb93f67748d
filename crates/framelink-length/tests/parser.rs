//! Headers as nom parsers.

use framelink_length::Length;
use framelink_length::parser::header;
use nom::Err;

#[test]
fn a_header_with_another_infix_is_refused() {
    let length: Length = "bcd:2,infix=6000".parse().unwrap();
    let parse = header::<nom::error::Error<_>>(&length);
    assert!(parse(b"\x00\x04\x60\x00ab").is_ok());
    assert!(matches!(parse(b"\x00\x04\xff\xffab"), Err(Err::Error(_))));
    assert!(matches!(parse(b"\x00\x04\x60"), Err(Err::Incomplete(_))));
}
