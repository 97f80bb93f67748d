//! The programs of servers: what they need, and how they are started.

use std::path::PathBuf;
use std::process::Command;

use crate::peers::Peers;
use crate::process::{Process, free_address, on_core};
use crate::servers::{Program, RAW_ECHO, Server};

/// Where programs are found, and the processors that they run on.
#[derive(Debug)]
pub(crate) struct Programs {
    /// The folder of the built programs of this package.
    pub(crate) built: PathBuf,
    pub(crate) peers: Peers,
    /// framelink, for its bridge.
    pub(crate) framelink: PathBuf,
    pub(crate) server_core: usize,
    pub(crate) client_core: usize,
}

/// A server that runs. A bridge has a raw echo behind it, on the processor of the client.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) process: Process,
    _behind: Option<Process>,
}

impl Programs {
    /// Builds what a row needs. Fails with what is missing, and how to install it.
    pub(crate) fn prepare(&self, server: &Server) -> Result<(), String> {
        match server.program {
            Program::Rust(_) | Program::Bridge => Ok(()),
            Program::Go => self.peers.build_go(),
            Program::Netty => self.peers.build_netty(),
            Program::Erlang => self.peers.build_erlang(),
            Program::Haproxy => Peers::has_haproxy(),
        }
    }

    /// Starts a server on a free port.
    pub(crate) fn start(&self, server: &Server) -> Result<Running, String> {
        let behind = match server.program {
            Program::Haproxy | Program::Bridge | Program::Rust("raw_proxy") => Some(self.start_echo()?),
            _ => None,
        };
        let host = behind.as_ref().map(|process| process.address.clone()).unwrap_or_default();
        let address = free()?;
        let command = self.command(server, &address, &host, self.server_core);
        Ok(Running { process: Process::start(command, address)?, _behind: behind })
    }

    /// Starts what is behind a bridge. It echoes frames of all kinds, because it echoes bytes.
    fn start_echo(&self) -> Result<Process, String> {
        let address = free()?;
        Process::start(self.command(&RAW_ECHO, &address, "", self.client_core), address)
    }

    fn command(&self, server: &Server, address: &str, host: &str, core: usize) -> Command {
        let of = |program: PathBuf| on_core(core, program);
        let mut command;
        match server.program {
            Program::Rust(name) => {
                command = of(self.built.join(name));
                command.args([address, if host.is_empty() { server.form } else { host }]);
            }
            Program::Go => {
                command = of(self.peers.go());
                command.args([address, server.form]);
            }
            Program::Netty => {
                command = of("java".into());
                command.args(self.peers.netty(server.form)).args([address, server.form]);
            }
            Program::Erlang => {
                command = of("erl".into());
                // Without busy waits, which would be counted as CPU time.
                command.args(["-noinput", "+S", "1", "+sbwt", "none", "-pa"]).arg(&self.peers.built);
                command.args(["-run", "echo", "main", address, server.form]);
            }
            Program::Haproxy => {
                command = of("haproxy".into());
                command.arg("-db").arg("-f").arg(self.peers.haproxy_config());
                command.env("LISTEN", address).env("HOST", host).env("BUFFER", server.form);
            }
            Program::Bridge => {
                command = of(self.framelink.clone());
                command.args(["bridge", "--listen", address, "--framing", server.framing, "--to", host]);
                command.args(["--to-framing", server.form]).env("RUST_LOG", "error");
            }
        }
        command
    }
}

fn free() -> Result<String, String> {
    free_address().map_err(|error| format!("a free port: {error}"))
}
