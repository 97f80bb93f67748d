//! The error of an unknown name suggests the names that may have been meant.

use framelink_codec::notation::Token;
use proptest::prelude::*;

const NAMES: [&str; 9] = ["net", "ascii", "tpkt", "modbus", "mllp", "netstring", "iec104", "base24", "base24-tcp"];

fn message(word: &str) -> String {
    Token { text: word, column: 1 }.unknown("a name", NAMES).message().to_owned()
}

#[test]
fn a_misspelt_name_gets_the_name_that_was_meant() {
    for (word, meant) in [
        ("tpkd", "; did you mean `tpkt`?"),
        ("TPKT", "; did you mean `tpkt`?"),
        ("tptk", "; did you mean `tpkt`?"),
        ("modbsu", "; did you mean `modbus`?"),
        ("mod", "; did you mean `modbus`?"),
        ("iec-104", "; did you mean `iec104`?"),
        ("netstrings", "; did you mean `netstring`?"),
        ("nett", "; did you mean `net`?"),
        ("ba", "; did you mean `base24` or `base24-tcp`?"),
        ("zzzz", ""),
        ("x", ""),
        ("", ""),
    ] {
        assert_eq!(message(word), format!("expected a name, found `{word}`{meant}"));
    }
}

proptest! {
    /// The error of a word of any length and any letters is made at once.
    #[test]
    fn any_word_is_answered(word in "\\PC{0,200}") {
        let _ = message(&word);
    }
}
