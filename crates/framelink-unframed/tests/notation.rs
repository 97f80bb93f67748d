//! The meaning of a notation, its normal form, and the errors of a wrong one.

use std::time::Duration;

use framelink_codec::notation::Notation;
use framelink_unframed::{Dialect, Kind, PRESETS, Unframed, UnframedBuilder};

/// A notation and its normal form.
#[rustfmt::skip] // one line a case
const NORMAL_FORMS: &[(&str, &str)] = &[
    ("until-close", "until-close"),
    ("until-close,max=1MiB", "until-close"),
    ("quiet:50ms", "quiet:50ms"),
    ("quiet:2000ms", "quiet:2s"),
    ("quiet:90s", "quiet:90s"),
    ("quiet:120s,max=1024KiB", "quiet:2m"),
    ("quiet:18446744073709551615ms", "quiet:18446744073709551615ms"),
    ("each-read", "each-read"),
    ("each-read,max=16KiB", "each-read"),
    ("each-read,max=1MiB", "each-read,max=1MiB"),
    ("fixed:12", "fixed:12"),
    ("fixed:12,max=12", "fixed:12"),
    ("fixed:2048,max=2KiB", "fixed:2048"),
    ("line", "line"),
    ("line,lf", "line,lf"),
    ("line,max=100,lf", "line,lf,max=100"),
    ("line,max=0", "line,max=0"),
    ("delim:03", "delim:03"),
    ("delim:0D0A", "delim:0d0a"),
    ("delim:000102030405060708090a0b0c0d0e0f", "delim:000102030405060708090a0b0c0d0e0f"),
    ("delim:03,max=1048576", "delim:03"),
    ("delim:03,max=1048577", "delim:03,max=1048577"),
    ("between:02..03", "between:02..03"),
    ("between:0B..1C0D,max=2048", "between:0b..1c0d,max=2KiB"),
    ("mllp", "between:0b..1c0d"),
    ("mllp,max=2KiB", "between:0b..1c0d,max=2KiB"),
    ("base24", "delim:03"),
];

#[test]
fn a_notation_prints_its_normal_form_which_parses_to_an_equal_value() {
    for &(text, normal) in NORMAL_FORMS {
        let framing: Unframed = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(framing.to_string(), normal, "{text}");
        assert_eq!(normal.parse(), Ok(framing), "{text}");
        assert_eq!(format!("{framing:?}"), format!("Unframed({normal})"), "{text}");
    }
}

#[test]
fn builder_and_notation_give_equal_framings() {
    let pairs: &[(UnframedBuilder, &str)] = &[
        (Unframed::until_close().max(100), "until-close,max=100"),
        (Unframed::quiet(Duration::from_millis(1500)), "quiet:1500ms"),
        (Unframed::each_read(), "each-read"),
        (Unframed::fixed(12), "fixed:12"),
        (Unframed::line(), "line"),
        (Unframed::line().lf_alone(true).max(0), "line,lf,max=0"),
        (Unframed::line().lf_alone(true).lf_alone(false), "line"),
        (Unframed::delimited(b"\x03"), "base24"),
        (Unframed::between(b"\x0b", b"\x1c\x0d"), "mllp"),
    ];
    for (builder, text) in pairs {
        assert_eq!(builder.build(), Ok(text.parse().unwrap()), "{text}");
    }
}

#[cfg(feature = "serde")]
#[test]
fn serde_and_notation_give_equal_framings() {
    for &(text, normal) in NORMAL_FORMS {
        let framing: Unframed = serde_json::from_str(&format!("{text:?}")).unwrap();
        assert_eq!(framing, text.parse().unwrap(), "{text}");
        assert_eq!(serde_json::to_string(&framing).unwrap(), format!("{normal:?}"), "{text}");
    }
    let error = serde_json::from_str::<Unframed>("\"fixed:0\"").unwrap_err();
    assert!(error.to_string().starts_with("column 7: expected 1 or more bytes, found `0`"), "{error}");
    let error = serde_json::from_str::<Unframed>("12").unwrap_err().to_string();
    assert!(error.contains("the notation of a framing"), "{error}");
}

#[test]
fn a_framing_says_what_ends_its_messages() {
    let kind = |text: &str| text.parse::<Unframed>().unwrap().kind();
    assert_eq!(kind("quiet:2s"), Kind::Quiet(Duration::from_secs(2)));
    assert_eq!(kind("line,lf"), Kind::Line { lf: true });
    let Kind::Between { start, end } = kind("mllp") else { panic!() };
    assert_eq!((start.as_ref(), end.as_ref()), (&b"\x0b"[..], &b"\x1c\x0d"[..]));
}

#[test]
fn every_preset_is_its_expansion() {
    for preset in PRESETS {
        let named: Unframed = preset.name.parse().unwrap();
        assert_eq!(named.to_string(), preset.notation, "{}", preset.name);
        assert!(!preset.source.is_empty());
    }
}

#[test]
fn a_kind_of_another_crate_is_not_an_error() {
    assert!(UnframedBuilder::from_notation(&Notation::parse("net:2").unwrap()).is_none());
    assert!(UnframedBuilder::from_notation(&Notation::parse("line,keep").unwrap()).unwrap().is_err());
    for kind in UnframedBuilder::KINDS.split(", ") {
        assert!(UnframedBuilder::from_notation(&Notation::parse(kind).unwrap()).is_some(), "{kind}");
    }
}

