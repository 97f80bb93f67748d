//! `framelink serve`: answers messages.

use std::future::{pending, ready};
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::profile::{ExchangeKind, Short, Side, Timeouts};
use framelink_transport::tokio::{Connection, Error, RecvHalf, SendHalf};
use framelink_transport::{Directions, Encode, Profile};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, interval_at};

use crate::accepting::{Accepting, Kind};
use crate::arguments::{Reply, Serve};
use crate::drain::{Drain, Stage};
use crate::failure::Failure;
use crate::intake::{Intake, Taken};
use crate::output::Count;
use crate::profile::{Overrides, fits, load};

/// How long connections may take to finish when the program is told to end.
const DRAIN: Duration = Duration::from_secs(5);

pub(crate) async fn run(serve: Serve) -> Result<(), Failure> {
    let settings = Settings::of(&serve)?;
    if let Reply::Fixed(reply) = &settings.manner.reply {
        settings
            .framing()
            .envelope(reply)
            .map_err(|error| Failure::usage(format!("--reply cannot be sent: {error}")))?;
    }
    if let Some(push) = &settings.manner.push {
        settings
            .framing()
            .envelope(&push.message)
            .map_err(|error| Failure::usage(format!("--push cannot be sent: {error}")))?;
    }
    let mut drain = Drain::on_signals(DRAIN)?;
    let mut accepting = Accepting::start(&serve.listen, &settings.kind).await?;
    let manner = Arc::new(settings.manner);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = drain.begun() => break,
            Some(_) = connections.join_next() => {}
            connection = accepting.next(), if connections.len() < settings.connections => {
                connections.spawn(answer(connection, Arc::clone(&manner), drain.clone()));
            }
        }
    }
    drop(accepting);
    tokio::select! {
        () = async { while connections.join_next().await.is_some() {} } => {}
        () = drain.over() => {}
    }
    while connections.try_join_next().is_some() {}
    match Count(connections.len() as u64, "connection") {
        _ if drain.was_forced() => Err(Failure::fault("ended by a second signal")),
        Count(0, _) => Ok(()),
        cut => Err(Failure::fault(format!("cut {cut} that had not finished"))),
    }
}

/// What flags and profile say together.
struct Settings {
    kind: Kind,
    /// So many connections at once.
    connections: usize,
    manner: Manner,
}

/// How a connection is answered.
#[derive(Clone, Debug)]
struct Manner {
    reply: Reply,
    /// How its one exchange ends, if it has only one.
    short: Option<Short>,
    /// How long a reply may take to be written, and the peer to close too.
    write: Duration,
    close: Duration,
    push: Option<Push>,
}

/// What is sent though nobody asked, and how often.
#[derive(Clone, Debug)]
struct Push {
    message: Vec<u8>,
    every: Duration,
}

impl Push {
    fn of(serve: &Serve) -> Option<Self> {
        Some(Self { message: serve.push.as_ref()?.as_bytes().to_vec(), every: serve.push_every? })
    }
}

/// Done each time that something is to be pushed; never, where nothing is.
async fn next_push(ticks: &mut Option<Interval>) {
    match ticks {
        Some(ticks) => drop(ticks.tick().await),
        None => pending().await,
    }
}

impl Settings {
    fn of(serve: &Serve) -> Result<Self, Failure> {
        let liveness = serve.liveness.clone();
        // With a profile `--framing` says both directions too.
        let overrides = Overrides {
            receive: serve.framing,
            send: serve.reply_framing.or(serve.framing),
            liveness,
            ..Overrides::default()
        };
        match (&serve.profile, overrides.receive, overrides.send) {
            (Some(name), _, _) => {
                let profile = load(name, &overrides)?;
                fits(&profile, Side::Server)?;
                Self::from_profile(profile, serve)
            }
            (None, Some(receive), Some(send)) => Self::from_flags(Directions { receive, send }, serve),
            (None, _, _) => Err(Failure::usage("--framing or --profile is needed")),
        }
    }

