//! A session by random steps, beside a model of it.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_session::fuzz::session::<framelink_profile::Framing>);
