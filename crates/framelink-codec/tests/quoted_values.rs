//! Values between quotes, which may have commas.

use framelink_codec::notation::{Notation, Token};

#[test]
fn a_value_between_quotes_keeps_its_commas_and_backslashes() {
    for (text, value, column) in [
        ("a:'b,c=d:e'", "b,c=d:e", 4),
        ("a:\"b,'c'\"", "b,'c'", 4),
        (r"a:'it\'s'", r"it\'s", 4),
        (r"a:'b\\'", r"b\\", 4),
        ("a:''", "", 4),
        ("a:b'c", "b'c", 3),
    ] {
        let notation = Notation::parse(text).unwrap();
        assert_eq!(notation.kind.value, Some(Token { text: value, column }), "{text}");
        let longer = format!("{text},next='1,2',last");
        let notation = Notation::parse(&longer).unwrap();
        assert_eq!(notation.kind.value.map(|value| value.text), Some(value), "{longer}");
        let names: Vec<_> = notation.options.iter().map(|option| option.name.text).collect();
        assert_eq!(names, ["next", "last"], "{longer}");
        assert_eq!(notation.options[0].value.map(|value| value.text), Some("1,2"), "{longer}");
    }
}

#[test]
fn errors_point_at_the_missing_quote_and_behind_the_value() {
    for (text, error) in [
        ("a:'b", "column 5: expected the closing `'`, found the end"),
        ("a,b=\"c", "column 7: expected the closing `\"`, found the end"),
        (r"a:'b\'", "column 7: expected the closing `'`, found the end"),
        ("a:'b'c", "column 6: expected `,` or the end, found `c`"),
        ("a,b='c''d'", "column 8: expected `,` or the end, found `\\'`"),
        ("a,b='c',b", "column 9: `b` stands twice, first at column 3"),
    ] {
        assert_eq!(Notation::parse(text).unwrap_err().to_string(), error, "{text}");
        let inside = Notation::parse_inside(Token { text, column: 11 }, "a kind").unwrap_err();
        assert_eq!(inside.column(), Notation::parse(text).unwrap_err().column() + 10, "{text}");
    }
    let twice = Notation::parse_inside(Token { text: "a,b,b", column: 11 }, "a kind").unwrap_err();
    assert_eq!(twice.to_string(), "column 15: `b` stands twice, first at column 13");
}
