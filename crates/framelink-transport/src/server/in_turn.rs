//! A connection whose requests are answered one after the other, in the thread that serves it.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::ending::{ErrorOf, ServedConnection, ServedOutcome, end_served};
use crate::answer::Answer;
use crate::drive;
use crate::error::{Cause, Error, Operation};
use crate::profile::Profile;
use crate::session::Sending;
use framelink_session::Message;

/// A connection that waits for each operation.
pub(crate) trait InTurnConnection: ServedConnection {
    fn peer_addr(&self) -> Option<SocketAddr>;
    fn sending(&self) -> &Sending<Arc<Self::Codec>>;
    fn now(&self) -> Duration;

    /// Writes what is queued, within this time where the driver limits that.
    fn flush(&mut self, limit: Duration) -> impl Future<Output = Result<(), ErrorOf<Self::Codec>>>;
    fn recv(&mut self) -> impl Future<Output = Result<Option<Message>, ErrorOf<Self::Codec>>>;
    fn send_within(&mut self, reply: &[u8], limit: Duration) -> impl Future<Output = Result<(), ErrorOf<Self::Codec>>>;
}

/// Serves a connection to its end. Each request is answered before the next is read.
pub(crate) async fn serve_in_turn<S: InTurnConnection, A: Answer>(
    mut connection: S,
    profile: &Profile,
    answer: impl FnMut(Message) -> A,
) -> ServedOutcome<ErrorOf<S::Codec>> {
    connection.take_requests(true);
    let mut answered = 0;
    let served = answer_all(&mut connection, profile, answer, &mut answered).await;
    end_served(connection, profile, answered, served).await
}

async fn answer_all<S: InTurnConnection, A: Answer>(
    connection: &mut S,
    profile: &Profile,
    mut answer: impl FnMut(Message) -> A,
    answered: &mut u64,
) -> Result<(), ErrorOf<S::Codec>> {
    let (peer, write) = (connection.peer_addr(), profile.timeouts().write);
    // A preamble is sent though nothing was asked.
    connection.flush(write).await?;
    let mut memory = connection.sending().memory().another();
    while let Some(request) = connection.recv().await? {
        memory.set(request.len());
        let reply = handled(|| answer(request)).map_err(|cause| Error::new(Operation::Serve, peer, cause))?;
        memory.set(reply.as_ref().map_or(0, Vec::len));
        if let Some(reply) = reply {
            connection.send_within(&reply, write).await?;
        }
        memory.set(0);
        *answered += 1;
        connection.sending().on_answered(*answered, connection.now());
        if profile.connection().short().is_some() {
            break;
        }
    }
    Ok(())
}

/// Runs a handler. Returns its answer, unless it panicked or failed.
pub(crate) fn handled<A: Answer, D, E>(run: impl FnOnce() -> A) -> Result<Option<Vec<u8>>, Cause<D, E>> {
    drive::guarded(run)?.into_reply().map_err(Cause::HandlerFailed)
}

/// Has a `Connection` that waits for each operation be served. Its fields `$receiver` and `$sender` have the halves of its session.
macro_rules! in_turn_connection {
    (
        $receiver:ident, $sender:ident,
        close($closing:ident, $close_within:ident) $close:block
        flush($flushing:ident, $flush_within:ident) $flush:block
        recv($reading:ident) $recv:block
    ) => {
        impl<C: Decode + Encode> $crate::server::ServedConnection for Connection<C> {
            type Codec = C;

            fn take_requests(&mut self, yes: bool) {
                self.$receiver.receiving.take_requests(yes);
            }

            async fn recv_within(&mut self, limit: Duration) -> Result<TryRecv, ErrorOf<C>> {
                Self::recv_within(self, limit)
            }

            async fn close_and_count(self, $close_within: Duration) -> (usize, Result<CloseReport, ErrorOf<C>>) {
                let $closing = self;
                $close
            }
        }

        impl<C: Decode + Encode> $crate::server::InTurnConnection for Connection<C> {
            fn peer_addr(&self) -> Option<std::net::SocketAddr> {
                Self::peer_addr(self)
            }

            fn sending(&self) -> &$crate::session::Sending<std::sync::Arc<C>> {
                &self.$sender.sending
            }

            fn now(&self) -> Duration {
                $crate::drive::Clock::now(&self.clock)
            }

            async fn flush(&mut self, $flush_within: Duration) -> Result<(), ErrorOf<C>> {
                let $flushing = self;
                $flush
            }

            async fn recv(&mut self) -> Result<Option<Message>, ErrorOf<C>> {
                let $reading = self;
                $recv
            }

            async fn send_within(&mut self, reply: &[u8], limit: Duration) -> Result<(), ErrorOf<C>> {
                Self::send_within(self, reply, limit)
            }
        }
    };
}

pub(crate) use in_turn_connection;
