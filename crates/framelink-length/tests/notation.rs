//! The notation: what parses, and the normal form that is printed.

use framelink_length::{Counts, Dialect, Field, Length, LengthBuilder, PRESETS};

/// A notation and its normal form.
const NORMAL: &[(&str, &str)] = &[
    // In normal form.
    ("net:2", "net:2"),
    ("net:8", "net:8"),
    ("le:4", "le:4"),
    ("ascii:18", "ascii:18"),
    ("hex:16,lower", "hex:16,lower"),
    ("ebcdic:4", "ebcdic:4"),
    ("bcd:9", "bcd:9"),
    ("decimal:3a", "decimal:3a"),
    ("decimal:00", "decimal:00"),
    ("varint", "varint"),
    // The options in their order.
    (
        "net:4,max=9,keep,zero=empty,counts=frame,suffix=03,tail=2,infix=60,gap=3,mask=7fffffff,prefix=02,at=4",
        "net:4,at=4,prefix=02,mask=7fffffff,gap=3,infix=60,tail=2,suffix=03,counts=frame,zero=empty,keep,max=9",
    ),
    ("hex:2,max=9,lower,keep,adjust=-2", "hex:2,adjust=-2,keep,lower,max=9"),
    // A length that is that of the fixed bytes.
    ("net:2,at=2,prefix=0300", "net:2,prefix=0300"),
    ("net:2,gap=1,infix=60", "net:2,infix=60"),
    ("net:2,tail=1,suffix=03", "net:2,suffix=03"),
    ("net:2,prefix=03,at=2", "net:2,at=2,prefix=03"),
    // The longest heads and tails: 64 bytes.
    ("net:1,at=63,tail=64", "net:1,at=63,tail=64"),
    ("net:8,gap=56", "net:8,gap=56"),
    ("varint,at=55", "varint,at=55"),
    ("decimal:3a,gap=45", "decimal:3a,gap=45"),
    // Defaults.
    ("net:2,at=0,gap=0,tail=0", "net:2"),
    ("net:2,counts=rest", "net:2"),
    ("net:2,adjust=+0", "net:2"),
    ("net:2,adjust=-0", "net:2"),
    ("net:2,mask=ffff", "net:2"),
    ("le:8,mask=ffffffffffffffff", "le:8"),
    ("net:2,max=65535", "net:2"),
    ("net:2,max=65534", "net:2,max=65534"),
    ("net:2,counts=self,max=65533", "net:2,counts=self"),
    ("net:4,max=1MiB", "net:4"),
    ("net:4,max=1048576", "net:4"),
    ("net:1,max=255", "net:1"),
    // Hex in lower case, masks as long as the field.
    ("net:2,prefix=0A,infix=fF", "net:2,prefix=0a,infix=ff"),
    ("decimal:3A", "decimal:3a"),
    ("net:4,mask=00FFFFFF", "net:4,mask=00ffffff"),
    ("le:3,mask=00007f", "le:3,mask=00007f"),
    ("net:1,mask=01", "net:1,mask=01"),
    ("net:8,mask=7fffffffffffffff", "net:8,mask=7fffffffffffffff"),
    // Sizes in the largest exact unit.
    ("net:4,max=0", "net:4,max=0"),
    ("net:4,max=1023", "net:4,max=1023"),
    ("net:4,max=1024", "net:4,max=1KiB"),
    ("net:4,max=1025", "net:4,max=1025"),
    ("net:4,max=2048", "net:4,max=2KiB"),
    ("net:4,max=1024KiB", "net:4"),
    ("net:4,max=1025KiB", "net:4,max=1025KiB"),
    ("net:4,max=2048KiB", "net:4,max=2MiB"),
    ("net:4,max=1073741824", "net:4,max=1024MiB"),
    ("net:4,max=4294967295", "net:4,max=4294967295"),
    ("net:4,max=0KiB", "net:4,max=0"),
    // Signs are written out.
    ("net:2,adjust=+2", "net:2,adjust=+2"),
    ("net:2,adjust=-65535", "net:2,adjust=-65535"),
    ("net:8,adjust=-9223372036854775808", "net:8,adjust=-9223372036854775808"),
    ("net:4,adjust=+10,max=10", "net:4,adjust=+10,max=10"),
    // Options after a preset replace those of the preset. `counts` and `adjust` replace one another.
    ("tpkt,prefix=0300", "net:2,prefix=0300,counts=frame"),
    ("tpkt,at=4", "net:2,at=4,prefix=03,counts=frame"),
    ("tpkt,at=1", "net:2,prefix=03,counts=frame"),
    ("tpkt,counts=rest", "net:2,at=2,prefix=03"),
    ("tpkt,counts=self", "net:2,at=2,prefix=03,counts=self"),
    ("tpkt,adjust=-3", "net:2,at=2,prefix=03,adjust=-3"),
    ("tpkt,adjust=+0", "net:2,at=2,prefix=03"),
    ("tpkt,max=2KiB", "net:2,at=2,prefix=03,counts=frame,max=2KiB"),
    ("tpkt,keep", "net:2,at=2,prefix=03,counts=frame,keep"),
    ("tpkt,zero=empty", "net:2,at=2,prefix=03,counts=frame,zero=empty"),
    ("netstring,suffix=0a", "decimal:3a,suffix=0a,counts=payload"),
    ("netstring,counts=rest", "decimal:3a,suffix=2c"),
    ("sunrpc,mask=00ffffff", "net:4,mask=00ffffff,keep"),
    ("sunrpc,mask=ffffffff", "net:4,keep"),
    ("modbus,at=2", "net:2,at=2,keep"),
    ("modbus,keep", "net:2,at=4,keep"),
    ("mqtt,max=268435455", "varint,at=1,keep,max=268435455"),
    ("kafka,max=100MiB", "net:4,max=100MiB"),
];

