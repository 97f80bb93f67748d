//! One file per command.

pub(crate) mod bridge;
pub(crate) mod demo;
pub(crate) mod inspect;
pub(crate) mod send;
pub(crate) mod serve;
