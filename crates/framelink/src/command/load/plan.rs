//! What a run does, worked out of the options: everything that can be wrong with them is found here.

use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use framelink_transport::profile::{ExchangeKind, Side, Timeouts};
use framelink_transport::session::Encoding;
use framelink_transport::tokio::{Connector, Upstream};
use framelink_transport::{Decode, Encode, Ends, FramingPair, Profile};

use super::basis::Base;
use super::frames::Frames;
use super::numbers::to_usize;
use super::payloads::{COUNTED, Patch, Payloads};
use super::schedule::{Schedule, Workload};
use super::sources::{check_messages, source};
use super::template::{source_of, template_of};
use crate::arguments::load::{Kind, Load};
use crate::arguments::profile::{fits, peer_of};
use crate::failure::Failure;

/// The default of `--duration`, and that of each trial of a search.
const DURATION: Duration = Duration::from_secs(10);
const TRIAL: Duration = Duration::from_secs(2);

#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) addresses: Vec<String>,
    pub(super) kind: Kind,
    pub(super) connections: usize,
    /// Messages in flight on each connection.
    pub(super) depth: usize,
    pub(super) threads: usize,
    pub(super) connect_rate: Option<u64>,
    pub(super) workload: Workload,
    pub(super) timeout: Duration,
    pub(super) payloads: Payloads,
    pub(super) framing: FramingPair,
    pub(super) frames: Frames,
    /// Connections need no session.
    pub(super) is_plain: bool,
    pub(super) pid: Option<u64>,
    /// A profile for each address to dial from.
    profiles: Vec<Arc<Profile>>,
    /// A connector for each profile. Their connections share the numbers of their sign-on messages.
    connectors: Vec<Connector>,
    /// Profiles by the number of connections that a thread has, for pools and shared connections.
    by_connections: Vec<(usize, Arc<Profile>)>,
}

