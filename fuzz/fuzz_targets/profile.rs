//! Any text as a profile in TOML.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_profile::fuzz::profile);
