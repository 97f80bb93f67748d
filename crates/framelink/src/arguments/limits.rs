//! The flags that limit what clients may do to a server.

use std::time::Duration;

use clap::Args;
use framelink_transport::ProfileBuilder;
use framelink_transport::profile::{Access, Network, WhenFull};

use crate::arguments::LIMITS;
use crate::arguments::values::{duration, network, when_full};

/// The limits of a server. A flag replaces what the profile says.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = LIMITS)]
pub(crate) struct Limits {
    /// Hold up to N connections at a time, 1 to 1048576 [default: 1000]
    ///
    /// `bridge` holds fewer if the limit of open files is too low for those and the connections to the host.
    #[arg(long, value_name = "N")]
    pub(crate) max_connections: Option<u32>,

    /// Hold up to N connections of one client, 1 to 1048576 [default: 250]
    ///
    /// A client is one IPv4 address, or the /64 network of an IPv6 address.
    #[arg(long, value_name = "N")]
    pub(crate) max_per_client: Option<u32>,

    /// When there are too many connections: refuse-newest or drop-oldest [default: refuse-newest]
    ///
    /// refuse-newest closes the new connection. drop-oldest closes the oldest connection to make room for the new one:
    /// the oldest of the client, if that client has too many, else the oldest of all.
    #[arg(long, value_name = "RULE", value_parser = when_full)]
    pub(crate) when_full: Option<WhenFull>,

    /// Close a connection after this time without a message, 1ms to 1d [default: 1h]
    ///
    /// Heartbeats do not count as messages.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) idle: Option<Duration>,

    /// Close any connection after this time, 1ms to 30d, between two messages [default: 1d]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) lifetime: Option<Duration>,

    /// Close a connection if its first message does not begin within this time, 1ms to 1d [default: 1m]
    ///
    /// A `bridge` with long connections to the host, and without a profile for clients, has the default 1d.
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) first_message: Option<Duration>,

    /// As --first-message, for a client that sends heartbeats; not shorter, up to 1d [default: as --first-message]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) first_request: Option<Duration>,

    /// Close a connection if a message takes longer than this from its first byte to its last, 1ms to 1d [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) frame_timeout: Option<Duration>,

    /// Accept up to N heartbeats a second of a client if they are empty frames, 1 to 1048576 [default: 100]
    #[arg(long, value_name = "N")]
    pub(crate) max_empty: Option<u32>,

    /// Accept only clients of this address or network, such as 10.0.0.0/8; repeatable, up to 10000 [default: all
    /// clients]
    #[arg(long, value_name = "NETWORK", value_parser = network)]
    pub(crate) allow: Vec<Network>,

    /// Refuse clients of this address or network, even if --allow includes it; repeatable, up to 10000.
    #[arg(long, value_name = "NETWORK", value_parser = network)]
    pub(crate) deny: Vec<Network>,
}

impl Limits {
    /// Returns whether any of the flags is given.
    pub(crate) const fn are_said(&self) -> bool {
        let counts = self.max_connections.is_some() || self.max_per_client.is_some() || self.max_empty.is_some();
        let times = self.idle.is_some() || self.lifetime.is_some();
        let first_times = self.first_message.is_some() || self.first_request.is_some() || self.frame_timeout.is_some();
        let rules = self.when_full.is_some() || !self.allow.is_empty() || !self.deny.is_empty();
        counts || times || first_times || rules
    }

    pub(crate) fn apply(&self, mut builder: ProfileBuilder) -> ProfileBuilder {
        if !self.allow.is_empty() || !self.deny.is_empty() {
            builder = builder.access(Access { allow: self.allow.clone(), deny: self.deny.clone() });
        }
        tell! { builder:
            self.max_connections => connections,
            self.max_per_client => connections_per_client,
            self.when_full => when_full,
            self.max_empty => empty_messages,
            self.idle => idle_timeout,
            self.lifetime => lifetime,
            self.first_message => first_message_timeout,
            self.first_request => first_request_timeout,
            self.frame_timeout => frame_timeout,
        }
        builder
    }
}
