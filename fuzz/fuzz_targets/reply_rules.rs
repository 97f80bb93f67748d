//! The reply rules of a server, made and driven by random bytes and checked against a model.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_session::fuzz::reply_rules);
