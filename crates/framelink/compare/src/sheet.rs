//! Numbers by row and column, without a reference.

use std::fmt::Write as _;

use serde::Serialize;

use crate::servers::Server;
use crate::table::median;

/// Rows of numbers, of each a value in each round.
#[derive(Debug)]
pub(crate) struct Sheet {
    columns: &'static [&'static str],
    rows: Vec<(Server, Vec<Vec<f64>>)>,
}

/// A row as it is written to JSON: the medians, and all rounds.
#[derive(Debug, Serialize)]
pub(crate) struct Row<'s> {
    name: &'static str,
    title: &'static str,
    medians: Vec<f64>,
    rounds: &'s [Vec<f64>],
}

impl Sheet {
    pub(crate) fn new(columns: &'static [&'static str], rows: Vec<Server>) -> Self {
        Self { columns, rows: rows.into_iter().map(|server| (server, Vec::new())).collect() }
    }

    pub(crate) const fn columns(&self) -> &'static [&'static str] {
        self.columns
    }

    pub(crate) fn server(&self, row: usize) -> Option<Server> {
        Some(self.rows.get(row)?.0)
    }

    pub(crate) fn add(&mut self, row: usize, values: Vec<f64>) {
        self.rows[row].1.push(values);
    }

    pub(crate) fn json(&self) -> Vec<Row<'_>> {
        let row = |(server, rounds): &'_ (Server, Vec<Vec<f64>>)| (server.name, server.title, medians(rounds));
        self.rows
            .iter()
            .map(|of| (row(of), &of.1))
            .map(|((name, title, medians), rounds)| Row { name, title, medians, rounds })
            .collect()
    }

    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("| server | {} |\n", self.columns.join(" | "));
        let _ = writeln!(text, "| --- |{}", " ---: |".repeat(self.columns.len()));
        for (server, rounds) in &self.rows {
            let cells = medians(rounds).into_iter().map(|value| format!(" {value:.0} |"));
            let _ = writeln!(text, "| {} |{}", server.title, cells.collect::<String>());
        }
        text
    }
}

fn medians(rounds: &[Vec<f64>]) -> Vec<f64> {
    let columns = rounds.first().map_or(0, Vec::len);
    (0..columns).map(|column| median(rounds.iter().map(|round| round[column]))).collect()
}