/// Notation, column, characters, error.
#[rustfmt::skip] // one line a case
const WRONG: &[(&str, usize, usize, &str)] = &[
    ("", 1, 0, "expected a framing such as `ascii:4`, found the end"),
    ("lines", 1, 5, "expected one of until-close, quiet, each-read, fixed, line, delim, between, or a preset, found `lines`; did you mean `line`?"),
    ("Line", 1, 4, "expected one of until-close, quiet, each-read, fixed, line, delim, between, or a preset, found `Line`; did you mean `line`?"),
    ("quiet", 6, 0, "expected `:` and a time such as `50ms` after `quiet`"),
    ("fixed", 6, 0, "expected `:` and 1 or more bytes after `fixed`"),
    ("delim", 6, 0, "expected `:` and pairs of hex digits after `delim`"),
    ("between,max=1", 8, 0, "expected `:` and pairs of hex digits on both sides of `..` after `between`"),
    ("delim:", 7, 0, "expected a value, found the end"),
    ("line:lf", 6, 2, "`line` takes no value, found `lf`"),
    ("until-close:1", 13, 1, "`until-close` takes no value, found `1`"),
    ("mllp:0b", 6, 2, "`mllp` takes no value, found `0b`"),
    ("fixed:0", 7, 1, "expected 1 or more bytes, found `0`"),
    ("fixed:012", 7, 3, "expected 1 or more bytes, without leading zeros, found `012`"),
    ("fixed:2KiB", 7, 4, "expected 1 or more bytes, found `2KiB`"),
    ("fixed:12,max=100", 14, 3, "max of 100 is 88 bytes more than the 12 of every message"),
    ("fixed:12,max=8", 14, 1, "no frame can exist: the limit is 8 payload bytes, a message has at least 12"),
    ("quiet:0s", 7, 2, "expected a number above 0 with `ms`, `s`, `m`, `h` or `d`, found `0s`"),
    ("quiet:5", 7, 1, "expected a number above 0 with `ms`, `s`, `m`, `h` or `d`, found `5`"),
    ("quiet:1.5s", 7, 4, "expected a number above 0 with `ms`, `s`, `m`, `h` or `d`, found `1.5s`"),
    ("delim:0", 7, 1, "expected pairs of hex digits, found `0`"),
    ("delim:0x03", 7, 4, "expected pairs of hex digits, found `0x03`"),
    ("delim:000102030405060708090a0b0c0d0e0f10", 7, 34, "expected at most 16 bytes, found 17"),
    ("between:02", 9, 2, "expected pairs of hex digits, `..`, and pairs of hex digits, found `02`"),
    ("between:02..", 9, 4, "expected pairs of hex digits, `..`, and pairs of hex digits, found `02..`"),
    ("between:02...03", 9, 7, "expected pairs of hex digits, `..`, and pairs of hex digits, found `02...03`"),
    ("between:02..000102030405060708090a0b0c0d0e0f10", 9, 38, "expected at most 16 bytes, found 17"),
    ("each-read,max=2MiB", 15, 4, "max of 2097152 is 1048576 bytes more than the 1048576 that a read is offered at most"),
    ("fixed:99999999999999999999", 7, 20, "`99999999999999999999` is too large, at most 18446744073709551615 is allowed"),
    ("line,keep", 6, 4, "expected one of lf, max, found `keep`"),
    ("delim:03,suffix=03", 10, 6, "expected max, found `suffix`"),
    ("delim:03,lf", 10, 2, "lf is an option of line, not of delim"),
    ("fixed:12,lf", 10, 2, "lf is an option of line, not of fixed"),
    ("base24,lf", 8, 2, "lf is an option of line, not of delim"),
    ("line,lf=1", 9, 1, "`lf` takes no value, found `1`"),
    ("line,lf,lf", 9, 2, "`lf` stands twice, first at column 6"),
    ("line,max=1,lf,max=2", 15, 3, "`max` stands twice, first at column 6"),
    ("line,max", 9, 0, "expected `=` and a size after `max`"),
    ("line,max=", 10, 0, "expected a value, found the end"),
    ("line,max=1kB", 10, 3, "expected a number of bytes, or one with `KiB` or `MiB`, found `1kB`"),
    ("line,", 6, 0, "expected an option, found the end"),
    ("until-close,max=0", 17, 1, "no frame can exist: the limit is 0 payload bytes, a message has at least 1"),
    ("quiet:50ms,max=0", 16, 1, "no frame can exist: the limit is 0 payload bytes, a message has at least 1"),
    ("each-read,max=0", 15, 1, "no frame can exist: the limit is 0 payload bytes, a message has at least 1"),
    ("fixed:12,max=0", 14, 1, "no frame can exist: the limit is 0 payload bytes, a message has at least 12"),
];

#[test]
fn an_error_says_where_and_what() {
    for &(text, column, len, message) in WRONG {
        let error = text.parse::<Unframed>().expect_err(text);
        assert_eq!((error.message(), error.column(), error.len()), (message, column, len), "{text}");
    }
}

#[cfg(target_pointer_width = "64")]
#[test]
fn more_than_memory_can_hold_is_refused() {
    for (text, column, message) in [
        ("fixed:18446744073709551615", 7, "fixed takes 1 to 9223372036854775743 bytes, found 18446744073709551615"),
        (
            "line,max=9223372036854775744",
            10,
            "max of 9223372036854775744 is 1 bytes more than the 9223372036854775743 that memory can hold",
        ),
    ] {
        let error = text.parse::<Unframed>().expect_err(text);
        assert_eq!((error.message(), error.column()), (message, column), "{text}");
    }
    assert!("fixed:9223372036854775743".parse::<Unframed>().is_ok());
}
