//! Sources of numbers: ranges, wrapping, reserving, sharing.

use std::collections::HashSet;
use std::error::Error;
use std::ops::RangeInclusive;
use std::sync::Mutex;
use std::thread;

use framelink_template::{NumberRange, NumberSource, Numbers, NumbersError, Reserve};
use proptest::prelude::*;

#[test]
fn ranges_in_decimal_and_hex() {
    for (text, first, last) in [
        ("1..999999", 1, 999_999),
        ("0..0", 0, 0),
        ("1..0x7fffffff", 1, 0x7fff_ffff),
        ("0x0..0xffffffffffffffff", 0, u64::MAX),
    ] {
        let range: NumberRange = text.parse().unwrap();
        assert_eq!((range.first(), range.last()), (first, last), "{text}");
        assert_eq!(range.to_string().parse(), Ok(range), "{text}");
    }
    for (text, error) in [
        ("1-9", "column 1: expected FIRST..LAST, such as `1..999999` or `1..0x7fffffff`, found `1-9`"),
        ("1..", "column 4: expected a number up to 0xffffffffffffffff, in decimal, or in hex after `0x`, found ``"),
        ("x..9", "column 1: expected a number up to 0xffffffffffffffff, in decimal, or in hex after `0x`, found `x`"),
        ("1..0x", "column 4: expected a number up to 0xffffffffffffffff, in decimal, or in hex after `0x`, found `0x`"),
        ("1..+9", "column 4: expected a number up to 0xffffffffffffffff, in decimal, or in hex after `0x`, found `+9`"),
        (
            "1..99999999999999999999",
            "column 4: expected a number up to 0xffffffffffffffff, in decimal, or in hex after `0x`, found `99999999999999999999`",
        ),
        ("5..4", "column 4: expected a number from 5, found `4`"),
    ] {
        assert_eq!(text.parse::<NumberRange>().unwrap_err().to_string(), error, "{text}");
    }
    assert_eq!(NumberRange::new(1, 9).and_then(|range| range.up_to(5)), NumberRange::new(1, 5));
    assert_eq!(NumberRange::new(6, 9).and_then(|range| range.up_to(5)), None);
}

#[test]
fn the_first_number_follows_the_last() {
    for (first, last) in [(1, 3), (0, 0), (u64::MAX - 1, u64::MAX)] {
        let numbers = Numbers::new(first..=last).unwrap();
        for number in (first..=last).chain(first..=last) {
            assert_eq!(numbers.next(), Ok(number), "{first} to {last}");
        }
    }
    assert!(Numbers::new(RangeInclusive::new(2, 1)).is_none());
}

#[test]
fn numbers_in_use_are_left_out() {
    let numbers = Numbers::new(1..=3).unwrap();
    assert_eq!(numbers.next_free(|number| number == 1), Ok(2));
    assert_eq!(numbers.next_free(|_| false), Ok(3));
    let mut asked = 0;
    let all = numbers.next_free(|_| {
        asked += 1;
        true
    });
    assert_eq!((all, asked), (Err(NumbersError::AllUsed(NumberRange::new(1, 3).unwrap())), 3));
    assert_eq!(numbers.next_free(|_| true).unwrap_err().to_string(), "all numbers of 1..3 are in use");
}

#[test]
fn threads_share_a_source_without_repeats() {
    let numbers = Numbers::new(1..=4_000).unwrap();
    let draw = |numbers: Numbers| move || (0..1_000).map(|_| numbers.next().unwrap()).collect::<Vec<_>>();
    let threads: Vec<_> = (0..4).map(|_| thread::spawn(draw(numbers.clone()))).collect();
    let all: HashSet<u64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(all.len(), 4_000);
}

/// What a source asked: the last number of the block before, and how many numbers it wants.
type Asked = &'static Mutex<Vec<(Option<u64>, u64)>>;

/// Returns these blocks, and records what it was asked.
struct Blocks {
    blocks: Mutex<Vec<RangeInclusive<u64>>>,
    asked: Asked,
}

impl Reserve for Blocks {
    fn reserve(&self, after: Option<u64>, count: u64) -> Result<RangeInclusive<u64>, Box<dyn Error>> {
        self.asked.lock().expect("no panic").push((after, count));
        self.blocks.lock().expect("no panic").pop().ok_or_else(|| "the disk is full".into())
    }
}

fn reserved(blocks: &[RangeInclusive<u64>]) -> (Numbers, Asked) {
    let asked: Asked = Box::leak(Box::default());
    let blocks = Mutex::new(blocks.iter().rev().cloned().collect());
    (Numbers::reserved(NumberRange::new(1, 9).expect("not empty"), 3, Blocks { blocks, asked }), asked)
}

#[test]
fn a_block_is_reserved_when_the_one_before_is_used_up() {
    let (numbers, asked) = reserved(&[7..=9, 1..=2]);
    let drawn: Vec<_> = (0..5).map(|_| numbers.next().unwrap()).collect();
    assert_eq!(drawn, [7, 8, 9, 1, 2]);
    assert_eq!(*asked.lock().unwrap(), [(None, 3), (Some(9), 3)]);
    for _ in 0..2 {
        assert_eq!(numbers.next().unwrap_err().to_string(), "no numbers could be reserved: the disk is full");
    }
    assert_eq!(format!("{numbers:?}"), "Numbers { range: 1..9, is_reserved: true, .. }");
}

#[test]
fn a_block_outside_the_range_is_refused() {
    for block in [0..=3, 8..=10, RangeInclusive::new(3, 2)] {
        let (numbers, _) = reserved(&[block.clone(), 4..=4]);
        let error = numbers.next().unwrap_err();
        assert_eq!(error, NumbersError::Outside { first: *block.start(), last: *block.end(), range: numbers.range() });
        assert_eq!(numbers.next(), Ok(4), "the next block is right");
    }
    let (numbers, _) = reserved(&[RangeInclusive::new(8, 10)]);
    assert_eq!(numbers.next().unwrap_err().to_string(), "the numbers 8 to 10 were reserved, expected numbers of 1..9");
}

#[test]
fn one_source_has_no_names() {
    let numbers = Numbers::new(1..=9).unwrap();
    let error = numbers.next_of(Some("batch")).unwrap_err();
    assert_eq!(error.to_string(), "there is no source of numbers with the name `batch`");
    assert_eq!(numbers.next_of(None), Ok(1));
    assert!(numbers.is_same(&numbers.clone()) && !numbers.is_same(&Numbers::new(1..=9).unwrap()));
}

proptest! {
    /// Whatever is drawn follows the number before it, over the end of the range.
    #[test]
    fn numbers_follow_each_other(first in 0_u64..5, count in 1_u64..9, used in proptest::collection::hash_set(0_u64..14, 0..5)) {
        let range = NumberRange::new(first, first + count - 1).unwrap();
        let numbers = Numbers::over(range);
        let mut before = None;
        for _ in 0..20 {
            let next = numbers.next().unwrap();
            prop_assert!(range.contains(next));
            prop_assert_eq!(next, before.map_or(first, |before| range.after(before)));
            before = Some(next);
        }
        let free = (range.first()..=range.last()).filter(|number| !used.contains(number)).count();
        let found = numbers.next_free(|number| used.contains(&number));
        prop_assert_eq!(found.is_ok(), free > 0);
        prop_assert!(found.is_err() || found.is_ok_and(|number| !used.contains(&number)));
    }
}