fn length(notation: &str) -> Length {
    notation.parse().unwrap_or_else(|error| panic!("{notation}: {error}"))
}

#[test]
fn the_normal_form_is_printed() {
    for &(written, normal) in NORMAL {
        assert_eq!(length(written).to_string(), normal, "{written}");
    }
}

#[test]
fn the_normal_form_parses_to_an_equal_value_and_prints_unchanged() {
    for &(written, normal) in NORMAL {
        assert_eq!(length(normal), length(written), "{written}");
        assert_eq!(length(normal).to_string(), normal, "{written}");
    }
}

/// The expansions, as in the documentation of the notation.
const EXPANSIONS: &[(&str, &str)] = &[
    ("dns", "net:2"),
    ("nac", "net:2"),
    ("2E", "net:2"),
    ("erlang-2", "net:2"),
    ("2I", "net:2,counts=self"),
    ("4E", "net:4"),
    ("erlang-4", "net:4"),
    ("kafka", "net:4"),
    ("4I", "net:4,counts=self"),
    ("erlang-1", "net:1"),
    ("base24-tcp", "net:2,suffix=03"),
    ("modbus", "net:2,at=4,keep"),
    ("mqtt", "varint,at=1,keep"),
    ("mongodb", "le:4,counts=frame,keep"),
    ("amqp", "net:4,at=3,suffix=ce,counts=payload,keep"),
    ("bgp", "net:2,prefix=ffffffffffffffffffffffffffffffff,counts=frame"),
    ("tpkt", "net:2,at=2,prefix=03,counts=frame"),
    ("netstring", "decimal:3a,suffix=2c,counts=payload"),
    ("syslog", "decimal:20"),
    ("iec104", "net:1,prefix=68"),
    ("smpp", "net:4,counts=frame,keep"),
    ("diameter", "net:3,prefix=01,counts=frame,keep"),
    ("postgres", "net:4,at=1,counts=self,keep"),
    ("mysql", "le:3,gap=1,counts=payload,keep"),
    ("tls", "net:2,at=3,keep"),
    ("sunrpc", "net:4,mask=7fffffff,keep"),
];

#[test]
fn a_preset_is_its_expansion_and_never_printed() {
    for &(name, expansion) in EXPANSIONS {
        assert_eq!(length(name), length(expansion), "{name}");
        assert_eq!(length(name).to_string(), expansion, "{name}");
    }
}

