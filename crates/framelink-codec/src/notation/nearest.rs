//! Suggestions for a misspelt name.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// The most names that are suggested.
const MOST: usize = 3;
/// The longest word that counts as a misspelt name.
const LONGEST: usize = 40;

/// Returns up to three names nearest to `word` as the end of a sentence; empty if no name is near.
///
/// Case, dashes and underscores do not count. A name is near if at most a third of its letters has to change, or if it
/// begins with the word.
pub(super) fn did_you_mean<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> String {
    let nearest = nearest(word, names);
    match &nearest[..] {
        [] => String::new(),
        [one] => format!("; did you mean `{one}`?"),
        [first @ .., last] => {
            let first: Vec<_> = first.iter().map(|name| format!("`{name}`")).collect();
            format!("; did you mean {} or `{last}`?", first.join(", "))
        }
    }
}

fn nearest<'a>(word: &str, names: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = letters(word);
    if word.is_empty() || word.len() > LONGEST {
        return Vec::new();
    }
    let near = |name: &'a str| distance_if_near(&word, &letters(name)).map(|distance| (distance, name));
    let mut near: Vec<_> = names.into_iter().filter_map(near).collect();
    let least = near.iter().map(|(distance, _)| *distance).min();
    near.retain(|(distance, _)| Some(*distance) == least);
    near.truncate(MOST);
    near.into_iter().map(|(_, name)| name).collect()
}

fn letters(word: &str) -> Vec<char> {
    let letters = word.chars().filter(|c| !matches!(c, '-' | '_')).flat_map(char::to_lowercase);
    letters.take(LONGEST + 1).collect()
}

fn distance_if_near(word: &[char], name: &[char]) -> Option<usize> {
    let distance = distance(word, name);
    if distance <= (word.len().max(name.len()) / 3).max(1) && distance < word.len().max(2) {
        return Some(distance);
    }
    (word.len() > 1 && name.starts_with(word)).then_some(1)
}

/// The number of letters to insert, delete, replace or swap with the next (optimal string alignment).
fn distance(word: &[char], name: &[char]) -> usize {
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=name.len()).collect();
    let at = |row: &[usize], column: usize| row.get(column).copied().unwrap_or(usize::MAX - 1);
    for (i, letter) in word.iter().enumerate() {
        let mut row = Vec::with_capacity(name.len() + 1);
        row.push(i + 1);
        for (j, other) in name.iter().enumerate() {
            let exchanged = at(&last, j) + usize::from(letter != other);
            let mut least = exchanged.min(at(&last, j + 1) + 1).min(at(&row, j) + 1);
            let is_swapped = j > 0 && i > 0 && word.get(i - 1) == Some(other) && name.get(j - 1) == Some(letter);
            if is_swapped {
                least = least.min(at(&before_last, j - 1) + 1);
            }
            row.push(least);
        }
        before_last = core::mem::replace(&mut last, row);
    }
    at(&last, name.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The distance is symmetric, 0 only for equal words, and never more than the longer word.
        #[test]
        fn distances_are_distances(one in "[ab]{0,6}", other in "[ab]{0,6}") {
            let (one, other): (Vec<_>, Vec<_>) = (one.chars().collect(), other.chars().collect());
            let between = distance(&one, &other);
            prop_assert_eq!(between, distance(&other, &one));
            prop_assert_eq!(between == 0, one == other);
            prop_assert!(between <= one.len().max(other.len()));
        }
    }
}
