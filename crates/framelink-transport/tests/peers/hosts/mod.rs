//! Hosts that others wrote: with sign-on, heartbeats, and restarts in the middle of the traffic. A ledger compares what
//! both sides have seen of each request.
//!
//! A run is short. `FRAMELINK_PEERS_SECONDS` and `FRAMELINK_PEERS_RESTARTS` make it longer, as `.ci/hosts` does.

mod client_loop;
mod clients;
mod daemon;
mod diameter;
mod kannel;
mod ledger;
mod load;
mod rounds;
mod server_loop;
mod servers;
mod smpp;
mod tap;
