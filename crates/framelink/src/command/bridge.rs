//! `framelink bridge`: passes messages between two programs that frame them differently.

mod exchanges;
mod pair;
mod pairs;
mod recorder;
mod relay;

use std::sync::Arc;

use framelink_transport::profile::{ConnectionKind, ExchangeKind, Limits, Side};
use framelink_transport::tokio::{Connector, Upstream};
use framelink_transport::{FramingPair, Profile};

pub(crate) use self::pair::{Pair, Passed};
use self::pairs::{Route, RouteKind, free_files};

use crate::arguments::liveness::Liveness;
use crate::arguments::profile::{Overrides, fits, listen_at, load, peer_of};
use crate::arguments::set::Sets;
use crate::arguments::values::Addresses;
use crate::arguments::{Bridge, Calls};
use crate::failure::Failure;
use crate::recording::RecordingFile;
use crate::server::accepting::Kind;
use crate::server::certificates;
use crate::server::drain::Drain;
use crate::server::serving::profile_of_flags;

pub(crate) async fn run(bridge: Bridge) -> Result<(), Failure> {
    let outgoing = outgoing_profile(&bridge)?;
    let missing = "the address of the host is missing: give --to ADDR, or a --to-profile that has `addresses`";
    let to = peer_of(bridge.to.as_ref(), outgoing.as_ref(), missing)?;
    let kind = outgoing.as_ref().map_or(ConnectionKind::Long, Profile::connection);
    match (kind, outgoing) {
        (ConnectionKind::Long, outgoing) => {
            let clients = clients(&bridge)?;
            refuse_exchanges(&bridge, &clients)?;
            let profile = match &clients {
                Kind::Framed(_, _, limits) => limits.as_deref(),
                Kind::Profile(profile) => Some(&**profile),
            };
            check_relayed(profile, outgoing.as_ref())?;
            let outgoing = pairs_to(&bridge, &to, outgoing)?;
            let listen = listen_at(bridge.listen.as_ref(), profile)?;
            pairs::run(&listen, &clients, outgoing, Drain::on_signals(bridge.drain)?).await
        }
        (_, Some(outgoing)) => {
            let clients = exchanging_clients(&bridge, kind)?;
            check_relayed(Some(&clients), None)?;
            let listen = listen_at(bridge.listen.as_ref(), Some(&clients))?;
            if bridge.record.is_some() && !outgoing.exchange().receives() {
                return Err(Failure::usage("--record needs replies, and the profile for the host only sends"));
            }
            let recording = bridge.record.as_deref().map(RecordingFile::create).transpose()?;
            exchanges::run(&listen, &to, clients, outgoing, recording, Drain::on_signals(bridge.drain)?).await
        }
        (_, None) => Err(Failure::usage("--to-framing or --to-profile is needed")),
    }
}

/// Returns the profile for the host, unless only a framing is given.
fn outgoing_profile(bridge: &Bridge) -> Result<Option<Profile>, Failure> {
    let overrides = Overrides {
        send: bridge.to_framing,
        receive: bridge.to_framing,
        calls: Calls { connection: bridge.to_connection, ..Calls::default() },
        liveness: to_liveness(bridge),
        // Headers are sent to the host, and accepted from the clients.
        sets: Sets::said_by("--to-set", bridge.to_set.clone())
            .with(bridge.to_tls.clone(), bridge.protocol.sets.proxy_words(true)),
        ..Overrides::default()
    };
    let profile = match &bridge.to_profile {
        Some(name) => load(name, &overrides)?,
        None if bridge.to_connection.is_some() || overrides.sets.are_said() || has_several(bridge) => {
            overrides.profile()?
        }
        None => return Ok(None),
    };
    // The clients of a bridge have the messages that it relays.
    if profile.relayed_steps() == 0 {
        fits(&profile, Side::Client)?;
    }
    profile.check_variables(Side::Client).map_err(Failure::usage)?;
    Ok(Some(profile))
}

fn has_several(bridge: &Bridge) -> bool {
    bridge.to.as_ref().is_some_and(|to| to.0.len() > 1)
}

