//! Runs the rounds: every row in turn, in every round.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use crate::arguments::{Arguments, Column, What};
use crate::idle;
use crate::load::Client;
use crate::programs::Programs;
use crate::servers::Server;
use crate::sheet::Sheet;
use crate::table::Table;

/// A server is warm when it has used its CPU time for that, or after so many runs.
const MOST_WARM_UPS: usize = 30;

/// Measures the loads with the client.
pub(crate) fn measure(
    arguments: &Arguments,
    programs: &Programs,
    client: &Client,
    rows: Vec<Server>,
    plots: Option<&Path>,
) -> Result<Table, String> {
    let mut table = Table::new(rows, arguments.loads());
    let rounds = arguments.rounds();
    for round in 1..=rounds {
        for at in 0..table.columns.len() {
            let column = table.columns[at].clone();
            let plot = plots.filter(|_| round == rounds && at == 0);
            let mut plot = plot.map(|folder| Plot::new(folder, &programs.built, &column)).transpose()?;
            let measured: Vec<usize> = (0..table.rows.len()).filter(|row| table.rows[*row].takes(&column)).collect();
            let is_plotted = |server: &Server| !arguments.only.is_empty() || server.is_plotted();
            let last_plotted = measured.iter().rfind(|row| is_plotted(&table.rows[**row])).copied();
            for row in measured {
                let server = table.rows[row];
                progress(&format!("round {round} of {rounds}: {} {}", column.name(), server.name));
                let running = programs.start(&server)?;
                warm_up(client, &running.process, &server, &column)?;
                let more = plot.as_ref().map_or_else(Vec::new, |plot| plot.options(Some(row) == last_plotted));
                let report = client.run(&running.process, &server, &column, arguments.seconds, &more)?;
                table.add(row, at, Client::measured(&report)?);
                if let Some(plot) = plot.as_mut().filter(|_| is_plotted(&server)) {
                    plot.keep(&server, &report)?;
                }
            }
        }
    }
    progress("");
    Ok(table)
}

/// Lets a server work until it is as fast as it gets.
fn warm_up(client: &Client, process: &crate::process::Process, server: &Server, column: &Column) -> Result<(), String> {
    let column = Column { count: None, ..column.clone() };
    for _ in 0..MOST_WARM_UPS {
        client.run(process, server, &column, server.warm_up_secs.min(1.0), &[])?;
        // The CPU time has a resolution of 10 ms.
        if server.warm_up_secs < 1.0 || process.cpu_secs().map_err(|error| error.to_string())? >= server.warm_up_secs {
            break;
        }
    }
    Ok(())
}

/// Measures many connections without the client.
pub(crate) fn connections(arguments: &Arguments, programs: &Programs, rows: Vec<Server>) -> Result<Sheet, String> {
    let count = arguments.connections;
    let is_idle = arguments.what == What::Idle;
    let rows = rows.into_iter().filter(|server| server.most_connections >= count).collect();
    let mut sheet = Sheet::new(if is_idle { &idle::IDLE } else { &idle::ACCEPT }, rows);
    let rounds = arguments.rounds();
    for round in 1..=rounds {
        for row in 0.. {
            let Some(server) = sheet.server(row) else { break };
            progress(&format!("round {round} of {rounds}: {}", server.name));
            let running = programs.start(&server)?;
            let measured = match is_idle {
                true => idle::idle(&running.process, server.framing, count),
                false => idle::accept(&running.process, count),
            };
            sheet.add(row, measured.map_err(|error| format!("{}: {error}", server.name))?);
        }
    }
    progress("");
    Ok(sheet)
}

/// The plot of one load: the client's reports are kept, and its last run draws all of them.
struct Plot {
    file: PathBuf,
    reports: PathBuf,
    kept: Vec<PathBuf>,
}

impl Plot {
    fn new(folder: &Path, built: &Path, column: &Column) -> Result<Self, String> {
        let reports = built.join("reports");
        for folder in [folder, &reports] {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        let file = folder.join(column.plot_name());
        Ok(Self { file, reports, kept: Vec::new() })
    }

    /// Returns the options of the client's run.
    fn options(&self, is_last: bool) -> Vec<&OsStr> {
        if !is_last {
            return Vec::new();
        }
        let with = self.kept.iter().flat_map(|report| [OsStr::new("--plot-with"), report.as_os_str()]);
        [OsStr::new("--plot"), self.file.as_os_str()].into_iter().chain(with).collect()
    }

    fn keep(&mut self, server: &Server, report: &str) -> Result<(), String> {
        let file = self.reports.join(format!("{}.json", server.name));
        fs::write(&file, report).map_err(|error| format!("{}: {error}", file.display()))?;
        self.kept.push(file);
        Ok(())
    }
}

/// Shows where the run is, on a terminal.
fn progress(text: &str) {
    if io::stderr().is_terminal() {
        eprint!("\r\x1b[K{text}");
    }
}
