//! The ways in which a request can fail.

use std::time::Duration;

use framelink_transport::session::Sent;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// No program listens on the port.
    Refused,
    /// The address does not answer: its accept queue is full.
    NoAnswer,
    /// The payload is longer than the profile allows.
    TooLarge,
    /// The payload is longer than the header can announce.
    Unsayable,
    /// An earlier message is not yet written, because the peer does not read; or a pool has no free connection.
    NoRoom,
    /// The peer does not read, so only a part of the request is written.
    StuckMidway,
    ResetBefore,
    ResetMidway,
    ResetAfter,
    ClosedBefore,
    ClosedAfter,
    Silence,
    /// The reply is no frame.
    Garbage,
    /// The peer closes inside its reply.
    HalfReply,
    /// Our side closes while the call waits for the reply.
    EndedByUs,
    /// Our side has closed before the request.
    EndedByUsBefore,
    /// Our side closes while the request is queued behind messages that the peer does not read.
    EndedByUsQueued,
    /// An earlier call timed out without a reply.
    Unclean,
}

impl Way {
    pub(crate) const ALL: [Self; 18] = [
        Self::Refused,
        Self::NoAnswer,
        Self::TooLarge,
        Self::Unsayable,
        Self::NoRoom,
        Self::StuckMidway,
        Self::ResetBefore,
        Self::ResetMidway,
        Self::ResetAfter,
        Self::ClosedBefore,
        Self::ClosedAfter,
        Self::Silence,
        Self::Garbage,
        Self::HalfReply,
        Self::EndedByUs,
        Self::EndedByUsBefore,
        Self::EndedByUsQueued,
        Self::Unclean,
    ];

    /// Whether our side closes.
    pub(crate) const fn is_ended_by_us(self) -> bool {
        matches!(self, Self::EndedByUs | Self::EndedByUsBefore | Self::EndedByUsQueued)
    }

    pub(crate) const fn framing(self) -> &'static str {
        match self {
            Self::TooLarge => "net:4,max=1KiB",
            Self::Unsayable => "ascii:2",
            _ => "net:4,max=16MiB",
        }
    }

    /// Returns the request, which begins with its key.
    pub(crate) fn request(self) -> Vec<u8> {
        let len = match self {
            Self::TooLarge => 1025,
            Self::StuckMidway | Self::ResetMidway => 2 << 20,
            _ => 100,
        };
        [b"01".as_slice(), &vec![b'R'; len - 2]].concat()
    }

    /// Returns a message to send before the request, if there is one.
    pub(crate) fn earlier(self) -> Option<Vec<u8>> {
        match self {
            Self::NoRoom => Some(vec![b'F'; 2 << 20]),
            // It is sent until the buffers are full. Then the queue has room for the request, which waits.
            Self::EndedByUsQueued => Some(vec![b'F'; 16 << 10]),
            Self::Unclean => Some(b"00 earlier".to_vec()),
            _ => None,
        }
    }

    /// Returns the time limit of the request. If the failure is not a timeout, a busy machine stays within it.
    pub(crate) const fn time(self) -> Duration {
        match self {
            Self::Refused | Self::NoAnswer | Self::NoRoom | Self::StuckMidway | Self::Silence => {
                Duration::from_millis(400)
            }
            _ => Duration::from_secs(10),
        }
    }

    /// Returns what an error may say, and whether a message without a reply may succeed nevertheless.
    pub(crate) const fn expected(self) -> (&'static [Sent], bool) {
        match self {
            Self::Refused
            | Self::NoAnswer
            | Self::TooLarge
            | Self::Unsayable
            | Self::NoRoom
            | Self::EndedByUsBefore
            | Self::EndedByUsQueued
            | Self::Unclean => (&[Sent::Not], false),
            Self::StuckMidway | Self::ResetMidway => (&[Sent::Perhaps], false),
            // Either of the two may happen first.
            Self::ResetBefore | Self::ClosedBefore => (&[Sent::Not, Sent::Perhaps], true),
            Self::ResetAfter | Self::ClosedAfter | Self::Garbage | Self::HalfReply | Self::EndedByUs => {
                (&[Sent::Perhaps], true)
            }
            Self::Silence => (&[Sent::NoReply], true),
        }
    }
}
