//! The page of the book that shows the table.

use std::fmt::Write;

use crate::row::{Elsewhere, Row, root};
use crate::table;

const PAGE: &str = "docs/src/faults.md";
const RENEW: &str = "FRAMELINK_RENEW=1 cargo test -p framelink-transport --test faults the_page";

/// Fails if the page differs from the table. With `FRAMELINK_RENEW=1` it writes the page instead.
pub(crate) fn compare() {
    let (path, text) = (root().join(PAGE), text());
    if std::env::var_os("FRAMELINK_RENEW").is_some() {
        std::fs::write(&path, &text).unwrap();
    }
    let page = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(page == text, "{PAGE} differs from the table of the test; this command writes it: {RENEW}");
}

fn text() -> String {
    let mut text = HEAD.to_owned();
    for row in table::all() {
        let Row { number, fault, behaviour, .. } = row;
        writeln!(text, "| {number} | {fault} | {behaviour} | {} | {} |", row.count(), places(row)).unwrap();
    }
    let (count, rows) = (table::all().into_iter().map(Row::count).sum::<usize>(), table::all().len());
    writeln!(text, "\n{count} cells in {rows} rows.").unwrap();
    text
}

/// Returns the text of the column that says where the row is proved.
fn places(row: &Row) -> String {
    let here = row.here.as_ref().map(|here| {
        let roles = match here.roles {
            [_, _] => "client and server",
            [crate::cell::Role::Client] => "client",
            _ => "server",
        };
        format!("here: {roles}")
    });
    let elsewhere = row.elsewhere.iter().map(|Elsewhere { file, test, shows, .. }| {
        let file = file.strip_prefix("crates/").unwrap_or(file);
        format!("`{file}`, `{test}`: {shows}")
    });
    here.into_iter().chain(elsewhere).collect::<Vec<_>>().join("; ")
}

const HEAD: &str = "\
# Faults

<!-- Written by the test `faults` of framelink-transport: change its table, not this page. -->

This page lists what can go wrong with a peer, the network and the system, what framelink then does, and the test that shows it. Each row runs
in cells: *framing* (`ascii:4`, `bcd:2`, `net:4`) × *driver* (blocking, non-blocking, tokio) × *role* (the side that dials, the side that
accepts). For rows that need network namespaces, other processes or the command line, the last column names the test.

```console
cargo test -p framelink-transport --test faults -- --nocapture         # one line for each row, and the count of cells
FRAMELINK_FAULTS=7,8 cargo test -p framelink-transport --test faults   # some rows only
FRAMELINK_RENEW=1 cargo test -p framelink-transport --test faults      # writes this page from the table
```

| row | fault | what must happen | cells | where |
| ---: | --- | --- | ---: | --- |
";
