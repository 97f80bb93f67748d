//! The function of each row, generic over the driver.

pub(crate) mod beats;
pub(crate) mod cancelled;
pub(crate) mod descriptors;
pub(crate) mod dialling;
pub(crate) mod floods;
pub(crate) mod headers;
pub(crate) mod panics;
pub(crate) mod pieces;
pub(crate) mod replies;
pub(crate) mod resets;
pub(crate) mod scripted;
pub(crate) mod strangers;
pub(crate) mod truncated;
pub(crate) mod window;
