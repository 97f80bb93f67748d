//! What a client does with its connection after an error.

use std::time::Duration;

use crate::error::{CallError, Cause};
use crate::profile::Timeouts;
use crate::session::{SendRefused, Sent};

/// What happens to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It is kept: the error does not concern it.
    Keep,
    /// It was unusable before the request. The peer has seen nothing, so the request goes over another connection.
    DialAgain,
    /// It is closed, because a late reply must not answer the next request.
    Drop,
}

/// Decides after a failed call. `was_there` is false if the connection was dialled for this call.
pub(crate) const fn after_call(was_there: bool, error: &CallError) -> Next {
    match error.error().cause() {
        Cause::Refused(SendRefused::Encode(_)) => Next::Keep,
        _ if !was_there || !matches!(error.sent(), Sent::Not) => Next::Drop,
        Cause::NoReply
        | Cause::Reset(_)
        | Cause::Io(_)
        | Cause::Closed
        | Cause::Dead(_)
        | Cause::Unclean(_)
        | Cause::Refused(SendRefused::Failed | SendRefused::Finished) => Next::DialAgain,
        _ => Next::Drop,
    }
}

/// Decides whether a connection is kept after a message could not be sent on it.
pub(crate) const fn after_send(error: &CallError) -> Next {
    match error.error().cause() {
        Cause::Refused(SendRefused::Encode(_)) | Cause::NoRoom { .. } => Next::Keep,
        _ => Next::Drop,
    }
}

/// The time limit of a link for a message that is not a request. It covers connecting and writing.
pub(crate) fn time_to_send(timeouts: Timeouts) -> Duration {
    timeouts.reply.unwrap_or(Timeouts::REPLY).min(timeouts.write)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, Operation};
    use crate::session::Unclean;

    fn error(cause: Cause) -> Error {
        Error::new(Operation::Call, None, cause)
    }

    #[test]
    fn only_a_request_that_the_peer_has_not_seen_goes_over_another_connection() {
        let reset = || Cause::Reset(std::io::ErrorKind::ConnectionReset.into());
        for (cause, sent, was_there, next) in [
            (Cause::NoReply, Sent::Not, true, Next::DialAgain),
            (Cause::NoReply, Sent::Not, false, Next::Drop),
            (Cause::NoReply, Sent::Perhaps, true, Next::Drop),
            (reset(), Sent::Not, true, Next::DialAgain),
            (reset(), Sent::Perhaps, true, Next::Drop),
            (Cause::Closed, Sent::Not, true, Next::DialAgain),
            (Cause::Unclean(Unclean), Sent::Not, true, Next::DialAgain),
            (Cause::Refused(SendRefused::Failed), Sent::Not, true, Next::DialAgain),
            (Cause::Unsolicited, Sent::Not, true, Next::Drop),
        ] {
            let name = format!("{cause:?} {sent:?} {was_there}");
            assert_eq!(after_call(was_there, &CallError::new(sent, error(cause))), next, "{name}");
        }
    }

    #[test]
    fn a_connection_is_kept_when_a_message_found_no_room_and_dropped_when_it_failed() {
        let no_room = Cause::NoRoom { after: std::time::Duration::from_secs(1), queued_bytes: 7 };
        for (cause, next) in
            [(no_room, Next::Keep), (Cause::Refused(SendRefused::Finished), Next::Drop), (Cause::Closed, Next::Drop)]
        {
            assert_eq!(after_send(&CallError::new(Sent::Not, error(cause))), next);
        }
    }
}
