//! Whether the other side is still there: the flags, and what they make of connections.

use std::sync::Arc;

use clap::Args;
use framelink_transport::heartbeat::Role;
use framelink_transport::tokio::Connection;
use framelink_transport::{FramingPair, Heartbeat, Keepalive, Profile, ProfileBuilder, ProfileError, SocketOptions};

use crate::arguments::values::{heartbeat, keepalive};
use crate::failure::Failure;

/// How a peer that is gone is noticed; with a profile, instead of what that says.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Whether the other side lives")]
pub(crate) struct Liveness {
    /// Heartbeats: what they look like and when they go, such as empty,interval=30s,timeout=10s
    #[arg(long, value_name = "HEARTBEAT", value_parser = heartbeat)]
    pub(crate) heartbeat: Option<Arc<Heartbeat>>,

    /// Have the system ask an idle peer's, such as 60s/10s/6
    #[arg(long, value_name = "IDLE/INTERVAL/PROBES", value_parser = keepalive)]
    pub(crate) keepalive: Option<Keepalive>,
}

impl Liveness {
    /// Refuses a heartbeat that this framing cannot send, or that could not be told from a message. `flag` is the one that said it.
    pub(crate) fn check(&self, framing: FramingPair, flag: &str) -> Result<(), Failure> {
        if self.heartbeat.is_none() {
            return Ok(());
        }
        let checked = self.apply(Profile::builder(framing)).build();
        checked.map(drop).map_err(|error| {
            let reason = match error {
                ProfileError::Combination { reason, .. } => reason,
                error => error.to_string(),
            };
            Failure::usage(format!("{flag} cannot be used: {reason}"))
        })
    }

    pub(crate) fn apply(&self, mut builder: ProfileBuilder) -> ProfileBuilder {
        tell! { builder:
            self.heartbeat.as_deref().cloned() => heartbeat,
            self.keepalive => keepalive,
        }
        builder
    }

    /// What sockets are told.
    pub(crate) fn socket(&self) -> SocketOptions {
        SocketOptions::new().keepalive(self.keepalive)
    }

    /// Has a connection send and expect heartbeats, if there are to be some.
    pub(crate) fn watch(&self, connection: &mut Connection, us: Role) {
        if let Some(heartbeat) = &self.heartbeat {
            connection.watch(Arc::clone(heartbeat), us);
        }
    }
}
