//! The connections of a pool by random steps of those who borrow them, of time, and of their peers.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_transport::fuzz::lending);
