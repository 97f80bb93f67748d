//! Any payloads, encoded and decoded by any framing without a length header.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_unframed::fuzz::round_trip);
