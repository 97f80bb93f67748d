//! Any bytes as a heartbeat of each form.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_heartbeat::fuzz::forms);
