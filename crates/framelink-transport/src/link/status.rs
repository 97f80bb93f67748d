//! The status of a link.

use crate::upstream::State;

/// The status of a link.
///
/// ```
/// # #[cfg(feature = "blocking")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, blocking::Link, profile::{Duplex, Shared}, upstream::State};
///
/// let duplex = Duplex::new().key("4:6".parse()?);
/// let profile = Profile::builder("ascii:4".parse::<Framing>()?).connection(Shared::new(2)).exchange(duplex).build()?;
/// let (link, _inbox) = Link::new(profile, "switch.example:7000")?;
/// let status = link.status();
/// assert_eq!((status.connections, status.connections_max, status.in_flight), (0, 2, 0));
/// assert_eq!(status.state, Some(State::Idle));
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "blocking"))]
/// # fn main() {}
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LinkStatus {
    /// How many connections, or pairs, are up.
    pub connections: usize,
    /// The maximum number of connections. A link with `keep-up` keeps this many up.
    pub connections_max: usize,
    /// How many calls are in flight.
    pub in_flight: usize,
    /// The state of the upstream, or `None` for a simplex pair, which has no upstream.
    pub state: Option<State>,
}
