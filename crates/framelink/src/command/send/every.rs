//! The same messages again and again, while heartbeats go in between.

use std::net::SocketAddr;
use std::time::Duration;

use framelink_transport::Profile;
use framelink_transport::tokio::Client;
use tokio::time::{MissedTickBehavior, interval};

use super::print;
use crate::arguments::Send;
use crate::drain::{Drain, Stage};
use crate::failure::Failure;

/// How long the exchange that is under way may take when the program is told to end.
const DRAIN: Duration = Duration::from_secs(5);

pub(super) async fn run(profile: Profile, send: &Send, messages: Vec<Vec<u8>>, every: Duration) -> Result<(), Failure> {
    let mut drain = Drain::on_signals(DRAIN)?;
    let no_reply = send.no_reply || !profile.exchange().receives();
    let client = Client::new(profile, &*send.address).map_err(Failure::usage)?;
    let mut rounds = Rounds { client, at: None, no_reply, hex: send.hex };
    let mut ticks = interval(every);
    // One that was late does not have the next ones hurry.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            biased;
            () = drain.begun() => break,
            _ = ticks.tick() => {}
        }
        let watched = drain.clone();
        tokio::select! {
            biased;
            done = rounds.one(&messages, &watched) => done?,
            () = drain.over() => return Err(Failure::fault(match drain.was_forced() {
                true => "ended by a second signal",
                false => "cut a message that had no reply yet",
            })),
        }
    }
    rounds.client.close().await.map(drop).map_err(Failure::fault)
}

struct Rounds {
    client: Client,
    /// Our end of the connection, which tells one from the next.
    at: Option<SocketAddr>,
    no_reply: bool,
    hex: bool,
}

impl Rounds {
    /// Sends each message once.
    async fn one(&mut self, messages: &[Vec<u8>], drain: &Drain) -> Result<(), Failure> {
        for message in messages {
            if drain.stage() != Stage::Open {
                return Ok(());
            }
            self.connect().await?;
            if self.no_reply {
                self.client.send(message).await.map_err(Failure::fault)?;
            } else {
                let reply = self.client.call(message).await.map_err(Failure::fault)?;
                print(&reply, self.hex)?;
            }
        }
        Ok(())
    }

    /// Dials where there is no connection any more, and says so.
    async fn connect(&mut self) -> Result<(), Failure> {
        let verdict = self.client.verdict();
        self.client.connect().await.map_err(Failure::fault)?;
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
