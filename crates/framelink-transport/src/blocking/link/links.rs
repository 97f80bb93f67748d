//! Links to many peers.

use std::sync::Arc;

use super::{Inbox, Link};
use crate::blocking::Upstream;
use crate::blocking::connector::Blocking as Driver;
use crate::driver::plain;
use crate::error::CallError;
use crate::link::inbox::{self as events, EventSender};
use crate::link::{LinkMap, links_methods};
use crate::numbers::RoleNumbers;
use crate::profile::{Profile, ProfileError};
use framelink_session::Message;

/// One client for many peers of one kind: a [`Link`] for each peer, made with the first request to it.
///
/// The events of all links go to one [`Inbox`], whose [`recv_from`](Inbox::recv_from) also returns the peer. Clones
/// share the links.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, profile::Duplex, blocking::Links};
///
/// // Modbus devices; replies are matched by transaction id.
/// let profile = Profile::builder("modbus".parse::<Framing>()?).exchange(Duplex::new().key("0:2".parse()?)).build()?;
/// let (devices, _) = Links::new(profile)?;
/// let one = devices.call("10.0.0.1:502", b"\0\x01\0\0\0\x06\x01\x03\0\0\0\x01")?;
/// let other = devices.call("10.0.0.2:502", b"\0\x02\0\0\0\x06\x01\x03\0\0\0\x01")?;
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

links_methods!(plain);
