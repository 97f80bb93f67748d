//! `framelink serve`: answers messages.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::profile::{ExchangeKind, Side};
use framelink_transport::tokio::{Connection, Error, ListenOptions, RecvHalf, SendHalf};
use framelink_transport::{Directions, Encode, Profile};
use tokio::task::JoinSet;

use crate::accepting::Accepting;
use crate::arguments::{Reply, Serve};
use crate::drain::Drain;
use crate::failure::Failure;
use crate::intake::{Intake, Taken};
use crate::output::Count;
use crate::profile::{Overrides, fits, load, supported};

/// How long connections may take to finish when the program is told to end.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a peer may take to close too, when we end first.
const LINGER: Duration = Duration::from_secs(1);

pub(crate) async fn run(serve: Serve) -> Result<(), Failure> {
    let settings = Settings::of(&serve)?;
    if let Reply::Fixed(reply) = &settings.reply {
        settings.framing.envelope(reply).map_err(|error| Failure::usage(format!("--reply cannot be sent: {error}")))?;
    }
    let mut drain = Drain::on_signals(DRAIN)?;
    let mut accepting = Accepting::start(&serve.listen, settings.framing, &settings.listening).await?;
    let linger = settings.linger;
    let reply = Arc::new(settings.reply);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = drain.begun() => break,
            Some(_) = connections.join_next() => {}
            connection = accepting.next() => { connections.spawn(answer(connection, Arc::clone(&reply), linger, drain.clone())); }
        }
    }
    drop(accepting);
    tokio::select! {
        () = async { while connections.join_next().await.is_some() {} } => {}
        () = drain.over() => {}
    }
    match Count(connections.len() as u64, "connection") {
        _ if drain.was_forced() => Err(Failure::fault("ended by a second signal")),
        Count(0, _) => Ok(()),
        cut => Err(Failure::fault(format!("cut {cut} that had not finished"))),
    }
}

/// What flags and profile say together.
struct Settings {
    framing: Directions,
    listening: ListenOptions,
    linger: Duration,
    reply: Reply,
}

impl Settings {
    fn of(serve: &Serve) -> Result<Self, Failure> {
        // With a profile `--framing` says both directions too.
        let overrides =
            Overrides { receive: serve.framing, send: serve.reply_framing.or(serve.framing), ..Overrides::default() };
        match (&serve.profile, overrides.receive, overrides.send) {
            (Some(name), _, _) => {
                let profile = load(name, &overrides)?;
                fits(&profile, Side::Server)?;
                supported(&profile, Side::Server)?;
                Self::from_profile(&profile, serve.reply.clone())
            }
            (None, Some(receive), Some(send)) => Ok(Self {
                framing: Directions { receive, send },
                listening: ListenOptions::new(),
                linger: LINGER,
                reply: serve.reply.clone().unwrap_or(Reply::Echo),
            }),
            (None, _, _) => Err(Failure::usage("--framing or --profile is needed")),
        }
    }

    /// What this command honours of a profile. The rest, which [`supported`] refuses, belongs here.
    fn from_profile(profile: &Profile, reply: Option<Reply>) -> Result<Self, Failure> {
        let reply = match (profile.exchange(), reply) {
            (ExchangeKind::ReceiveOnly, None | Some(Reply::Nothing)) => Reply::Nothing,
            (ExchangeKind::ReceiveOnly, Some(_)) => {
                return Err(Failure::usage("--reply cannot be sent: the profile only receives"));
            }
            (_, reply) => reply.unwrap_or(Reply::Echo),
        };
        let socket = profile.socket();
        Ok(Self {
            framing: profile.framing(),
            listening: ListenOptions::new().backlog(socket.backlog).nodelay(socket.nodelay),
            linger: profile.timeouts().close,
            reply,
        })
    }
}

/// Answers until the peer ends, or the program is to.
async fn answer(connection: Connection, reply: Arc<Reply>, linger: Duration, drain: Drain) {
    let peer = connection.peer_addr().map_or_else(|| "?".to_owned(), |peer| peer.to_string());
    tracing::info!("{peer}: connected");
    let (mut from, mut to) = connection.split();
    let mut answered = 0;
    match answer_all(&mut from, &mut to, &reply, drain, &mut answered).await {
        Ok(()) => tracing::info!("{peer}: closed after {}", Count(answered, "message")),
        Err(error) => tracing::warn!("{error}, after {}", Count(answered, "message")),
    }
    // What we leave unread would have the replies before it destroyed by a reset.
    let part = async {
        let _ = to.finish().await;
        let _ = from.discard().await;
    };
    let _ = tokio::time::timeout(linger, part).await;
}

async fn answer_all(
    from: &mut RecvHalf,
    to: &mut SendHalf,
    reply: &Reply,
    drain: Drain,
    answered: &mut u64,
) -> Result<(), Error> {
    let mut intake = Intake::new(from, drain);
    while let Taken::Message(message) = intake.next(|| ready(())).await? {
        tracing::debug!("a message of {} bytes", message.len());
        match reply {
            Reply::Echo => to.send(&message).await?,
            Reply::Fixed(reply) => to.send(reply).await?,
            Reply::Nothing => {}
        }
        *answered += 1;
    }
    to.finish().await
}
