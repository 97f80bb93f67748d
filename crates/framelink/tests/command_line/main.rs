//! The program as its users have it: every command, as processes, with peers that speak bytes by hand. One program for all tests that need
//! no quiet machine and no rights of their own.

#[path = "../common/mod.rs"]
mod common;

mod back_pressure;
mod bridge;
mod bridge_exchanges;
mod captures;
mod come_back;
mod demo;
mod drain;
#[cfg(unix)]
mod examples;
mod hang_up;
mod hostile;
mod in_flight;
mod inspect;
mod json;
mod liveness;
mod outcomes;
mod packages;
mod profile;
mod queued;
mod refused;
mod send;
mod send_prints;
mod send_rules;
mod serve;
mod standard_output;
mod usage;
mod zones;
