//! What happens on a link beside its calls.

use crate::error::Error;
use framelink_session::Incoming;

/// What happened on a link.
///
/// ```no_run
/// # #[cfg(feature = "tokio")]
/// # async fn example(mut inbox: framelink_transport::tokio::Inbox) {
/// use framelink_transport::LinkEvent;
///
/// while let Some(news) = inbox.recv().await {
///     if let LinkEvent::Lost(Some(error)) = news {
///         println!("{error}");
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum LinkEvent {
    /// Something came that answers no request that is waited for.
    Incoming(Incoming),
    /// There is a connection, or a pair.
    Up,
    /// A connection, or a pair, has ended: because of this, or because the peer closed it. Its requests in flight have been told.
    Lost(Option<Error>),
}
