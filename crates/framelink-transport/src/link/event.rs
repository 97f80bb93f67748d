//! The events of a link.

use crate::error::Error;
use framelink_session::Incoming;

/// An event of a link: an incoming message, or a change of a connection.
///
/// ```no_run
/// # #[cfg(feature = "tokio")]
/// # async fn example(mut inbox: framelink_transport::tokio::Inbox) {
/// use framelink_transport::LinkEvent;
///
/// while let Some(event) = inbox.recv().await {
///     if let LinkEvent::Lost(Some(error)) = event {
///         println!("{error}");
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkEvent {
    /// A message arrived that answers no call in flight.
    Incoming(Incoming),
    /// A connection, or a pair, was made.
    Up,
    /// A connection, or a pair, has ended: with this error, or closed by the peer or this side (`None`). Its calls
    /// have failed.
    Lost(Option<Error>),
}
