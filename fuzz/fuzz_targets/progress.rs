//! Each driver with random peers, operations and times, with edge-triggered readiness.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_transport::fuzz::progress);
