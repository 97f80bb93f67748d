//! Any text as a match, and any bytes as the message and its request.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_template::fuzz::matching);
