//! Any text as the notation of a heartbeat.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_heartbeat::fuzz::notation);
