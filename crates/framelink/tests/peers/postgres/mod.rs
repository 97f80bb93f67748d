//! PostgreSQL's psql with its default settings, through a bridge to a server of PostgreSQL.

mod psql;
mod restarts;
mod server;
mod statements;

use std::net::SocketAddr;

use crate::common::{Running, framelink};

/// The profile of the book, for clients and for the server.
const PROFILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../framelink-transport/examples/recipes/postgres.toml");

/// Starts a bridge at this address to a server.
fn bridge(listen: SocketAddr, to: SocketAddr) -> Running {
    let (listen, to) = (listen.to_string(), to.to_string());
    let arguments = ["bridge", "--listen", &listen, "--profile", PROFILE, "--to", &to, "--to-profile", PROFILE];
    Running::listen(&mut framelink([&arguments[..], &["--drain", "300ms"]].concat())).0
}
