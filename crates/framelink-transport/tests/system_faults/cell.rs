//! One cell: a framing, a driver and a role.

use std::fmt;

use crate::wire::Wire;

/// A length in text, in packed digits, and as a binary number.
pub(crate) const WIRES: [Wire; 3] = [Wire::Ascii4, Wire::Bcd2, Wire::Net4];

/// Which side of the connection is ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Our side has dialled.
    Client,
    /// Our side has accepted.
    Server,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) wire: Wire,
    pub(crate) driver: &'static str,
    pub(crate) role: Role,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}, {:?}", self.wire.notation(), self.driver, self.role)
    }
}

/// The outcome of a cell.
pub(crate) struct Done {
    pub(crate) cell: Cell,
    pub(crate) ended: std::thread::Result<()>,
}

impl Done {
    /// Returns what went wrong in the cell.
    pub(crate) fn fault(&self) -> Option<String> {
        let panic = self.ended.as_ref().err()?;
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref().copied());
        Some(format!("{}: {}", self.cell, text.unwrap_or("it panicked")))
    }
}
