//! The bodies of the fuzz targets hold on inputs that are alike at every run.

use framelink_codec::check::{any_steps, notation};
use framelink_session::KeyPlaces;
use framelink_session::fuzz::{dialogue, in_flight, liveness, memory, outbox, replies, reply_rules, session};

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
    any_steps_of_a_dialogue: 200_000 of dialogue;
    any_steps_of_calls_in_flight: 100_000 of in_flight;
    any_steps_of_heartbeats: 400_000 of liveness;
    any_steps_of_replies: 100_000 of replies;
    any_steps_of_reply_rules: 200_000 of reply_rules;
    any_steps_of_memory: 200_000 of memory;
    any_steps_of_an_outbox: 100_000 of outbox;
    any_text_as_the_places_of_a_key: 100_000 of notation::<KeyPlaces>;
}
