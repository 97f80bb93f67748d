//! The end of a connection that was served.

use std::future::Future;
use std::task::Waker;
use std::time::Duration;

use crate::connection::{Endpoint, ErrorOf, Step};
use crate::drive::{self, Close, CloseReport, TryRecv};
use crate::error::{Cause, Error, Operation};
use crate::profile::{Profile, Side};
use crate::registry::Mailbox;
use crate::session::{Ending, LastBytes};
use framelink_session::Message;

/// The result of serving a connection.
pub(crate) struct ServedOutcome<E> {
    /// How many requests were wholly answered.
    pub(crate) answered: u64,
    /// How many messages arrived after the last request was taken.
    pub(crate) discarded: usize,
    pub(crate) ended: Result<(), E>,
}

impl<E> ServedOutcome<E> {
    /// Returns how many requests were answered, or why the connection failed.
    pub(crate) fn into_answered(self) -> Result<u64, E> {
        self.ended.map(|()| self.answered)
    }
}

/// A connection that is served, with its waiting operations. They do what the public operations with these names do.
pub(crate) trait ServedConnection: Endpoint {
    /// Writes what is queued, within `limit` if the driver limits that.
    fn flush(&mut self, limit: Duration) -> impl Future<Output = Result<(), ErrorOf<Self::Codec>>>;
    fn recv(&mut self) -> impl Future<Output = Result<Option<Message>, ErrorOf<Self::Codec>>>;
    fn recv_within(&mut self, limit: Duration) -> impl Future<Output = Result<TryRecv, ErrorOf<Self::Codec>>>;
    fn send_within(&mut self, reply: &[u8], limit: Duration) -> impl Future<Output = Result<(), ErrorOf<Self::Codec>>>;

    /// Repeats a step until it is done. Between two steps, waits for what the step wants.
    fn until_done(
        &mut self,
        step: impl FnMut(&mut Self, Self::Wait<'_>) -> Step<(), ErrorOf<Self::Codec>>,
    ) -> impl Future<Output = Result<(), ErrorOf<Self::Codec>>>;

    /// Returns the waker of the task that waits, on a driver with tasks.
    fn waker<'w>(_wait: &Self::Wait<'w>) -> Option<&'w Waker> {
        None
    }

    /// The queue of pushed messages, if the connection has joined a registry.
    fn mailbox(&mut self) -> &mut Option<Box<Mailbox<Self::Codec>>>;

    /// Makes the system reset the connection when it is dropped.
    fn reset_on_close(&mut self);

    /// Keeps a driver from shutting down writing when the connection is dropped.
    fn leave_open(&mut self) {}

    /// Closes the connection in good order. Returns how many messages arrived meanwhile, even if closing failed.
    fn close_and_count(
        &mut self,
        within: Duration,
    ) -> impl Future<Output = (usize, Result<CloseReport, ErrorOf<Self::Codec>>)>;
}

/// Finishes what comes before the first message: the TLS handshake, and what the profile says. The session limits its time
/// like that of the first message.
pub(crate) async fn open_served<S: ServedConnection>(connection: &mut S) -> Result<(), ErrorOf<S::Codec>> {
    if !connection.owes_opening() {
        return Ok(());
    }
    let step = |connection: &mut S, wait: S::Wait<'_>| {
        connection.advance_opening(wait).map_err(|cause| connection.error(Operation::Serve, cause))
    };
    // Boxed, because few connections need it.
    Box::pin(connection.until_done(step)).await
}

