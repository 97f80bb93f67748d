//! Places in a message.

use framelink_template::Place;
use proptest::prelude::*;

#[test]
fn errors_name_the_column_and_the_bounds() {
    for (text, error) in [
        ("", "column 1: expected OFFSET:LEN, such as `0:2` for the first two bytes, found ``"),
        ("4", "column 1: expected OFFSET:LEN, such as `0:2` for the first two bytes, found `4`"),
        ("4:", "column 3: expected 1 to 64 bytes, found ``"),
        ("4:0", "column 3: expected 1 to 64 bytes, found `0`"),
        ("4:65", "column 3: expected 1 to 64 bytes, found `65`"),
        ("04:6", "column 1: expected 0 to 65536 bytes before the place, without leading zeros, found `04`"),
        ("65537:1", "column 1: expected 0 to 65536 bytes before the place, found `65537`"),
        ("é:x", "column 3: expected 1 to 64 bytes, found `x`"),
    ] {
        assert_eq!(text.parse::<Place>().unwrap_err().to_string(), error, "{text}");
    }
}

#[test]
fn bytes_are_found_and_written() {
    let place = Place::new(1, 2).unwrap();
    let mut message = *b"abcd";
    assert_eq!((place.of(&message), place.of(b"ab"), place.end()), (Some(&b"bc"[..]), None, 3));
    place.of_mut(&mut message).unwrap().copy_from_slice(b"12");
    assert_eq!(message, *b"a12d");
}

proptest! {
    /// Exactly the places within the bounds exist, and are parsed as they are printed.
    #[test]
    fn places_round_trip(offset in 0_usize..=70_000, len in 0_usize..=70) {
        let place = Place::new(offset, len);
        prop_assert_eq!(place.is_some(), offset <= Place::MOST_OFFSET && (1..=Place::MOST_LEN).contains(&len));
        prop_assert_eq!(format!("{offset}:{len}").parse().ok(), place);
        if let Some(place) = place {
            prop_assert_eq!(place.to_string(), format!("{offset}:{len}"));
        }
    }
}
