//! Any payloads by any framing that begins with its length, there and back.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_length::fuzz::round_trip);
