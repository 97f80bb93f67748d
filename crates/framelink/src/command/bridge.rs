//! `framelink bridge`: passes messages between two programs that frame them differently.

mod pair;
mod relay;

use std::sync::Arc;

use framelink_transport::Directions;
use framelink_transport::tokio::{Connection, Connector};
use tokio::task::JoinSet;

pub(crate) use self::pair::{Pair, Passed};

use crate::arguments::Bridge;
use crate::drain::Drain;
use crate::failure::Failure;
use crate::output::Count;

pub(crate) async fn run(bridge: Bridge) -> Result<(), Failure> {
    let mut drain = Drain::on_signals(bridge.drain)?;
    let framing = Directions::from(bridge.framing);
    let mut listener = super::serve::listen(&bridge.listen, framing).await?;
    let outgoing = Arc::new(Outgoing { connector: Connector::new(bridge.to_framing), to: bridge.to });
    let mut pairs = JoinSet::new();
    let mut cut = 0;
    loop {
        tokio::select! {
            biased;
            () = drain.begun() => break,
            Some(ended) = pairs.join_next() => cut += cut_of(ended),
            accepted = listener.accept() => match accepted {
                Ok(client) => {
                    pairs.spawn(carry(client, Arc::clone(&outgoing), drain.clone()));
                }
                Err(error) => {
                    tracing::warn!("accepting: {error}");
                    tokio::time::sleep(super::serve::ACCEPT_PAUSE).await;
                }
            }
        }
    }
    drop(listener);
    // Each pair keeps to the deadline by itself, and says what it had to cut.
    while let Some(ended) = pairs.join_next().await {
        cut += cut_of(ended);
    }
    let were = if cut == 1 { "was" } else { "were" };
    let cut = Count(cut, "message");
    match cut.0 {
        _ if drain.was_forced() => Err(Failure::fault(format!("ended by a second signal, {cut} {were} cut"))),
        0 => Ok(()),
        _ => Err(Failure::fault(format!("{cut} {were} cut"))),
    }
}

/// Where messages go.
struct Outgoing {
    connector: Connector,
    to: String,
}

/// Dials out for one accepted connection and passes messages until one side, or the program, ends.
async fn carry(client: Connection, outgoing: Arc<Outgoing>, mut drain: Drain) -> Passed {
    let client_name = name(&client);
    let connected = tokio::select! {
        connected = outgoing.connector.connect(&*outgoing.to) => connected,
        () = drain.begun() => {
            // Nothing was taken from it.
            tracing::info!("{client_name} is closed: draining");
            return Passed::default();
        }
    };
    let host = match connected {
        Ok(host) => host,
        Err(error) => {
            tracing::error!("{client_name} is closed: {error}");
            return Passed::default();
        }
    };
    let names = format!("{client_name} <-> {}", name(&host));
    tracing::info!("{names}: connected");
    let (passed, ended) = Pair::new(client, host).run(drain).await;
    match ended {
        Ok(()) => tracing::info!("{names}: closed after {passed}"),
        Err(error) => tracing::error!("{names}: closed after {passed}: {error}"),
    }
    passed
}

fn name(connection: &Connection) -> String {
    connection.peer_addr().map_or_else(|| "?".to_owned(), |peer| peer.to_string())
}

fn cut_of(ended: Result<Passed, tokio::task::JoinError>) -> u64 {
    match ended {
        Ok(passed) => passed.cut,
        Err(error) => {
            tracing::error!("a pair of connections was lost: {error}");
            0
        }
    }
}
