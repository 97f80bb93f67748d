//! Admissions of a server, driven by random steps.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_transport::fuzz::admission);
