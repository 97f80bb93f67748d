//! Any framing as one value: parsing, printing, and errors.

use framelink_codec::{Decode, Decoded, Encode, End, Ends};
use framelink_profile::{Framing, FramingPair, presets};
use framelink_session::Message;
use proptest::prelude::*;

fn framing(notation: &str) -> Framing {
    notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}"))
}

/// One notation of each kind.
const KINDS: &[&str] = &[
    "net:2",
    "le:4",
    "ascii:4",
    "hex:4",
    "ebcdic:4",
    "bcd:2",
    "decimal:3a",
    "varint",
    "until-close",
    "quiet:50ms",
    "each-read",
    "fixed:5",
    "line",
    "delim:03",
    "between:02..03",
];

#[test]
fn every_kind_is_read_and_carries_a_message() {
    let told = "none".parse::<Framing>().unwrap_err();
    let covered: Vec<&str> = KINDS.iter().map(|notation| notation.split(':').next().unwrap()).collect();
    let all = format!("expected one of {}, or a preset, found `none`", covered.join(", "));
    assert_eq!(told.message(), all, "a case of each kind");
    for &notation in KINDS {
        let framing = framing(notation);
        assert_eq!(framing.to_string(), notation);
        let envelope = framing.envelope(b"hello").unwrap();
        let wire = [envelope.head.as_ref(), b"hello", envelope.suffix.as_ref()].concat();
        assert_eq!(envelope.ends_stream, framing.ends() == Ends::Close, "{notation}");
        let end = match framing.ends() {
            Ends::Itself => None,
            Ends::Quiet(_) => Some(End::Quiet),
            Ends::Read(_) => Some(End::Read),
            _ => Some(End::Closed),
        };
        let Ok(Decoded::Frame(frame)) = framing.decode(&wire, 0, end) else { panic!("{notation}") };
        assert_eq!((frame.payload(&wire), frame.frame_len), (&b"hello"[..], wire.len()), "{notation}");
        assert!(framing.max_payload() >= 5, "{notation}");
    }
}

#[test]
fn every_preset_is_its_expansion_and_no_two_share_a_name() {
    let mut names: Vec<&str> = presets().map(|preset| preset.name).collect();
    assert!(names.contains(&"tpkt") && names.contains(&"mllp"), "of both tables");
    for preset in presets() {
        let named = framing(preset.name);
        assert_eq!(framing(preset.notation), named, "{}", preset.name);
        let normal = named.to_string();
        assert_eq!(framing(&normal), named, "{}", preset.name);
        assert_eq!(framing(&normal).to_string(), normal, "{}", preset.name);
        assert!(!preset.source.is_empty(), "{}", preset.name);
    }
    names.sort_unstable();
    let all = names.len();
    names.dedup();
    assert_eq!(names.len(), all);
}

#[test]
fn the_error_of_an_unknown_kind_lists_all_kinds() {
    let error = "nett:2".parse::<Framing>().unwrap_err();
    assert_eq!((error.column(), error.len()), (1, 4));
    assert_eq!(
        error.message(),
        "expected one of net, le, ascii, hex, ebcdic, bcd, decimal, varint, until-close, quiet, each-read, fixed, line, \
         delim, between, or a preset, found `nett`; did you mean `net`?"
    );
    for wrong in ["", ":", "Net:2", " net:2", "net:2 ", "lines", "TPKT", "net 2"] {
        let error = wrong.parse::<Framing>().expect_err(wrong);
        assert!(error.column() >= 1 && error.column() + error.len() <= wrong.chars().count() + 1, "{wrong:?}: {error}");
    }
}

#[test]
fn an_error_within_a_kind_comes_from_its_own_crate() {
    for (wrong, column, message) in [
        ("bcd:10", 5, "expected 1 to 9 bytes, found `10`"),
        ("fixed:12,max=100", 14, "max of 100 is 88 bytes more than the 12 of every message"),
        ("line,keep", 6, "expected one of lf, max, found `keep`"),
    ] {
        let error = wrong.parse::<Framing>().expect_err(wrong);
        assert_eq!((error.column(), error.message()), (column, message), "{wrong}");
    }
}

#[test]
fn each_direction_uses_its_own_framing() {
    let both: FramingPair = framing("net:2").into();
    assert_eq!(both.receive, both.send);
    let framing = FramingPair { receive: framing("each-read,max=9"), send: framing("until-close") };
    assert_eq!(framing.ends(), Ends::Read(9));
    assert!(framing.envelope(b"hello").unwrap().ends_stream);
    let cut = framing.decode(&[0; 10], 0, Some(End::Read));
    assert!(matches!(cut, Ok(Decoded::Frame(frame)) if frame.payload_len() == 9), "{cut:?}");
    assert_eq!(framing.short_head(5), None);
    assert_eq!(both.short_head(5).map(|head| (head.bytes[1], head.len)), Some((5, 2)));
    assert_ne!(both, framing);
}

