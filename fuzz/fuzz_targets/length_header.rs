//! Any bytes, decoded by any framing with a length header.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_length::fuzz::header);
