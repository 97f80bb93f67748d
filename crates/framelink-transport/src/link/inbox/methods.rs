//! The public methods of an inbox, and the senders that it returns, expanded inside the modules of the drivers.

/// `$driver` has the type `Inbox` and its method `received`. `$wait!` turns a future of the role into the result of a
/// method, and `$async` makes the method async where needed.
macro_rules! inbox_methods {
    ($driver:ident, $wait:ident $($async:ident)?) => {
        impl Inbox {
            /// Returns the next event, or `None` when the link and all its connections are gone. On tokio, the future can be
            /// dropped safely.
            pub $($async)? fn recv(&mut self) -> Option<LinkEvent> {
                $wait!(self.received()).map(|(event, _)| event)
            }

            /// Returns the next event and the name of its peer. Used with [`Links`](super::Links), which have many peers.
            pub $($async)? fn recv_from(&mut self) -> Option<(Arc<str>, LinkEvent)> {
                $wait!(self.received()).map(|(event, sender)| (sender.peer, event))
            }

            /// Returns the next event, and what sends on its connection. Used to answer a message of the peer on the
            /// connection on which it arrived, which [`Link::send`](super::Link::send) does not promise.
            ///
            /// ```no_run
            /// # #[cfg(feature = "tokio")]
            /// # async fn example(mut inbox: framelink_transport::tokio::Inbox) {
            /// use framelink_transport::{Incoming, LinkEvent};
            ///
            /// while let Some((event, sender)) = inbox.recv_with_sender().await {
            ///     let LinkEvent::Incoming(Incoming::Message(message)) = event else { continue };
            ///     if let Err(error) = sender.send(&[b"received: ", &message[..]].concat()).await {
            ///         println!("{error}");
            ///     }
            /// }
            /// # }
            /// ```
            pub $($async)? fn recv_with_sender(&mut self) -> Option<(LinkEvent, ReplySender)> {
                $wait!(self.received()).map(|(event, sender)| (event, ReplySender(sender)))
            }
        }

        /// Sends on the connection of an event of a link, and on no other. [`Inbox::recv_with_sender`] returns it.
        ///
        /// Clones send on the same connection. A sender does not keep its connection open.
        #[derive(Clone)]
        pub struct ReplySender($crate::link::ReplySender<$driver>);

        impl ReplySender {
            /// Sends a message on the connection of the event, and returns when the socket has taken all of it. The time
            /// limit is that of [`Link::send`](super::Link::send).
            ///
            /// A connection that is being closed takes messages until this side has shut down writing.
            ///
            /// # Errors
            /// Fails with [`Cause::ConnectionGone`](crate::Cause::ConnectionGone) and *not sent* if the connection has
            /// ended: another connection is never used. Also fails if the message was not sent in time.
            pub $($async)? fn send(&self, message: &[u8]) -> Result<(), $crate::error::CallError> {
                $wait!(self.0.send(message))
            }

            /// Returns whether the connection of the event is still open.
            pub fn is_open(&self) -> bool {
                self.0.is_open()
            }

            /// Returns the name of the peer, for [`Links`](super::Links).
            pub fn peer(&self) -> &str {
                &self.0.peer
            }
        }

        /// Shows the peer, and whether the connection is open.
        impl std::fmt::Debug for ReplySender {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct("ReplySender").field("peer", &self.peer()).field("is_open", &self.is_open()).finish()
            }
        }
    };
}

pub(crate) use inbox_methods;
