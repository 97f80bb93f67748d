//! Any bytes by any framing that begins with its length.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_length::fuzz::header);
