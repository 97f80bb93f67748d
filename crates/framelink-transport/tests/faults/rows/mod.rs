//! What each row does, with any driver.

pub(crate) mod headers;
pub(crate) mod pieces;
pub(crate) mod resets;
pub(crate) mod scripted;
pub(crate) mod truncated;