#[test]
fn the_table_of_presets_is_complete_and_has_sources() {
    for preset in PRESETS {
        let named = EXPANSIONS.iter().filter(|expansion| expansion.0 == preset.name).count();
        assert_eq!(named, 1, "{} here", preset.name);
        assert_eq!(PRESETS.iter().filter(|other| other.name == preset.name).count(), 1, "{} there", preset.name);
        assert_eq!(length(preset.notation), length(preset.name), "{}", preset.name);
        assert!(!preset.source.is_empty(), "{}", preset.name);
    }
    assert_eq!(PRESETS.len(), EXPANSIONS.len());
}

#[test]
fn the_order_of_options_does_not_matter() {
    let options = ["at=3", "prefix=02", "mask=0fff", "infix=60", "tail=1", "counts=frame", "keep", "max=99"];
    let expected = length(&format!("net:2,{}", options.join(",")));
    for turn in 0..options.len() {
        let mut turned = options;
        turned.rotate_left(turn);
        assert_eq!(length(&format!("net:2,{}", turned.join(","))), expected, "{turned:?}");
        turned.reverse();
        assert_eq!(length(&format!("net:2,{}", turned.join(","))), expected, "{turned:?}");
    }
}

#[test]
fn every_option_changes_the_framing() {
    let options = [
        "at=1",
        "prefix=02",
        "mask=0fff",
        "gap=1",
        "infix=60",
        "tail=1",
        "suffix=03",
        "counts=payload",
        "counts=self",
        "counts=frame",
        "adjust=+1",
        "adjust=-1",
        "keep",
        "max=99",
    ];
    let plain = length("net:2,gap=4,tail=4");
    let mut seen = vec![plain];
    for option in options {
        let with = length(&match option.split('=').next() {
            Some("gap") => format!("net:2,tail=4,{option}"),
            Some("tail") => format!("net:2,gap=4,{option}"),
            _ => format!("net:2,gap=4,tail=4,{option}"),
        });
        assert!(!seen.contains(&with), "{option} makes {with}");
        seen.push(with);
    }
}

#[test]
fn the_readme_names_every_preset_and_kind() {
    let readme = include_str!("../README.md");
    for preset in PRESETS {
        assert!(readme.contains(&format!("`{}`", preset.name)), "{}", preset.name);
    }
    for kind in LengthBuilder::KINDS.split(", ") {
        assert!(readme.contains(&format!("| `{kind}")), "{kind}");
    }
}

#[test]
fn debug_shows_the_notation_and_getters_its_parts() {
    let tpkt = length("tpkt,max=100");
    assert_eq!(format!("{tpkt:?}"), "Length(net:2,at=2,prefix=03,counts=frame,max=100)");
    assert_eq!((tpkt.field(), tpkt.counts(), tpkt.max_payload()), (Field::Net(2), Counts::Frame, 100));
    assert_eq!((tpkt.prefix(), tpkt.infix(), tpkt.suffix()), (&[3][..], &[][..], &[][..]));
    let other = length("varint,gap=3,infix=6001,tail=3,suffix=0304,keep");
    assert_eq!((other.prefix(), other.infix(), other.suffix()), (&[][..], &[0x60, 1][..], &[3, 4][..]));
    assert!(other.keeps_header() && !tpkt.keeps_header());
}

#[cfg(feature = "serde")]
#[test]
fn in_serde_a_framing_is_its_notation() {
    for &(written, normal) in NORMAL {
        let json = serde_json::to_string(written).unwrap();
        let read: Length = serde_json::from_str(&json).unwrap();
        assert_eq!(read, length(written), "{written}");
        assert_eq!(serde_json::to_string(&read).unwrap(), format!("\"{normal}\""), "{written}");
    }
    let error = serde_json::from_str::<Length>("\"bcd:10\"").unwrap_err();
    assert!(error.to_string().contains("column 5: expected 1 to 9 bytes, found `10`"), "{error}");
    let error = serde_json::from_str::<Length>("4").unwrap_err();
    assert!(error.to_string().contains("expected the notation of a framing, such as \"ascii:4\""), "{error}");
}
