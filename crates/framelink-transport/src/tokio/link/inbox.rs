//! The inbox of a link.

use std::future::poll_fn;
use std::sync::Arc;

use tokio::task::coop;

use crate::driver::awaited;
use crate::link::LinkEvent;
use crate::link::inbox::{self, EventOfPeer, inbox_methods};
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
    async fn received(&mut self) -> Option<EventOfPeer<Tokio>> {
        // An inbox that is never empty must let other tasks run too.
        poll_fn(|context| coop::poll_proceed(context).map(|proceeded| proceeded.made_progress())).await;
        self.0.recv(None).await.into_message()
    }
}

inbox_methods!(Tokio, awaited async);
