//! Templates: profiles to start from.

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
    /// The name.
    pub name: &'static str,
    /// The purpose, in one line.
    pub help: &'static str,
    /// The framing, if the template works with few others.
    pub framing: Option<&'static str>,
    /// The kind of connection.
    pub connection: ConnectionKind,
    /// The kind of exchange.
    pub exchange: ExchangeKind,
}

/// All templates.
pub const TEMPLATES: &[Template] = &[
    Template::new(
        "short-sync",
        "connect, send a message, receive its reply, close",
        ConnectionKind::Short(Short::new()),
        ExchangeKind::Sync,
    ),
    Template::new(
        "long-sync",
        "stay connected; send a message, receive its reply, then the next",
        ConnectionKind::Long,
        ExchangeKind::Sync,
    ),
    Template::new(
        "duplex",
        "stay connected; many requests in flight, replies in order (or by key)",
        ConnectionKind::Long,
        ExchangeKind::Duplex(Duplex::new()),
    ),
    Template::new(
        "shared",
        "two connections that stay, many requests in flight on each",
        ConnectionKind::Shared(Shared::new(Shared::CONNECTIONS)),
        ExchangeKind::Duplex(Duplex::new()),
    ),
    Template::new(
        "pooled",
        "up to eight long connections, each for one exchange at a time",
        ConnectionKind::Pooled(Pooled::new(Pooled::MAX)),
        ExchangeKind::Sync,
    ),
    Template::new(
        "simplex",
        "one connection to send and another to receive, both dialled by us",
        ConnectionKind::Long,
        ExchangeKind::Simplex(Simplex::new(Duplex::new())),
    ),
    Template::new(
        "send-only",
        "stay connected and send; nothing is expected back",
        ConnectionKind::Long,
        ExchangeKind::SendOnly,
    ),
    Template::new(
        "receive-only",
        "stay connected and receive; nothing is sent",
        ConnectionKind::Long,
        ExchangeKind::ReceiveOnly,
    ),
    Template {
        framing: Some("until-close"),
        ..Template::new(
            "short-until-close",
            "connect, send, half-close, read to the end (framing: until-close)",
            ConnectionKind::Short(Short::new().half_close(true).closes(Side::Server)),
            ExchangeKind::Sync,
        )
    },
];

impl Template {
    const fn new(name: &'static str, help: &'static str, connection: ConnectionKind, exchange: ExchangeKind) -> Self {
        Self { name, help, framing: None, connection, exchange }
    }

    /// Returns the template of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.name == name)
    }
}
