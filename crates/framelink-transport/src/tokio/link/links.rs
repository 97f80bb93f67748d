//! Links to many peers.

use std::sync::Arc;

use super::{Inbox, Link};
use crate::driver::awaited;
use crate::error::CallError;
use crate::link::inbox::{self as events, EventSender};
use crate::link::{LinkMap, links_methods};
use crate::numbers::RoleNumbers;
use crate::profile::{Profile, ProfileError};
use crate::tokio::Upstream;
use crate::tokio::connector::Tokio as Driver;
use framelink_session::Message;

/// Makes calls to many peers of one kind, over a [`Link`] to each. A link is created at the first request to its peer.
///
/// Clones share the links. One [`Inbox`] has all events; [`recv_from`](Inbox::recv_from) names the peer of each.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, profile::Duplex, tokio::Links};
///
/// // Modbus devices: matches replies by the transaction id.
/// let profile = Profile::builder("modbus".parse::<Framing>()?).exchange(Duplex::new().key("0:2".parse()?)).build()?;
/// let (devices, _) = Links::new(profile)?;
/// let (one, other) = tokio::join!(
///     devices.call("10.0.0.1:502", b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x01"),
///     devices.call("10.0.0.2:502", b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x01"),
/// );
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Links {
    links: LinkMap<Link>,
    profile: Arc<Profile>,
    events: EventSender<Driver>,
    /// Keeps the file of numbers open, which all links share.
    _numbers: Option<RoleNumbers>,
}

links_methods!(awaited async);
