//! `framelink serve`: answers messages.

use std::sync::Arc;
use std::time::Duration;

use framelink_transport::profile::{ExchangeKind, Side};
use framelink_transport::session::{Backlog, SlowRule};
use framelink_transport::tokio::Server;
use framelink_transport::{Encode, Message, Profile, Registry, Target};
use tokio::time::{Instant, interval_at};

use crate::arguments::Serve;
use crate::arguments::profile::{Overrides, fits, listen_at, load};
use crate::arguments::values::Reply;
use crate::failure::Failure;
use crate::server::drain::Drain;
use crate::server::serving::{end_with, listen, outcome, profile_of_flags};

pub(crate) async fn run(serve: Serve) -> Result<(), Failure> {
    let profile = Arc::new(profile(&serve)?);
    let address = listen_at(serve.listen.as_ref(), Some(&profile))?;
    let reply = reply(&profile, serve.reply)?;
    if let Reply::Fixed(reply) = &reply {
        check(&profile, reply, "--reply")?;
    }
    let push = Push::of(serve.push, serve.push_every);
    if let Some(push) = &push {
        check(&profile, &push.message, "--push")?;
    }
    let drain = Drain::on_signals(serve.drain)?;
    let mut server = listen(&address, &profile).await?;
    if let Some(push) = push {
        server = push.begin(server, drain.clone());
    }
    end_with(drain.clone(), server.handle());
    let report = server.run(move |message| std::future::ready(answer(&reply, &message))).await;
    outcome(&report, &drain)
}

fn answer(reply: &Reply, message: &Message) -> Option<Vec<u8>> {
    tracing::debug!("a message of {} bytes", message.len());
    match reply {
        Reply::Echo => Some(message.to_vec()),
        Reply::Fixed(reply) => Some(reply.clone()),
        Reply::Nothing => None,
    }
}

/// Returns the profile with the options applied.
fn profile(serve: &Serve) -> Result<Profile, Failure> {
    // With a profile, `--framing` also replaces both directions.
    let overrides = Overrides {
        receive: serve.protocol.framing,
        send: serve.reply_framing.or(serve.protocol.framing),
        liveness: serve.liveness.clone(),
        limits: serve.limits.clone(),
        sets: serve.protocol.sets.clone(),
        ..Overrides::default()
    };
    let Some(name) = &serve.protocol.profile else { return profile_of_flags(overrides) };
    let profile = load(name, &overrides)?;
    fits(&profile, Side::Server)?;
    if serve.push.is_some() && (!profile.exchange().sends() || profile.connection().short().is_some()) {
        return Err(Failure::usage(
            "--push needs connections that stay open and that the server sends on, and the profile has none",
        ));
    }
    Ok(profile)
}

fn reply(profile: &Profile, said: Option<Reply>) -> Result<Reply, Failure> {
    match (profile.exchange(), said) {
        (ExchangeKind::ReceiveOnly, None | Some(Reply::Nothing)) => Ok(Reply::Nothing),
        (ExchangeKind::ReceiveOnly, Some(_)) => {
            Err(Failure::usage("--reply cannot be sent: the profile only receives"))
        }
        (_, reply) => Ok(reply.unwrap_or(Reply::Echo)),
    }
}

fn check(profile: &Profile, message: &[u8], flag: &str) -> Result<(), Failure> {
    let sent = profile.framing().envelope(message);
    sent.map(drop).map_err(|error| Failure::usage(format!("{flag} cannot be sent: {error}")))
}

/// A message that is sent without a request, and how often.
struct Push {
    message: Vec<u8>,
    every: Duration,
}

impl Push {
    fn of(message: Option<String>, every: Option<Duration>) -> Option<Self> {
        Some(Self { message: message?.into_bytes(), every: every? })
    }

    /// Pushes the message to every client until the drain begins.
    fn begin(self, server: Server, mut drain: Drain) -> Server {
        let registry = Registry::new(Backlog::new(SlowRule::Skip));
        let server = server.registry(&registry);
        tokio::spawn(async move {
            let mut ticks = interval_at(Instant::now() + self.every, self.every);
            loop {
                tokio::select! {
                    biased;
                    () = drain.begun() => return,
                    _ = ticks.tick() => drop(registry.push(Target::All, &self.message)),
                }
            }
        });
        server
    }
}
