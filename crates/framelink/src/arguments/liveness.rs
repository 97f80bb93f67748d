//! The flags that detect a dead peer.

use std::sync::Arc;

use clap::Args;
use framelink_transport::heartbeat::Role;
use framelink_transport::tokio::Connection;
use framelink_transport::{FramingPair, Heartbeat, Keepalive, Profile, ProfileBuilder, ProfileError, SocketOptions};

use crate::arguments::ALIVE;
use crate::arguments::values::{heartbeat, keepalive};
use crate::failure::Failure;

/// How a dead peer is detected. A flag replaces what the profile says.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = ALIVE)]
pub(crate) struct Liveness {
    /// Send and expect these heartbeats, such as empty,interval=30s,timeout=10s [default: none, or as the profile says]
    ///
    /// A peer that shows no life is disconnected. Forms are empty, literal, numbered and pattern; `framelink presets`
    /// lists names. After `interval` (1ms to 1d, default 30s) without traffic a heartbeat is sent, and `timeout` (1ms
    /// to 1d, default 10s) is the time for an answer.
    #[arg(long, value_name = "HEARTBEAT", value_parser = heartbeat)]
    pub(crate) heartbeat: Option<Arc<Heartbeat>>,

    /// Have the system probe an idle peer (TCP keepalive), such as 60s/10s/6 [default: none, or as the profile says]
    ///
    /// After IDLE (1s to 32767s) without traffic, the system sends a probe every INTERVAL (1s to 32767s). It ends the
    /// connection when PROBES (1 to 127) are not acknowledged. A fourth part, as in 60s/10s/6/2m, is the time in which
    /// sent data must be acknowledged, up to 1d; its default is what the other parts add up to. A part that is `-` is
    /// left to the system.
    #[arg(long, value_name = "IDLE/INTERVAL/PROBES", value_parser = keepalive)]
    pub(crate) keepalive: Option<Keepalive>,
}

impl Liveness {
    /// Refuses a heartbeat that this framing cannot send, or that looks like a message. The error names `flag`.
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

    /// Returns the options for sockets.
    pub(crate) fn socket(&self) -> SocketOptions {
        SocketOptions::new().keepalive(self.keepalive)
    }

    /// Makes a connection send and expect heartbeats, if `--heartbeat` is given.
    pub(crate) fn watch(&self, connection: &mut Connection, us: Role) {
        if let Some(heartbeat) = &self.heartbeat {
            connection.watch(Arc::clone(heartbeat), us);
        }
    }
}
