//! The memory that a server's connections hold, driven by random steps.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_session::fuzz::memory);