impl Plan {
    pub(super) fn of(load: &Load) -> Result<Self, Failure> {
        let base = Base::of(load)?;
        let (kind, connections, depth) = (base.kind, base.connections, base.depth);
        let processors = available_parallelism().map_or(1, NonZero::get);
        let threads = load.threads.map_or(processors, to_usize).min(connections);
        let sources: Vec<_> = match load.from.is_empty() {
            true => vec![None],
            false => load.from.iter().map(|&ip| Some(SocketAddr::new(ip, 0))).collect(),
        };
        let is_fixed = matches!(kind, Kind::Pooled | Kind::Shared);
        if is_fixed && sources.len() > 1 {
            let (kind, count) = (kind.name(), sources.len());
            return Err(Failure::usage(format!(
                "--connection {kind} connects from one address, and --from has {count}"
            )));
        }
        let profile = |count, source| base.profile(load, count, source).map(Arc::new);
        let profiles = sources.iter().map(|&source| profile(1, source)).collect::<Result<Vec<_>, _>>()?;
        let shares = [connections / threads, connections.div_ceil(threads)];
        let by_connections = match is_fixed {
            true => shares.iter().map(|&count| Ok((count, profile(count, sources[0])?))).collect::<Result<_, _>>()?,
            false => Vec::new(),
        };
        let first = &profiles[0];
        check_profile(first)?;
        let missing = "the address is missing: give ADDRESS, or a profile that has `addresses`";
        let addresses = peer_of(load.addresses.as_ref(), Some(first), missing)?;
        let duplex = first.exchange().duplex();
        let key = load.key.or(duplex.and_then(|duplex| duplex.key?.iter().next()));
        let written = load.assign.or(duplex.and_then(|duplex| duplex.assigned)).unwrap_or_default();
        let numbered = |start, len, written, is_key| Patch { start, len, written, is_key, range: None };
        let (source, patch) = match (template_of(load)?, key) {
            (Some(template), key) => source_of(template, load, first, key)?,
            (None, Some(key)) => (source(load)?, Some(numbered(key.offset(), key.len(), written, true))),
            (None, None) if load.counted => (source(load)?, Some(numbered(0, COUNTED, Encoding::Ascii, false))),
            (None, None) => (source(load)?, None),
        };
        let payloads = Payloads { source, patch, expect: load.expect.clone() };
        let framing = first.framing();
        check_messages(&payloads, connections.saturating_mul(depth), |message| {
            let envelope = framing.envelope(message).map_err(|error| error.to_string())?;
            match envelope.ends_stream && kind != Kind::Short {
                true => Err(format!("--framing {} takes one message, so it needs --connection short", framing.send)),
                false => Ok(()),
            }
        })?;
        let duration = load.duration.or(match (load.count, load.find_rate) {
            (_, Some(_)) => Some(TRIAL),
            (None, None) => Some(DURATION),
            (Some(_), None) => None,
        });
        let warm_up = load.warm_up.unwrap_or_default();
        let workload = Workload {
            rate: load.rate,
            count: load.count.unwrap_or(u64::MAX),
            warm_up,
            until: duration.map_or(Duration::MAX, |duration| duration.saturating_add(warm_up)),
        };
        let size = match payloads.extremes() {
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least}..{most}"),
        };
        let shown = framing.send.to_string();
        let rate = load.rate.filter(|_| load.find_rate.is_none()).map(|rate| format!(", {rate}/s")).unwrap_or_default();
        let of_kind = if kind == Kind::Long { String::new() } else { format!(" {}", kind.name()) };
        let name = format!("{} {shown}{of_kind} {connections}:{depth}:{size}{rate}", addresses);
        Ok(Self {
            name: load.name.clone().unwrap_or(name),
            addresses: addresses.0,
            kind,
            connections,
            depth,
            threads,
            connect_rate: load.connect_rate,
            workload,
            timeout: first.timeouts().reply.unwrap_or(Timeouts::REPLY),
            frames: Frames::new(framing, &payloads, depth),
            framing,
            is_plain: needs_no_session(first, &framing),
            payloads,
            pid: load.pid,
            connectors: profiles.iter().map(Connector::with_profile).collect(),
            profiles,
            by_connections,
        })
    }

    /// Returns this plan with another rate.
    pub(super) fn at_rate(&self, rate: u64) -> Self {
        let workload = Workload { rate: Some(rate), ..self.workload };
        Self { workload, name: format!("{} at {rate}/s", self.name), ..self.clone() }
    }

    /// Returns how many workers each connection has.
    fn workers_each(&self) -> u64 {
        if self.kind == Kind::Shared { self.depth as u64 } else { 1 }
    }

    pub(super) fn connection_of(&self, worker: u64) -> u64 {
        worker / self.workers_each()
    }

    /// Returns the numbers of the workers of a thread.
    pub(super) fn workers_of(&self, thread: usize) -> Vec<u64> {
        let each = self.workers_each();
        let connections = (thread as u64..self.connections as u64).step_by(self.threads);
        connections.flat_map(|connection| connection * each..(connection + 1) * each).collect()
    }

    pub(super) fn workers(&self) -> u64 {
        self.connections as u64 * self.workers_each()
    }

    pub(super) fn schedule(&self, worker: u64) -> Schedule {
        Schedule::new(self.workload, worker, self.workers())
    }

    /// Returns the address that a worker dials: the addresses in turn.
    pub(super) fn address_of(&self, worker: u64) -> &String {
        &self.addresses[to_usize(worker) % self.addresses.len()]
    }

    /// Returns the profile of a worker: the addresses to dial from in turn, for each address of the peer.
    pub(super) fn profile_of(&self, worker: u64) -> &Arc<Profile> {
        &self.profiles[to_usize(worker) / self.addresses.len() % self.profiles.len()]
    }

    pub(super) fn upstream(&self, worker: u64) -> Upstream {
        upstream(self.profile_of(worker), std::slice::from_ref(self.address_of(worker)))
    }

    /// Returns what dials this many connections for a pool or for shared connections.
    pub(super) fn upstream_of(&self, worker: u64, connections: usize) -> Upstream {
        let sized = self.by_connections.iter().find(|(count, _)| *count == connections);
        upstream(sized.map_or_else(|| self.profile_of(worker), |(_, profile)| profile), &self.addresses)
    }

    /// Returns what dials the connection of a worker.
    pub(super) fn connector_of(&self, worker: u64) -> &Connector {
        &self.connectors[to_usize(worker) / self.addresses.len() % self.connectors.len()]
    }

    /// Returns the message that ends a connection in good order.
    pub(super) fn sign_off(&self) -> Option<Vec<u8>> {
        self.connectors[0].sign_off()
    }
}

/// Returns an upstream with these addresses.
pub(super) fn upstream(profile: &Arc<Profile>, addresses: &[String]) -> Upstream {
    Upstream::new(profile, addresses.iter().map(String::as_str))
}

/// Refuses a profile that has no replies on its connections.
fn check_profile(profile: &Profile) -> Result<(), Failure> {
    fits(profile, Side::Client)?;
    match profile.exchange() {
        ExchangeKind::Simplex(_) => Err(Failure::usage(
            "the profile has a connection for each direction, and load receives replies on the connection of the message",
        )),
        _ if profile.tls().is_some() || profile.proxy_protocol().is_some() => {
            Err(Failure::usage("the profile has TLS or the PROXY protocol, and load measures plain connections"))
        }
        exchange if !exchange.receives() => {
            Err(Failure::usage("the profile only sends, and load measures how fast replies arrive"))
        }
        _ => Ok(()),
    }
}

/// Returns whether the connections of this profile can be driven without a session.
fn needs_no_session(profile: &Profile, framing: &FramingPair) -> bool {
    framing.ends() == Ends::Itself
        && profile.heartbeat().is_none()
        && profile.preamble().is_empty()
        && profile.first().is_empty()
        && profile.greeting().is_none()
        && profile.sign_on().is_none()
        && profile.sign_off().is_none()
}
