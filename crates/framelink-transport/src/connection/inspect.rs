//! Whether a connection is clean.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use crate::drive::{Clock, Open, Port};
use crate::error::Cause;
use crate::session::SendRefused;

/// A peer that never stops sending is read from with such pauses, in which other connections have their turn.
const PAUSE: Duration = Duration::from_millis(1);

/// Looks at a connection that is idle, is about to be lent, or was lent: does what heartbeats need and reads what has arrived, without
/// waiting. When to look again. An error if the connection has ended, or holds anything that could be taken for a part of the next exchange.
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
    // Reads what the system has, which a runtime may not have noticed. What it means is decided below.
    open.inbound(true).has_ended(!discard_unsolicited)?;
    let again = open.maintain(discard_unsolicited)?;
    // With heartbeats it may be the beginning of a heartbeat. A call waits for the rest of it.
    if !discard_unsolicited && open.receiving.liveness().is_none() && open.receiving.is_inside_message() {
        return Err(Cause::Unsolicited);
    }
    Ok(again.map(|at| at.saturating_sub(open.clock.now()).max(PAUSE)))
}
