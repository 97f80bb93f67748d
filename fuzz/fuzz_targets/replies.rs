//! The replies that a server owes by random steps, beside a model of them.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_session::fuzz::replies);
