//! A server of the library with the words of the command line around it: where it listens, what is logged, and what ends it.

use std::fmt;
use std::sync::Arc;

use framelink_transport::profile::Short;
use framelink_transport::tokio::{Server, ServerHandle};
use framelink_transport::{AdmissionCounts, Cause, DrainReport, Ends, Profile, ServerEvent};

use crate::arguments::Calls;
use crate::arguments::profile::Overrides;
use crate::arguments::values::with_zone;
use crate::failure::Failure;
use crate::output::message_line::Style;
use crate::output::{Count, say};
use crate::server::drain::Drain;
use crate::server::probes::Probes;
use crate::server::strangers::{self, Kind};

/// Listens, and says so.
pub(crate) async fn listen(address: &str, profile: &Arc<Profile>) -> Result<Server, Failure> {
    listen_and_say(address, profile, Style::Text).await
}

/// Listens, and says so as messages are printed.
pub(crate) async fn listen_and_say(address: &str, profile: &Arc<Profile>, style: Style) -> Result<Server, Failure> {
    let bound = match with_zone(address) {
        Ok(address) => Server::bind(&*address, profile).await,
        Err(error) => Err(error),
    };
    let server = bound.map_err(|error| Failure::fault(format!("listening on {address}: {error}")))?;
    let address = server.local_addr().map_err(Failure::fault)?.to_string();
    let said = match style {
        Style::Json => say(serde_json::json!({ "kind": "listening", "address": address })),
        _ => say(format_args!("listening on {address}")),
    };
    match said {
        Err(Failure::OutputClosed) => tracing::warn!("listening on {address}, which nobody reads on stdout"),
        said => said?,
    }
    let probes = Probes::default();
    Ok(server.observe(move |event| {
        if !probes.take(event) {
            log(&address, event);
        }
    }))
}

/// Tells a server to end when the program is told to. A second signal cuts what is in flight.
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

/// What the drain came to, in the log and as the end of the program.
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

/// How many connections were refused, by reason, at the end of the line about a drain. Nothing where none was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Refused {
    by_access: u64,
    by_total: u64,
    by_client: u64,
}

impl From<&DrainReport> for Refused {
    fn from(report: &DrainReport) -> Self {
        Self {
            by_access: report.refused_by_access,
            by_total: report.refused_by_total,
            by_client: report.refused_by_client,
        }
    }
}

impl From<AdmissionCounts> for Refused {
    fn from(counts: AdmissionCounts) -> Self {
        Self {
            by_access: counts.refused_by_access,
            by_total: counts.refused_by_total,
            by_client: counts.refused_by_client,
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { by_access, by_total, by_client } = *self;
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

/// A profile of flags alone. A message that ends with its connection has one for itself.
pub(crate) fn profile_of_flags(overrides: Overrides) -> Result<Profile, Failure> {
    let is_until_close = [overrides.receive, overrides.send]
        .into_iter()
        .flatten()
        .any(|framing| framelink_transport::Decode::ends(&framing) == Ends::Close);
    let connection =
        is_until_close.then(|| Short::new().half_close(true).closes(framelink_transport::profile::Side::Server).into());
    Overrides { calls: Calls { connection, ..Calls::default() }, ..overrides }.profile()
}

/// Writes a line about what has happened, or counts it where there are too many of its kind.
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
            tracing::warn!("accepting on {address}: {error}; trying again in {pause:?}, and then ever later");
        }),
        ServerEvent::AcceptingAgain => {
            strangers::line(Kind::System, || tracing::info!("accepting again on {address}"));
        }
        _ => warn(),
    }
}

/// Whether it can end a connection on which no whole message came. What a handler has to do with, or a reply, does not.
const fn is_before_a_message(cause: &Cause) -> bool {
    match cause {
        Cause::TimedOut { unwritten_bytes, .. } => *unwritten_bytes == 0,
        Cause::Fault(_)
        | Cause::Preamble(_)
        | Cause::ProxyHeader(_)
        | Cause::Reset(_)
        | Cause::Io(_)
        | Cause::TooManyEmpty { .. }
        | Cause::Dead(_) => true,
        _ => false,
    }
}
