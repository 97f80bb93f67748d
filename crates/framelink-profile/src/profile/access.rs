//! Which clients may connect.

use std::net::IpAddr;

pub use framelink_session::memory::Network;

/// The networks of the clients that may connect to a server.
///
/// - A client of a denied network may not connect, even if it is allowed.
/// - If any network is allowed, clients of other networks may not connect.
///
/// ```
/// use framelink_profile::Access;
///
/// let access = Access { allow: vec!["10.0.0.0/8".parse()?], deny: vec!["10.6.6.6".parse()?] };
/// assert!(access.admits("10.1.2.3".parse()?));
/// assert!(access.admits("::ffff:10.1.2.3".parse()?), "the same client");
/// assert!(!access.admits("10.6.6.6".parse()?) && !access.admits("192.0.2.1".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Access {
    /// Networks whose clients may connect. If empty, all may.
    pub allow: Vec<Network>,
    /// Networks whose clients may not connect.
    pub deny: Vec<Network>,
}

impl Access {
    /// The most networks in either list: 10 000.
    pub const MOST: usize = 10_000;

    /// Returns whether this client may connect.
    #[must_use]
    pub fn admits(&self, client: IpAddr) -> bool {
        let is_in = |networks: &[Network]| networks.iter().any(|network| network.contains(client));
        !is_in(&self.deny) && (self.allow.is_empty() || is_in(&self.allow))
    }
}
