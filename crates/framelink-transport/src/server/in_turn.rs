//! Serving a connection one request after the other, in its own thread.

use super::answer::Answer;
use super::ending::{ServedConnection, ServedOutcome, end_served, open_served};
use crate::connection::ErrorOf;
use crate::drive::{self, Clock as _};
use crate::error::{Cause, Operation};
use crate::profile::Profile;
use framelink_session::Message;

/// Serves a connection to its end. Each request is answered before the next is read.
pub(crate) async fn serve_in_turn<S: ServedConnection, A: Answer>(
    connection: &mut S,
    profile: &Profile,
    answer: impl FnMut(Message) -> A,
) -> ServedOutcome<ErrorOf<S::Codec>> {
    connection.parts().receiving.take_requests(true);
    let mut answered = 0;
    let served = answer_all(connection, profile, answer, &mut answered).await;
    end_served(connection, profile, answered, served).await
}

async fn answer_all<S: ServedConnection, A: Answer>(
    connection: &mut S,
    profile: &Profile,
    mut answer: impl FnMut(Message) -> A,
    answered: &mut u64,
) -> Result<(), ErrorOf<S::Codec>> {
    let write = profile.timeouts().write;
    open_served(connection).await?;
    // Sends the preamble even if no request arrives.
    connection.flush(write).await?;
    let mut memory = connection.sending().memory().another();
    while let Some(request) = connection.recv().await? {
        memory.set(request.len());
        let reply = handled(|| answer(request)).map_err(|cause| connection.error(Operation::Serve, cause))?;
        let reply = reply.as_ref().map(AsRef::as_ref);
        memory.set(reply.map_or(0, <[u8]>::len));
        if let Some(reply) = reply {
            let sent = connection.send_within(reply, write).await;
            // A connection that was told to end at once may be closed already.
            sent.map_err(|error| match connection.sending().told() {
                Some(ending) => connection.error(Operation::Serve, Cause::Ended(ending)),
                None => error,
            })?;
        }
        memory.set(0);
        *answered += 1;
        connection.sending().on_answered(*answered, connection.clock().now());
        if profile.connection().short().is_some() {
            break;
        }
    }
    Ok(())
}

/// Runs a handler. Returns its answer, unless it panicked or failed.
pub(crate) fn handled<A: Answer, D, E>(run: impl FnOnce() -> A) -> Result<Option<A::Bytes>, Cause<D, E>> {
    drive::guarded(run)?.into_reply().map_err(Cause::HandlerFailed)
}
