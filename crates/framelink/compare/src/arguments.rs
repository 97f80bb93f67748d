//! The options.

use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::{Parser, ValueEnum};

/// Where plots of the book are, in the tree.
const PLOTS_OF_BOOK: &str = "docs/src/comparison";

/// Measure framelink's servers beside those of other libraries, in turn, as ratios to a raw byte echo.
///
/// Each server is started anew for each measurement, warmed up and measured by `framelink load`, in a closed loop that checks each
/// reply. The server has one processor and the client another, where taskset is there.
#[derive(Debug, Parser)]
pub(crate) struct Arguments {
    /// What is measured.
    #[arg(value_enum, default_value = "table")]
    pub(crate) what: What,

    /// Measure these rows only, with commas between them; the first row, which is the reference, is always measured.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<String>,

    /// List the rows, and what is not installed.
    #[arg(long)]
    pub(crate) list: bool,

    /// Measure these loads, CONNECTIONS:DEPTH:BYTES, with commas between them.
    #[arg(long, value_name = "C:D:B", value_delimiter = ',')]
    pub(crate) columns: Vec<Column>,

    /// Measure each row so many times, in turn with the others; the table has the medians [default: 3; `idle` 1]
    #[arg(long, value_name = "N")]
    pub(crate) rounds: Option<usize>,

    /// Measure each row for so many seconds in each round.
    #[arg(long, value_name = "S", default_value_t = 2.0)]
    pub(crate) seconds: f64,

    /// Let so many clients connect, for `idle` and `accept`.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) connections: usize,

    /// Write the results to this file, as JSON.
    #[arg(long, value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Draw latency and rate of the first load in the last round to DIR; without --only, of one row for each peer.
    #[arg(long, value_name = "DIR")]
    pub(crate) plot: Option<PathBuf>,

    /// Write the table to the book, with the commit, the machine and the date; with `table` the plot too.
    #[arg(long)]
    pub(crate) write: bool,

    /// Use this program's `load` as the client [default: framelink of this tree, which is built]
    #[arg(long, value_name = "FILE")]
    pub(crate) client: Option<PathBuf>,

    /// Use this program's `bridge` [default: framelink of this tree, which is built]
    #[arg(long, value_name = "FILE")]
    pub(crate) bridge: Option<PathBuf>,

    /// Run the server on this processor.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) server_core: usize,

    /// Run the client on this processor.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) client_core: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum What {
    /// Echo of net:4 frames: server CPU per message, and messages a second
    Table,
    /// The same from 1 to 10000 connections
    Growth,
    /// The same with 10^4 to 10^7 messages
    Flat,
    /// A bridge from net:4 to net:4, and others, beside a TCP proxy
    Bridge,
    /// Resident memory of each idle connection
    Idle,
    /// The time and the CPU time for accepting connections
    Accept,
}

impl Arguments {
    pub(crate) fn rounds(&self) -> usize {
        self.rounds.unwrap_or(if self.what == What::Idle { 1 } else { 3 })
    }

    /// Returns how it was measured.
    pub(crate) fn method(&self) -> String {
        let rounds = match self.rounds() {
            1 => "one round".to_owned(),
            rounds => format!("medians of {rounds} rounds"),
        };
        match self.what {
            What::Idle | What::Accept => format!("{} connections, {rounds}", self.connections),
            What::Flat => rounds,
            _ => format!("{rounds} of {} s", self.seconds),
        }
    }

    /// Returns the folder of the plot, if there is one.
    pub(crate) fn plot_folder(&self, root: &Path) -> Option<PathBuf> {
        let of_book = || (self.write && self.what == What::Table).then(|| root.join(PLOTS_OF_BOOK));
        self.plot.clone().or_else(of_book)
    }

    /// Returns the loads that are measured.
    pub(crate) fn loads(&self) -> Vec<Column> {
        if self.columns.is_empty() { self.what.columns() } else { self.columns.clone() }
    }
}

/// A load: so many connections, messages in flight on each, and bytes in a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub(crate) connections: usize,
    pub(crate) depth: usize,
    pub(crate) size: usize,
    /// So many messages in all, rather than a time.
    pub(crate) count: Option<u64>,
}

impl Column {
    pub(crate) const fn new(connections: usize, depth: usize, size: usize) -> Self {
        Self { connections, depth, size, count: None }
    }

    pub(crate) const fn messages(self, count: u64) -> Self {
        Self { count: Some(count), ..self }
    }

    /// Returns the name in tables and options.
    pub(crate) fn name(&self) -> String {
        let load = format!("{}:{}:{}", self.connections, self.depth, self.size);
        self.count.map_or_else(|| load.clone(), |count| format!("{load} x{count}"))
    }
}

impl Column {
    pub(crate) fn plot_name(&self) -> String {
        format!("{}.svg", self.name().replace([':', ' '], "-"))
    }
}

impl FromStr for Column {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Vec<usize> = text.split(':').map_while(|number| number.parse().ok()).collect();
        match numbers[..] {
            [connections, depth, size] if !numbers.contains(&0) => Ok(Self::new(connections, depth, size)),
            _ => Err("three numbers from 1 up, CONNECTIONS:DEPTH:BYTES".to_owned()),
        }
    }
}

impl What {
    /// Returns the name in the book.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// Returns the loads that are measured without `--columns`.
    fn columns(self) -> Vec<Column> {
        match self {
            Self::Table => vec![
                Column::new(16, 16, 64),
                Column::new(16, 16, 1024),
                Column::new(4, 8, 16384),
                Column::new(200, 4, 256),
            ],
            Self::Growth => [1, 10, 100, 1000, 10_000].map(|connections| Column::new(connections, 4, 256)).to_vec(),
            Self::Flat => (4..=7).map(|power| Column::new(16, 16, 64).messages(10_u64.pow(power))).collect(),
            Self::Bridge => vec![Column::new(16, 16, 64), Column::new(16, 16, 1024), Column::new(4, 8, 16384)],
            Self::Idle | Self::Accept => Vec::new(),
        }
    }
}
