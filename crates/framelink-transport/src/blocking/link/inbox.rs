//! The inbox of a link.

use std::sync::Arc;
use std::time::Duration;

use super::ReplySender;
use crate::blocking::connector::Blocking;
use crate::drive::TryRecv;
use crate::driver::{Driver as _, at_once};
use crate::link::LinkEvent;
use crate::link::inbox;

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
    /// Waits for the next event. Returns `None` when the link and all its connections are gone.
    pub fn recv(&mut self) -> Option<LinkEvent> {
        self.recv_with_sender().map(|(event, _)| event)
    }

    /// Like [`recv`](Self::recv), but also returns the name that was given for the peer. For [`Links`](super::Links).
    pub fn recv_from(&mut self) -> Option<(Arc<str>, LinkEvent)> {
        self.recv_with_sender().map(|(event, sender)| (sender.0.peer, event))
    }

    /// Waits for the next event. Also returns what sends on the connection on which it arrived. Used to answer a message of
    /// the peer on the connection of the message, which [`Link::send`](super::Link::send) does not promise.
    ///
    /// ```no_run
    /// # fn example(mut inbox: framelink_transport::blocking::Inbox) {
    /// use framelink_transport::{Incoming, blocking::LinkEvent};
    ///
    /// while let Some((event, sender)) = inbox.recv_with_sender() {
    ///     if let LinkEvent::Incoming(Incoming::Message(message)) = event {
    ///         if let Err(error) = sender.send(&[b"received: ", &message[..]].concat()) {
    ///             println!("{error}");
    ///         }
    ///     }
    /// }
    /// # }
    /// ```
    pub fn recv_with_sender(&mut self) -> Option<(LinkEvent, ReplySender)> {
        let received = at_once(async { self.0.recv(None).await.into_message() });
        received.map(|(event, sender)| (event, ReplySender(sender)))
    }

    /// Waits for the next event, for `limit` at most.
    pub fn recv_within(&mut self, limit: Duration) -> TryRecv<LinkEvent> {
        let until = Some(Blocking::within(limit));
        match at_once(async { Some(self.0.recv(until).await) }) {
            Some(TryRecv::Message((event, _))) => TryRecv::Message(event),
            Some(TryRecv::Closed) => TryRecv::Closed,
            Some(TryRecv::Nothing) | None => TryRecv::Nothing,
        }
    }
}
