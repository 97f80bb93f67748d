//! Sends on the connection of an event.

use std::fmt;

use crate::blocking::connector::Blocking;
use crate::driver::ready;
use crate::error::CallError;
use crate::link::{self, reply_sender_methods};

/// Sends on the connection on which an event of a link arrived, and on no other. Returned by
/// [`Inbox::recv_with_sender`](super::Inbox::recv_with_sender). Clones send on the same connection. A sender does not keep
/// its connection open.
#[derive(Clone)]
pub struct ReplySender(pub(super) link::ReplySender<Blocking>);

reply_sender_methods!(ready);
