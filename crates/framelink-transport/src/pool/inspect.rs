//! Whether a connection is clean.

use std::time::Duration;

use framelink_codec::{Decode, Encode};

use crate::drive::{Clock, Port, has_ended, tend};
use crate::error::Cause;
use crate::session::{Receiving, SendRefused, Sending};

/// A peer that never stops sending is listened to with such pauses, in which others have their turn.
const PAUSE: Duration = Duration::from_millis(1);

/// For a connection that waits to be lent, is about to be, or was: deals with heartbeats and looks at what has come, without waiting.
/// When to look again; an error if it has ended, or holds anything that could be taken for what belongs to the next exchange.
pub(crate) fn inspect<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    port: &mut impl Port,
    clock: &impl Clock,
    is_deaf: bool,
) -> Result<Option<Duration>, Cause<D::Error, E::Error>> {
    if sending.unwritten() > 0 {
        return Err(Cause::UnderWay);
    }
    if let Err(refused @ (SendRefused::Failed | SendRefused::Finished)) = sending.outgoing(&[]) {
        return Err(Cause::Refused(refused));
    }
    // What the system has, which a runtime may not have noticed; what it means is said below.
    has_ended(receiving, port.input(), clock, !is_deaf)?;
    let again = tend(receiving, sending, port, clock, is_deaf)?;
    // With heartbeats it may be the beginning of one, and whoever calls waits for the rest of it.
    if !is_deaf && receiving.pulse().is_none() && receiving.is_inside_message() {
        return Err(Cause::Unasked);
    }
    Ok(again.map(|at| at.saturating_sub(clock.now()).max(PAUSE)))
}
