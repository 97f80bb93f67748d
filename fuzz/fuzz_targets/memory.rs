//! What the connections of a server hold, by random steps.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_session::fuzz::memory);
