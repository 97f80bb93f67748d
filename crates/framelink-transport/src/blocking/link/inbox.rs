//! The inbox of a link.

use std::sync::Arc;
use std::time::Duration;

use crate::blocking::connector::Blocking;
use crate::drive::TryRecv;
use crate::driver::{Driver as _, at_once, ready};
use crate::link::LinkEvent;
use crate::link::inbox::{self, EventOfPeer, inbox_methods};

/// Receives the messages that answer no request of a link, and the events of its connections.
///
/// The inbox holds up to 1024 messages and events. While it is full, a connection with another message does not read,
/// so its replies wait too. Keep emptying the inbox, or drop it; later messages and events are then dropped. When the
/// link is dropped, those without room in the inbox are dropped.
///
/// ```no_run
/// # fn example(mut inbox: framelink_transport::blocking::Inbox) {
/// while let Some(event) = inbox.recv() {
///     println!("{event:?}");
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Inbox(pub(super) inbox::Inbox<Blocking>);

impl Inbox {
    /// Waits for the next event, for `limit` at most.
    pub fn recv_within(&mut self, limit: Duration) -> TryRecv<LinkEvent> {
        let until = Some(Blocking::within(limit));
        match at_once(async { Some(self.0.recv(until).await) }) {
            Some(TryRecv::Message((event, _))) => TryRecv::Message(event),
            Some(TryRecv::Closed) => TryRecv::Closed,
            Some(TryRecv::Nothing) | None => TryRecv::Nothing,
        }
    }

    async fn received(&mut self) -> Option<EventOfPeer<Blocking>> {
        self.0.recv(None).await.into_message()
    }
}

inbox_methods!(Blocking, ready);
