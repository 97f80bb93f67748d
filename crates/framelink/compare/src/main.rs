//! Measures servers beside each other: `run --help`.

mod arguments;
mod book;
mod idle;
mod load;
mod peers;
mod process;
mod programs;
mod rounds;
mod servers;
mod sheet;
mod table;

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use clap::Parser;
use serde_json::{Value, json};

use crate::arguments::{Arguments, What};
use crate::book::Setting;
use crate::load::Client;
use crate::peers::Peers;
use crate::programs::Programs;
use crate::servers::{Server, chosen};

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
    let root = package.ancestors().nth(3).ok_or("the package does not stand in the tree")?;
    let programs = programs(arguments, package)?;
    let (rows, missing) = available(&programs, chosen(arguments.what, &arguments.only)?);
    if arguments.list {
        rows.iter().for_each(|server| println!("{:<16} {}", server.name, server.title));
    }
    missing.iter().for_each(|(server, why)| println!("left out: {} ({}): {why}", server.title, server.name));
    if arguments.list {
        return Ok(());
    }
    let setting = Setting::new(root, arguments.method(), &missing);
    let (columns, rows, table) = measured(arguments, programs, rows, root)?;
    print!("{table}");
    if let Some(file) = &arguments.json {
        let text = json!({ "what": arguments.what.name(), "setting": setting, "columns": columns, "rows": rows });
        fs::write(file, format!("{text:#}\n")).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if !arguments.write {
        return Ok(());
    }
    let plot = arguments.loads().first().filter(|_| arguments.what == What::Table).map(|load| load.plot_name());
    book::write(&root.join("docs/src/comparison.md"), &arguments.what.name(), &table, &setting, plot)
}

/// Measures, and returns columns and rows for JSON, and the table as text.
fn measured(
    arguments: &Arguments,
    mut programs: Programs,
    rows: Vec<Server>,
    root: &Path,
) -> Result<(Value, Value, String), String> {
    if matches!(arguments.what, What::Idle | What::Accept) {
        let sheet = rounds::connections(arguments, &programs, rows)?;
        return Ok((json!(sheet.columns()), json!(sheet.json()), sheet.markdown()));
    }
    let tree = || load::build(root);
    let client = Client { program: arguments.client.clone().map_or_else(tree, Ok)?, core: arguments.client_core };
    if arguments.what == What::Bridge {
        programs.framelink = arguments.bridge.clone().map_or_else(tree, Ok)?;
    }
    let plots = arguments.plot_folder(root);
    let table = rounds::measure(arguments, &programs, &client, rows, plots.as_deref())?;
    let columns: Vec<_> = table.columns.iter().map(arguments::Column::name).collect();
    Ok((json!(columns), json!(table.json()), table.markdown()))
}

fn programs(arguments: &Arguments, package: &Path) -> Result<Programs, String> {
    let program = std::env::current_exe().map_err(|error| format!("the path of this program: {error}"))?;
    let built = program.parent().ok_or("this program stands in no folder")?.to_owned();
    Ok(Programs {
        peers: Peers { sources: package.join("peers"), built: built.join("peers") },
        built,
        framelink: "framelink".into(),
        server_core: arguments.server_core,
        client_core: arguments.client_core,
    })
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
