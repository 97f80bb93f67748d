//! Each driver with random peers, operations and times, where readiness is an edge.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_transport::fuzz::progress);