#[test]
fn errors_come_from_the_framing() {
    let error = framing("ascii:4").decode(b"00J", 0, None).unwrap_err();
    assert_eq!(error.to_string(), "header byte 2 is 0x4a, expected an ASCII digit");
    let error = framing("fixed:3").envelope(b"hello").unwrap_err();
    assert_eq!(error.to_string(), "payload is 5 bytes, every message is 3");
    assert!(framing("net:4").guess(b"GET / HTTP/1.1").is_some() && framing("mllp").guess(b"GET / HTTP/1.1").is_some());
}

#[cfg(feature = "serde")]
#[test]
fn in_serde_a_framing_is_its_notation() {
    for notation in KINDS.iter().copied().chain(presets().map(|preset| preset.name)) {
        let json = serde_json::to_string(notation).unwrap();
        let read: Framing = serde_json::from_str(&json).unwrap();
        assert_eq!(read, framing(notation), "{notation}");
        assert_eq!(serde_json::to_string(&read).unwrap(), format!("{:?}", read.to_string()), "{notation}");
    }
    let error = serde_json::from_str::<Framing>("\"bcd:10\"").unwrap_err();
    assert!(error.to_string().contains("column 5: expected 1 to 9 bytes, found `10`"), "{error}");
    let error = serde_json::from_str::<Framing>("4").unwrap_err();
    assert!(error.to_string().contains("expected the notation of a framing, such as \"ascii:4\""), "{error}");
}

fn any_hex() -> impl Strategy<Value = String> {
    "([0-9a-fA-F]{2}){1,4}"
}

fn any_kind() -> impl Strategy<Value = String> {
    let number = 0..20_u32;
    prop_oneof![
        ("(net|le|ascii|hex|ebcdic|bcd|fixed)", number.clone()).prop_map(|(kind, number)| format!("{kind}:{number}")),
        ("(decimal|delim)", any_hex()).prop_map(|(kind, hex)| format!("{kind}:{hex}")),
        (any_hex(), any_hex()).prop_map(|(start, end)| format!("between:{start}..{end}")),
        (number, "(ms|s|m|h|d)").prop_map(|(number, unit)| format!("quiet:{number}{unit}")),
        "(varint|until-close|each-read|line)",
        prop::sample::select(presets().map(|preset| preset.name.to_owned()).collect::<Vec<_>>()),
    ]
}

fn any_option() -> impl Strategy<Value = String> {
    prop_oneof![
        ("(at|gap|tail)", 0..9_u32).prop_map(|(option, number)| format!("{option}={number}")),
        ("(prefix|infix|suffix|mask)", any_hex()).prop_map(|(option, hex)| format!("{option}={hex}")),
        "counts=(rest|payload|self|frame)",
        (-9..9_i32).prop_map(|by| format!("adjust={by:+}")),
        "(zero=empty|keep|lower|lf)",
        (0..3000_u32, "(|KiB|MiB)").prop_map(|(size, unit)| format!("max={size}{unit}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    /// An accepted notation prints a normal form that parses to an equal value and prints as itself.
    #[test]
    fn prop_the_normal_form_parses_to_an_equal_framing(kind in any_kind(), options in prop::collection::vec(any_option(), 0..4)) {
        let text = [vec![kind], options].concat().join(",");
        match text.parse::<Framing>() {
            Ok(framing) => {
                let normal = framing.to_string();
                prop_assert_eq!(normal.parse(), Ok(framing), "{} prints as {}", text, normal);
                prop_assert_eq!(normal.parse::<Framing>().unwrap().to_string(), normal);
            }
            Err(error) => {
                prop_assert!(error.column() >= 1 && error.column() + error.len() <= text.len() + 1, "{text}: {error}");
            }
        }
    }
}

#[test]
fn many_of_the_random_notations_are_valid() {
    // Otherwise the property above would hold without testing much.
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let valid = (0..1000)
        .filter(|_| {
            let parts =
                (any_kind(), prop::collection::vec(any_option(), 0..4)).new_tree(&mut runner).unwrap().current();
            [vec![parts.0], parts.1].concat().join(",").parse::<Framing>().is_ok()
        })
        .count();
    assert!((150..850).contains(&valid), "{valid} of 1000 are valid");
}

#[test]
fn a_message_is_its_payload() {
    fn is_sent_and_shared<T: Send + Sync + Clone>() {}
    is_sent_and_shared::<Message>();
    is_sent_and_shared::<Framing>();
}