    fn from_flags(framing: Directions, serve: &Serve) -> Result<Self, Failure> {
        serve.liveness.check(framing, "--heartbeat")?;
        Ok(Self {
            kind: Kind::Framed(framing, serve.liveness.clone()),
            connections: usize::MAX,
            manner: Manner {
                reply: serve.reply.clone().unwrap_or(Reply::Echo),
                short: None,
                write: Timeouts::MOST,
                close: Timeouts::CLOSE,
                push: Push::of(serve),
            },
        })
    }

    fn from_profile(profile: Profile, serve: &Serve) -> Result<Self, Failure> {
        if serve.push.is_some() && (!profile.exchange().sends() || profile.connection().short().is_some()) {
            return Err(Failure::usage(
                "--push is for connections that stay and are sent on, which the profile has not",
            ));
        }
        let reply = match (profile.exchange(), serve.reply.clone()) {
            (ExchangeKind::ReceiveOnly, None | Some(Reply::Nothing)) => Reply::Nothing,
            (ExchangeKind::ReceiveOnly, Some(_)) => {
                return Err(Failure::usage("--reply cannot be sent: the profile only receives"));
            }
            (_, reply) => reply.unwrap_or(Reply::Echo),
        };
        let timeouts = profile.timeouts();
        let connections = usize::try_from(profile.limits().connections).unwrap_or(usize::MAX);
        let short = profile.connection().short();
        let manner = Manner { reply, short, write: timeouts.write, close: timeouts.close, push: Push::of(serve) };
        Ok(Self { kind: Kind::Profile(Arc::new(profile)), connections, manner })
    }

    fn framing(&self) -> Directions {
        match &self.kind {
            Kind::Framed(framing, _) => *framing,
            Kind::Profile(profile) => profile.framing(),
        }
    }
}

/// Answers until the peer ends, the exchange is over, or the program is to end.
async fn answer(connection: Connection, manner: Arc<Manner>, drain: Drain) {
    let peer = connection.peer_addr().map_or_else(|| "?".to_owned(), |peer| peer.to_string());
    tracing::info!("{peer}: connected");
    let (mut from, mut to) = connection.split();
    let mut answered = 0;
    match answer_all(&mut from, &mut to, &manner, drain, &mut answered).await {
        Ok(()) => tracing::info!("{peer}: closed after {}", Count(answered, "message")),
        Err(error) => tracing::warn!("{error}, after {}", Count(answered, "message")),
    }
    // What we leave unread would have the replies before it destroyed by a reset.
    let part = async {
        let _ = to.finish().await;
        let _ = from.discard().await;
    };
    let _ = tokio::time::timeout(manner.close, part).await;
}

async fn answer_all(
    from: &mut RecvHalf,
    to: &mut SendHalf,
    manner: &Manner,
    drain: Drain,
    answered: &mut u64,
) -> Result<(), Error> {
    // A preamble goes out though nothing was asked.
    to.flush().await?;
    let mut pushes = manner.push.as_ref().map(|push| interval_at(Instant::now() + push.every, push.every));
    let watched = drain.clone();
    let mut intake = Intake::new(from, drain);
    loop {
        let taken = tokio::select! {
            biased;
            () = next_push(&mut pushes), if watched.stage() == Stage::Open => Err(()),
            taken = intake.next(|| ready(())) => Ok(taken?),
            error = to.keep() => return Err(error),
        };
        let message = match (taken, &manner.push) {
            (Ok(Taken::Message(message)), _) => message,
            (Err(()), Some(push)) => {
                to.send_within(&push.message, manner.write).await?;
                continue;
            }
            _ => break,
        };
        tracing::debug!("a message of {} bytes", message.len());
        match &manner.reply {
            Reply::Echo => to.send_within(&message, manner.write).await?,
            Reply::Fixed(reply) => to.send_within(reply, manner.write).await?,
            Reply::Nothing => {}
        }
        *answered += 1;
        if let Some(short) = manner.short {
            if short.closes == Side::Client {
                // Whatever comes instead of the end is taken with it.
                let _ = tokio::time::timeout(manner.close, intake.next(|| ready(()))).await;
            }
            break;
        }
    }
    to.finish().await
}
