//! Dialling one of several addresses of a peer.

mod states;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

pub use self::states::States;
use super::Connection;
use super::connector::Tokio as Driver;
use crate::driver::awaited;
use crate::error::ConnectError;
use crate::profile::Profile;
use crate::upstream::{AddressLease, Counts, Dialler, Loss, Settings, State, upstream_methods};
use framelink_session::Message;

/// Dials one of several addresses of a peer. The profile says which address is dialled first, when a failed address is
/// tried again, and when connections return to a preferred address that was lost.
///
/// Clones share the upstream. Clients that use one upstream share what it knows about the addresses. Pass it to
/// [`Client::over`](super::Client::over) or [`Link::over`](super::Link::over).
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use framelink_transport::tokio::{Client, Upstream};
/// use framelink_transport::{Framing, Profile, profile::Reconnect};
///
/// // Uses the second address while the first one does not answer, and returns to the first one when it does.
/// let profile = Arc::new(Profile::builder("ascii:4".parse::<Framing>()?).build()?);
/// let upstream = Upstream::new(&profile, ["a.example:7000", "b.example:7000"])
///     .on_loss(|loss| println!("lost {}: {}", loss.address(), loss.why()));
/// let mut states = upstream.states();
/// tokio::spawn(async move {
///     while let Some(state) = states.changed().await {
///         println!("{state:?}");
///     }
/// });
/// let mut client = Client::over(upstream)?;
/// let reply = client.call(b"0800...").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Upstream {
    pub(super) dialler: Dialler<Driver>,
}

upstream_methods!(awaited async);

impl Upstream {
    /// Sets a function that resolves names. It is called for each dial, in a task of its own, and its time counts
    /// towards the time limit of the dial. A panic counts as a failed lookup. Set it before the upstream is used.
    /// Defaults to the resolver of the system.
    ///
    /// ```no_run
    /// # fn example(profile: std::sync::Arc<framelink_transport::Profile>) {
    /// use framelink_transport::tokio::Upstream;
    ///
    /// let upstream = Upstream::new(&profile, ["switch"]).resolver(|_name| async { Ok(vec!["10.1.2.3:7000".parse().unwrap()]) });
    /// # }
    /// ```
    #[must_use]
    pub fn resolver<F, R>(self, resolver: F) -> Self
    where
        F: Fn(Arc<str>) -> R + Send + Sync + 'static,
        R: Future<Output = io::Result<Vec<SocketAddr>>> + Send + 'static,
    {
        self.with(|settings| settings.lookup = Some(Arc::new(move |name| Box::pin(resolver(name)))))
    }
}
