//! The bodies of the fuzz targets, as functions that tests run too. They panic where an invariant does not hold.

mod in_flight;
mod liveness;
mod memory;
mod outbox;
mod replies;
mod session;

pub use in_flight::in_flight;
pub use liveness::liveness;
pub use memory::memory;
pub use outbox::outbox;
pub use replies::replies;
pub use session::{Framing, session};

#[cfg(test)]
mod tests {
    use framelink_codec::check::any_steps;

    use super::*;

    macro_rules! any_steps {
        ($($name:ident: $steps:literal of $body:expr;)*) => { $(
            #[test]
            fn $name() {
                any_steps($steps, $body);
            }
        )* };
    }

    any_steps! {
        any_steps_of_a_session: 200_000 of session::<framelink_profile::Framing>;
        any_steps_of_calls_in_flight: 100_000 of in_flight;
        any_steps_of_heartbeats: 400_000 of liveness;
        any_steps_of_replies: 100_000 of replies;
        any_steps_of_memory: 200_000 of memory;
        any_steps_of_an_outbox: 100_000 of outbox;
    }
}
