//! The file of numbers, over restarts, crashes and faults of the disk.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::file::{Blocks, NumberFile};
use super::lock_file::LockFile;
use crate::session::{NumberRange, Numbers, NumbersError};

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("framelink-numbers-{}-{name}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("stan.numbers")
    }

    fn content(&self) -> String {
        fs::read_to_string(self.file()).unwrap()
    }

    fn open(&self, last: u64) -> Arc<NumberFile> {
        Arc::new(NumberFile::new(self.file(), range(last)))
    }

    fn numbers(&self, last: u64) -> Numbers {
        Numbers::reserved(range(last), NumberFile::block_len(range(last)), Blocks(self.open(last)))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn range(last: u64) -> NumberRange {
    NumberRange::new(1, last).unwrap()
}

#[test]
fn blocks_are_reserved_before_they_are_used() {
    let folder = Folder::new("blocks");
    let numbers = folder.numbers(999_999);
    assert_eq!(numbers.next(), Ok(1));
    let reserved: u64 =
        folder.content().strip_prefix("framelink numbers 1\nreserved ").unwrap().trim().parse().unwrap();
    assert!([10, 110].contains(&reserved), "{reserved}");
    for number in 2..=5000 {
        assert_eq!(numbers.next(), Ok(number));
    }
    assert!(!folder.0.join("stan.numbers.new").exists() || folder.file().exists());
}

#[test]
fn a_restart_repeats_no_number_until_all_are_used() {
    let folder = Folder::new("restarts");
    let mut seen = BTreeSet::new();
    for start in 0..30 {
        let numbers = folder.numbers(999);
        for _ in 0..9 {
            let number = numbers.next().unwrap();
            assert!(seen.insert(number), "{number} repeats after restart {start}");
        }
    }
}

#[test]
fn numbers_wrap_from_the_last_to_one_over_a_restart() {
    let folder = Folder::new("wraps");
    fs::write(folder.file(), "framelink numbers 1\nreserved 999990\n").unwrap();
    let numbers = folder.numbers(999_999);
    let taken: Vec<_> = (0..11).map(|_| numbers.next().unwrap()).collect();
    assert_eq!((taken[0], taken[8], taken[9], taken[10]), (999_991, 999_999, 1, 2));
    drop(numbers);
    assert_eq!(folder.numbers(999_999).next(), Ok(3));
}

#[test]
fn a_clean_end_gives_unused_numbers_back() {
    let folder = Folder::new("clean");
    let mut expected = 1..=999_999;
    for used in [1, 0, 9, 1, 10, 5000, 1] {
        let file = folder.open(999_999);
        file.prepare().unwrap();
        let numbers = Numbers::reserved(range(999_999), 1000, Blocks(file));
        for _ in 0..used {
            assert_eq!(numbers.next().ok(), expected.next());
        }
        drop(numbers);
        let last = expected.start() - 1;
        assert_eq!(folder.content(), format!("framelink numbers 1\nreserved {last}\n"));
    }
}

#[test]
fn a_crash_leaves_out_what_was_reserved() {
    let folder = Folder::new("crash");
    let numbers = folder.numbers(999_999);
    assert_eq!(numbers.next(), Ok(1));
    // What the file says at the crash. A thread may still be writing to it, so the next program has a copy.
    let restarted = Folder::new("restarted");
    fs::write(restarted.file(), folder.content()).unwrap();
    let next = restarted.numbers(999_999).next().unwrap();
    assert!([11, 111].contains(&next), "{next}");
}

#[test]
fn numbers_before_those_of_another_role_are_left_out() {
    let folder = Folder::new("before");
    let (one, other) = (folder.numbers(999_999), folder.numbers(999_999));
    let (first, second) = (one.next().unwrap(), other.next().unwrap());
    drop(one);
    assert_eq!(other.next().unwrap(), second + 1);
    drop(other);
    let next = folder.numbers(999_999).next().unwrap();
    assert!(next > second && next > first, "{next}");
}

#[test]
fn a_number_outside_of_a_changed_range_begins_anew() {
    let folder = Folder::new("changed");
    fs::write(folder.file(), "framelink numbers 1\nreserved 500000\n").unwrap();
    assert_eq!(folder.numbers(999).next(), Ok(1));
}

#[test]
fn roles_of_one_program_share_the_file_and_have_their_own_blocks() {
    let folder = Folder::new("roles");
    let (one, other) = (folder.numbers(999_999), folder.numbers(999_999));
    let mut seen = BTreeSet::new();
    for _ in 0..3000 {
        assert!(seen.insert(one.next().unwrap()) && seen.insert(other.next().unwrap()));
    }
    let error = folder.open(77).prepare().unwrap_err();
    assert_eq!(error.to_string(), "this program uses it for the numbers 1..999999, not for 1..77");
    // The last role releases it, once the thread that reserves a block ahead is done.
    drop((one, other));
    let began = Instant::now();
    while let Err(error) = folder.open(77).prepare() {
        assert!(began.elapsed() < Duration::from_secs(10), "{error}");
        std::thread::yield_now();
    }
}

#[test]
fn a_file_that_another_program_holds_is_refused_with_the_name_of_the_lock() {
    let folder = Folder::new("locked");
    // A lock of another open file is like a lock of another program.
    let held = LockFile::take(&folder.0.join("stan.numbers.lock")).unwrap();
    let error = folder.open(99).prepare().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WouldBlock);
    let text = error.to_string();
    assert!(text.starts_with("another program uses it, and holds the lock on ") && text.ends_with("stan.numbers.lock"));
    let Err(NumbersError::NotReserved(text)) = folder.numbers(99).next() else { panic!("not refused") };
    assert!(text.contains("stan.numbers: another program uses it"), "{text}");
    drop(held);
    assert_eq!(folder.numbers(99).next(), Ok(1));
}

#[test]
fn a_file_of_another_kind_is_refused_and_left_as_it_is() {
    let folder = Folder::new("foreign");
    for content in
        [&b""[..], b"framelink numbers 1\n", b"framelink numbers 1\nreserved x\n", b"\xff\xfe", &[b'x'; 4096]]
    {
        fs::write(folder.file(), content).unwrap();
        let error = folder.open(99).prepare().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidData);
        assert!(error.to_string().starts_with("it is no file of numbers, which has the lines"), "{error}");
        assert_eq!(fs::read(folder.file()).unwrap(), content);
    }
}

#[test]
fn a_file_that_cannot_be_written_gives_no_number() {
    let folder = Folder::new("unwritable");
    let numbers = folder.numbers(9);
    assert_eq!(numbers.next(), Ok(1));
    // The thread may have reserved one more block, of one number.
    fs::create_dir_all(folder.0.join("stan.numbers.new")).unwrap();
    let refused = (0..5).find_map(|_| numbers.next().err());
    let Some(NumbersError::NotReserved(text)) = refused else { panic!("{refused:?}") };
    assert!(text.contains("stan.numbers: "), "{text}");
    fs::remove_dir(folder.0.join("stan.numbers.new")).unwrap();
    assert!(numbers.next().is_ok(), "it goes on when the disk does");
}

#[test]
fn a_folder_that_is_missing_is_an_error() {
    let folder = Folder::new("missing");
    let file = Arc::new(NumberFile::new(folder.0.join("nowhere/stan.numbers"), range(9)));
    assert_eq!(file.prepare().unwrap_err().kind(), ErrorKind::NotFound);
}
