//! Sends the messages repeatedly, with heartbeats in between. A peer that was reached once is dialled again.

use std::net::SocketAddr;
use std::time::Duration;

use framelink_transport::tokio::{CallError, Cause, Client, Upstream};
use framelink_transport::{ConnectError, Message};
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::given::Given;
use super::out::Out;
use super::{Which, all_failed, check_left_over};
use crate::arguments::Send;
use crate::failure::Failure;
use crate::output::Count;
use crate::server::drain::{Drain, DrainStage};

/// How long the current exchange may take when the program is told to end.
const DRAIN: Duration = Duration::from_secs(5);

pub(super) async fn run(
    upstream: Upstream,
    send: &Send,
    mut given: Given,
    every: Duration,
    out: &Out,
) -> Result<(), Failure> {
    let mut drain = Drain::on_signals(DRAIN)?;
    let no_reply = send.no_reply || !upstream.profile().exchange().receives();
    let client = Client::over(upstream).map_err(Failure::usage)?;
    let mut rounds = Rounds { client, at: None, no_reply, out, sent: 0, failed: 0 };
    let mut ticks = interval(every);
    // After a late round the next one still waits for the whole interval.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    for _ in 0..given.rounds() {
        tokio::select! {
            biased;
            () = drain.begun() => break,
            _ = ticks.tick() => {}
        }
        let watched = drain.clone();
        tokio::select! {
            biased;
            done = rounds.one(&mut given, &watched) => done?,
            () = drain.over() => return Err(Failure::fault(match drain.was_forced() {
                true => "ended by a second signal",
                false => "cut a message that had no reply yet",
            })),
        }
    }
    let Rounds { client, sent, failed, .. } = rounds;
    let closed = match client.close().await {
        Ok(report) if !no_reply => check_left_over(report.discarded as u64),
        Ok(_) => Ok(()),
        // No message was confirmed.
        Err(error) if no_reply => Err(all_failed(sent, &error)),
        Err(error) => Err(Failure::fault(error)),
    };
    match failed {
        0 => closed,
        failed => Err(Failure::fault(format!("{failed} of {} failed", Count(sent, "message")))),
    }
}

struct Rounds<'o> {
    client: Client,
    /// Our address of the connection, which distinguishes it from the next one.
    at: Option<SocketAddr>,
    no_reply: bool,
    out: &'o Out,
    sent: u64,
    failed: u64,
}

impl Rounds<'_> {
    /// Sends each message once. Fails if the first one cannot reach the peer: the address may be wrong.
    async fn one(&mut self, given: &mut Given, drain: &Drain) -> Result<(), Failure> {
        let in_round = given.len();
        for message in given.take(in_round) {
            if drain.stage() != DrainStage::Open {
                return Ok(());
            }
            let message = message?;
            self.sent += 1;
            if !self.no_reply {
                self.out.check()?;
            }
            let (which, began) = (Which::Message(self.sent), Instant::now());
            let exchanged = self.exchange(&message).await;
            if let Err(error) = &exchanged {
                self.out.failed(which, error, began.elapsed())?;
            }
            match exchanged {
                Ok(None) => self.out.sent(which, began.elapsed())?,
                Ok(Some(reply)) => self.out.reply(which, &reply, began.elapsed())?,
                Err(error) if self.sent == 1 && !has_reached(&error) => return Err(Which::Message(1).failed(&error)),
                Err(error) => {
                    self.failed += 1;
                    tracing::error!("message {}: {error}", self.sent);
                }
            }
        }
        Ok(())
    }

    async fn exchange(&mut self, message: &[u8]) -> Result<Option<Message>, CallError> {
        self.connect().await?;
        match self.no_reply {
            true => self.client.send(message).await.map(|()| None),
            false => self.client.call(message).await.map(Some),
        }
    }

    /// Dials if the connection is lost, and logs that.
    async fn connect(&mut self) -> Result<(), CallError> {
        let verdict = self.client.verdict();
        self.client.connect().await?;
        let at = self.client.connection_mut().and_then(|connection| connection.local_addr().ok());
        let before = std::mem::replace(&mut self.at, at);
        if before.is_some() && before != at {
            let peer = self.client.connection_mut().and_then(|connection| connection.peer_addr());
            let peer = peer.map_or_else(|| "the peer".to_owned(), |peer| peer.to_string());
            match verdict {
                Some(verdict) => tracing::warn!("connected to {peer} again: {verdict}"),
                None => tracing::warn!("connected to {peer} again: the connection was lost in between"),
            }
        }
        Ok(())
    }
}

/// Returns whether there was a connection to the peer when the error occurred.
const fn has_reached(error: &CallError) -> bool {
    match error.error().cause() {
        Cause::Connect(ConnectError::SignOn { .. } | ConnectError::NotWanted { .. }) => true,
        Cause::Connect(_) => false,
        _ => true,
    }
}
