//! The inbox of a link.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::task::coop;

use crate::link::LinkEvent;
use crate::link::inbox;
use crate::tokio::connector::Tokio;

/// The messages that answer no request of a link, and what becomes of its connections. When the inbox is dropped, later messages and events
/// are dropped too.
///
/// It holds up to 1024 of them. While it is full, a connection that has another one does not read, so that replies wait too: an application
/// that keeps an inbox must empty it. When the link is dropped, messages and events that have no room in the inbox are dropped.
///
/// ```no_run
/// # async fn example(mut inbox: framelink_transport::tokio::Inbox) {
/// use framelink_transport::{Incoming, tokio::LinkEvent};
///
/// while let Some(news) = inbox.recv().await {
///     match news {
///         LinkEvent::Incoming(Incoming::Message(message)) => println!("the peer says {} bytes", message.len()),
///         LinkEvent::Incoming(Incoming::Late(late)) => println!("a reply came {:?} after its request", late.delay()),
///         LinkEvent::Up => println!("connected"),
///         LinkEvent::Lost(error) => println!("{error:?}"),
///         _ => {}
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Inbox(pub(super) inbox::Inbox<Tokio>);

impl Inbox {
    /// The next event, when there is one; `None` when the link and all its connections are gone. The future can be dropped at any time.
    pub async fn recv(&mut self) -> Option<LinkEvent> {
        self.recv_from().await.map(|(_, news)| news)
    }

    /// The next event, and the name that was given for its peer: for [`Links`](super::Links) with many peers.
    pub async fn recv_from(&mut self) -> Option<(Arc<str>, LinkEvent)> {
        // An inbox that is never empty lets other tasks have their turn.
        poll_fn(|context| coop::poll_proceed(context).map(|proceeded| proceeded.made_progress())).await;
        self.0.recv(None).await.into_message()
    }
}
