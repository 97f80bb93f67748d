//! Encoder and decoder accept equal payloads at every limit.

#![cfg(target_pointer_width = "64")] // the tables go beyond 4 GiB

use framelink_length::{Decode, DecodeError, Decoded, Encode, EncodeError, Field, Length};

/// A framing, by how much its number exceeds the payload, and its smallest, its largest allowed and its largest
/// possible payload.
type Case = (&'static str, i128, u64, u64, u64);

const MIB: u64 = 1024 * 1024;

#[rustfmt::skip] // a line a case
const CASES: &[Case] = &[
    ("net:1", 0, 0, 255, 255),
    ("net:1,max=0", 0, 0, 0, 255),
    ("net:1,max=254", 0, 0, 254, 255),
    ("net:1,counts=self", 1, 0, 254, 254),
    ("net:1,at=2,gap=1,tail=3,counts=rest", 4, 0, 251, 251),
    ("net:1,at=2,gap=1,tail=3,counts=payload", 0, 0, 255, 255),
    ("net:1,at=2,gap=1,tail=3,counts=self", 5, 0, 250, 250),
    ("net:1,at=2,gap=1,tail=3,counts=frame", 7, 0, 248, 248),
    ("net:1,at=2,gap=1,tail=3,counts=frame,zero=empty", 7, 0, 248, 248),
    ("net:1,adjust=-3", 3, 0, 252, 252),
    ("net:1,adjust=-255", 255, 0, 0, 0),
    ("net:1,adjust=+300", -300, 300, 555, 555),
    ("net:1,adjust=+300,max=300", -300, 300, 300, 555),
    ("net:1,gap=1,tail=2,adjust=+300,max=400", -297, 297, 400, 552),
    ("net:2", 0, 0, 65_535, 65_535),
    ("net:2,max=100", 0, 0, 100, 65_535),
    ("net:2,counts=self,max=65533", 2, 0, 65_533, 65_533),
    ("net:2,counts=self,max=65532", 2, 0, 65_532, 65_533),
    ("net:2,mask=03ff", 0, 0, 1023, 1023),
    ("net:2,mask=03ff,counts=frame", 2, 0, 1021, 1021),
    ("net:3", 0, 0, MIB, 0x00ff_ffff),
    ("net:3,max=16777215", 0, 0, 0x00ff_ffff, 0x00ff_ffff),
    ("net:4", 0, 0, MIB, 0xffff_ffff),
    ("net:4,mask=7fffffff,max=2147483647", 0, 0, 0x7fff_ffff, 0x7fff_ffff),
    ("net:4,max=4294967295", 0, 0, 0xffff_ffff, 0xffff_ffff),
    ("net:5,counts=self,max=1099511627770", 5, 0, 0xff_ffff_fffa, 0xff_ffff_fffa),
    ("net:6", 0, 0, MIB, 0xffff_ffff_ffff),
    ("net:7,max=72057594037927935", 0, 0, 0xff_ffff_ffff_ffff, 0xff_ffff_ffff_ffff),
    ("net:8", 0, 0, MIB, MEMORY),
    ("net:8,at=8,prefix=0102,gap=4,tail=64", 68, 0, MIB, MEMORY),
    ("le:1,counts=frame", 1, 0, 254, 254),
    ("le:2", 0, 0, 65_535, 65_535),
    ("le:2,mask=7fff,max=9", 0, 0, 9, 32_767),
    ("le:3,gap=1,counts=payload", 0, 0, MIB, 0x00ff_ffff),
    ("le:4,counts=frame,max=4294967291", 4, 0, 0xffff_fffb, 0xffff_fffb),
    ("le:8,adjust=-9223372036854775807", 0x7fff_ffff_ffff_ffff, 0, MIB, MEMORY),
    ("ascii:1", 0, 0, 9, 9),
    ("ascii:3", 0, 0, 999, 999),
    ("ascii:3,counts=self", 3, 0, 996, 996),
    ("ascii:4,max=2048", 0, 0, 2048, 9999),
    ("ascii:4,adjust=+1", -1, 1, 10_000, 10_000),
    ("ascii:8,max=99999999", 0, 0, 99_999_999, 99_999_999),
    ("ascii:9,at=1,counts=frame", 10, 0, MIB, 999_999_989),
    ("ascii:18", 0, 0, MIB, 999_999_999_999_999_999),
    ("hex:1", 0, 0, 15, 15),
    ("hex:2,lower,counts=self", 2, 0, 253, 253),
    ("hex:4,max=1000", 0, 0, 1000, 65_535),
    ("hex:8", 0, 0, MIB, 0xffff_ffff),
    ("hex:16", 0, 0, MIB, MEMORY),
    ("ebcdic:2", 0, 0, 99, 99),
    ("ebcdic:4,counts=self,max=9995", 4, 0, 9995, 9995),
    ("ebcdic:9", 0, 0, MIB, 999_999_999),
    ("ebcdic:18,max=999999999999999999", 0, 0, 999_999_999_999_999_999, 999_999_999_999_999_999),
    ("bcd:1", 0, 0, 99, 99),
    ("bcd:1,counts=self", 1, 0, 98, 98),
    ("bcd:2,max=9998", 0, 0, 9998, 9999),
    ("bcd:8", 0, 0, MIB, 9_999_999_999_999_999),
    ("bcd:9,adjust=+5", -5, 5, MIB, 1_000_000_000_000_000_004),
    ("decimal:3a,max=10", 0, 0, 10, 999_999_999_999_999_999),
    ("decimal:3a,tail=1,counts=payload,max=99", 0, 0, 99, 999_999_999_999_999_999),
    ("decimal:20,adjust=+9,max=9", -9, 9, 9, 1_000_000_000_000_000_008),
    ("varint,max=127", 0, 0, 127, i64::MAX as u64 - 256),
    ("varint,max=16384", 0, 0, 16_384, i64::MAX as u64 - 256),
    ("varint,gap=2,tail=3", 5, 0, MIB, i64::MAX as u64 - 256),
];

/// A buffer has at most `isize::MAX` bytes, and a frame is a little longer than its payload.
const MEMORY: u64 = i64::MAX as u64 - 256;

/// Payloads up to this length are written and read. Of longer ones only the header is checked.
const HANDY: u64 = 2 * MIB;

fn length(notation: &str) -> Length {
    notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}"))
}

