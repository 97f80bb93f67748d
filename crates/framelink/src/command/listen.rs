//! `framelink listen`: prints what comes, and answers nothing.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::profile::Side;
use framelink_transport::tokio::{Connection, RecvHalf, SendHalf};
use framelink_transport::{Message, Profile};
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use crate::accepting::{Accepting, Kind};
use crate::arguments::Listen;
use crate::bytes_text::{Line, to_hex};
use crate::drain::Drain;
use crate::failure::Failure;
use crate::intake::{Intake, Taken};
use crate::output::say;
use crate::profile::{Overrides, load};

/// What came before the signal is printed in this time.
const DRAIN: Duration = Duration::from_secs(5);
/// So many messages wait to be printed; then nothing more is read.
const WAITING: usize = 64;

pub(crate) async fn run(listen: Listen) -> Result<(), Failure> {
    let (kind, most) = kind(&listen)?;
    let mut drain = Drain::on_signals(DRAIN)?;
    let mut accepting = Accepting::start(&listen.listen, &kind).await?;
    let (printer, mut printed) = print(listen.hex);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = drain.begun() => break,
            done = &mut printed => return done.unwrap_or(Ok(())),
            Some(_) = connections.join_next() => {}
            connection = accepting.next(), if connections.len() < most => {
                connections.spawn(take_all(connection, printer.clone(), drain.clone()));
            }
        }
    }
    drop((accepting, printer));
    tokio::select! {
        () = async { while connections.join_next().await.is_some() {} } => {}
        () = drain.over() => {}
    }
    let left = connections.len();
    connections.shutdown().await;
    // A stdout that nobody reads is not waited for without end.
    tokio::select! {
        done = printed => match (done.unwrap_or(Ok(())), left) {
            (Ok(()), 1..) => Err(Failure::fault(format!("cut {left} connections that had not finished"))),
            (done, _) => done,
        },
        () = drain.over() => Err(Failure::fault("not everything that came could be printed")),
    }
}

/// What accepted connections are like, and how many there may be.
fn kind(listen: &Listen) -> Result<(Kind, usize), Failure> {
    let liveness = listen.liveness.clone();
    let overrides = Overrides { send: listen.framing, receive: listen.framing, liveness, ..Overrides::default() };
    match (&listen.profile, listen.framing) {
        (Some(name), _) => {
            let profile: Profile = load(name, &overrides)?;
            if !profile.exchange().receives() {
                return Err(Failure::usage("the profile only sends, so there is nothing to print"));
            }
            profile.check_for(Side::Server).map_err(Failure::usage)?;
            let most = usize::try_from(profile.limits().connections).unwrap_or(usize::MAX);
            Ok((Kind::Profile(Arc::new(profile)), most))
        }
        (None, Some(framing)) => {
            overrides.liveness.check(framing.into(), "--heartbeat")?;
            Ok((Kind::Framed(framing.into(), overrides.liveness), usize::MAX))
        }
        (None, None) => Err(Failure::usage("--framing or --profile is needed")),
    }
}

/// Prints on a thread of its own, for a stdout that nobody reads stops whoever writes to it. Done when all is printed, or when
/// stdout fails.
fn print(hex: bool) -> (mpsc::Sender<Message>, tokio::sync::oneshot::Receiver<Result<(), Failure>>) {
    let (printer, mut messages) = mpsc::channel::<Message>(WAITING);
    let (done, printed) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        let mut print = || {
            while let Some(message) = messages.blocking_recv() {
                if hex { say(to_hex(&message))? } else { say(Line(&message))? }
            }
            Ok(())
        };
        // Whoever would like to know may have ended.
        let _ = done.send(print());
    });
    (printer, printed)
}

/// Until the peer ends, or the program is to and a quiet moment has come.
async fn take_all(connection: Connection, printer: mpsc::Sender<Message>, drain: Drain) {
    let peer = connection.peer_addr().map_or_else(|| "?".to_owned(), |peer| peer.to_string());
    tracing::info!("{peer}: connected");
    let (mut from, mut to) = connection.split();
    match take(&mut from, &mut to, &printer, drain).await {
        Ok(()) => tracing::info!("{peer}: closed"),
        Err(error) => tracing::warn!("{error}"),
    }
    let part = async {
        let _ = to.finish().await;
        let _ = from.discard().await;
    };
    let _ = tokio::time::timeout(Duration::from_secs(1), part).await;
}

async fn take(
    from: &mut RecvHalf,
    to: &mut SendHalf,
    printer: &mpsc::Sender<Message>,
    drain: Drain,
) -> Result<(), framelink_transport::tokio::Error> {
    let mut intake = Intake::new(from, drain);
    loop {
        let taken = tokio::select! {
            biased;
            taken = intake.next(|| ready(())) => taken?,
            error = to.keep() => return Err(error),
        };
        let Taken::Message(message) = taken else { return Ok(()) };
        if printer.send(message).await.is_err() {
            return Ok(());
        }
    }
}
