//! Values of connections, oldest first.

use std::collections::VecDeque;

/// Values by the numbers of their connections, oldest first. A newer connection has a greater number.
///
/// A value needs 8 bytes more than its own size. In a tree whose keys are inserted in order, half of the memory is
/// unused.
///
/// ```
/// use framelink_session::memory::ByAge;
///
/// let mut names = ByAge::default();
/// names.insert(1, "first");
/// names.insert(7, "second");
/// assert_eq!(names.remove(1), Some("first"));
/// assert_eq!((names.first(), names.len()), (Some((7, &"second")), 1));
/// ```
#[derive(Debug)]
pub struct ByAge<T> {
    /// In the order of the numbers. `None` in place of a value that was removed. The first one is a value.
    entries: VecDeque<(u64, Option<T>)>,
    len: usize,
}

/// How many removed values may lie between the values, if there are fewer values.
const FEW: usize = 16;

impl<T> Default for ByAge<T> {
    fn default() -> Self {
        Self { entries: VecDeque::new(), len: 0 }
    }
}

impl<T> ByAge<T> {
    /// Adds the value of a connection, or replaces it. This is quick for a greater number than all before.
    pub fn insert(&mut self, number: u64, value: T) {
        let is_newest = self.entries.back().is_none_or(|(last, _)| *last < number);
        let found = if is_newest { Err(self.entries.len()) } else { self.find(number) };
        match found {
            Err(at) => self.entries.insert(at, (number, Some(value))),
            Ok(at) if self.entries[at].1.replace(value).is_some() => return,
            Ok(_) => {}
        }
        self.len += 1;
    }

    /// Removes the value of a connection.
    pub fn remove(&mut self, number: u64) -> Option<T> {
        let at = self.find(number).ok()?;
        let value = self.entries.get_mut(at)?.1.take()?;
        self.len -= 1;
        self.tidy();
        Some(value)
    }

    /// Returns the number and the value of the oldest connection.
    pub fn first(&self) -> Option<(u64, &T)> {
        self.iter().next()
    }

    /// Returns the numbers and the values, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &T)> {
        self.entries.iter().filter_map(|(number, value)| Some((*number, value.as_ref()?)))
    }

    /// Returns how many values there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Returns whether there is no value.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    fn find(&self, number: u64) -> Result<usize, usize> {
        self.entries.binary_search_by_key(&number, |(number, _)| *number)
    }

    /// Frees the memory of removed values once there are more of them than values.
    fn tidy(&mut self) {
        while self.entries.front().is_some_and(|(_, value)| value.is_none()) {
            self.entries.pop_front();
        }
        if self.entries.len() > 2 * self.len + FEW {
            self.entries.retain(|(_, value)| value.is_some());
        }
        if self.entries.capacity() > 4 * self.len + 4 * FEW || self.len == 0 {
            self.entries.shrink_to(2 * self.len);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_added_late_has_its_place_and_a_second_one_replaces_it() {
        let mut values = ByAge::default();
        for number in [5, 1, 3, 1] {
            values.insert(number, number * 10);
        }
        values.insert(3, 31);
        assert_eq!(
            values.iter().map(|(number, value)| (number, *value)).collect::<Vec<_>>(),
            [(1, 10), (3, 31), (5, 50)]
        );
        assert_eq!((values.len(), values.remove(1), values.remove(3), values.len()), (3, Some(10), Some(31), 1));
        values.insert(4, 40);
        assert_eq!((values.len(), values.first()), (2, Some((4, &40))));
    }

    #[test]
    fn memory_shrinks_with_the_values_and_their_order_stays() {
        let mut values = ByAge::default();
        (0..10_000).for_each(|number| values.insert(number, number));
        for number in (1..10_000).filter(|number| number % 100 != 0) {
            assert_eq!((values.remove(number), values.remove(number)), (Some(number), None));
            assert!(values.entries.len() <= 2 * values.len() + FEW);
        }
        assert_eq!((values.len(), values.first()), (100, Some((0, &0))));
        assert!(values.iter().map(|(number, _)| number).eq((0..10_000).step_by(100)));
        assert!(values.entries.capacity() <= 500);
        (0..10_000).for_each(|number| assert_eq!(values.remove(number).is_some(), number % 100 == 0));
        assert_eq!((values.len(), values.first(), values.entries.capacity()), (0, None, 0));
    }
}
