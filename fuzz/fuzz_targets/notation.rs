//! Any text as a notation of any kind.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_profile::fuzz::notation);
