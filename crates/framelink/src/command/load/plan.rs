//! What a run does, worked out of the options: everything that can be wrong with them is found here.

use std::net::SocketAddr;
use std::num::NonZero;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use framelink_transport::profile::{ConnectionKind, ExchangeKind, Pooled, Shared, Short, Side, Timeouts};
use framelink_transport::session::Assigned;
use framelink_transport::tokio::Upstream;
use framelink_transport::{Decode, Encode, Ends, Profile};

use super::calls::upstream;
use super::frames::Frames;
use super::payloads::{COUNTED, Patch, Payloads};
use super::schedule::{Schedule, Workload};
use super::sources::{check_messages, source};
use super::wire;
use crate::arguments::Calls;
use crate::arguments::load::{Kind, Load};
use crate::arguments::profile::{Overrides, fits, load};
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
    pub(super) frames: Frames,
    /// Connections need no session.
    pub(super) is_plain: bool,
    pub(super) pid: Option<u64>,
    /// A profile for each address to dial from.
    profiles: Vec<Arc<Profile>>,
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
        let duplex = first.exchange().duplex();
        let key = load.key.or(duplex.and_then(|duplex| duplex.key));
        let written = load.assign.or(duplex.and_then(|duplex| duplex.assigned)).unwrap_or(Assigned::Digits);
        let patch = match (key, load.counted) {
            (Some(key), _) => Some(Patch { start: key.offset(), len: key.len(), written, is_key: true }),
            (None, true) => Some(Patch { start: 0, len: COUNTED, written: Assigned::Digits, is_key: false }),
            (None, false) => None,
        };
        let payloads = Payloads { source: source(load)?, patch, expect: load.expect.clone() };
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
        let workload = Workload {
            rate: load.rate,
            count: load.count.unwrap_or(u64::MAX),
            until: duration.unwrap_or(Duration::MAX),
        };
        let size = match payloads.extremes() {
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least}..{most}"),
        };
        let shown = framing.send.to_string();
        let rate = load.rate.filter(|_| load.find_rate.is_none()).map(|rate| format!(", {rate}/s")).unwrap_or_default();
        let of_kind = if kind == Kind::Long { String::new() } else { format!(" {}", kind.name()) };
        let name = format!("{} {shown}{of_kind} {connections}:{depth}:{size}{rate}", load.addresses);
        Ok(Self {
            name: load.name.clone().unwrap_or(name),
            addresses: load.addresses.0.clone(),
            kind,
            connections,
            depth,
            threads,
            connect_rate: load.connect_rate,
            workload,
            timeout: first.timeouts().reply.unwrap_or(Timeouts::REPLY),
            frames: Frames::of(framing, &payloads),
            is_plain: wire::is_enough_for(first, &framing),
            payloads,
            pid: load.pid,
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

    /// Returns the message that ends a connection in good order.
    pub(super) fn sign_off(&self) -> Option<&[u8]> {
        self.profiles[0].sign_off().map(framelink_transport::profile::Sign::send)
    }
}

/// What options and profile say of connections.
struct Base {
    kind: Kind,
    connections: usize,
    depth: usize,
    /// The connections of the profile.
    said: ConnectionKind,
}

impl Base {
    fn of(load: &Load) -> Result<Self, Failure> {
        let mut base = Self { kind: Kind::Long, connections: 1, depth: 1, said: ConnectionKind::Long };
        if load.profile.is_some() || (load.sets.are_said() && load.connection.is_none()) {
            base.said = built(load, &base.overrides(load))?.connection();
        }
        let (said, of_profile) = (base.said, base.said_kind());
        let kind = load.connection.unwrap_or(of_profile);
        let default = if kind == of_profile { u64::from(said.count()) } else { 1 };
        let (connections, depth) = (load.connections.unwrap_or(default), load.depth.unwrap_or(1));
        if depth > 1 && matches!(kind, Kind::Short | Kind::Pooled) {
            return Err(Failure::usage(format!(
                "--connection {} has one message at a time on each connection, and --depth is {depth}: say --connections {depth}",
                kind.name()
            )));
        }
        if load.count.is_some_and(|count| count == 0) {
            return Err(Failure::usage("--count is 1 or more"));
        }
        Ok(Self { kind, connections: to_usize(connections), depth: to_usize(depth), said })
    }

    fn overrides(&self, load: &Load) -> Overrides {
        let calls = Calls {
            key: load.key,
            in_flight: (self.depth > 1).then(|| u32::try_from(self.depth).unwrap_or(u32::MAX)),
            ..Calls::default()
        };
        Overrides {
            send: load.framing,
            receive: load.reply_framing.or(load.framing),
            reply_within: load.timeout,
            connect_within: load.timeout.or(load.profile.is_none().then_some(Timeouts::REPLY)),
            calls,
            liveness: load.liveness.clone(),
            sets: load.sets.clone(),
            ..Overrides::default()
        }
    }

    const fn said_kind(&self) -> Kind {
        match self.said {
            ConnectionKind::Short(_) => Kind::Short,
            ConnectionKind::Pooled(_) => Kind::Pooled,
            ConnectionKind::Shared(_) => Kind::Shared,
            _ => Kind::Long,
        }
    }

    /// Returns what replaces the connection of the profile: the rest of what it says of this kind stays.
    fn connection(&self, load: &Load, count: usize) -> Result<Option<ConnectionKind>, Failure> {
        let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
        let within = |most: u32| match count <= most {
            true => Ok(()),
            false => Err(Failure::usage(format!(
                "--connection {}: {count} connections for one thread, the limit is {most}; --threads divides them",
                self.kind.name()
            ))),
        };
        Ok(match (self.kind, self.said) {
            (Kind::Long | Kind::Short, _) if self.kind == self.said_kind() => None,
            (Kind::Long, _) => Some(ConnectionKind::Long),
            (Kind::Short, _) => {
                let mut short = Short::new();
                if load.framing.is_some_and(|framing| framing.ends() == Ends::Close) {
                    // The only way in which such messages can be exchanged.
                    (short.half_close, short.closes) = (true, Side::Server);
                }
                Some(short.into())
            }
            (Kind::Shared, _) => {
                within(Shared::MOST)?;
                Some(Shared::new(count).into())
            }
            (Kind::Pooled, said) => {
                within(Pooled::MOST)?;
                let mut pooled = said.pooled().unwrap_or_default();
                (pooled.min, pooled.max, pooled.max_idle) = (pooled.min.min(count), count, count);
                Some(pooled.into())
            }
        })
    }

    /// Returns the profile for this many connections, which are dialled from `source`.
    fn profile(&self, load: &Load, count: usize, source: Option<SocketAddr>) -> Result<Profile, Failure> {
        let mut overrides = self.overrides(load);
        overrides.calls.connection = self.connection(load, count)?;
        if let Some(source) = source {
            let set = format!("socket.source={source}");
            overrides.sets.sets.push(set.parse().map_err(|error| Failure::usage(format!("--from: {error}")))?);
        }
        built(load, &overrides)
    }
}

fn built(load: &Load, overrides: &Overrides) -> Result<Profile, Failure> {
    match &load.profile {
        Some(name) => self::load(name, overrides),
        None => overrides.profile(),
    }
}

/// Refuses a profile that has no replies on its connections.
fn check_profile(profile: &Profile) -> Result<(), Failure> {
    fits(profile, Side::Client)?;
    match profile.exchange() {
        ExchangeKind::Simplex(_) => Err(Failure::usage(
            "the profile has a connection for each direction, and load receives replies on the connection of the message",
        )),
        exchange if !exchange.receives() => {
            Err(Failure::usage("the profile only sends, and load measures how fast replies arrive"))
        }
        _ => Ok(()),
    }
}

pub(super) fn to_usize(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
