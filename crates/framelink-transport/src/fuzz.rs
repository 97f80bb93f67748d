//! The bodies of the fuzz targets, as functions that tests also run. They panic if an invariant does not hold.

#[cfg(feature = "socket")]
mod admission;
#[cfg(any(feature = "blocking", feature = "tokio"))]
mod lending;
#[cfg(all(feature = "blocking", feature = "nonblocking", feature = "tokio"))]
mod progress;
mod upstream;

#[cfg(feature = "socket")]
pub use admission::admission;
#[cfg(any(feature = "blocking", feature = "tokio"))]
pub use lending::lending;
#[cfg(all(feature = "blocking", feature = "nonblocking", feature = "tokio"))]
pub use progress::progress;
pub use upstream::upstream;

#[cfg(test)]
mod tests {
    use framelink_codec::check::any_steps;

    use super::*;

    #[cfg(any(feature = "blocking", feature = "tokio"))]
    #[test]
    fn any_steps_of_a_pool() {
        any_steps(100_000, lending);
    }

    #[cfg(feature = "socket")]
    #[test]
    fn any_steps_of_an_admission() {
        any_steps(100_000, admission);
    }

    #[test]
    fn any_steps_of_an_upstream() {
        any_steps(200_000, upstream);
    }
}
