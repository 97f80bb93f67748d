//! The end of a connection that was served.

use std::future::Future;
use std::time::Duration;

use framelink_codec::{Decode, Encode};

use crate::close_report::CloseReport;
use crate::drive;
use crate::error::{Cause, Error};
use crate::profile::{Profile, Side};
use crate::session::Ending;
use crate::tries::TryRecv;

pub(crate) type ErrorOf<C> = Error<<C as Decode>::Error, <C as Encode>::Error>;

/// What serving a connection came to.
pub(crate) struct ServedOutcome<E> {
    /// How many requests were answered wholly.
    pub(crate) answered: u64,
    /// How many messages arrived after the last request was taken.
    #[cfg_attr(not(any(feature = "blocking", feature = "tokio")), expect(dead_code, reason = "there is no server"))]
    pub(crate) discarded: usize,
    pub(crate) ended: Result<(), E>,
}

impl<E> ServedOutcome<E> {
    /// How many requests were answered, or why the connection failed.
    pub(crate) fn into_answered(self) -> Result<u64, E> {
        self.ended.map(|()| self.answered)
    }
}

/// A connection that was served, and is to be closed.
pub(crate) trait ServedConnection: Sized {
    type Codec: Decode + Encode;

    /// Messages are requests, each counted until it is answered; or not any more.
    fn take_requests(&mut self, yes: bool);

    fn recv_within(&mut self, limit: Duration) -> impl Future<Output = Result<TryRecv, ErrorOf<Self::Codec>>>;

    /// Closes the connection in good order. Returns how many messages arrived meanwhile, also where that failed.
    fn close_and_count(
        self,
        within: Duration,
    ) -> impl Future<Output = (usize, Result<CloseReport, ErrorOf<Self::Codec>>)>;

    /// Returns how many messages are there of a connection that is cut, where the driver counts them.
    fn count_unread(self) -> impl Future<Output = usize> {
        std::future::ready(0)
    }
}

/// Closes a connection that was served, in good order where the peer can still receive the replies.
///
/// The profile says which side of a short connection closes first. If that is the client, its close is waited for.
pub(crate) async fn end_served<S: ServedConnection>(
    mut connection: S,
    profile: &Profile,
    answered: u64,
    served: Result<(), ErrorOf<S::Codec>>,
) -> ServedOutcome<ErrorOf<S::Codec>> {
    connection.take_requests(false);
    let close = profile.timeouts().close;
    let (discarded, ended) = match served {
        Ok(()) => match client_closes(&mut connection, profile).await {
            Ok(()) => {
                let (discarded, closed) = connection.close_and_count(close).await;
                (discarded, closed.map(drop))
            }
            Err(error) => (0, Err(error)),
        },
        Err(error) if ends_in_order(error.cause()) => (connection.close_and_count(close).await.0, Err(error)),
        Err(error) if matches!(error.cause(), Cause::Ended(Ending::Cut)) => {
            (connection.count_unread().await, Err(error))
        }
        Err(error) => (0, Err(error)),
    };
    ServedOutcome { answered, discarded, ended }
}

/// Waits until the client closes, where the profile says that it does. Anything else that arrives is taken by our own close.
async fn client_closes<S: ServedConnection>(connection: &mut S, profile: &Profile) -> Result<(), ErrorOf<S::Codec>> {
    if profile.connection().short().is_none_or(|short| short.closes != Side::Client) {
        return Ok(());
    }
    match connection.recv_within(profile.timeouts().close).await {
        Err(error) if drive::is_lost(error.cause()) => Err(error),
        _ => Ok(()),
    }
}

/// Whether the connection is closed in good order after this error, so that no reset destroys the replies that were sent before it.
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

#[cfg(any(feature = "blocking", all(feature = "nonblocking", unix)))]
impl<D, E> crate::driver::Suspended for ServedOutcome<Error<D, E>> {
    fn suspended() -> Self {
        Self { answered: 0, discarded: 0, ended: Result::suspended() }
    }
}
