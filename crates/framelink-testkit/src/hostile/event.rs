//! What happens on a connection, for a log.

use std::fmt;

/// Something that happened on a connection of a peer. It prints as a line for a log.
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
    /// The connection stands.
    Connected,
    /// The fault showed.
    Did(String),
    /// The peer is done with the connection.
    Ended {
        /// Why.
        why: String,
        /// So many messages came.
        messages_received: u64,
        /// So many were sent.
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
