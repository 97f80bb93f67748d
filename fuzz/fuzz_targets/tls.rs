//! The TLS layer with bytes of a stranger, as a client and as a server.

#![cfg_attr(fuzzing, no_main)]

framelink_fuzz::target!(framelink_transport::fuzz::tls);
