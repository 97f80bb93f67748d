//! Measures servers beside each other: `run --help`.

mod arguments;
mod load;
mod process;
mod programs;
mod servers;
mod table;

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, What};
use crate::load::Client;
use crate::programs::Programs;
use crate::servers::{BRIDGES, SERVERS, Server, chosen};
use crate::table::Results;

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), String> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().nth(3).ok_or("the package stands in the tree")?;
    let built = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
    let tree = |given: &Option<PathBuf>, is_needed: bool| match given {
        None if is_needed && !arguments.list => load::build(root),
        given => Ok(given.clone().unwrap_or_default()),
    };
    let programs = Programs {
        built: built.ok_or("this program stands in a folder")?,
        package: package.to_owned(),
        bridge: tree(&arguments.bridge, arguments.what == What::Bridge)?,
        server_core: arguments.server_core,
        client_core: arguments.client_core,
    };
    let all = if arguments.what == What::Bridge { BRIDGES } else { SERVERS };
    let (rows, missing) = available(&programs, chosen(all, &arguments.only)?);
    if arguments.list {
        rows.iter().for_each(|server| println!("{:<16} {}", server.name, server.title));
    }
    missing.iter().for_each(|(server, why)| println!("{:<16} left out: {}: {why}", server.name, server.title));
    if arguments.list {
        return Ok(());
    }
    let client = Client { program: tree(&arguments.client, true)?, core: arguments.client_core };
    let results = measure(arguments, &programs, &client, rows)?;
    print!("{}", results.markdown());
    Ok(())
}

/// Builds the programs. Returns the rows that can be measured, and the others with what they lack.
fn available(programs: &Programs, rows: Vec<Server>) -> (Vec<Server>, Vec<(Server, String)>) {
    let mut missing = Vec::new();
    let mut there = Vec::new();
    for server in rows {
        match programs.prepare(&server) {
            Ok(()) => there.push(server),
            Err(why) => missing.push((server, why)),
        }
    }
    (there, missing)
}

/// Measures every row in every column, a round after the other.
fn measure(arguments: &Arguments, programs: &Programs, client: &Client, rows: Vec<Server>) -> Result<Results, String> {
    let columns = if arguments.columns.is_empty() { arguments.what.columns() } else { arguments.columns.clone() };
    let mut results = Results::new(rows, columns);
    for round in 1..=arguments.rounds {
        for at in 0..results.columns.len() {
            for row in 0..results.rows.len() {
                let (server, column) = (results.rows[row], results.columns[at].clone());
                if column.connections > server.most_connections {
                    continue;
                }
                progress(&format!("round {round} of {}: {} {}", arguments.rounds, column.name(), server.name));
                let running = programs.start(&server)?;
                let warm_up = column.clone().without_count();
                client.run(&running.process, server.framing, &warm_up, server.warm_up_secs, server.title, &[])?;
                let report =
                    client.run(&running.process, server.framing, &column, arguments.seconds, server.title, &[])?;
                results.add(row, at, Client::measure(&report)?);
            }
        }
    }
    progress("");
    Ok(results)
}

/// Shows where the run is, on a terminal.
fn progress(text: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}
