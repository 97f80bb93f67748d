//! Any payloads by any framing without a length header, there and back.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_unframed::fuzz::round_trip);
