//! Pseudorandom numbers: one seed gives one sequence.

/// SplitMix64: Steele, Lea and Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// The numbers of one connection. Neighbouring seeds and connections have unrelated sequences.
    pub(crate) fn new(seed: u64, connection: u64) -> Self {
        let mut random = Self(seed);
        Self(random.next() ^ Self(connection).next())
    }

    /// A number from 0 to `limit - 1`; 0 if the limit is 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        let wide = self.next() % u64::try_from(limit.max(1)).unwrap_or(u64::MAX);
        usize::try_from(wide).unwrap_or(0)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first numbers of the authors' C code for the seed 1234567.
    #[test]
    fn the_numbers_are_those_of_the_reference() {
        let mut random = Random(1_234_567);
        let numbers: Vec<u64> = (0..3).map(|_| random.next()).collect();
        assert_eq!(numbers, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }
}
