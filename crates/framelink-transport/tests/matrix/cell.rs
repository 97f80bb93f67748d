//! One combination of the matrix.

use std::sync::Arc;
use std::time::Duration;

use framelink_transport::Profile;
use framelink_transport::profile::{ConnectionKind, ExchangeKind, Short, Side};

use crate::support::wire::Wire;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Driver {
    Blocking,
    NonBlocking,
    Tokio,
}

/// The role of the driver. The plain peer has the other role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Client,
    Server,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Preamble,
}

pub(crate) const OUR_PREAMBLE: &[u8] = b"HELO";
pub(crate) const THEIR_PREAMBLE: &[u8] = b"\x06";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) driver: Driver,
    pub(crate) connection: ConnectionKind,
    pub(crate) wire: Wire,
    pub(crate) role: Role,
    pub(crate) exchange: ExchangeKind,
    pub(crate) style: Style,
}

impl Cell {
    pub(crate) fn short(&self) -> Option<Short> {
        self.connection.short()
    }

    pub(crate) fn side(&self) -> Side {
        match self.role {
            Role::Client => Side::Client,
            Role::Server => Side::Server,
        }
    }

    /// Returns the profile of the cell, or the reason why it has none.
    pub(crate) fn profile(&self) -> Result<Arc<Profile>, String> {
        let framing: framelink_transport::Framing = self.wire.notation().parse().expect("a notation");
        let mut builder = Profile::builder(framing).connection(self.connection).exchange(self.exchange);
        builder = builder.close_timeout(Duration::from_millis(500));
        if self.exchange != ExchangeKind::ReceiveOnly {
            builder = builder.reply_timeout(Duration::from_secs(10));
        }
        if self.style == Style::Preamble {
            builder = builder.preamble(OUR_PREAMBLE, THEIR_PREAMBLE);
        }
        let profile = builder.build().map_err(|error| error.to_string())?;
        profile.check_for(self.side()).map_err(|error| error.to_string())?;
        match (self.role, self.exchange) {
            (Role::Server, ExchangeKind::SendOnly) => {
                Err("exchange: a server that only sends is not supported".to_owned())
            }
            (Role::Server, ExchangeKind::Simplex(_)) => {
                Err("exchange: a pair of connections is dialled or accepted by the side that calls".to_owned())
            }
            _ if matches!(self.connection, ConnectionKind::Shared(_)) && self.is_server_or_no_link() => {
                Err("connection: several connections are shared by a link, which has threads or tasks of its own"
                    .to_owned())
            }
            _ => Ok(Arc::new(profile)),
        }
    }

    fn is_server_or_no_link(&self) -> bool {
        self.role == Role::Server || self.driver == Driver::NonBlocking
    }

    /// Returns whether the cell has to be refused, or `None` if that is not known beforehand. Many calls in flight need
    /// a long connection and messages that end by themselves. Several connections also need a link that shares them.
    pub(crate) fn must_be_refused(&self) -> Option<bool> {
        let is_shared = matches!(self.connection, ConnectionKind::Shared(_));
        match self.exchange {
            ExchangeKind::Duplex(_) => Some(
                self.short().is_some() || !self.wire.ends_by_itself() || (is_shared && self.is_server_or_no_link()),
            ),
            ExchangeKind::Simplex(_) => Some(
                self.connection != ConnectionKind::Long || !self.wire.ends_by_itself() || self.role == Role::Server,
            ),
            _ if is_shared => Some(true),
            _ => None,
        }
    }

    /// Returns whether a profile may be refused: messages that do not end by themselves, and one-way exchanges, rule
    /// out some combinations.
    pub(crate) fn may_be_refused(&self) -> bool {
        matches!(self.wire, Wire::UntilClose | Wire::Quiet | Wire::EachRead) || self.exchange != ExchangeKind::Sync
    }
}
