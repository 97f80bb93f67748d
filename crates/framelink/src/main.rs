//! The framelink command line. It parses arguments; the libraries do the rest.

#![cfg_attr(not(test), warn(clippy::disallowed_methods))] // clippy.toml: which, and why

mod arguments;
mod command;
mod failure;
mod log;
mod memory;
#[cfg(test)]
#[path = "../tests/page/options.rs"]
mod options;
mod output;
mod recording;
mod server;
mod threads;

use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

use crate::arguments::{Arguments, Command};
use crate::failure::Failure;
use crate::log::Log;
use crate::output::bytes_text::Shown;
use crate::output::stdout;
use clap::Parser;

fn main() -> ExitCode {
    let arguments = Arguments::try_parse().unwrap_or_else(|error| refuse(&error));
    if matches!(arguments.command, Command::Serve(_) | Command::Listen(_) | Command::Bridge(_)) {
        memory::give_back();
    }
    let log = Log::start();
    log.end(run(arguments.command))
}

/// Prints an error of the arguments, or the help. An error repeats arguments, so control characters are escaped.
fn refuse(error: &clap::Error) -> ! {
    let text = error.render().to_string();
    let shown = Shown(&text).to_string();
    if shown == text {
        error.exit();
    }
    // If stderr is closed, the exit code alone reports the error.
    let _ = write!(std::io::stderr(), "{shown}");
    std::process::exit(error.exit_code());
}

fn run(command: Command) -> Result<(), Failure> {
    check_stdout(&command)?;
    match command {
        Command::Inspect(inspect) => command::inspect::run(&inspect),
        Command::Serve(serve) => block_on(command::serve::run(serve)),
        Command::Send(send) => block_on(command::send::run(send)),
        Command::Listen(listen) => block_on(command::listen::run(listen)),
        Command::Check(check) => command::check::run(&check),
        Command::Presets => command::presets::run(),
        Command::Bridge(bridge) => block_on(command::bridge::run(bridge)),
        Command::Hostile(hostile) => block_on(command::hostile::run(hostile)),
        #[cfg(feature = "load")]
        Command::Load(load) => block_on(command::load::run(*load)),
        Command::Demo => block_on(command::demo::run()),
    }
}

/// Checks stdout before a peer sends a message, which would be lost. Servers and bridges print no messages.
fn check_stdout(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Send(send) if send.no_reply => Ok(()),
        Command::Send(_) | Command::Listen(_) => stdout::check_is_open().and_then(|()| stdout::check_is_read()),
        #[cfg(feature = "load")]
        Command::Load(_) => stdout::check_is_open(),
        Command::Inspect(_) | Command::Check(_) | Command::Presets | Command::Demo => stdout::check_is_open(),
        Command::Serve(_) | Command::Bridge(_) | Command::Hostile(_) => Ok(()),
    }
}

fn block_on(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    let runtime = threads::runtime().map_err(Failure::fault)?;
    let result = runtime.block_on(work);
    // What tasks hold is dropped, such as numbers to give back to a file. A thread that waits for the terminal must not keep
    // the program running.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}
