//! Sends messages that have no reply over one connection.

use std::time::Duration;

use framelink_transport::tokio::{Cause, Connection, Error, RecvHalf};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};

use super::given::Given;
use super::out::Out;
use super::stdin::Stdin;
use super::{Which, all_failed};
use crate::arguments::Send;
use crate::failure::Failure;
use crate::output::Count;

/// How long a busy program may take to notice the peer's end after it has arrived.
const NOTICED: Duration = Duration::from_millis(10);

/// Sends messages, and prints messages that arrive meanwhile: a peer that answers stops reading if nothing reads its
/// answers. At the end it waits for the peer to close, which shows that the peer has received everything.
pub(super) async fn run(
    connection: Connection,
    messages: Option<Given>,
    send: &Send,
    within: Duration,
    out: &Out,
) -> Result<(), Failure> {
    let (receiver, mut sender) = connection.split();
    let (failure, mut failed) = mpsc::unbounded_channel();
    let mut peer_end = tokio::spawn(until_end(receiver, out.clone(), failure));
    let mut given = messages;
    let (mut count, mut early_end) = (0, None);
    let mut stdin = if given.is_none() { Some(Stdin::new(send.hex)?) } else { None };
    loop {
        let message = match (&mut given, &mut stdin) {
            (Some(given), _) => given.next().transpose()?,
            (None, Some(stdin)) => {
                stdin.prompt();
                loop {
                    tokio::select! {
                        biased;
                        message = stdin.next() => break message?,
                        Some(error) = failed.recv() => return Err(error.of(count)),
                        error = sender.keep() => return Err(all_failed(count, &error)),
                        end = &mut peer_end, if early_end.is_none() => {
                            early_end = Some(end);
                            tracing::warn!("the peer closed its side, and stdin has not ended; the peer may not read further messages");
                        }
                    }
                }
            }
            (None, None) => None,
        };
        let Some(message) = message else { break };
        count += 1;
        let which = stdin.as_ref().map_or(Which::Message(count), |stdin| Which::Line(stdin.number()));
        let began = Instant::now();
        match sender.send_with_outcome(&message, within).await {
            Ok(()) => out.sent(which, began.elapsed())?,
            Err(error) => {
                out.failed(which, &error, began.elapsed())?;
                return Err(which.failed(&error));
            }
        }
    }
    // Only a peer's end after our own end proves receipt. An earlier end may not be noticed yet.
    if early_end.is_none() {
        early_end = timeout(NOTICED, &mut peer_end).await.ok();
    }
    let ended_early = early_end.is_some();
    match timeout(within, sender.finish()).await {
        Ok(finished) => finished.map_err(|error| all_failed(count, &error))?,
        Err(_) => {
            let (unwritten, to) = (Count(sender.unwritten_bytes() as u64, "byte"), &send.addresses);
            return Err(all_failed(
                count,
                &format!("sending to {to}: {unwritten} could not be written within {within:?}"),
            ));
        }
    }
    let end = match early_end {
        Some(end) => Some(end),
        None => timeout(within, peer_end).await.ok(),
    };
    match end {
        Some(end) => end.map_err(Failure::fault)?,
        None => tracing::warn!("the peer has not closed its side, so it is not known whether it received everything"),
    }
    if let Ok(error) = failed.try_recv() {
        return Err(error.of(count));
    }
    if ended_early {
        tracing::warn!("the peer closed its side before we did, so it is not known whether it received everything");
    }
    Ok(())
}

/// Why receiving ended while messages were still being sent.
enum Ended {
    /// The connection failed.
    Connection(Error),
    /// A received message could not be printed.
    Output(Failure),
}

impl Ended {
    fn of(self, count: u64) -> Failure {
        match self {
            Self::Connection(error) => all_failed(count, &error),
            Self::Output(failure) => failure,
        }
    }
}

/// Prints messages until the peer ends its side. Also handles heartbeats, and reports a dead peer.
async fn until_end(mut receiver: RecvHalf, out: Out, failed: mpsc::UnboundedSender<Ended>) {
    let ended = loop {
        match receiver.recv().await {
            Ok(Some(message)) => {
                if let Err(failure) = out.unsolicited(&message) {
                    break Err(Ended::Output(failure));
                }
            }
            Ok(None) => {
                tracing::debug!("the peer has closed its side");
                break Ok(());
            }
            Err(error) if matches!(error.cause(), Cause::Fault(_)) => {
                // No message can be recognised any more. The bytes are still read, so that the peer can go on.
                tracing::warn!(
                    "the peer sent bytes that are not a message; these and all later bytes are dropped: {error}"
                );
                break receiver.discard().await.map_err(Ended::Connection);
            }
            Err(error) => break Err(Ended::Connection(error)),
        }
    };
    if let Err(ended) = ended {
        // If sending is over, the receiver of this error is gone.
        let _ = failed.send(ended);
    }
}