/// The sizes around the limits.
fn sizes(&(_, _, least, max, most): &Case) -> Vec<u64> {
    let around = |size: u64| [size.checked_sub(1), Some(size), size.checked_add(1)];
    let mut sizes: Vec<u64> = [least, max, most].into_iter().flat_map(around).flatten().collect();
    sizes.sort_unstable();
    sizes.dedup();
    sizes
}

/// The head as the notation defines it; `None` for a number that the field cannot hold.
fn head(length: &Length, at: usize, number: i128) -> Option<Vec<u8>> {
    let number = u64::try_from(number).ok()?;
    let digits = |width: u8| Some(format!("{number:0width$}", width = usize::from(width)));
    let fits = |text: Option<String>, width: u8| text.filter(|text| text.len() == usize::from(width));
    let integer = |width: u8| {
        let bytes = number.to_be_bytes();
        let (over, field) = bytes.split_at(8 - usize::from(width));
        over.iter().all(|&byte| byte == 0).then(|| field.to_vec())
    };
    let field = match length.field() {
        Field::Net(width) => integer(width)?,
        Field::Le(width) => integer(width)?.into_iter().rev().collect(),
        Field::Ascii(width) => fits(digits(width), width)?.into_bytes(),
        Field::Ebcdic(width) => fits(digits(width), width)?.into_bytes().iter().map(|digit| digit | 0xf0).collect(),
        Field::Hex(width) => fits(Some(format!("{number:0width$x}", width = usize::from(width))), width)?.into_bytes(),
        Field::Bcd(width) => {
            let text = fits(digits(2 * width), 2 * width)?;
            (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap_or(0xff)).collect()
        }
        Field::Decimal(separator) => {
            let text = digits(1).filter(|text| text.len() <= 18)?;
            [text.as_bytes(), &[separator]].concat()
        }
        _ => {
            let mut groups: Vec<u8> = (0..9).map(|i| (number >> (7 * i)).to_le_bytes()[0] | 0x80).collect();
            while groups.len() > 1 && groups.last() == Some(&0x80) {
                groups.pop();
            }
            *groups.last_mut()? &= 0x7f;
            (number >> 63 == 0).then_some(groups)?
        }
    };
    let mut head = vec![0; at];
    head[..length.prefix().len()].copy_from_slice(length.prefix());
    head.extend(field);
    Some(head)
}

/// The value of an option in the notation; 0 without the option.
fn option(notation: &str, name: &str) -> usize {
    let mut options = notation.split(',').filter_map(|option| option.split_once('='));
    options.find(|option| option.0 == name).map_or(0, |(_, value)| value.parse().unwrap_or(0))
}

#[test]
fn a_framing_knows_its_limits() {
    for &(notation, _, least, max, _) in CASES {
        let length = length(notation);
        assert_eq!((length.least_payload() as u64, length.max_payload() as u64), (least, max), "{notation}");
    }
}

