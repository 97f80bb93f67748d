//! What options and profile say of connections, and the profiles that follow from it.

use std::net::SocketAddr;

use framelink_transport::profile::{ConnectionKind, Pooled, Shared, Short, Side, Timeouts};
use framelink_transport::session::KeyPlaces;
use framelink_transport::{Decode, Ends, Profile};

use super::numbers::to_usize;
use crate::arguments::Calls;
use crate::arguments::load::{Kind, Load};
use crate::arguments::profile::{Overrides, load as read};
use crate::failure::Failure;

/// What options and profile say of connections.
pub(super) struct Base {
    pub(super) kind: Kind,
    pub(super) connections: usize,
    pub(super) depth: usize,
    /// The connections of the profile.
    said: ConnectionKind,
}

impl Base {
    pub(super) fn of(load: &Load) -> Result<Self, Failure> {
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
        Ok(Self { kind, connections: to_usize(connections), depth: to_usize(depth), said })
    }

    fn overrides(&self, load: &Load) -> Overrides {
        let calls = Calls {
            key: load.key.map(KeyPlaces::at),
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
    pub(super) fn profile(&self, load: &Load, count: usize, source: Option<SocketAddr>) -> Result<Profile, Failure> {
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
        Some(name) => read(name, overrides),
        None => overrides.profile(),
    }
}
