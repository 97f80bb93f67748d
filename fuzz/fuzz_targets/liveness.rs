//! The liveness of a connection, driven by random steps: its bound, no spinning, one probe at a time.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_heartbeat::fuzz::liveness);
