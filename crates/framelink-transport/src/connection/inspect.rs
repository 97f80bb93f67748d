//! The check that a connection of a pool is clean.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use crate::drive::{Clock, Open, Port};
use crate::error::Cause;
use crate::session::SendRefused;

/// The shortest pause between two checks, so that other connections have their turn while a peer sends without end.
const PAUSE: Duration = Duration::from_millis(1);

/// Checks a pooled connection while it is idle, before it is handed out and after it was released: handles heartbeats
/// and reads what has arrived, without waiting. Returns when to check again. Fails if the connection has ended, or
/// holds bytes that could be taken for a part of the next exchange.
pub(crate) fn inspect<D: Decode, E: Encode, P: Port, K: Clock>(
    mut open: Open<'_, D, E, P, K>,
    discard_unsolicited: bool,
) -> Result<Option<Duration>, Cause<D::Error, E::Error>> {
    if open.sending.unwritten() > 0 {
        return Err(Cause::UnderWay);
    }
    if let Err(refused @ (SendRefused::Failed | SendRefused::Finished)) = open.sending.outgoing(&[]) {
        return Err(Cause::Refused(refused));
    }
    // Reads what the system has, which the runtime may not know of yet. `maintain` decides below what it means.
    open.inbound(true).has_ended(!discard_unsolicited)?;
    let again = open.maintain(discard_unsolicited)?;
    // With heartbeats, an unfinished message may be the beginning of a heartbeat. A call waits for the rest of it.
    if !discard_unsolicited && open.receiving.liveness().is_none() && open.receiving.is_inside_message() {
        return Err(Cause::Unsolicited);
    }
    Ok(again.map(|at| at.saturating_sub(open.clock.now()).max(PAUSE)))
}
