//! The notation of templates: what each composes, its normal form, and its errors.

use std::cell::Cell;
use std::time::Duration;

use framelink_template::{Inputs, NumberSource, NumbersError, Template};

/// Two counters: the profile's own begins at 1, `batch` at 901.
#[derive(Default)]
struct Counters(Cell<u64>, Cell<u64>);

impl NumberSource for Counters {
    fn next_of(&self, name: Option<&str>) -> Result<u64, NumbersError> {
        let (counter, base) = match name {
            None => (&self.0, 0),
            Some("batch") => (&self.1, 900),
            Some(other) => return Err(NumbersError::Unknown(other.into())),
        };
        counter.set(counter.get() + 1);
        Ok(base + counter.get())
    }
}

/// 2026-03-05 09:08:07.045600 UTC, local time one and a half hours ahead.
const NOW: Duration = Duration::from_micros(1_772_701_687_045_600);
const REQUEST: &[u8] = b"0800000042;";

fn with_inputs<T>(request: Option<&[u8]>, use_them: impl FnOnce(&Inputs<'_>) -> T) -> T {
    let drawn = Cell::new(0);
    let random = || {
        drawn.set(drawn.get() + 1);
        drawn.get() + 8
    };
    let variable = |name: &str| match name {
        "SITE" => Some(b"s\xff".to_vec()),
        "LONG" => Some(vec![b'x'; Template::MOST_LEN]),
        _ => None,
    };
    let numbers = Counters::default();
    use_them(&Inputs { now: NOW, local_offset: 5400, request, numbers: &numbers, random: &random, variable: &variable })
}

/// A notation, its normal form if it is another one, and the message.
const TABLE: &[(&str, &str, &[u8])] = &[
    ("text:", "", b""),
    ("hex:", "", b""),
    ("text:0800", "", b"0800"),
    (r"text:\x00\xFf", r"text:\x00\xff", b"\0\xff"),
    (r"text:a\n\r\t\\\{\}\'\,é", r"text:a\n\r\t\\\{\}\',é", "a\n\r\t\\{}',é".as_bytes()),
    ("text:\"\u{7f}\u{202e}\0", r#"text:"\x7f\xe2\x80\xae\x00"#, "\"\u{7f}\u{202e}\0".as_bytes()),
    (r"text:\xc3\xa9\xc3", r"text:é\xc3", b"\xc3\xa9\xc3"),
    ("hex:30 3830  30", "hex:30383030", b"0800"),
    ("hex:AbCd", "hex:abcd", b"\xab\xcd"),
    ("text:{number:6}{number:6}", "", b"000001000002"),
    ("text:{number:6,ascii}", "text:{number:6}", b"000001"),
    ("text:{number:3,of=batch}{number:1}{number:3,of=batch}", "", b"9011902"),
    ("hex:{number:4,binary}{number:4,binary-le}", "", b"\0\0\0\x01\x02\0\0\0"),
    ("hex:{number:3,bcd}{number:2,ebcdic}{number:2,hex}", "", b"\0\0\x01\xf0\xf203"),
    ("text:{utc:%Y-%m-%dT%H:%M:%S.%3fZ}", "", b"2026-03-05T09:08:07.045Z"),
    ("text:{utc:%y%j %s %6f%%}", "", b"26064 1772701687 045600%"),
    ("text:{utc:%a %b %e}", "", b"Thu Mar  5"),
    ("text:{local:%H%M%S}", "", b"103807"),
    ("text:{utc:%H%M,offset=+03:00}{utc:%H%M,offset=-12:30}", "", b"12082038"),
    ("text:{utc:%H,offset=+00:00}", "text:{utc:%H}", b"09"),
    ("text:{utc:'%H,%M'}", "text:{utc:\"%H,%M\"}", b"09,08"),
    ("text:{utc:\"{%H}\"}", "", b"{09}"),
    ("text:{utc:'%H'}", "text:{utc:%H}", b"09"),
    ("hex:{utc:%m%d%H%M%S,bcd}", "", b"\x03\x05\x09\x08\x07"),
    ("hex:{utc:%j,bcd}{utc:%H1,ebcdic}", "", b"\0\x64\xf0\xf9\xf1"),
    ("text:0810{request:4:6}", "", b"0810000042"),
    ("text:[{request}]", "", b"[0800000042;]"),
    ("text:{random:3}", "", b"901"),
    ("hex:{random:2,bcd}{random:1,binary}{random:1,ebcdic}{random:1,hex}", "", b"\x09\x10\x0b\xf2D"),
    ("text:{env:SITE}", "", b"s\xff"),
    ("text:{length:4,of=all}abc", "", b"0007abc"),
    ("text:{length:4,ascii,of=all}abc", "text:{length:4,of=all}abc", b"0007abc"),
    ("text:ab{length:4,of=rest}abc{env:SITE}", "", b"ab0005abcs\xff"),
    ("text:{length:2,of=b}{part:a}1{part:b}22{end}{end}{length:2,of=a}", "", b"0212203"),
    ("hex:{part:avp}01{length:3,binary,of=avp}{end}02", "", b"\x01\0\0\x04\x02"),
    ("hex:{length:2,binary-le,of=all}{length:1,bcd,of=rest}00", "", b"\x04\0\x01\0"),
    ("text:{part:a}{end}{length:1,of=a}", "", b"0"),
    ("hex:01{pad:4}{length:1,binary,of=all}{pad:4}{pad:4}", "", b"\x01\0\0\0\x08\0\0\0"),
];

#[test]
fn notations_compose_and_print_their_normal_form() {
    for &(text, normal, message) in TABLE {
        let template = text.parse::<Template>().unwrap_or_else(|error| panic!("{text}: {error}"));
        let normal = if normal.is_empty() { text } else { normal };
        assert_eq!(template.to_string(), normal, "{text}");
        assert_eq!(normal.parse(), Ok(template.clone()), "{text}");
        let composed = with_inputs(Some(REQUEST), |inputs| template.compose(inputs)).unwrap();
        assert_eq!(composed.escape_ascii().to_string(), message.escape_ascii().to_string(), "{text}");
    }
}

const FIELDS: &str = "one of number, utc, local, request, random, env, length, pad, part, end";
const SPECIFIERS: &str = "one of %Y %y %m %d %H %M %S %j %3f %6f %s %a %b %e %%";
const AFTER_BACKSLASH: &str = r"`x` and two hex digits, `n`, `r`, `t`, or a punctuation character after `\`";
const ENCODINGS: &str = "one of ascii, binary, binary-le, bcd, ebcdic, hex";
const VARIABLE: &str = "the name of an environment variable: 1 to 64 letters, digits and underscores";
const OFFSET: &str = "an offset from -23:59 to +23:59, such as `+03:00`";

/// A notation, the column of its error, what was expected (or the whole text of the error), and what was found.
const ERRORS: &[(&str, usize, &str, &str)] = &[
    ("", 1, "text:... or hex:..., such as `text:0800` or `hex:30383030`", "``"),
    ("0800", 1, "text:... or hex:..., such as `text:0800` or `hex:30383030`", "`0800`"),
    ("TEXT:0800", 1, "text:... or hex:..., such as `text:0800` or `hex:30383030`", "`TEXT:0800`"),
    ("text:a}", 7, r"`\}` for a brace of the text", "`}`"),
    (r"text:\", 7, AFTER_BACKSLASH, "the end"),
    (r"text:\q", 7, AFTER_BACKSLASH, "`q`"),
    (r"text:é\xg0", 9, r"two hex digits after `\x`", "`g`"),
    (r"text:\x0", 9, r"two hex digits after `\x`", "the end"),
    ("hex:0", 6, "a second hex digit", "the end"),
    ("hex:00 0 0", 9, "a second hex digit", "` `"),
    ("hex:xy", 5, "a pair of hex digits, or a field in braces", "`x`"),
    ("hex:00}", 7, "a pair of hex digits, or a field in braces", "`}`"),
    ("text:{}", 7, "a field such as `number:6`", "`}`"),
    ("text:{", 7, "`}`", "the end"),
    ("text:{number:6", 15, "`}`", "the end"),
    ("text:{number:{", 14, "`}`", "`{`"),
    ("text:{utc:'%H}", 15, "the closing `'`", "the end"),
    ("text:{utc:\"%H}", 15, "the closing `\"`", "the end"),
    ("text:{utc:'%H'x}", 15, "`,` or the end", "`x`"),
    ("text:{nummer:6}", 7, FIELDS, "`nummer`; did you mean `number`?"),
    ("text:{number=6}", 13, "`:`, `,` or the end", "`=`"),
    ("text:{number}", 13, "`:` and 1 to 64 bytes after `number`", ""),
    ("text:{number:0}", 14, "1 to 64 bytes", "`0`"),
    ("text:{number:65}", 14, "1 to 64 bytes", "`65`"),
    ("text:{number:06}", 14, "1 to 64 bytes, without leading zeros", "`06`"),
    (
        "text:{number:6,bcdd}",
        16,
        "one of ascii, binary, binary-le, bcd, ebcdic, hex, of",
        "`bcdd`; did you mean `bcd`?",
    ),
    ("text:{number:6,bcd,hex}", 20, "one encoding", "`bcd` and `hex`"),
    ("text:{number:6,bcd,bcd}", 20, "`bcd` stands twice, first at column 16", ""),
    ("text:{number:6,bcd=1}", 20, "`bcd` takes no value, found `1`", ""),
    ("text:{number:6,of}", 18, "`=` and a name after `of`", ""),
    ("text:{number:6,of=a_b}", 19, "the name of a source of numbers: 1 to 64 letters, digits and dashes", "`a_b`"),
    ("text:{random:6,of=x}", 16, ENCODINGS, "`of`"),
    ("text:{random:6,offset=x}", 16, ENCODINGS, "`offset`"),
    ("text:{utc}", 10, "`:` and a format such as `%m%d%H%M%S` after `utc`", ""),
    ("text:{utc:%Q}", 11, SPECIFIERS, "`%Q`"),
    ("text:{utc:%H%}", 13, SPECIFIERS, "`%`"),
    ("text:{utc:%H\\n}", 13, "a character other than a backslash or a quote", "`\\\\`"),
    ("text:{utc:''}", 12, "a format such as `%m%d%H%M%S`", "the end"),
    ("text:{utc:%H\u{1}}", 13, "a visible character", "`\\u{1}`"),
    ("text:{utc:%H,binary}", 14, "one of ascii, bcd, ebcdic for a time", "`binary`"),
    ("text:{utc:%H:%M,bcd}", 17, "`bcd` writes digits, and this format has other characters", ""),
    ("text:{utc:%b,ebcdic}", 14, "`ebcdic` writes digits, and this format has other characters", ""),
    ("text:{utc:%H,offset=3}", 21, OFFSET, "`3`"),
    ("text:{utc:%H,offset=+24:00}", 21, OFFSET, "`+24:00`"),
    ("text:{utc:%H,offset=-00:60}", 21, OFFSET, "`-00:60`"),
    ("text:{local:%H,offset=+03:00}", 16, "one of ascii, bcd, ebcdic", "`offset`"),
    ("text:{request:4}", 15, "OFFSET:LEN, such as `0:2` for the first two bytes", "`4`"),
    ("text:{request:4:65}", 17, "1 to 64 bytes", "`65`"),
    ("text:{request:4:6,bcd}", 19, "the field `request` takes no options, found `bcd`", ""),
    ("text:{env}", 10, "`:` and the name of an environment variable after `env`", ""),
    ("text:{env:A-B}", 11, VARIABLE, "`A-B`"),
    ("text:{env:1A}", 11, VARIABLE, "`1A`"),
    ("text:{length:4}", 7, "`of=` and all, rest or a part in this field", "none"),
    (
        "text:{length:4,of=hst}{part:host}{end}",
        19,
        "all, rest or a part of this template",
        "`hst`; did you mean `host`?",
    ),
    ("text:{part}", 11, "`:` and a name after `part`", ""),
    ("text:{part:all}{end}", 12, "a name other than all and rest", "`all`"),
    ("text:{part:a}{end}{part:a}{end}", 25, "`a` is the name of two parts", ""),
    ("text:{part:a}", 12, "`{end}` behind the part `a`", "none"),
    ("text:{end}", 7, "`{part:NAME}` before it", "`end`"),
    ("text:{end:a}", 11, "`end` takes no value, found `a`", ""),
];

#[test]
fn errors_name_the_column_what_was_expected_and_what_was_found() {
    for &(text, column, expected, found) in ERRORS {
        let error = text.parse::<Template>().expect_err(text);
        let is_whole = found.is_empty()
            && (expected.contains("found") || !expected.starts_with("`:`") && !expected.starts_with("`=`"));
        let message = match found {
            "" if is_whole => expected.to_owned(),
            "" => format!("expected {expected}"),
            found => format!("expected {expected}, found {found}"),
        };
        assert_eq!((error.column(), error.message()), (column, &*message), "{text}");
    }
}

#[test]
fn templates_have_bounds() {
    let fields = |count| format!("text:{}", "{number:1}".repeat(count)).parse::<Template>();
    assert!(fields(1024).is_ok());
    assert_eq!(fields(1025).unwrap_err().to_string(), "column 10246: expected at most 1024 parts, found more");
    let literal = |len| format!("text:{}", "x".repeat(len)).parse::<Template>();
    assert!(literal(65536).is_ok());
    let error = literal(65537).unwrap_err();
    assert_eq!(error.to_string(), "column 65543: expected a message of at most 65536 bytes, found 65537 bytes");
    let format = |len| format!("text:{{utc:{}}}", "x".repeat(len)).parse::<Template>();
    assert!(format(64).is_ok() && format(65).is_err());
}

#[test]
fn a_message_that_cannot_be_composed_says_why_and_leaves_the_output() {
    for (text, request, error) in [
        ("text:0810{request:4:6}", None, "column 10: `{request:4:6}` needs a message to answer, and there is none"),
        (
            "text:0810{request:4:6}",
            Some(&b"0800"[..]),
            "column 10: `{request:4:6}` needs a message of 10 bytes or more to answer, received 4 bytes",
        ),
        ("text:{request}", None, "column 6: `{request}` needs a message to answer, and there is none"),
        (
            "text:{number:2,of=batch}",
            None,
            "column 6: `{number:2,of=batch}` is too short: 901 does not fit 2 bytes of ascii, at most 99 does",
        ),
        (
            "text:{number:2,of=other}",
            None,
            "column 6: `{number:2,of=other}` has no number: there is no source of numbers with the name `other`",
        ),
        ("text:ab{env:HOME}", None, "column 8: `{env:HOME}` needs an environment variable that is not set"),
        (
            "text:{length:1,of=all}123456789",
            None,
            "column 6: `{length:1,of=all}` is too short: 10 does not fit 1 byte of ascii, at most 9 does",
        ),
        (
            "text:x{env:LONG}",
            None,
            "column 7: `{env:LONG}` makes a message of 65537 bytes or more, at most 65536 are allowed",
        ),
        (
            "text:{env:LONG}a long literal of many bytes",
            None,
            "column 16: `text:a long literal o…` makes a message of 65564 bytes or more, at most 65536 are allowed",
        ),
    ] {
        let template: Template = text.parse().unwrap();
        let mut out = b"before".to_vec();
        let found = with_inputs(request, |inputs| template.append(inputs, &mut out)).unwrap_err();
        assert_eq!((found.to_string().as_str(), &*out), (error, &b"before"[..]), "{text}");
    }
    let year: Template = "text:{utc:%Y,offset=+23:59}".parse().unwrap();
    let at = |seconds| {
        let now = Duration::from_secs(seconds);
        with_inputs(None, |inputs| year.compose(&Inputs { now, ..*inputs }))
    };
    const YEAR_10000: u64 = 253_402_300_800;
    assert_eq!((at(0), at(YEAR_10000 - 86_401)), (Ok(b"1970".to_vec()), Ok(b"9999".to_vec())));
    for late in [YEAR_10000 - 86_400, 1 << 40, u64::MAX] {
        let error = at(late).unwrap_err().to_string();
        assert_eq!(error, "column 6: `{utc:%Y,offset=+23:59}` needs a time in the years 1970 to 9999");
    }
}

#[test]
fn functions_compose_too() {
    let swapped = Template::by(|inputs| {
        let mut reply = inputs.request?.to_vec();
        reply.get_mut(1..5)?.rotate_left(2);
        Some(reply)
    });
    let reply = with_inputs(Some(b"\x60\0\x01\0\x02\x08"), |inputs| swapped.compose(inputs));
    assert_eq!(reply.unwrap(), b"\x60\0\x02\0\x01\x08");
    let error = with_inputs(None, |inputs| swapped.compose(inputs)).unwrap_err();
    assert_eq!(error.to_string(), "the template's function returned no message");
    let long = Template::by(|_| Some(vec![0; Template::MOST_LEN + 1]));
    let error = with_inputs(None, |inputs| long.compose(inputs)).unwrap_err();
    assert_eq!(error.to_string(), "the template's function makes a message of 65537 bytes, at most 65536 are allowed");
    assert_eq!((swapped.clone(), swapped != long), (swapped.clone(), true));
    assert_eq!((swapped.example(), format!("{swapped:?}")), ("by a function".into(), "Template(by a function)".into()));
}

#[test]
fn a_template_says_what_it_needs() {
    let template: Template =
        "text:0810{request:4:6}{number:6}{number:4,bcd}{env:A}{env:B}{number:1,of=x}{utc:%s}".parse().unwrap();
    assert!(template.needs_request());
    assert_eq!(template.variables().collect::<Vec<_>>(), ["A", "B"]);
    assert_eq!(template.number_places(), Some(vec!["10:6".parse().unwrap(), "16:4".parse().unwrap()]));
    assert_eq!((template.most_number(), template.fixed_len(), template.as_literal()), (Some(999_999), None, None));
    assert_eq!(template.check_places(10), Ok(()));
    let error = template.check_places(9).unwrap_err();
    assert_eq!((error.field(), error.column()), ("{request:4:6}", 10));
    let error = template.check_variables(&|name| (name == "A").then(Vec::new)).unwrap_err();
    assert_eq!((error.field(), error.is_unset()), ("{env:B}", true));
    assert_eq!(template.check_variables(&|_| Some(Vec::new())), Ok(()));
    let error = template.check_sources(|name| name == "y").unwrap_err();
    assert_eq!(error.numbers(), Some(&NumbersError::Unknown("x".into())));
    assert_eq!(template.check_sources(|name| name == "x"), Ok(()));

    let moving: Template = "text:{env:A}{number:6}".parse().unwrap();
    assert_eq!((moving.number_places(), moving.most_number()), (None, Some(999_999)));
    let fixed: Template = "text:{utc:%H:%M}{random:3}{length:2,of=all}{part:a}{end}".parse().unwrap();
    assert_eq!((fixed.fixed_len(), fixed.most_number(), fixed.needs_request()), (Some(10), None, false));
    assert_eq!(Template::literal(b"").as_literal(), Some(&b""[..]));
    assert_eq!("hex:0800".parse::<Template>().unwrap().as_literal(), Some(&b"\x08\0"[..]));
    assert_eq!("hex:30".parse::<Template>(), "text:0".parse(), "the bytes decide");
}

#[test]
fn examples_are_for_people() {
    for (text, example) in [
        ("text:0800{number:6}{utc:%m%d%H%M%S}", "text:08000000010115080000"),
        ("text:0810{request:4:6}{local:%H}\\r", r"text:0810{request:4:6}08\r"),
        ("hex:{length:4,binary,of=all}00000015{number:4,binary}", "hex:0000000c0000001500000001"),
        ("text:{length:4,of=all}{part:a}{env:A}{end}{length:2,of=a}", "text:{length:4,of=all}•••{length:2,of=a}"),
        ("text:\\{{random:3}\\}", r"text:\{000\}"),
        ("hex:ff{env:A}00", "hex:ff•••00"),
    ] {
        assert_eq!(text.parse::<Template>().unwrap().example(), example, "{text}");
    }
}

#[test]
fn the_value_of_a_variable_is_never_shown() {
    let template: Template = "text:{length:1,of=all}{env:PASSWORD}{request:9:9}".parse().unwrap();
    let password = |_: &str| Some(b"hunter2-hunter2".to_vec());
    let with_password = |inputs: &Inputs<'_>| {
        let inputs = Inputs { variable: &password, ..*inputs };
        let errors = [Some(&b""[..]), None, Some(&[7; 20])].map(|request| {
            let error = template.compose(&Inputs { request, ..inputs }).unwrap_err();
            format!("{error} {error:?}")
        });
        format!("{template} {template:?} {} {inputs:?} {errors:?}", template.example())
    };
    let shown = with_inputs(None, with_password);
    assert!(!shown.contains("hunter2"), "{shown}");
}

#[cfg(feature = "std")]
#[test]
fn the_system_has_a_time_random_bits_and_variables() {
    let counters = Counters::default();
    let inputs = Inputs::system(&counters);
    assert!(inputs.now > NOW - Duration::from_secs(86_400 * 365) && inputs.local_offset.abs() < 86_400);
    assert_ne!((inputs.random)(), (inputs.random)());
    assert!((inputs.variable)("PATH").is_some() && (inputs.variable)("FRAMELINK_IS_NOT_SET").is_none());
    assert_eq!(inputs.answering(b"x").request, Some(&b"x"[..]));
}

/// The zone of a process is that of its environment, so the test runs itself with others.
#[cfg(feature = "std")]
#[test]
fn local_time_is_that_of_the_system() {
    const NAME: &str = "local_time_is_that_of_the_system";
    const WE_ARE_RUN: &str = "FRAMELINK_TEST_LOCAL_TIME";
    if let Some(expected) = std::env::var_os(WE_ARE_RUN) {
        let counters = Counters::default();
        let inputs = Inputs { now: NOW, ..Inputs::system(&counters) };
        let message = "text:{local:%H:%M} {utc:%H:%M}".parse::<Template>().unwrap().compose(&inputs).unwrap();
        let with_offset = format!("{} {}", inputs.local_offset, String::from_utf8(message).unwrap());
        assert_eq!(with_offset, expected.to_str().unwrap());
        return;
    }
    for (zone, expected) in
        [("ABC-03:30", "12600 12:38 09:08"), ("ABC12", "-43200 21:08 09:08"), ("no/such", "0 09:08 09:08")]
    {
        let ourselves = std::env::current_exe().unwrap();
        let mut run = std::process::Command::new(ourselves);
        let run = run.args(["--exact", NAME]).env("TZ", zone).env(WE_ARE_RUN, expected).output().unwrap();
        assert!(run.status.success(), "{zone}: {}", String::from_utf8_lossy(&run.stdout));
    }
}
