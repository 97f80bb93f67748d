//! Runs a server of the library for a command: prints its address, logs its events, and ends it on a signal.

use std::fmt;
use std::sync::Arc;

use framelink_transport::profile::{ExchangeKind, Short};
use framelink_transport::session::{Concurrency, ReplyOrder};
use framelink_transport::tokio::{Server, ServerHandle};
use framelink_transport::{AdmissionCounts, Cause, DrainReport, Ends, Profile, ServerEvent};

use crate::arguments::Calls;
use crate::arguments::profile::Overrides;
use crate::arguments::values::with_zone;
use crate::failure::Failure;
use crate::output::message_line::Style;
use crate::output::{Count, say_listening};
use crate::server::certificates;
use crate::server::drain::Drain;
use crate::server::probes::Probes;
use crate::server::strangers::{self, Kind};

/// Listens, and prints the address as text.
pub(crate) async fn listen(address: &str, profile: &Arc<Profile>) -> Result<Server, Failure> {
    listen_and_say(address, profile, Style::Text).await
}

/// Listens, and prints the address in the style of the messages.
pub(crate) async fn listen_and_say(address: &str, profile: &Arc<Profile>, style: Style) -> Result<Server, Failure> {
    let bound = match with_zone(address) {
        Ok(address) => Server::bind(&*address, profile).await,
        Err(error) => Err(error),
    };
    let server = bound.map_err(|error| Failure::fault(format!("listening on {address}: {error}")))?;
    let server = certificates::of_server(server, profile)?;
    let address = server.local_addr().map_err(Failure::fault)?.to_string();
    match style {
        Style::Json => say_listening(&address, serde_json::json!({ "kind": "listening", "address": address }))?,
        _ => say_listening(&address, format_args!("listening on {address}"))?,
    }
    let probes = Probes::default();
    Ok(server.observe(move |event| {
        if !probes.take(event) {
            log(&address, event);
        }
    }))
}

/// Drains a server when the program receives a signal. A second signal cuts the messages in flight.
pub(crate) fn end_with(mut drain: Drain, server: ServerHandle) {
    tokio::spawn(async move {
        drain.begun().await;
        server.drain(drain.within());
        drain.over().await;
        if drain.was_forced() {
            server.drain(std::time::Duration::ZERO);
        }
    });
}

/// Logs the result of the drain, and returns it as the result of the command.
pub(crate) fn outcome(report: &DrainReport, drain: &Drain) -> Result<(), Failure> {
    let DrainReport { answered, cut, discarded, closed, connections_cut, .. } = *report;
    tracing::info!(
        "drained: {} answered, {cut} cut, {discarded} came too late; {} closed, {connections_cut} cut{}",
        Count(answered, "message"),
        Count(closed, "connection"),
        Refused::from(report),
    );
    match Count(connections_cut, "connection") {
        _ if drain.was_forced() => Err(Failure::fault("ended by a second signal")),
        _ if report.is_clean() => Ok(()),
        connections => Err(Failure::fault(format!("cut {connections} that had not finished"))),
    }
}

/// The counts of connections that were refused by access, by `limits.connections` and by
/// `limits.connections-per-client`, for the end of the line about a drain; nothing if all are 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refused([u64; 3]);

impl From<&DrainReport> for Refused {
    fn from(report: &DrainReport) -> Self {
        Self([report.refused_by_access, report.refused_by_total, report.refused_by_client])
    }
}

impl From<AdmissionCounts> for Refused {
    fn from(counts: AdmissionCounts) -> Self {
        Self([counts.refused_by_access, counts.refused_by_total, counts.refused_by_client])
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([by_access, by_total, by_client]) = *self;
        match by_access + by_total + by_client {
            0 => Ok(()),
            all => write!(
                f,
                "; {all} refused since the start: {by_access} by access, {by_total} by limits.connections, \
                 {by_client} by limits.connections-per-client"
            ),
        }
    }
}

/// Returns how many messages of one client are handled at a time, as its exchange allows.
pub(crate) fn concurrency(clients: &Profile) -> Concurrency {
    let ExchangeKind::Duplex(duplex) = clients.exchange() else { return Concurrency::default() };
    let order = if duplex.key.is_some() { ReplyOrder::Finished } else { ReplyOrder::Requests };
    Concurrency::new(usize::try_from(duplex.in_flight).unwrap_or(usize::MAX)).order_by(order)
}

/// Builds a profile from options alone. If a message ends with its connection, connections are short.
pub(crate) fn profile_of_flags(overrides: Overrides) -> Result<Profile, Failure> {
    let is_until_close = [overrides.receive, overrides.send]
        .into_iter()
        .flatten()
        .any(|framing| framelink_transport::Decode::ends(&framing) == Ends::Close);
    let connection =
        is_until_close.then(|| Short::new().half_close(true).closes(framelink_transport::profile::Side::Server).into());
    Overrides { calls: Calls { connection, ..Calls::default() }, ..overrides }.profile()
}

/// Logs an event, or counts it if there are too many of its kind.
pub(crate) fn log(address: &str, event: &ServerEvent<'_>) {
    let info = || tracing::info!("{event}");
    let warn = || tracing::warn!("{event}");
    match event {
        ServerEvent::Connected { .. } => strangers::line(Kind::Connected, info),
        ServerEvent::Refused { reason, .. } => strangers::line(Kind::from(*reason), warn),
        ServerEvent::Closed { answered, error, .. } => match error.map(|error| error.cause()) {
            None | Some(Cause::Ended(_)) if *answered == 0 => strangers::line(Kind::Closed, info),
            None | Some(Cause::Ended(_)) => info(),
            Some(cause) if *answered == 0 && is_before_a_message(cause) => strangers::line(Kind::Ended, warn),
            Some(_) => warn(),
        },
        ServerEvent::AcceptFailed { error, pause } => strangers::line(Kind::System, || {
            tracing::warn!("accepting on {address}: {error}; trying again in {pause:?}, then after growing pauses");
        }),
        ServerEvent::AcceptingAgain => {
            strangers::line(Kind::System, || tracing::info!("accepting again on {address}"));
        }
        _ => warn(),
    }
}

/// Returns whether an error can occur before the first whole message. Errors of handlers and of replies cannot.
const fn is_before_a_message(cause: &Cause) -> bool {
    match cause {
        Cause::TimedOut { unwritten_bytes, .. } => *unwritten_bytes == 0,
        Cause::Fault(_)
        | Cause::Preamble(_)
        | Cause::Proxy(_)
        | Cause::ProxyHeader(_)
        | Cause::Reset(_)
        | Cause::Io(_)
        | Cause::TooManyEmpty { .. }
        | Cause::Dead(_) => true,
        _ => false,
    }
}
