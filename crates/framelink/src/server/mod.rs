//! What the commands that listen share.

pub(crate) mod accepting;
pub(crate) mod certificates;
pub(crate) mod drain;
pub(crate) mod intake;
pub(crate) mod probes;
pub(crate) mod serving;
pub(crate) mod strangers;
pub(crate) mod woken;
