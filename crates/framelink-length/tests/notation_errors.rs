//! The exact texts of errors about a notation, because users see them.

#![cfg(target_pointer_width = "64")] // the tables go beyond 4 GiB

use framelink_length::Length;

/// The text, the column and length of its wrong part, and the message. The columns are counted by hand.
type Case = (&'static str, usize, usize, &'static str);

#[rustfmt::skip] // a line a case
const FORM: &[Case] = &[
    ("", 1, 0, "expected a framing such as `ascii:4`, found the end"),
    (" net:2", 1, 1, "expected a framing such as `ascii:4`, found ` `"),
    (",keep", 1, 1, "expected a framing such as `ascii:4`, found `,`"),
    (":2", 1, 1, "expected a framing such as `ascii:4`, found `:`"),
    ("net=2", 4, 1, "expected `:`, `,` or the end, found `=`"),
    ("net 2", 4, 1, "expected `:`, `,` or the end, found ` `"),
    ("net:", 5, 0, "expected a value, found the end"),
    ("net:,keep", 5, 1, "expected a value, found `,`"),
    ("net", 4, 0, "expected `:` and 1 to 8 bytes after `net`"),
    ("ascii,max=9", 6, 0, "expected `:` and 1 to 18 digits after `ascii`"),
    ("decimal", 8, 0, "expected `:` and a separator byte in hex after `decimal`"),
    ("net:2, keep", 7, 1, "expected an option, found ` `"),
    ("net:2,,keep", 7, 1, "expected an option, found `,`"),
    ("net:2,", 7, 0, "expected an option, found the end"),
    ("net:2,keep,", 12, 0, "expected an option, found the end"),
    ("net:2,keep ", 11, 1, "expected `=`, `,` or the end, found ` `"),
    ("net:2,keep;max=3", 11, 1, "expected `=`, `,` or the end, found `;`"),
    ("net:2,max:3", 10, 1, "expected `=`, `,` or the end, found `:`"),
    ("net:2,at", 9, 0, "expected `=` and a number of bytes after `at`"),
    ("net:2,at,keep", 9, 0, "expected `=` and a number of bytes after `at`"),
    ("net:2,prefix", 13, 0, "expected `=` and pairs of hex digits after `prefix`"),
    ("net:2,mask", 11, 0, "expected `=` and pairs of hex digits after `mask`"),
    ("net:2,counts", 13, 0, "expected `=` and rest, payload, self or frame after `counts`"),
    ("net:2,adjust", 13, 0, "expected `=` and `+` or `-` and a number after `adjust`"),
    ("net:2,zero", 11, 0, "expected `=` and `empty` after `zero`"),
    ("net:2,max", 10, 0, "expected `=` and a size after `max`"),
    ("net:2,at=", 10, 0, "expected a value, found the end"),
    ("net:2,keep=1", 12, 1, "`keep` takes no value, found `1`"),
    ("hex:2,lower=yes", 13, 3, "`lower` takes no value, found `yes`"),
    ("varint:1", 8, 1, "`varint` takes no value, found `1`"),
    ("tpkt:4", 6, 1, "`tpkt` takes no value, found `4`"),
    ("net:2,keep,keep", 12, 4, "`keep` stands twice, first at column 7"),
    ("net:2,max=5,keep,max=6", 18, 3, "`max` stands twice, first at column 7"),
    ("tpkt,at=2,at=3", 11, 2, "`at` stands twice, first at column 6"),
];

