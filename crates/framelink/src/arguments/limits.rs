//! What strangers may do to a server: the flags, and what they make of a profile.

use std::time::Duration;

use clap::Args;
use framelink_transport::ProfileBuilder;
use framelink_transport::profile::{Access, Network, WhenFull};

use crate::arguments::values::{duration, network, when_full};

/// What a server lets happen to it; with a profile, instead of what that says.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "What strangers may do")]
pub(crate) struct Limits {
    /// Hold so many connections at a time [default: 1000]
    #[arg(long, value_name = "N")]
    pub(crate) max_connections: Option<u32>,

    /// And so many of one client: one IPv4 address, or the /64 of an IPv6 address [default: 250]
    #[arg(long, value_name = "N")]
    pub(crate) max_per_client: Option<u32>,

    /// What becomes of a connection too many: refuse-newest, or drop-oldest for it [default: refuse-newest]
    #[arg(long, value_name = "RULE", value_parser = when_full)]
    pub(crate) when_full: Option<WhenFull>,

    /// Close a connection on which nothing comes or goes for so long, heartbeats apart [default: 1h]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) idle: Option<Duration>,

    /// Close any connection after so long, between two messages [default: 1d]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) lifetime: Option<Duration>,

    /// How long a client may take to begin its first message [default: 1m]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) first_message: Option<Duration>,

    /// How long a client that sends heartbeats may take for its first message [default: as --first-message]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) first_request: Option<Duration>,

    /// How long a message may take from its first byte to its last [default: 30s]
    #[arg(long, value_name = "TIME", value_parser = duration)]
    pub(crate) frame_timeout: Option<Duration>,

    /// Where heartbeats are empty frames, how many of them a client may send a second [default: 100]
    #[arg(long, value_name = "N")]
    pub(crate) max_empty: Option<u32>,

    /// Who may connect: an address or a network such as 10.0.0.0/8, again for more [default: everybody]
    #[arg(long, value_name = "NETWORK", value_parser = network)]
    pub(crate) allow: Vec<Network>,

    /// Who may not, whatever is allowed
    #[arg(long, value_name = "NETWORK", value_parser = network)]
    pub(crate) deny: Vec<Network>,
}

impl Limits {
    /// Whether anything is said.
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
