//! `framelink serve`: answers messages.

mod rules;

use std::sync::Arc;
use std::time::Duration;

use framelink_transport::profile::{ExchangeKind, ReplyRule, Side};
use framelink_transport::session::{Backlog, Match, SlowRule};
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
    let answers = Answers::of(&profile, serve.reply)?;
    if let Answers::Fixed(reply) = &answers {
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
    let report = match answers {
        Answers::Rules => rules::run(server, &profile).await,
        answers => server.run(move |message| std::future::ready(answers.to(&message))).await,
    };
    outcome(&report, &drain)
}

/// How messages are answered.
enum Answers {
    Echo,
    Nothing,
    Fixed(Vec<u8>),
    /// By the rules of the profile.
    Rules,
}

impl Answers {
    /// An option takes precedence over the rules of the profile.
    fn of(profile: &Profile, said: Option<Reply>) -> Result<Self, Failure> {
        let only_receives = profile.exchange() == ExchangeKind::ReceiveOnly;
        Ok(match said {
            Some(Reply::Nothing) => Self::Nothing,
            Some(_) if only_receives => {
                return Err(Failure::usage("--reply cannot be sent: the profile only receives"));
            }
            Some(Reply::Echo) => Self::Echo,
            Some(Reply::Say(template)) => match template.as_literal() {
                Some(reply) => Self::Fixed(reply.to_vec()),
                None => Self::Rules,
            },
            None if !profile.server_replies().is_empty() => Self::Rules,
            None if only_receives => Self::Nothing,
            None => Self::Echo,
        })
    }

    /// Returns the reply to a message, unless rules decide.
    fn to(&self, message: &Message) -> Option<Vec<u8>> {
        tracing::debug!("a message of {} bytes", message.len());
        match self {
            Self::Echo => Some(message.to_vec()),
            Self::Fixed(reply) => Some(reply.clone()),
            Self::Nothing | Self::Rules => None,
        }
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
        replies: serve.reply.as_ref().map(rules_of),
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

/// Returns the rules that an option stands for.
fn rules_of(reply: &Reply) -> Vec<ReplyRule> {
    match reply {
        Reply::Say(template) if template.as_literal().is_none() => {
            vec![ReplyRule::new(Match::any()).say(template.clone())]
        }
        _ => Vec::new(),
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
