//! Rounds of measurements, and their table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;

use crate::arguments::Column;
use crate::load::Measured;
use crate::servers::Server;

/// The measurements of one row and column, a round each.
pub(crate) type Rounds = Vec<Measured>;

/// What was measured: by row and column.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Server>,
    measured: BTreeMap<(usize, usize), Rounds>,
}

/// The medians of a row and column.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Cell {
    /// Server CPU per message, as a ratio to the reference of the same round.
    pub(crate) cpu_ratio: f64,
    /// Messages a second, likewise.
    pub(crate) rate_ratio: f64,
    pub(crate) cpu_us: f64,
    pub(crate) rate: f64,
    /// The client was busier than the server, which might be faster.
    pub(crate) client_was_busier: bool,
    pub(crate) rounds: Rounds,
}

/// A row as it is written to JSON, with a cell for each column.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    name: &'static str,
    title: &'static str,
    cells: Vec<Option<Cell>>,
}

impl Table {
    pub(crate) fn new(rows: Vec<Server>, columns: Vec<Column>) -> Self {
        Self { columns, rows, measured: BTreeMap::new() }
    }

    pub(crate) fn add(&mut self, row: usize, column: usize, measured: Measured) {
        self.measured.entry((row, column)).or_default().push(measured);
    }

    pub(crate) fn cell(&self, row: usize, column: usize) -> Option<Cell> {
        let rounds = self.measured.get(&(row, column))?;
        let reference = self.measured.get(&(0, column))?;
        let ratios =
            |of: fn(&Measured) -> f64| median(rounds.iter().zip(reference).map(|(row, raw)| of(row) / of(raw)));
        let values = |of: fn(&Measured) -> f64| median(rounds.iter().map(of));
        Some(Cell {
            cpu_ratio: ratios(|measured| measured.cpu_us),
            rate_ratio: ratios(|measured| measured.rate),
            cpu_us: values(|measured| measured.cpu_us),
            rate: values(|measured| measured.rate),
            client_was_busier: values(|measured| measured.client_cores) > values(|measured| measured.server_cores),
            rounds: rounds.clone(),
        })
    }

    pub(crate) fn json(&self) -> Vec<Row> {
        let cells = |row| (0..self.columns.len()).map(|column| self.cell(row, column)).collect();
        let rows = self.rows.iter().enumerate();
        rows.map(|(row, server)| Row { name: server.name, title: server.title, cells: cells(row) }).collect()
    }

    /// Returns the table in Markdown: in each cell CPU and rate as ratios, and below the reference itself.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("| server |{}\n", self.line(|column| Some(column.name())));
        let _ = writeln!(text, "| --- |{}", self.line(|_| Some("---".to_owned())));
        for (row, server) in self.rows.iter().enumerate() {
            let cells = (0..self.columns.len())
                .map(|column| self.cell(row, column).map_or_else(String::new, |cell| cell.shown()));
            let _ =
                writeln!(text, "| {} |{}", server.title, cells.map(|cell| format!(" {cell} |")).collect::<String>());
        }
        let reference = (0..self.columns.len()).map(|column| match self.cell(0, column) {
            Some(cell) => format!(" {:.2} µs {:.0}/s |", cell.cpu_us, cell.rate),
            None => "  |".to_owned(),
        });
        let _ = writeln!(text, "| 1.00 1.00 is |{}", reference.collect::<String>());
        text
    }

    fn line(&self, of: impl Fn(&Column) -> Option<String>) -> String {
        self.columns.iter().filter_map(of).map(|cell| format!(" {cell} |")).collect()
    }
}

impl Cell {
    fn shown(&self) -> String {
        let mark = if self.client_was_busier { "\\*" } else { "" };
        format!("{:.2} {:.2}{mark}", self.cpu_ratio, self.rate_ratio)
    }
}

/// Returns the middle value; of an even number of values the mean of the two in the middle.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        len if len % 2 == 1 => values[len / 2],
        len => f64::midpoint(values[len / 2 - 1], values[len / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_between_the_two_in_the_middle() {
        assert!((median([3.0, 1.0, 2.0].into_iter()) - 2.0).abs() < 1e-9);
        assert!((median([4.0, 1.0, 2.0, 3.0].into_iter()) - 2.5).abs() < 1e-9);
    }
}
