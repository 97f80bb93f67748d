//! Any bytes as packed digits, as an integer and as text.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_bcd::fuzz::bcd);
