//! The connections of a pool, driven by random steps of callers, time and peers.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_transport::fuzz::lending);
