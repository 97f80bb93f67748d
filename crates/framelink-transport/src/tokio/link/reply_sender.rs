//! Sends on the connection of an event.

use std::fmt;

use crate::driver::awaited;
use crate::error::CallError;
use crate::link::{self, reply_sender_methods};
use crate::tokio::connector::Tokio;

/// Sends on the connection on which an event of a link arrived, and on no other. Returned by
/// [`Inbox::recv_with_sender`](super::Inbox::recv_with_sender). Clones send on the same connection. A sender does not keep
/// its connection open.
#[derive(Clone)]
pub struct ReplySender(pub(super) link::ReplySender<Tokio>);

reply_sender_methods!(awaited async);
