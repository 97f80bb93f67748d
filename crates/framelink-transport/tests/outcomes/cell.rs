//! One role in one failure.

use std::net::SocketAddr;
use std::sync::mpsc::Receiver;
use std::thread;
use std::time::Duration;

use framelink_transport::profile::{ConnectionKind, ExchangeKind};
use framelink_transport::session::Sent;
use framelink_transport::{CallError, Cause, ConnectError, Framing, FramingPair, Profile, SocketOptions};

use crate::host::DEADLINE;
use crate::way::Way;

/// The time limit of the message before the request.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

pub(crate) struct Role {
    pub(crate) name: &'static str,
    /// Whether the role waits for a reply.
    pub(crate) is_call: bool,
    pub(crate) run: fn(&mut Cell) -> Verdict,
}

pub(crate) struct Cell {
    pub(crate) way: Way,
    pub(crate) address: SocketAddr,
    pub(crate) time: Duration,
    pub(crate) request: Vec<u8>,
    pub(crate) whole: Option<Receiver<()>>,
}

/// The outcome of the request.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The role cannot have this failure.
    NotApplicable,
    Done,
    Failed {
        sent: Sent,
        is_timeout: bool,
        text: String,
    },
}

impl<T> From<Result<T, CallError>> for Verdict {
    fn from(result: Result<T, CallError>) -> Self {
        match result {
            Ok(_) => Self::Done,
            Err(error) => Self::Failed {
                sent: error.sent(),
                is_timeout: matches!(error.error().cause(), Cause::TimedOut { .. }),
                text: error.to_string(),
            },
        }
    }
}

impl Cell {
    pub(crate) fn framing(&self) -> FramingPair {
        self.way.framing().parse::<Framing>().expect("a framing").into()
    }

    /// Small buffers, so that our side soon notices that a peer does not read.
    pub(crate) fn socket(&self) -> SocketOptions {
        let mut options = SocketOptions::new();
        options.send_buffer = Some(64 * 1024);
        options
    }

    pub(crate) fn profile(&self, connection: impl Into<ConnectionKind>, exchange: impl Into<ExchangeKind>) -> Profile {
        let builder = Profile::builder(self.framing()).connection(connection).exchange(exchange).socket(self.socket());
        let builder = builder.connect_timeout(self.time).reply_timeout(self.time).write_timeout(self.time);
        builder.close_timeout(SHORT).build().expect("a profile")
    }

    /// Returns whether the failure is one of an existing connection.
    pub(crate) fn is_connected(&self) -> bool {
        !matches!(self.way, Way::Refused | Way::NoAnswer)
    }

    /// Returns the connection, or `None` if the peer reset it while it was being made: connecting is another operation.
    pub(crate) fn connected<T>(&self, connected: Result<T, ConnectError>) -> Option<T> {
        match connected {
            Err(_) if matches!(self.way, Way::ResetBefore | Way::ClosedBefore) => None,
            connected => Some(connected.expect("a connection")),
        }
    }

    /// Runs `then` when the peer has received the whole request.
    pub(crate) fn when_whole(&mut self, then: impl FnOnce() + Send + 'static) {
        let whole = self.whole.take().expect("a peer that listens");
        thread::spawn(move || {
            whole.recv_timeout(DEADLINE).expect("a whole request");
            then();
        });
    }
}
