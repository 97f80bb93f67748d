//! Profiles to start from.

use super::{ConnectionKind, Duplex, ExchangeKind, Pooled, Shared, Short, Side, Simplex};

/// A profile to start from, by name.
///
/// ```
/// use framelink_profile::TEMPLATES;
///
/// for template in TEMPLATES {
///     println!("{:18} {}", template.name, template.help);
/// }
/// assert_eq!(TEMPLATES[0].name, "short-sync");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Template {
    /// Its name.
    pub name: &'static str,
    /// What it is for, in a line.
    pub help: &'static str,
    /// The framing, where the template would make no sense with most others.
    pub framing: Option<&'static str>,
    /// How long a connection lives.
    pub connection: ConnectionKind,
    /// What goes to and fro.
    pub exchange: ExchangeKind,
}

/// All templates.
pub const TEMPLATES: &[Template] = &[
    Template {
        name: "short-sync",
        help: "connect, send a message, receive its reply, close",
        framing: None,
        connection: ConnectionKind::Short(Short::new()),
        exchange: ExchangeKind::Sync,
    },
    Template {
        name: "long-sync",
        help: "stay connected; send a message, receive its reply, then the next",
        framing: None,
        connection: ConnectionKind::Long,
        exchange: ExchangeKind::Sync,
    },
    Template {
        name: "duplex",
        help: "stay connected; many requests in flight, replies in order (or by key)",
        framing: None,
        connection: ConnectionKind::Long,
        exchange: ExchangeKind::Duplex(Duplex::new()),
    },
    Template {
        name: "shared",
        help: "two connections that stay, many requests in flight on each",
        framing: None,
        connection: ConnectionKind::Shared(Shared::new(Shared::CONNECTIONS)),
        exchange: ExchangeKind::Duplex(Duplex::new()),
    },
    Template {
        name: "pooled",
        help: "up to eight connections that stay, lent for one exchange at a time",
        framing: None,
        connection: ConnectionKind::Pooled(Pooled::new(Pooled::MAX)),
        exchange: ExchangeKind::Sync,
    },
    Template {
        name: "simplex",
        help: "one connection to send and another to receive, both dialled by us",
        framing: None,
        connection: ConnectionKind::Long,
        exchange: ExchangeKind::Simplex(Simplex::new(Duplex::new())),
    },
    Template {
        name: "send-only",
        help: "stay connected and send; nothing is expected back",
        framing: None,
        connection: ConnectionKind::Long,
        exchange: ExchangeKind::SendOnly,
    },
    Template {
        name: "receive-only",
        help: "stay connected and receive; nothing is sent",
        framing: None,
        connection: ConnectionKind::Long,
        exchange: ExchangeKind::ReceiveOnly,
    },
    Template {
        name: "short-until-close",
        help: "connect, send, half-close, read to the end (framing: until-close)",
        framing: Some("until-close"),
        connection: ConnectionKind::Short(Short::new().half_close(true).closes(Side::Server)),
        exchange: ExchangeKind::Sync,
    },
];

impl Template {
    /// The template of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.name == name)
    }
}