#[test]
fn the_encoder_accepts_payloads_within_the_limits_and_names_a_crossed_limit() {
    let zeros = vec![0; usize::try_from(100 * MIB).unwrap()];
    let mut refused = [0; 3];
    for case in CASES {
        let &(notation, _, least, max, most) = case;
        let length = length(notation);
        for size in sizes(case).into_iter().filter(|&size| size <= zeros.len() as u64) {
            let payload_len = usize::try_from(size).unwrap();
            let least = usize::try_from(least).unwrap();
            let got = length.envelope(&zeros[..payload_len]).map(|_| ());
            let expected = match size {
                _ if payload_len < least => Err(EncodeError::TooShort { payload_len, least }),
                _ if size > most => Err(EncodeError::TooLong { payload_len, most: usize::try_from(most).unwrap() }),
                _ if size > max => Err(EncodeError::OverLimit { payload_len, limit: usize::try_from(max).unwrap() }),
                _ => Ok(()),
            };
            refused[0] += usize::from(matches!(got, Err(EncodeError::TooShort { .. })));
            refused[1] += usize::from(matches!(got, Err(EncodeError::TooLong { .. })));
            refused[2] += usize::from(matches!(got, Err(EncodeError::OverLimit { .. })));
            assert_eq!(got, expected, "{notation}: {size} bytes");
        }
    }
    assert!(refused.iter().all(|&count| count > 3), "each limit is crossed by some: {refused:?}");
}

#[test]
fn accepted_payloads_are_written_as_the_notation_defines_and_read_again() {
    let zeros = vec![0; usize::try_from(HANDY).unwrap()];
    for case in CASES {
        let &(notation, beside, least, max, _) = case;
        let length = length(notation);
        for size in sizes(case).into_iter().filter(|&size| size >= least && size <= max && size <= HANDY) {
            let payload = &zeros[..usize::try_from(size).unwrap()];
            let envelope = length.envelope(payload).unwrap();
            let head = head(&length, option(notation, "at"), i128::from(size) + beside).unwrap();
            let (written, gap) = envelope.head.as_ref().split_at(head.len());
            assert_eq!(written.to_ascii_lowercase(), head.to_ascii_lowercase(), "{notation}: {size} bytes");
            assert_eq!(gap, vec![0; option(notation, "gap")], "{notation}: {size} bytes");
            assert_eq!(envelope.suffix.len(), option(notation, "tail"), "{notation}: {size} bytes");

            let wire = [envelope.head.as_ref(), payload, envelope.suffix.as_ref()].concat();
            let Ok(Decoded::Frame(frame)) = length.decode(&wire, 0, None) else { panic!("{notation}: {size} bytes") };
            assert_eq!((frame.payload_len(), frame.frame_len), (payload.len(), wire.len()), "{notation}: {size}");
            the_shortcut_agrees(&length, &wire);
        }
    }
}

#[test]
fn the_decoder_accepts_lengths_within_the_limits_from_the_header_alone() {
    let mut over = 0;
    for case in CASES {
        let &(notation, beside, least, max, most) = case;
        let length = length(notation);
        for size in sizes(case) {
            let number = i128::from(size) + beside;
            let Some(head) = head(&length, option(notation, "at"), number) else {
                assert!(size > most || size < least, "{notation}: the header can say {size}");
                continue;
            };
            assert!(size >= least, "{notation}: no number says {size}");
            // A mask cuts the number: it cannot exceed the largest.
            if size > most && notation.contains("mask") {
                continue;
            }
            the_shortcut_agrees(&length, &head);
            let got = length.decode(&head, 0, None);
            if number == 0 && notation.contains("zero=empty") {
                assert!(matches!(got, Ok(Decoded::Frame(frame)) if frame.frame_len == head.len()), "{notation}");
            } else if size > max {
                over += 1;
                let limit = usize::try_from(max).unwrap();
                assert_eq!(got, Err(DecodeError::OverLimit { announced: size, limit }), "{notation}: {size}");
            } else {
                let rest = option(notation, "gap") as u64 + size + option(notation, "tail") as u64;
                match got {
                    Ok(Decoded::Frame(frame)) => {
                        assert_eq!((rest, frame.frame_len), (0, head.len()), "{notation}: {size}");
                    }
                    Ok(Decoded::Incomplete(need)) => assert_eq!(need.missing as u64, rest, "{notation}: {size}"),
                    Err(error) => panic!("{notation}: {size}: {error}"),
                }
            }
        }
    }
    assert!(over > 30, "the upper limit is crossed by many: {over}");
}

