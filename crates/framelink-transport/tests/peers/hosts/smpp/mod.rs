//! SMPP: our clients with the server of the npm package smpp; its client, and that of smpplib, with our servers.

pub(crate) mod pdu;
mod their_clients;
mod their_server;

use std::path::PathBuf;
use std::process::Command;

use pdu::Head;
use their_clients::with_their_client;
use their_server::with_their_server;

use super::client_loop::InALoop;
use super::clients::{OnTasks, OnThreads};
use super::{server_loop, servers};
use crate::installed;
use crate::program::script;

#[test]
fn a_tokio_link_with_the_server_of_npm() {
    with_their_server::<OnTasks>(Head::WithoutLength);
}

#[test]
fn a_tokio_link_with_the_preset_and_the_server_of_npm() {
    with_their_server::<OnTasks>(Head::Whole);
}

#[test]
fn a_blocking_link_with_the_server_of_npm() {
    with_their_server::<OnThreads>(Head::WithoutLength);
}

#[test]
fn a_loop_with_the_server_of_npm() {
    with_their_server::<InALoop>(Head::WithoutLength);
}

#[test]
fn a_tokio_server_with_the_client_of_npm() {
    with_their_client::<servers::Tokio>(&NPM, Head::Whole);
}

#[test]
fn a_blocking_server_with_the_client_of_npm() {
    with_their_client::<servers::Blocking>(&NPM, Head::WithoutLength);
}

#[test]
fn a_server_in_a_loop_with_the_client_of_npm() {
    with_their_client::<server_loop::InALoop>(&NPM, Head::WithoutLength);
}

#[test]
fn a_tokio_server_with_smpplib() {
    with_their_client::<servers::Tokio>(&SMPPLIB, Head::Whole);
}

#[test]
fn a_blocking_server_with_smpplib() {
    with_their_client::<servers::Blocking>(&SMPPLIB, Head::WithoutLength);
}

#[test]
fn a_server_in_a_loop_with_smpplib() {
    with_their_client::<server_loop::InALoop>(&SMPPLIB, Head::WithoutLength);
}

/// A library, and how its program is started.
pub(crate) struct Library {
    pub(crate) name: &'static str,
    find: fn() -> Result<PathBuf, String>,
    command: fn(PathBuf) -> Command,
}

impl Library {
    /// Returns the command that starts the program, if the library is installed.
    pub(crate) fn command(&self) -> Option<Command> {
        installed::find(self.name, (self.find)()).map(self.command)
    }
}

pub(crate) const NPM: Library = Library {
    name: "npm smpp",
    find: || installed::npm("smpp"),
    command: |modules| {
        let mut node = Command::new("node");
        node.arg(script("smpp_host.js")).env("NODE_PATH", modules);
        node
    },
};

const SMPPLIB: Library = Library {
    name: "smpplib",
    find: || installed::python("smpplib"),
    command: |python| {
        let mut command = Command::new(python);
        command.arg(script("smpp_client.py"));
        command
    },
};
