//! Two sessions with heartbeats, driven by random steps of time and events.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_session::fuzz::liveness);
