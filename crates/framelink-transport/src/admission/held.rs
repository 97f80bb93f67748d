//! What an application holds for a connection.

use crate::session::memory::Held;

/// Bytes that an application holds for a connection, a message that waits for another server say: they count among those that the
/// connections of a server [hold](crate::profile::Limits::memory), until this is dropped.
///
/// Made by `held_bytes` of a connection on any driver. Of a connection that no listener with a profile let in, nothing is counted.
///
/// ```
/// # #[cfg(feature = "blocking")]
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use framelink_transport::{Framing, Profile, blocking::{Connector, Listener}};
///
/// let framing: Framing = "net:2".parse()?;
/// let mut listener = Listener::bind_profile("127.0.0.1:0", &Arc::new(Profile::builder(framing).build()?))?;
/// let admission = listener.admission().expect("it was bound with a profile").clone();
/// let client = Connector::new(framing).connect(listener.local_addr()?)?;
/// let connection = listener.accept()?.expect("it was not stopped");
///
/// let mut held = connection.held_bytes();
/// held.set(100 * 1024);
/// assert_eq!(admission.held_bytes(), 100 * 1024);
/// drop(held);
/// assert_eq!(admission.held_bytes(), 0);
/// # drop(client);
/// # Ok(())
/// # }
/// # #[cfg(not(feature = "blocking"))]
/// # fn main() {}
/// ```
#[derive(Debug)]
#[must_use = "nothing is counted once it is dropped"]
pub struct HeldBytes(Held);

impl HeldBytes {
    pub(crate) fn of(connection: &Held) -> Self {
        Self(connection.another())
    }

    /// Holds so many bytes now. Where that is too much for the server, connections are told to end: perhaps this one. Less than 4 KiB is
    /// not counted, and more in steps of 4 KiB.
    pub fn set(&mut self, bytes: usize) {
        self.0.set(bytes);
    }
}