/// Framings whose number counts more than the payload. The least number minus 1 is too small, and so is 0 without
/// `zero=empty`.
#[test]
fn the_decoder_refuses_a_number_below_what_it_counts() {
    let mut tried = 0;
    for &(notation, beside, ..) in CASES.iter().filter(|case| case.1 > 0) {
        let length = length(notation);
        for number in [0, beside - 1] {
            let head = head(&length, option(notation, "at"), number).unwrap();
            the_shortcut_agrees(&length, &head);
            let got = length.decode(&head, 0, None);
            if number == 0 && notation.contains("zero=empty") {
                assert!(matches!(got, Ok(Decoded::Frame(_))), "{notation}: {got:?}");
                continue;
            }
            let (number, least) = (u64::try_from(number).unwrap(), u64::try_from(beside).unwrap());
            assert_eq!(got, Err(DecodeError::TooSmall { number, least }), "{notation}");
            tried += 1;
        }
    }
    assert!(tried > 20, "{tried}");
}

#[test]
fn a_kept_frame_has_the_limits_of_its_payload() {
    let kept = length("net:1,gap=1,counts=self,max=5,keep");
    let message = |number: u8| {
        let mut message = vec![0; usize::from(number).max(1)];
        message[0] = number;
        message
    };
    let text = |number| kept.envelope(&message(number)).err().map(|error| error.to_string());
    let not_whole = |why: &str| Some(format!("message is not a whole frame: {why}"));
    assert_eq!(text(1), not_whole("header says 1, but what it counts is at least 2 bytes"));
    assert_eq!(text(2), None);
    assert_eq!(text(7), None);
    assert_eq!(text(8), not_whole("header announces 6 payload bytes, limit is 5"));
    for number in 1..=u8::MAX {
        let message = message(number);
        let read = kept.decode(&message, 0, None);
        assert_eq!(kept.envelope(&message).is_ok(), matches!(read, Ok(Decoded::Frame(_))), "{number}");
    }
}

#[test]
fn the_error_of_a_kept_message_that_is_no_whole_frame_has_the_difference() {
    let kept = length("net:2,keep");
    let text = |message: &[u8]| kept.envelope(message).unwrap_err().to_string();
    assert_eq!(text(b""), "message is not a whole frame: it is 0 bytes, its header asks for at least 2 more");
    assert_eq!(text(b"\0"), "message is not a whole frame: it is 1 byte, its header asks for at least 1 more");
    assert_eq!(text(b"\0\x05hell"), "message is not a whole frame: it is 6 bytes, its header asks for at least 1 more");
    assert_eq!(text(b"\0\x05hello!"), "message is not a whole frame: it is 8 bytes, its header announces 7");
    let bcd = length("bcd:2,keep");
    let error = bcd.envelope(b"\0\x0ahi").unwrap_err();
    assert_eq!(
        error.to_string(),
        "message is not a whole frame: header byte 1 is 0x0a, expected two decimal digits, one in each half"
    );
}

#[test]
fn the_error_of_a_payload_outside_the_limits_has_this_text() {
    let text = |notation: &str, len: usize| length(notation).envelope(&vec![0; len]).unwrap_err().to_string();
    assert_eq!(text("ascii:4", 10_000), "payload is 10000 bytes, the header can announce at most 9999");
    assert_eq!(text("ascii:4,max=2KiB", 2049), "payload is 2049 bytes, limit is 2048");
    assert_eq!(text("net:1,adjust=+300", 299), "payload is 299 bytes, the header can announce no fewer than 300");
}

/// Modulo 2⁶⁴ these numbers plus the adjustment are the length of the four bytes that follow.
#[test]
fn a_number_that_overflows_with_its_adjustment_is_over_the_limit() {
    let number = u64::MAX - 3; // minus 4
    for (notation, header) in [("net:8,adjust=+8", number.to_be_bytes()), ("le:8,adjust=+8", number.to_le_bytes())] {
        let (length, wire) = (notation.parse::<Length>().unwrap(), [&header[..], &[7; 4]].concat());
        assert_eq!(length.whole_frame(&wire), None, "{notation}");
        let got = length.decode(&wire, 0, None);
        assert!(matches!(got, Err(DecodeError::OverLimit { .. })), "{notation}: {got:?}");
    }
}

/// Compares with bytes behind the header, because the shortcut reads a header as a word.
fn the_shortcut_agrees(length: &Length, start: &[u8]) {
    let input = [start, &[0; 600]].concat();
    if let Some(frame) = length.whole_frame(&input) {
        assert_eq!(length.decode(&input, 0, None), Ok(Decoded::Frame(frame)), "{length}: {:02x?}", &input[..16]);
    }
}