/// Returns the settings for clients.
fn clients(bridge: &Bridge) -> Result<Kind, Failure> {
    let is_more_said = bridge.protocol.profile.is_some() || bridge.protocol.sets.are_said() || bridge.limits.are_said();
    let profile_with = |alone| clients_profile(bridge, PASSES_ON.to_owned(), alone);
    match bridge.protocol.framing {
        // Passing messages on also works with a framing that no profile accepts, unless limits are given.
        Some(framing) if !is_more_said && profile_with(|overrides| overrides.profile()).is_err() => {
            let framing = FramingPair::from(framing);
            bridge.liveness.check(framing, "--heartbeat")?;
            let limits = profile_with(profile_of_flags).ok().map(Arc::new);
            Ok(Kind::Framed(framing, bridge.liveness.clone(), limits))
        }
        _ => {
            let profile = profile_with(profile_of_flags)?;
            profile.check_for(Side::Server).map_err(Failure::usage)?;
            Ok(Kind::Profile(Arc::new(profile)))
        }
    }
}

/// The first messages of a client that are relayed need a connection to the host that sends them.
fn check_relayed(clients: Option<&Profile>, host: Option<&Profile>) -> Result<(), Failure> {
    let relayed = clients.map_or(0, Profile::relayed_steps);
    match host {
        Some(host) => host.check_bridge(clients).map_err(Failure::usage),
        None if relayed == 0 => Ok(()),
        None => Err(Failure::usage(
            "first: send = \"relay\" needs a connection to the host for each client: --to-profile with such a step, and long",
        )),
    }
}

/// Messages that are only passed on keep their headers, and no reply belongs to a request.
fn refuse_exchanges(bridge: &Bridge, clients: &Kind) -> Result<(), Failure> {
    let has_header = matches!(clients, Kind::Profile(profile) if profile.reply_header().is_some());
    let what = match bridge.record {
        Some(_) => "--record",
        None if has_header => "replies.request-header",
        None => return Ok(()),
    };
    Err(Failure::usage(format!(
        "{what} needs an exchange with the host for each message: --to-connection short, shared:N or pooled:N"
    )))
}

/// Returns the profile for clients whose messages are exchanged one by one. By default, their number leaves file
/// descriptors for the connections to the host.
fn exchanging_clients(bridge: &Bridge, outgoing: ConnectionKind) -> Result<Arc<Profile>, Failure> {
    let places = match outgoing {
        ConnectionKind::Short(_) => free_files() / 2,
        shared => free_files().saturating_sub(usize::try_from(shared.count()).unwrap_or(usize::MAX)),
    };
    let places = u32::try_from(places).unwrap_or(u32::MAX).clamp(1, Limits::CONNECTIONS);
    let profile = clients_profile(bridge, format!("limits.connections = {places}"), |overrides| overrides.profile())?;
    fits(&profile, Side::Server)?;
    if let ExchangeKind::ReceiveOnly = profile.exchange() {
        return Err(Failure::usage("the profile only receives, and each message has a reply from the host"));
    }
    Ok(Arc::new(profile))
}

/// If messages are only passed on, a client may only listen, so it gets the longest time for its first message.
const PASSES_ON: &str = "timeouts.first-message = \"1d\"";

fn clients_profile(
    bridge: &Bridge,
    start: String,
    alone: fn(Overrides) -> Result<Profile, Failure>,
) -> Result<Profile, Failure> {
    let overrides = Overrides {
        send: bridge.protocol.framing,
        receive: bridge.protocol.framing,
        liveness: bridge.liveness.clone(),
        limits: bridge.limits.clone(),
        sets: bridge
            .protocol
            .sets
            .clone()
            .with(bridge.protocol.sets.tls.clone(), bridge.protocol.sets.proxy_words(false)),
        start,
        ..Overrides::default()
    };
    match &bridge.protocol.profile {
        Some(name) => load(name, &overrides),
        None => alone(overrides),
    }
}

/// Returns the route for pairs: each accepted connection gets a connection to the host.
fn pairs_to(bridge: &Bridge, to: &Addresses, profile: Option<Profile>) -> Result<Route, Failure> {
    let way = match (profile, bridge.to_framing) {
        (Some(profile), _) => {
            let upstream = Upstream::new(&Arc::new(profile.clone()), to.0.iter().map(String::as_str));
            RouteKind::Profile(certificates::of_client(upstream, &profile)?)
        }
        (None, Some(framing)) => {
            let (framing, liveness) = (FramingPair::from(framing), to_liveness(bridge));
            liveness.check(framing, "--to-heartbeat")?;
            RouteKind::Plain(Box::new(Connector::new(framing).options(liveness.socket())), liveness)
        }
        (None, None) => return Err(Failure::usage("--to-framing or --to-profile is needed")),
    };
    Ok(Route { way, to: to.to_string() })
}

fn to_liveness(bridge: &Bridge) -> Liveness {
    Liveness { heartbeat: bridge.to_heartbeat.clone(), keepalive: bridge.to_keepalive }
}
