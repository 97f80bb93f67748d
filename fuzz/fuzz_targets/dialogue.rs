//! The dialogue before the first message, driven by random messages and pieces and checked against a model.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_session::fuzz::dialogue);
