//! The notation of matches: which messages each accepts, its normal form, and its errors.

use framelink_template::Match;

/// A notation, a message, its request, and whether it matches.
type Row = (&'static str, &'static [u8], Option<&'static [u8]>, bool);

const TABLE: &[Row] = &[
    ("any", b"", None, true),
    ("0:4=text:0810", b"0810", None, true),
    ("0:4=text:0810", b"0210", None, false),
    ("0:4=text:0810", b"081", None, false),
    ("0:4!=text:0810", b"0210", None, true),
    ("0:4!=text:0810", b"081", None, false),
    ("4:4=hex:80000009", b"\0\0\0\x10\x80\0\0\x09", None, true),
    ("0:4=text:0800|text:0810", b"0810", None, true),
    ("0:4=text:0800|hex:30383130", b"0810", None, true),
    ("0:4!=text:0800|text:0810", b"0810", None, false),
    ("0:4=text:0800..0899", b"0800", None, true),
    ("0:4=text:0800..0899", b"0899", None, true),
    ("0:4=text:0800..0899", b"0900", None, false),
    ("0:2=hex:0100..01ff|hex:0300", b"\x03\0", None, true),
    ("0:2=hex:0100..01ff|hex:0300", b"\x02\0", None, false),
    ("4:1&80=hex:80", b"\0\0\0\0\x85", None, true),
    ("4:1&80=hex:80", b"\0\0\0\0\x05", None, false),
    ("0:2&0ff0=hex:0120", b"\xf1\x2f", None, true),
    ("0:2&00ff=hex:0010..0020", b"\xff\x20", None, true),
    ("0:1&f0=request", b"\x12", Some(b"\x1f"), true),
    ("0:1&f0=request", b"\x12", Some(b"\x2f"), false),
    ("0:1&0f=map:hex:01>02", b"\xf2", Some(b"\xe1"), true),
    ("2:1=odd", b"0110", None, true),
    ("2:1=odd", b"0200", None, false),
    ("2:1=even", b"0200", None, true),
    ("0:2=odd", b"\0\x01", None, true),
    ("0:1=odd", b"\x13", None, true),
    ("4:6=request", b"0810000042", Some(b"0800000042"), true),
    ("4:6=request", b"0810000042", Some(b"0800000041"), false),
    ("4:6=request", b"0810000042", Some(b"0800"), false),
    ("4:6=request", b"0810000042", None, false),
    ("4:6!=request", b"0810000042", None, false),
    ("4:6!=request", b"0810000042", Some(b"0800000041"), true),
    ("0:2=request:2:2", b"cd", Some(b"abcd"), true),
    ("0:4=map:0200>0210|0800>0810", b"0810", Some(b"0800"), true),
    ("0:4=map:0200>0210|0800>0810", b"0210", Some(b"0800"), false),
    ("0:4=map:0200>0210|0800>0810", b"0810", None, false),
    ("0:4!=map:0200>0210", b"0810", Some(b"0200"), true),
    ("0:4!=map:0200>0210", b"0210", Some(b"0200"), false),
    ("0:1=map:hex:02>03|04>05", b"\x05", Some(b"\x04"), true),
    ("len=4", b"abcd", None, true),
    ("len=4", b"abc", None, false),
    ("len=2..3", b"abc", None, true),
    ("len!=2..3", b"abc", None, false),
    ("len=0", b"", None, true),
    ("0:4=text:0810,4:6=request,len=10", b"0810000042", Some(b"0800000042"), true),
    ("0:4=text:0810,4:6=request,len=11", b"0810000042", Some(b"0800000042"), false),
    (r"0:3=text:\,\|\>", b",|>", None, true),
    (r"0:3=text:a\..", b"a..", None, true),
    ("0:1=text:a..c", b"b", None, true),
    ("0:3=text:a.b", b"a.b", None, true),
];

#[test]
fn notations_accept_and_refuse() {
    for &(text, message, request, holds) in TABLE {
        let expected: Match = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(expected.holds(message, request), holds, "{text} {message:02x?}");
        assert_eq!(expected.explain(message, request).is_none(), holds, "{text} {message:02x?}");
        assert_eq!(expected.to_string().parse(), Ok(expected), "{text}");
    }
}

#[test]
fn the_normal_form_escapes_what_has_a_meaning() {
    for (text, normal) in [
        (r"0:5=text:\x2c|text:a\.b\.c|text:'\x27\x00\x0a", None),
        (r"0:1=text:\x2c|text:.|text:'", Some(r"0:1=text:\,|text:\.|text:\'")),
        (r"0:3=text:a\.b|text:a\.\.", Some(r"0:3=text:a.b|text:a\.\.")),
        (r"0:2=text:a\...b.", Some(r"0:2=text:a\...b\.")),
        ("0:2=hex:ABCD", Some("0:2=hex:abcd")),
        ("0:1&F0!=hex:10", Some("0:1&f0!=hex:10")),
        (
            "0:2=map:text:ab>cd|hex:0001>0002|0003>0004|text:ab>ef|cd>ef",
            Some("0:2=map:ab>cd|hex:0001>0002|0003>0004|text:ab>ef|cd>ef"),
        ),
        ("0:5=map:text:text:>abcde", Some("0:5=map:text:text:>abcde")),
        ("len=4..4", Some("len=4")),
        ("any", Some("any")),
    ] {
        let Some(normal) = normal else {
            assert!(text.parse::<Match>().is_err(), "{text}: values of other lengths");
            continue;
        };
        let expected: Match = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(expected.to_string(), normal, "{text}");
        assert_eq!(normal.parse(), Ok(expected), "{text}");
    }
    assert_eq!("0:1=text:0".parse::<Match>(), "0:1=hex:30".parse(), "the bytes decide");
}

const TEST: &str = "expected a test such as `0:4=text:0810`, `len=4` or `any`";
const VALUE: &str = "expected one of text:..., hex:..., map:..., request, odd, even";

#[test]
fn errors_name_the_column_what_was_expected_and_what_was_found() {
    for (text, column, message) in [
        ("", 1, format!("{TEST}, found the end")),
        ("0:4=text:0810,", 15, format!("{TEST}, found the end")),
        (",len=1", 1, format!("{TEST}, found `,`")),
        ("=hex:00", 1, format!("{TEST}, found `=`")),
        ("0810", 1, format!("{TEST}, found `0810`")),
        ("any,len=1", 1, format!("{TEST}, found `any`")),
        ("0:4", 4, "expected `=` or `!=` and a value, found the end".into()),
        ("0:4!text:0810", 5, "expected `=`, found `t`".into()),
        ("lenn=4", 1, "expected OFFSET:LEN, OFFSET:LEN&HEX or len, found `lenn`; did you mean `len`?".into()),
        ("len=4,0:65=odd", 9, "expected 1 to 64 bytes, found `65`".into()),
        ("0:1&8=odd", 5, "expected pairs of hex digits, found `8`".into()),
        ("0:1&8000=odd", 5, "expected 1 byte, as the place has, found 2 bytes".into()),
        ("0:1&f0=hex:0f", 8, "expected a value with no bit outside of the mask, found `hex:0f`".into()),
        ("0:1&f0=odd", 8, "expected a value with no bit outside of the mask, found `odd`".into()),
        ("0:1&f0=map:hex:10>01", 8, "expected a value with no bit outside of the mask, found `map:hex:10>01`".into()),
        ("0:4=0810", 5, format!("{VALUE}, found `0810`")),
        ("0:4=", 5, format!("{VALUE}, found ``")),
        ("0:4=text:0810|", 15, format!("{VALUE}, found ``")),
        ("0:4=tex:0810", 5, format!("{VALUE}, found `tex`; did you mean `text` or `hex`?")),
        ("0:4=text:081", 10, "expected 4 bytes, as the place has, found 3 bytes".into()),
        ("0:4=text:0800..089", 16, "expected 4 bytes, as the place has, found 3 bytes".into()),
        ("0:4=text:0899..0800", 16, "the range ends at `0800`, which is before its start".into()),
        ("0:4=hex:0810", 9, "expected 4 bytes, as the place has, found 2 bytes".into()),
        ("0:1=hex:0", 9, "expected pairs of hex digits, found `0`".into()),
        ("0:1=hex:", 9, "expected 1 byte, as the place has, found 0 bytes".into()),
        (
            r"0:1=text:\q",
            11,
            r"expected `x` and two hex digits, `n`, `r`, `t`, or a punctuation character after `\`, found `q`".into(),
        ),
        ("0:4=request:0", 13, "expected OFFSET:LEN, such as `0:2` for the first two bytes, found `0`".into()),
        ("0:4=request:0:5", 13, "expected 4 bytes, as the place has, found 5 bytes".into()),
        ("0:4=map:0200", 9, "expected FROM>TO, such as `0200>0210`, found `0200`".into()),
        ("0:4=map:0200>021", 14, "expected 4 bytes, as the place has, found 3 bytes".into()),
        ("0:4=map:0200>0210|", 19, "expected FROM>TO, such as `0200>0210`, found ``".into()),
        ("len=", 5, "expected 0 or more bytes, found ``".into()),
        ("len=9..3", 8, "expected 9 or more bytes, found `3`".into()),
        ("len=x", 5, "expected 0 or more bytes, found `x`".into()),
    ] {
        let error = text.parse::<Match>().expect_err(text);
        assert_eq!((error.column(), error.message()), (column, &*message), "{text}");
    }
}

#[test]
fn matches_have_bounds() {
    let tests = |count| vec!["len=1"; count].join(",").parse::<Match>();
    assert!(tests(64).is_ok());
    assert_eq!(tests(65).unwrap_err().to_string(), "column 385: expected at most 64 tests, found more");
    let values = |count| format!("0:1={}", vec!["hex:00"; count].join("|")).parse::<Match>();
    assert!(values(256).is_ok());
    assert_eq!(values(257).unwrap_err().to_string(), "column 1797: expected at most 256 values, found more");
}

#[test]
fn a_mismatch_says_where_what_was_found_and_what_is_allowed() {
    for (text, message, request, mismatch) in [
        ("0:4=text:0810", &b"0210"[..], None, "expected 0:4=text:0810, found text:0210"),
        ("len=1..9,4:4=hex:80000009", b"\0\0\0\x10\0\0\0\x09", None, "expected 4:4=hex:80000009, found hex:00000009"),
        ("4:6=request", b"0810000042", None, "expected 4:6=request, found text:000042 and no request"),
        ("4:6=request", b"0810000042", Some(&b"0800000041"[..]), "expected 4:6=request, found text:000042"),
        ("len=4", b"123", None, "expected len=4, found a message of 3 bytes"),
        ("0:4=text:0810", b"1", None, "expected 0:4=text:0810, found a message of 1 byte"),
        ("0:64!=request", &[b'x'; 64], Some(&[b'x'; 64]), "expected 0:64!=request, found text:xxxxxxxxxxxxxxxx…"),
    ] {
        let expected: Match = text.parse().unwrap();
        assert_eq!(expected.explain(message, request).unwrap().to_string(), mismatch);
    }
    let odd: Match = "0:1=odd".parse().unwrap();
    let mismatch = odd.explain(b"2", None).unwrap();
    assert_eq!((mismatch.place, &*mismatch.found, &*mismatch.allowed), ("0:1".parse().ok(), "text:2", "0:1=odd"));
}

#[test]
fn a_match_says_what_it_needs() {
    let expected: Match = "4:6=request,0:4=text:0810,len=99".parse().unwrap();
    assert_eq!((expected.needs_request(), expected.least_len(), expected.is_any()), (true, 10, false));
    assert!(Match::any().is_any() && !Match::any().needs_request());
    assert_eq!((Match::any().least_len(), Match::any()), (0, "any".parse().unwrap()));
    assert_eq!(Match::bytes_at(4, b"\x80").unwrap().to_string(), "4:1=hex:80");
    assert_eq!(Match::bytes_at(0, b""), None);
}

#[test]
fn functions_judge_too() {
    let echo = Match::by(|message, request| request == Some(message));
    assert!(echo.holds(b"a", Some(b"a")) && !echo.holds(b"a", None));
    assert_eq!(echo.explain(b"a", Some(b"a")), None);
    assert_eq!(echo.explain(b"ab", None).unwrap().to_string(), "expected by a function, found a message of 2 bytes");
    assert_eq!((echo.clone(), echo == Match::by(|_, _| true)), (echo.clone(), false));
    assert_eq!(format!("{echo:?} {:?}", Match::any()), "Match(by a function) Match(any)");
}
