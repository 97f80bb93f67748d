//! `framelink bridge` between programs of other projects. `.ci/peers` installs the programs. A missing one is left out,
//! with a message.
//!
//! A run with restarts is short. `FRAMELINK_PEERS_SECONDS` and `FRAMELINK_PEERS_RESTARTS` make it longer, as `.ci/hosts`
//! does.
#![cfg(unix)]

#[path = "../common/mod.rs"]
mod common;
#[path = "../../../framelink-transport/tests/peers/installed.rs"]
#[expect(dead_code, reason = "the other tests need more of it")]
mod installed;
#[path = "../../../framelink-transport/tests/peers/hosts/ledger.rs"]
#[expect(dead_code, reason = "the other tests need more of it")]
mod ledger;
mod postgres;
#[path = "../../../framelink-transport/tests/peers/hosts/rounds.rs"]
mod rounds;
#[path = "../../../framelink-transport/tests/peers/starting.rs"]
#[expect(dead_code, reason = "the other tests need more of it")]
mod starting;
