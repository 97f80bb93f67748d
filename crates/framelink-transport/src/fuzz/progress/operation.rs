//! The operations of an application on a connection.

use std::time::Duration;

/// An operation. [`Maintain`](Self::Maintain) is the work between two exchanges; it may discard unsolicited messages.
#[derive(Clone, Copy, Debug)]
pub(super) enum Operation {
    Send { len: usize },
    SendWithin { len: usize, limit: Duration },
    Feed { len: usize },
    Receive,
    ReceiveWithin { limit: Duration },
    Call { len: usize, limit: Duration },
    Finish,
    Maintain { discard_unsolicited: bool },
}

impl Operation {
    pub(super) const fn limit(self) -> Option<Duration> {
        match self {
            Self::SendWithin { limit, .. } | Self::ReceiveWithin { limit } | Self::Call { limit, .. } => Some(limit),
            _ => None,
        }
    }

    pub(super) const fn is_for_messages(self) -> bool {
        matches!(self, Self::Receive | Self::ReceiveWithin { .. } | Self::Call { .. })
    }
}

/// The result of an operation that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Done {
    Nothing,
    Message,
    /// The connection has ended or can no longer be used.
    End,
}

/// Returns whether the operation failed only because its time was over.
pub(super) const fn is_over<D, E>(cause: &crate::error::Cause<D, E>) -> bool {
    matches!(cause, crate::error::Cause::NoRoom { .. } | crate::error::Cause::TimedOut { .. })
}

/// Runs an operation on the `Connection` of a driver that waits, and returns what is [`Done`].
macro_rules! act {
    ($wait:ident, $connection:expr, $operation:expr) => {{
        use $crate::fuzz::progress::operation::{Done, Operation, is_over};
        use $crate::fuzz::progress::peer::{self, NO_KEY, OTHER, REQUEST};
        let message = |kind, len| peer::message(kind, NO_KEY, len);
        let done = match $operation {
            Operation::Send { len } => $wait!($connection.send(&message(OTHER, len))).map(|()| Done::Nothing),
            Operation::Feed { len } => $wait!($connection.feed(&message(OTHER, len))).map(|()| Done::Nothing),
            Operation::SendWithin { len, limit } => {
                match $wait!($connection.send_within(&message(OTHER, len), limit)) {
                    Err(error) if is_over(error.cause()) => Ok(Done::Nothing),
                    sent => sent.map(|()| Done::Nothing),
                }
            }
            Operation::Receive => {
                $wait!($connection.recv()).map(|received| received.map_or(Done::End, |_| Done::Message))
            }
            Operation::ReceiveWithin { limit } => {
                $wait!($connection.recv_within(limit)).map(|received| match received {
                    $crate::drive::TryRecv::Message(_) => Done::Message,
                    $crate::drive::TryRecv::Nothing => Done::Nothing,
                    $crate::drive::TryRecv::Closed => Done::End,
                })
            }
            // A call that fails closes the connection.
            Operation::Call { len, limit } => {
                Ok($wait!($connection.call(&message(REQUEST, len), limit)).map_or(Done::End, |_| Done::Message))
            }
            Operation::Finish => $wait!($connection.finish()).map(|()| Done::Nothing),
            // A message that was dropped is not counted.
            Operation::Maintain { discard_unsolicited } => $connection
                .maintain(discard_unsolicited)
                .map(|_| if discard_unsolicited { Done::End } else { Done::Nothing }),
        };
        done.unwrap_or(Done::End)
    }};
}

pub(super) use act;
