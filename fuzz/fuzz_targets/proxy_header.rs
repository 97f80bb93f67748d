//! Headers of the PROXY protocol.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_transport::fuzz::proxy_header);
