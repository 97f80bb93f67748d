//! `framelink listen`: prints what comes, and answers nothing.

use std::sync::Arc;
use std::time::Duration;

use framelink_transport::profile::Side;
use framelink_transport::tokio::Connection;
use framelink_transport::{Directions, Profile};
use tokio::task::JoinSet;

use crate::accepting::{Accepting, Kind};
use crate::arguments::Listen;
use crate::bytes_text::{Line, to_hex};
use crate::drain::Drain;
use crate::failure::Failure;
use crate::output::say;
use crate::profile::{Overrides, load};

/// What came before the signal is printed in this time.
const DRAIN: Duration = Duration::from_secs(1);

pub(crate) async fn run(listen: Listen) -> Result<(), Failure> {
    let kind = kind(&listen)?;
    let mut drain = Drain::on_signals(DRAIN)?;
    let mut accepting = Accepting::start(&listen.listen, &kind).await?;
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = drain.begun() => return Ok(()),
            Some(printed) = connections.join_next() => printed.map_err(Failure::fault)??,
            connection = accepting.next() => drop(connections.spawn(print_all(connection, listen.hex))),
        }
    }
}

fn kind(listen: &Listen) -> Result<Kind, Failure> {
    let overrides = Overrides { send: listen.framing, receive: listen.framing, ..Overrides::default() };
    match (&listen.profile, listen.framing) {
        (Some(name), _) => {
            let profile: Profile = load(name, &overrides)?;
            if !profile.exchange().receives() {
                return Err(Failure::usage("the profile only sends, so there is nothing to print"));
            }
            profile.check_for(Side::Server).map_err(Failure::usage)?;
            Ok(Kind::Profile(Arc::new(profile)))
        }
        (None, Some(framing)) => Ok(Kind::Framed(Directions { send: framing, receive: framing })),
        (None, None) => Err(Failure::usage("--framing or --profile is needed")),
    }
}

/// Until the peer ends. Only a stdout that fails is our end too.
async fn print_all(mut connection: Connection, hex: bool) -> Result<(), Failure> {
    let peer = connection.peer_addr().map_or_else(|| "?".to_owned(), |peer| peer.to_string());
    tracing::info!("{peer}: connected");
    loop {
        match connection.recv().await {
            Ok(Some(message)) if hex => say(to_hex(&message))?,
            Ok(Some(message)) => say(Line(&message))?,
            Ok(None) => break tracing::info!("{peer}: closed"),
            Err(error) => break tracing::warn!("{error}"),
        }
    }
    let _ = connection.close(DRAIN).await;
    Ok(())
}