/// Implements `ServedConnection` for a driver's `Connection`. `flush` is the method that writes what is queued.
///
/// `$repeat` repeats a step, and returns a future. `$waker` is `Some` on a driver with tasks.
macro_rules! served_connection {
    ($wait:ident, $limit:ident => $flush:ident($($argument:ident)?), $repeat:expr $(, $waker:path)?) => {
        impl<C: Decode + Encode> $crate::server::ServedConnection for Connection<C> {
            async fn flush(&mut self, $limit: Duration) -> Result<(), ErrorOf<C>> {
                $wait!(self.$flush($($argument)?))
            }

            async fn recv(&mut self) -> Result<Option<Message>, ErrorOf<C>> {
                $wait!(self.recv())
            }

            async fn recv_within(&mut self, limit: Duration) -> Result<$crate::drive::TryRecv, ErrorOf<C>> {
                $wait!(self.recv_within(limit))
            }

            async fn send_within(&mut self, reply: &[u8], limit: Duration) -> Result<(), ErrorOf<C>> {
                $wait!(self.send_within(reply, limit))
            }

            fn until_done(
                &mut self,
                step: impl FnMut(&mut Self, Self::Wait<'_>) -> $crate::connection::Step<(), ErrorOf<C>>,
            ) -> impl Future<Output = Result<(), ErrorOf<C>>> {
                ($repeat)(self, step)
            }

            fn reset_on_close(&mut self) {
                if let Some(stream) = self.stream() {
                    $crate::net::socket::reset_on_close(stream);
                }
                self.leave_open();
            }

            $(fn leave_open(&mut self) {
                if let Some(writer) = self.sender.writer.take() {
                    writer.forget();
                }
            }

            fn waker<'w>(wait: &Self::Wait<'w>) -> Option<&'w std::task::Waker> {
                $waker(*wait)
            })?

            fn mailbox(&mut self) -> &mut Option<Box<$crate::registry::Mailbox<C>>> {
                &mut self.mailbox
            }

            async fn close_and_count(
                &mut self,
                within: Duration,
            ) -> (usize, Result<$crate::drive::CloseReport, ErrorOf<C>>) {
                $wait!(self.close_and_count(within))
            }
        }
    };
}
pub(crate) use served_connection;

/// Closes a connection that was served, in good order if the peer can still receive the replies.
///
/// The profile says which side closes a short connection first. If the client does, this waits for its close.
pub(crate) async fn end_served<S: ServedConnection>(
    connection: &mut S,
    profile: &Profile,
    answered: u64,
    served: Result<(), ErrorOf<S::Codec>>,
) -> ServedOutcome<ErrorOf<S::Codec>> {
    connection.parts().receiving.take_requests(false);
    let close = profile.timeouts().close;
    if let Err(error) = &served
        && let Some(last) = last_bytes(error.cause())
    {
        connection.parts().sending.queue_preamble(last.bytes());
        if last.resets() {
            let _ = connection.flush(close).await;
            connection.reset_on_close();
            return ServedOutcome { answered, discarded: 0, ended: served };
        }
    }
    let (discarded, ended) = match served {
        Ok(()) => match client_closes(connection, profile).await {
            Ok(()) => {
                let (discarded, closed) = connection.close_and_count(close).await;
                (discarded, closed.map(drop))
            }
            Err(error) => (0, Err(error)),
        },
        Err(error) if ends_in_order(error.cause()) => (connection.close_and_count(close).await.0, Err(error)),
        Err(error) if matches!(error.cause(), Cause::Ended(Ending::Cut)) => (count_unread(connection), Err(error)),
        Err(error) => (0, Err(error)),
    };
    ServedOutcome { answered, discarded, ended }
}

/// Waits until the client closes, if the profile says that it closes first. Our own close takes whatever else arrives.
async fn client_closes<S: ServedConnection>(connection: &mut S, profile: &Profile) -> Result<(), ErrorOf<S::Codec>> {
    if profile.connection().short().is_none_or(|short| short.closes != Side::Client) {
        return Ok(());
    }
    match connection.recv_within(profile.timeouts().close).await {
        Err(error) if drive::is_lost(error.cause()) => Err(error),
        _ => Ok(()),
    }
}

/// Returns how many messages of a connection that is cut had arrived and were not taken.
fn count_unread<S: ServedConnection>(connection: &mut S) -> usize {
    connection.open(S::AT_ONCE).map_or(0, |mut open| Close::count_unread(open.inbound(false)))
}

/// Returns what a handler wants to be sent before the end.
fn last_bytes<D, E>(cause: &Cause<D, E>) -> Option<&LastBytes> {
    match cause {
        Cause::HandlerFailed(error) => error.downcast_ref(),
        _ => None,
    }
}

/// Returns whether to close in good order after this error, so that no reset destroys the replies sent before.
const fn ends_in_order<D, E>(cause: &Cause<D, E>) -> bool {
    matches!(
        cause,
        Cause::Fault(_)
            | Cause::Preamble(_)
            | Cause::Refused(_)
            | Cause::TooManyEmpty { .. }
            | Cause::HandlerFailed(_)
            | Cause::HandlerPanicked
            | Cause::Ended(Ending::Idle { .. } | Ending::Lifetime { .. } | Ending::Drained)
    )
}

impl<D, E> crate::driver::Suspended for ServedOutcome<Error<D, E>> {
    fn suspended() -> Self {
        Self { answered: 0, discarded: 0, ended: Result::suspended() }
    }
}
