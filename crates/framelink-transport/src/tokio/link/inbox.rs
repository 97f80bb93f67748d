//! The inbox of a link.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::task::coop;

use super::ReplySender;
use crate::link::LinkEvent;
use crate::link::inbox;
use crate::tokio::connector::Tokio;

/// Receives the messages that answer no request of a link, and the events of its connections. After the inbox is
/// dropped, later messages and events are discarded.
///
/// The inbox holds up to 1024 entries. While it is full, a connection with a new entry stops reading, so replies wait
/// too: a program must empty its inbox. When the link is dropped, entries without room are discarded.
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
    /// Returns the next event, or `None` when the link and its connections are gone. The future can be dropped safely.
    pub async fn recv(&mut self) -> Option<LinkEvent> {
        self.recv_with_sender().await.map(|(event, _)| event)
    }

    /// Returns the next event and the name of its peer. Used with [`Links`](super::Links), which have many peers.
    pub async fn recv_from(&mut self) -> Option<(Arc<str>, LinkEvent)> {
        self.recv_with_sender().await.map(|(event, sender)| (sender.0.peer, event))
    }

    /// Returns the next event, and what sends on the connection on which it arrived. Used to answer a message of the peer
    /// on the connection of the message, which [`Link::send`](super::Link::send) does not promise.
    ///
    /// ```no_run
    /// # async fn example(mut inbox: framelink_transport::tokio::Inbox) {
    /// use framelink_transport::{Incoming, tokio::LinkEvent};
    ///
    /// while let Some((event, sender)) = inbox.recv_with_sender().await {
    ///     if let LinkEvent::Incoming(Incoming::Message(message)) = event {
    ///         if let Err(error) = sender.send(&[b"received: ", &message[..]].concat()).await {
    ///             println!("{error}");
    ///         }
    ///     }
    /// }
    /// # }
    /// ```
    pub async fn recv_with_sender(&mut self) -> Option<(LinkEvent, ReplySender)> {
        // An inbox that is never empty must let other tasks run too.
        poll_fn(|context| coop::poll_proceed(context).map(|proceeded| proceeded.made_progress())).await;
        self.0.recv(None).await.into_message().map(|(event, sender)| (event, ReplySender(sender)))
    }
}
