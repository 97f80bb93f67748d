//! Whether the peer lets us sign on.

use std::net::SocketAddr;

use crate::ConnectError;

/// Whether the reply to the sign-on is the one that was expected. What it says is not shown: it may hold secrets.
pub(crate) fn check_reply(address: SocketAddr, expected: &[u8], reply: &[u8]) -> Result<(), ConnectError> {
    if reply.starts_with(expected) {
        return Ok(());
    }
    Err(ConnectError::NotWanted { address, reply_len: reply.len(), expected_len: expected.len() })
}
