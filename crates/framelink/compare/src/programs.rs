//! The programs of servers: what they need, how they are built, and how they are started.

use std::path::PathBuf;
use std::process::Command;

use crate::process::{Process, free_address, on_core};
use crate::servers::{Program, Server};

/// Where programs are found, and the processors that they run on.
#[derive(Debug)]
pub(crate) struct Programs {
    /// The folder of the built programs of this package.
    pub(crate) built: PathBuf,
    /// The folder of this package.
    pub(crate) package: PathBuf,
    pub(crate) bridge: PathBuf,
    pub(crate) server_core: usize,
    pub(crate) client_core: usize,
}

/// A server that runs, and for a bridge the server behind it, which has the processor of the client.
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
            Program::Go | Program::Netty | Program::Erlang | Program::Haproxy => Err("later".to_owned()),
            Program::Later => Err("not in this version".to_owned()),
        }
    }

    pub(crate) fn start(&self, server: &Server) -> Result<Running, String> {
        let address = free_address().map_err(|error| error.to_string())?;
        let command = self.command(server, &address);
        let process = Process::start(command, address)?;
        Ok(Running { process, _behind: None })
    }

    fn command(&self, server: &Server, address: &str) -> Command {
        let on_server_core = |program: PathBuf| on_core(self.server_core, program);
        match server.program {
            Program::Rust(name) => {
                let mut command = on_server_core(self.built.join(name));
                command.args([address, server.form]);
                command
            }
            _ => on_server_core(PathBuf::new()),
        }
    }
}
