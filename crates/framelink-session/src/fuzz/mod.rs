//! The bodies of the fuzz targets, as functions that tests run too. They panic where an invariant does not hold.

mod in_flight;
mod memory;
mod outbox;
mod pulse;
mod replies;
mod session;

pub use in_flight::in_flight;
pub use memory::memory;
pub use outbox::outbox;
pub use pulse::pulse;
pub use replies::replies;
pub use session::{Framing, session};

#[cfg(test)]
mod tests {
    use framelink_codec::check::any_steps;

    use super::*;

    #[test]
    fn any_steps_of_a_session() {
        any_steps(200_000, session::<framelink_profile::Framing>);
    }

    #[test]
    fn any_steps_of_calls_in_flight() {
        any_steps(100_000, in_flight);
    }

    #[test]
    fn any_steps_of_heartbeats() {
        any_steps(400_000, pulse);
    }

    #[test]
    fn any_steps_of_replies() {
        any_steps(100_000, replies);
    }

    #[test]
    fn any_steps_of_memory() {
        any_steps(200_000, memory);
    }

    #[test]
    fn any_steps_of_an_outbox() {
        any_steps(100_000, outbox);
    }
}
