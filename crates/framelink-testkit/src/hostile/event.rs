//! Events of a connection, for a log.

use std::fmt;

/// An event on a connection of a peer. It prints as a line for a log.
///
/// ```
/// use std::net::TcpStream;
/// use std::sync::mpsc;
/// use std::time::Duration;
/// use framelink_codec::example::OneByte;
/// use framelink_testkit::{Event, Fault, Hostile};
///
/// let (sender, events) = mpsc::channel();
/// let peer = Hostile::builder(OneByte, Fault::Slam)
///     .on_event(move |_peer, event| drop(sender.send(event.to_string())))
///     .listen("127.0.0.1:0")?;
/// let client = TcpStream::connect(peer.local_addr())?;
/// assert_eq!(events.recv_timeout(Duration::from_secs(5))?, "connected");
/// assert_eq!(events.recv_timeout(Duration::from_secs(5))?, "slam: closed at once");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The connection is established.
    Connected,
    /// The peer did what its fault says.
    Did(String),
    /// The connection has ended on the peer's side.
    Ended {
        /// The reason.
        why: String,
        /// The number of messages received.
        messages_received: u64,
        /// The number of messages sent.
        messages_sent: u64,
    },
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected => f.write_str("connected"),
            Self::Did(what) => f.write_str(what),
            Self::Ended { why, messages_received, messages_sent } => {
                write!(f, "ended ({why}); messages received: {messages_received}, sent: {messages_sent}")
            }
        }
    }
}
