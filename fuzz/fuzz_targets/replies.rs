//! The replies that a server owes, driven by random steps and checked against a model.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_session::fuzz::replies);