#[rustfmt::skip] // a line a case
const WORDS: &[Case] = &[
    ("nett:2", 1, 4, "expected one of net, le, ascii, hex, ebcdic, bcd, decimal, varint, or a preset, found `nett`; did you mean `net`?"),
    ("NET:2", 1, 3, "expected one of net, le, ascii, hex, ebcdic, bcd, decimal, varint, or a preset, found `NET`; did you mean `net`?"),
    ("2e", 1, 2, "expected one of net, le, ascii, hex, ebcdic, bcd, decimal, varint, or a preset, found `2e`; did you mean `2E`?"),
    ("line", 1, 4, "expected one of net, le, ascii, hex, ebcdic, bcd, decimal, varint, or a preset, found `line`"),
    ("net:2,foo", 7, 3, "expected one of at, prefix, mask, gap, infix, tail, suffix, counts, adjust, zero, keep, max, found `foo`"),
    ("net:2,foo=1", 7, 3, "expected one of at, prefix, mask, gap, infix, tail, suffix, counts, adjust, zero, keep, max, found `foo`"),
    ("net:2,KEEP", 7, 4, "expected one of at, prefix, mask, gap, infix, tail, suffix, counts, adjust, zero, keep, max, found `KEEP`"),
    ("ascii:4,lf", 9, 2, "expected one of at, prefix, gap, infix, tail, suffix, counts, adjust, zero, keep, max, found `lf`"),
    ("hex:4,lf", 7, 2, "expected one of at, prefix, gap, infix, tail, suffix, counts, adjust, zero, keep, lower, max, found `lf`"),
    ("mqtt,foo", 6, 3, "expected one of at, prefix, gap, infix, tail, suffix, counts, adjust, zero, keep, max, found `foo`"),
    ("ascii:4,mask=ff", 9, 4, "mask is an option of net and le, not of ascii"),
    ("ascii:4,mask=ffffffff", 9, 4, "mask is an option of net and le, not of ascii"),
    ("ascii:4,mask", 9, 4, "mask is an option of net and le, not of ascii"),
    ("varint,mask=7f", 8, 4, "mask is an option of net and le, not of varint"),
    ("syslog,mask=7f", 8, 4, "mask is an option of net and le, not of decimal"),
    ("net:2,lower", 7, 5, "lower is an option of hex, not of net"),
    ("tpkt,lower", 6, 5, "lower is an option of hex, not of net"),
    ("net:2,counts=all", 14, 3, "expected rest, payload, self or frame, found `all`"),
    ("net:2,counts=Frame", 14, 5, "expected rest, payload, self or frame, found `Frame`"),
    ("net:2,zero=full", 12, 4, "expected `empty`, found `full`"),
];

#[rustfmt::skip] // a line a case
const NUMBERS: &[Case] = &[
    ("ascii:0", 7, 1, "expected 1 to 18 digits, found `0`"),
    ("ascii:19", 7, 2, "expected 1 to 18 digits, found `19`"),
    ("ebcdic:19", 8, 2, "expected 1 to 18 digits, found `19`"),
    ("hex:17", 5, 2, "expected 1 to 16 digits, found `17`"),
    ("bcd:10", 5, 2, "expected 1 to 9 bytes, found `10`"),
    ("net:9", 5, 1, "expected 1 to 8 bytes, found `9`"),
    ("le:0", 4, 1, "expected 1 to 8 bytes, found `0`"),
    ("net:02", 5, 2, "expected 1 to 8 bytes, without leading zeros, found `02`"),
    ("net:-1", 5, 2, "expected 1 to 8 bytes, found `-1`"),
    ("net:two", 5, 3, "expected 1 to 8 bytes, found `two`"),
    ("net:2 ", 5, 2, "expected 1 to 8 bytes, found `2 `"),
    ("net:2;keep", 5, 6, "expected 1 to 8 bytes, found `2;keep`"),
    ("net:18446744073709551616", 5, 20, "expected 1 to 8 bytes, found `18446744073709551616`"),
    ("net:12345678901234567890123456789012345678901", 5, 41, "expected 1 to 8 bytes, found `1234567890123456789012345678901234567890…`"),
    ("net:2,at=65", 10, 2, "expected 0 to 64 bytes, found `65`"),
    ("net:2,at=18446744073709551616", 10, 20, "expected 0 to 64 bytes, found `18446744073709551616`"),
    ("net:1,tail=65", 12, 2, "expected 0 to 64 bytes, found `65`"),
    ("net:2,gap=00", 11, 2, "expected 0 to 64 bytes, without leading zeros, found `00`"),
    ("net:2,adjust=5", 14, 1, "expected `+` or `-` and a number, found `5`"),
    ("net:2,adjust=+", 14, 1, "expected `+` or `-` and a number, found `+`"),
    ("net:2,adjust=--5", 14, 3, "expected `+` or `-` and a number, found `--5`"),
    ("net:2,adjust=+05", 14, 3, "expected `+` or `-` and a number, without leading zeros, found `+05`"),
    ("net:2,adjust=+9223372036854775808", 14, 20, "`+9223372036854775808` is too large, at most 9223372036854775807 is allowed"),
    ("net:2,adjust=+18446744073709551616", 14, 21, "`+18446744073709551616` is too large, at most 9223372036854775807 is allowed"),
    ("net:2,max=01", 11, 2, "expected a number of bytes, or one with `KiB` or `MiB`, without leading zeros, found `01`"),
    ("net:2,max=5KB", 11, 3, "expected a number of bytes, or one with `KiB` or `MiB`, found `5KB`"),
    ("net:2,max=5kib", 11, 4, "expected a number of bytes, or one with `KiB` or `MiB`, found `5kib`"),
    ("net:2,max=5 KiB", 11, 5, "expected a number of bytes, or one with `KiB` or `MiB`, found `5 KiB`"),
    ("net:2,max=-5", 11, 2, "expected a number of bytes, or one with `KiB` or `MiB`, found `-5`"),
    ("net:2,max=KiB", 11, 3, "expected a number of bytes, or one with `KiB` or `MiB`, found `KiB`"),
    ("net:2,max=18446744073709551616", 11, 20, "`18446744073709551616` is too large, at most 18446744073709551615 is allowed"),
    ("net:2,max=18014398509481984KiB", 11, 20, "`18014398509481984KiB` is too large, at most 18446744073709551615 is allowed"),
    ("net:2,max=99999999999999999999KB", 11, 22, "expected a number of bytes, or one with `KiB` or `MiB`, found `99999999999999999999KB`"),
];

