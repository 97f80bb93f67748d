//! The framelink command line. It parses words; everything else is in the libraries.

mod arguments;
mod bytes_text;
mod command;
mod drain;
mod failure;
mod output;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    start_logging();
    match run(arguments.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Inspect(inspect) => command::inspect::run(&inspect),
        Command::Serve(serve) => block_on(command::serve::run(serve)),
        Command::Send(send) => block_on(command::send::run(send)),
        Command::Bridge(bridge) => block_on(command::bridge::run(bridge)),
        Command::Demo => block_on(command::demo::run()),
    }
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::fault)?;
    let result = runtime.block_on(work);
    // A thread that waits for the terminal must not keep the program.
    runtime.shutdown_background();
    result
}

/// Logs go to stderr, so that stdout holds only what was asked for. `RUST_LOG` chooses what is logged.
fn start_logging() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_target(false)
        // It would be said on stderr, with a panic where that is closed, and whatever logged would end with it.
        .log_internal_errors(false)
        .init();
}
