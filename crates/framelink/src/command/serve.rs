//! `framelink serve`: answers messages.

use std::sync::Arc;
use std::time::Duration;

use framelink_transport::tokio::{Connection, Listener};
use framelink_transport::{Directions, Encode};
use tokio::task::JoinSet;

use crate::arguments::{Reply, Serve};
use crate::drain::Drain;
use crate::failure::Failure;
use crate::output::{Count, say};

/// How long connections may take to finish when the program is told to end.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a peer may take to close too, when we end first.
const LINGER: Duration = Duration::from_secs(1);
/// How long to wait before accepting again when the system cannot: it has no file descriptors, say.
pub(super) const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

pub(crate) async fn run(serve: Serve) -> Result<(), Failure> {
    let framing = Directions { receive: serve.framing, send: serve.reply_framing.unwrap_or(serve.framing) };
    if let Reply::Fixed(reply) = &serve.reply {
        framing.envelope(reply).map_err(|error| Failure::usage(format!("--reply cannot be sent: {error}")))?;
    }
    let mut drain = Drain::on_signals(DRAIN)?;
    let mut listener = listen(&serve.listen, framing).await?;
    let reply = Arc::new(serve.reply);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = drain.begun() => break,
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => match accepted {
                Ok(connection) => {
                    connections.spawn(answer(connection, Arc::clone(&reply), drain.clone()));
                }
                Err(error) => {
                    tracing::warn!("accepting: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
    drop(listener);
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

/// Listens, and says so.
pub(super) async fn listen(address: &str, framing: Directions) -> Result<Listener, Failure> {
    let listening = Listener::bind(address, framing).await;
    let listener = listening.map_err(|error| Failure::fault(format!("listening on {address}: {error}")))?;
    let address = listener.local_addr().map_err(Failure::fault)?;
    say(format_args!("listening on {address}"))?;
    Ok(listener)
}

async fn answer(mut connection: Connection, reply: Arc<Reply>, mut drain: Drain) {
    let peer = connection.peer_addr().map_or_else(|| "?".to_owned(), |peer| peer.to_string());
    tracing::info!("{peer}: connected");
    let mut messages = 0_u64;
    loop {
        let received = tokio::select! {
            biased;
            received = connection.recv() => received,
            () = drain.begun() => break,
        };
        let message = match received {
            Ok(Some(message)) => message,
            Ok(None) => break,
            Err(error) => {
                tracing::warn!("{error}");
                return linger(connection).await;
            }
        };
        messages += 1;
        tracing::debug!("{peer}: a message of {} bytes", message.len());
        let sent = match &*reply {
            Reply::Echo => connection.send(&message).await,
            Reply::Fixed(reply) => connection.send(reply).await,
            Reply::Nothing => Ok(()),
        };
        if let Err(error) = sent {
            tracing::warn!("{error}");
            return linger(connection).await;
        }
    }
    if let Err(error) = connection.finish().await {
        return tracing::warn!("{error}");
    }
    tracing::info!("{peer}: closed after {}", Count(messages, "message"));
    linger(connection).await;
}

/// What we leave unread would have the replies before it destroyed by a reset.
async fn linger(connection: Connection) {
    let _ = connection.close(LINGER).await;
}
