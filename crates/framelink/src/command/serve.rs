//! `framelink serve`: answers messages.

use std::future::ready;
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::tokio::{Connection, Error, RecvHalf, SendHalf};
use framelink_transport::{Directions, Encode};
use tokio::task::JoinSet;

use crate::accepting::Accepting;
use crate::arguments::{Reply, Serve};
use crate::drain::Drain;
use crate::failure::Failure;
use crate::intake::{Intake, Taken};
use crate::output::Count;

/// How long connections may take to finish when the program is told to end.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a peer may take to close too, when we end first.
const LINGER: Duration = Duration::from_secs(1);

pub(crate) async fn run(serve: Serve) -> Result<(), Failure> {
    let framing = Directions { receive: serve.framing, send: serve.reply_framing.unwrap_or(serve.framing) };
    if let Reply::Fixed(reply) = &serve.reply {
        framing.envelope(reply).map_err(|error| Failure::usage(format!("--reply cannot be sent: {error}")))?;
    }
    let mut drain = Drain::on_signals(DRAIN)?;
    let mut accepting = Accepting::start(&serve.listen, framing).await?;
    let reply = Arc::new(serve.reply);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = drain.begun() => break,
            Some(_) = connections.join_next() => {}
            connection = accepting.next() => { connections.spawn(answer(connection, Arc::clone(&reply), drain.clone())); }
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

/// Answers until the peer ends, or the program is to.
async fn answer(connection: Connection, reply: Arc<Reply>, drain: Drain) {
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
    let _ = tokio::time::timeout(LINGER, part).await;
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
