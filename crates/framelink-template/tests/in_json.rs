//! Each type with a notation is a string in a configuration file.

use framelink_template::{Encoding, Match, NumberRange, Place, Template};

#[test]
fn a_notation_is_a_string() {
    let template: Template = serde_json::from_str(r#""text:0800{number:6}""#).unwrap();
    assert_eq!(serde_json::to_string(&template).unwrap(), r#""text:0800{number:6}""#);
    let expected: Match = serde_json::from_str(r#""0:4=text:0810""#).unwrap();
    assert_eq!(serde_json::to_string(&expected).unwrap(), r#""0:4=text:0810""#);
    assert_eq!(serde_json::from_str::<Place>(r#""4:6""#).unwrap(), Place::new(4, 6).unwrap());
    assert_eq!(serde_json::from_str::<Encoding>(r#""bcd""#).unwrap(), Encoding::Bcd);
    assert_eq!(serde_json::from_str::<NumberRange>(r#""1..9""#).unwrap(), NumberRange::new(1, 9).unwrap());
}

#[test]
fn an_error_says_what_was_expected() {
    for (value, error) in [
        (r#""0800""#, "column 1: expected text:... or hex:..., such as `text:0800` or `hex:30383030`, found `0800`"),
        ("800", r#"invalid type: integer `800`, expected a template, such as "text:0800{number:6}""#),
    ] {
        let found = serde_json::from_str::<Template>(value).unwrap_err().to_string();
        assert!(found.starts_with(error), "{found}");
    }
}