#[rustfmt::skip] // a line a case
const HEX: &[Case] = &[
    ("decimal:3a3b", 9, 4, "expected at most 1 byte, found 2"),
    ("decimal:g", 9, 1, "expected pairs of hex digits, found `g`"),
    ("decimal::", 9, 1, "expected pairs of hex digits, found `:`"),
    ("decimal:30", 9, 2, "the separator 0x30 is the digit `0`, expected a byte that is no digit"),
    ("decimal:39", 9, 2, "the separator 0x39 is the digit `9`, expected a byte that is no digit"),
    ("net:2,suffix=0", 14, 1, "expected pairs of hex digits, found `0`"),
    ("net:2,suffix=030", 14, 3, "expected pairs of hex digits, found `030`"),
    ("net:2,infix=0x60", 13, 4, "expected pairs of hex digits, found `0x60`"),
    ("net:2,mask=7ffg", 12, 4, "expected pairs of hex digits, found `7ffg`"),
    ("net:2,mask=7f", 12, 2, "expected a mask as long as the length field, 2 bytes, found 1"),
    ("net:2,mask=00ff01", 12, 6, "expected a mask as long as the length field, 2 bytes, found 3"),
    ("net:8,mask=000000000000000001", 12, 18, "expected at most 8 bytes, found 9"),
    ("net:2,mask=0000", 12, 4, "mask 0x0 must have one or more bits, contiguous from bit 0"),
    ("net:2,mask=00fe", 12, 4, "mask 0xfe must have one or more bits, contiguous from bit 0"),
    ("net:2,mask=ff00", 12, 4, "mask 0xff00 must have one or more bits, contiguous from bit 0"),
    ("net:2,mask=fffb", 12, 4, "mask 0xfffb must have one or more bits, contiguous from bit 0"),
];

