//! Any text as a template, composed with any time and request.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_template::fuzz::template);
