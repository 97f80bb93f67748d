//! One row of the table: a fault, what must happen, and which tests prove it.

use std::path::Path;

use crate::cell::{Cell, Role, WIRES};

/// A row of the table.
pub(crate) struct Row {
    pub(crate) number: u8,
    /// What goes wrong.
    pub(crate) fault: &'static str,
    /// What must happen then.
    pub(crate) behaviour: &'static str,
    /// The cells that this test runs, or `None` if only another test proves the row.
    pub(crate) here: Option<Here>,
    /// Tests elsewhere that prove the row, instead of the cells here or in addition to them.
    pub(crate) elsewhere: &'static [Elsewhere],
}

/// The cells of this test: one for each framing, each role and each driver.
pub(crate) struct Here {
    pub(crate) roles: &'static [Role],
    pub(crate) on: [OnDriver; 3],
}

/// A driver's name, and the row's function for that driver.
pub(crate) type OnDriver = (&'static str, fn(Cell));

/// A test elsewhere in the tree.
pub(crate) struct Elsewhere {
    /// The file, from the root of the repository.
    pub(crate) file: &'static str,
    /// The name of a function in that file, which is a test or is called by one.
    pub(crate) test: &'static str,
    /// What the test adds, or why the row is proved there.
    pub(crate) shows: &'static str,
    /// The number of cells that the test runs, if it is a table of this kind (framing × driver or leg × role). That
    /// test counts them too.
    pub(crate) cells: usize,
}

/// Returns the function on all three drivers, for these roles.
macro_rules! cells {
    ($roles:expr, $($path:ident)::+) => {
        Some($crate::row::Here {
            roles: $roles,
            on: [
                ("blocking", $crate::rows::$($path)::+::<$crate::driver::Blocking>),
                ("nonblocking", $crate::rows::$($path)::+::<$crate::driver::NonBlocking>),
                ("tokio", $crate::rows::$($path)::+::<$crate::driver::Tokio>),
            ],
        })
    };
}
pub(crate) use cells;

impl Here {
    /// Returns all cells: the name of the driver, the function, and its argument.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (OnDriver, Cell)> + '_ {
        let cells = move |on| {
            let of_wire = move |wire| self.roles.iter().map(move |&role| (on, Cell { wire, role }));
            WIRES.into_iter().flat_map(of_wire)
        };
        self.on.into_iter().flat_map(cells)
    }
}

impl Row {
    /// Returns the number of the row's cells, here and elsewhere.
    pub(crate) fn count(&self) -> usize {
        let here = self.here.as_ref().map_or(0, |here| here.cells().count());
        here + self.elsewhere.iter().map(|elsewhere| elsewhere.cells).sum::<usize>()
    }

    /// Asserts that the row has cells, or names a test that exists.
    #[track_caller]
    pub(crate) fn check(&self) {
        let number = self.number;
        assert!(self.here.is_some() || !self.elsewhere.is_empty(), "row {number} has no cells, and names no test");
        for Elsewhere { file, test, .. } in self.elsewhere {
            let path = root().join(file);
            let source = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("row {number}: {file}: {error}"));
            let is_there = source.contains(&format!("fn {test}(")) || source.contains(&format!("fn {test}<"));
            assert!(is_there, "row {number}: there is no `fn {test}` in {file}");
        }
    }
}

/// The root of the repository.
pub(crate) fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().nth(2).expect("crates/framelink-transport is two levels below the root")
}