#[rustfmt::skip] // a line a case
const TOGETHER: &[Case] = &[
    ("net:2,prefix=0300,at=1", 14, 4, "prefix is 2 bytes, but only 1 can stand before the length field (at=1)"),
    ("net:2,at=1,prefix=0300", 19, 4, "prefix is 2 bytes, but only 1 can stand before the length field (at=1)"),
    ("net:2,prefix=03,at=0", 14, 2, "prefix is 1 byte, but only 0 can stand before the length field (at=0)"),
    ("tpkt,prefix=030000", 13, 6, "prefix is 3 bytes, but only 2 can stand before the length field (at=2)"),
    ("tpkt,at=0", 9, 1, "prefix is 1 byte, but only 0 can stand before the length field (at=0)"),
    ("net:2,infix=0102,gap=1", 13, 4, "infix is 2 bytes, but only 1 can stand in the gap (gap=1)"),
    ("net:2,suffix=0102,tail=1", 14, 4, "suffix is 2 bytes, but only 1 can stand in the tail (tail=1)"),
    ("amqp,tail=0", 11, 1, "suffix is 1 byte, but only 0 can stand in the tail (tail=0)"),
    ("net:1,gap=60,at=10", 11, 2, "the bytes before the payload are up to 71 (at 10 + length field 1 + gap 60), at most 64 are allowed"),
    ("net:1,at=60,gap=10", 10, 2, "the bytes before the payload are up to 71 (at 60 + length field 1 + gap 10), at most 64 are allowed"),
    ("net:1,at=64", 10, 2, "the bytes before the payload are up to 65 (at 64 + length field 1 + gap 0), at most 64 are allowed"),
    ("varint,gap=56", 12, 2, "the bytes before the payload are up to 65 (at 0 + length field 9 + gap 56), at most 64 are allowed"),
    ("decimal:3a,gap=46", 16, 2, "the bytes before the payload are up to 65 (at 0 + length field 19 + gap 46), at most 64 are allowed"),
    ("tpkt,gap=61", 10, 2, "the bytes before the payload are up to 65 (at 2 + length field 2 + gap 61), at most 64 are allowed"),
    ("net:2,counts=self,adjust=+2", 19, 6, "`adjust` cannot stand beside `counts`, which is at column 7: either says what the number counts"),
    ("net:2,adjust=+2,counts=self", 17, 6, "`counts` cannot stand beside `adjust`, which is at column 7: either says what the number counts"),
    ("tpkt,counts=self,adjust=+2", 18, 6, "`adjust` cannot stand beside `counts`, which is at column 6: either says what the number counts"),
    ("varint,counts=self", 15, 4, "a varint length field has no fixed width that the number could count, expected rest, payload or adjust"),
    ("decimal:3a,counts=frame", 19, 5, "a decimal length field has no fixed width that the number could count, expected rest, payload or adjust"),
    ("mqtt,counts=frame", 13, 5, "a varint length field has no fixed width that the number could count, expected rest, payload or adjust"),
    ("net:2,zero=empty", 12, 5, "the number 0 already means something here, zero=empty is for framings where it cannot be"),
    ("net:2,adjust=+2,zero=empty", 22, 5, "the number 0 already means something here, zero=empty is for framings where it cannot be"),
    ("modbus,zero=empty", 13, 5, "the number 0 already means something here, zero=empty is for framings where it cannot be"),
    ("net:2,max=100000", 11, 6, "max of 100000 is 34465 bytes more than the 65535 that the header can announce"),
    ("net:2,max=64KiB", 11, 5, "max of 65536 is 1 byte more than the 65535 that the header can announce"),
    ("net:1,counts=self,max=300", 23, 3, "max of 300 is 46 bytes more than the 254 that the header can announce"),
    ("dns,max=1MiB", 9, 4, "max of 1048576 is 983041 bytes more than the 65535 that the header can announce"),
    ("sunrpc,max=2048MiB", 12, 7, "max of 2147483648 is 1 byte more than the 2147483647 that the header can announce"),
    ("net:8,max=9223372036854775807", 11, 19, "max of 9223372036854775807 is 256 bytes more than the 9223372036854775551 that memory can hold"),
    ("net:1,adjust=-256", 14, 4, "no frame can exist: the number is at most 255, but must count at least 256 bytes"),
    ("bcd:1,gap=60,tail=40", 5, 1, "no frame can exist: the number is at most 99, but must count at least 100 bytes"),
    ("ascii:1,at=9,counts=frame", 21, 5, "no frame can exist: the number is at most 9, but must count at least 10 bytes"),
    ("net:1,adjust=+300,max=100", 23, 3, "no frame can exist: the limit is 100 payload bytes, the header announces at least 300"),
    ("net:1,max=100,adjust=+300", 11, 3, "no frame can exist: the limit is 100 payload bytes, the header announces at least 300"),
    ("net:4,adjust=+2000000", 14, 8, "no frame can exist: the limit is 1048576 payload bytes, the header announces at least 2000000"),
];

/// Columns count characters, not bytes.
#[rustfmt::skip] // a line a case
const OTHER_SCRIPTS: &[Case] = &[
    ("é", 1, 1, "expected a framing such as `ascii:4`, found `é`"),
    ("nét:2", 2, 1, "expected `:`, `,` or the end, found `é`"),
    ("ascii:é", 7, 1, "expected 1 to 18 digits, found `é`"),
    ("net:２", 5, 1, "expected 1 to 8 bytes, found `２`"),
    ("net:2,é=1", 7, 1, "expected an option, found `é`"),
    ("net:2,prefix=ééé,é", 18, 1, "expected an option, found `é`"),
    ("net:2,max=日本,keep,keep", 19, 4, "`keep` stands twice, first at column 14"),
    ("net:2,max=日本,keep", 11, 2, "expected a number of bytes, or one with `KiB` or `MiB`, found `日本`"),
    ("net:2\n", 5, 2, "expected 1 to 8 bytes, found `2\\n`"),
    ("net:2,\tkeep", 7, 1, "expected an option, found `\\t`"),
];

fn check(cases: &[Case]) {
    for &(text, column, len, message) in cases {
        match text.parse::<Length>() {
            Ok(length) => panic!("{text:?} is read as {length}"),
            Err(error) => {
                assert_eq!(error.message(), message, "{text:?}");
                assert_eq!((error.column(), error.len()), (column, len), "{text:?}: {message}");
                assert_eq!(error.to_string(), format!("column {column}: {message}"), "{text:?}");
            }
        }
    }
}

#[test]
fn the_error_of_a_text_that_is_no_notation_says_what_was_expected_where() {
    check(FORM);
}

#[test]
fn the_error_of_an_unknown_word_lists_the_known_words() {
    check(WORDS);
}

#[test]
fn the_error_of_a_number_out_of_bounds_has_the_bounds() {
    check(NUMBERS);
}

#[test]
fn wrong_or_too_many_bytes_are_an_error() {
    check(HEX);
}

#[test]
fn the_error_of_options_that_do_not_go_together_says_why() {
    check(TOGETHER);
}

#[test]
fn columns_count_characters() {
    check(OTHER_SCRIPTS);
}
