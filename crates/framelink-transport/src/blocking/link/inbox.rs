//! The inbox of a link.

use std::sync::Arc;
use std::time::Duration;

use crate::blocking::connector::Blocking;
use crate::drive::TryRecv;
use crate::driver::{Driver as _, at_once};
use crate::link::LinkEvent;
use crate::link::inbox;

/// The messages that answer no request of a link, and what becomes of its connections. When the inbox is dropped, later messages and events
/// are dropped too.
///
/// It holds up to 1024 of them. While it is full, a connection that has another one does not read, so that replies wait too: an application
/// that keeps an inbox must empty it. When the link is dropped, messages and events that have no room in the inbox are dropped.
///
/// ```no_run
/// # fn example(mut inbox: framelink_transport::blocking::Inbox) {
/// while let Some(news) = inbox.recv() {
///     println!("{news:?}");
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct Inbox(pub(super) inbox::Inbox<Blocking>);

impl Inbox {
    /// The next event, when there is one; `None` when the link and all its connections are gone.
    pub fn recv(&mut self) -> Option<LinkEvent> {
        self.recv_from().map(|(_, news)| news)
    }

    /// The next event, and the name that was given for its peer: for [`Links`](super::Links) with many peers.
    pub fn recv_from(&mut self) -> Option<(Arc<str>, LinkEvent)> {
        at_once(async { self.0.recv(None).await.into_message() })
    }

    /// The next event, or that there was none within that time.
    pub fn recv_within(&mut self, limit: Duration) -> TryRecv<LinkEvent> {
        let until = Some(Blocking::within(limit));
        match at_once(async { Some(self.0.recv(until).await) }) {
            Some(TryRecv::Message((_, news))) => TryRecv::Message(news),
            Some(TryRecv::Closed) => TryRecv::Closed,
            Some(TryRecv::Nothing) | None => TryRecv::Nothing,
        }
    }
}
