//! What goes to and fro.

/// What goes to and fro on a connection, as seen from whoever uses the profile.
///
/// ```
/// use framelink_transport::profile::ExchangeKind;
///
/// assert_eq!(ExchangeKind::default().name(), "sync");
/// assert!(ExchangeKind::SendOnly.sends() && !ExchangeKind::SendOnly.receives());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ExchangeKind {
    /// A message, then its reply, then the next message.
    #[default]
    Sync,
    /// Messages are sent, and none are expected.
    SendOnly,
    /// Messages are received, and none are sent.
    ReceiveOnly,
}

impl ExchangeKind {
    /// The word for it in a file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::SendOnly => "send-only",
            Self::ReceiveOnly => "receive-only",
        }
    }

    /// Whether messages are sent.
    #[must_use]
    pub const fn sends(self) -> bool {
        !matches!(self, Self::ReceiveOnly)
    }

    /// Whether messages are received.
    #[must_use]
    pub const fn receives(self) -> bool {
        !matches!(self, Self::SendOnly)
    }
}
