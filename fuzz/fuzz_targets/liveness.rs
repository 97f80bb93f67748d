//! The liveness of a connection by random steps of time and events: its bound, no spin, one probe at a time.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_heartbeat::fuzz::liveness);
