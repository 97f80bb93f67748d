//! Runs every command as a process, with peers that read and write plain bytes. This test program has all tests that
//! need neither a quiet machine nor special rights.

#[path = "../common/mod.rs"]
mod common;

mod addresses;
mod back_pressure;
mod bridge;
mod bridge_exchanges;
mod bridge_relays;
mod captures;
mod come_back;
mod demo;
mod drain;
#[cfg(unix)]
mod examples;
mod hang_up;
mod hostile;
mod hosts;
mod in_flight;
mod inspect;
mod json;
mod liveness;
mod numbers;
mod outcomes;
mod packages;
mod profile;
#[cfg(feature = "tls")]
mod proxies;
mod queued;
mod record;
mod refused;
mod send;
mod send_prints;
mod send_rules;
mod send_templates;
mod serve;
mod serve_rules;
mod standard_output;
#[cfg(feature = "tls")]
mod tls;
mod usage;
mod zones;
