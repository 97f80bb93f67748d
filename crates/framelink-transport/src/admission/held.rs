//! Memory that an application holds for a connection.

use crate::session::memory::Held;

/// A counter of bytes that an application holds for a connection, for example of a message that waits for another
/// server. Until it is dropped, the bytes count as [memory](crate::profile::Limits::memory) of the server.
///
/// The method `held_bytes` of a connection creates one, on any driver. Only connections of a listener with a profile
/// are counted.
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

    /// Sets how many bytes are held now. Above a limit of the server, connections are told to end, maybe this one.
    ///
    /// Less than 4 KiB is not counted, more is counted in steps of 4 KiB.
    pub fn set(&mut self, bytes: usize) {
        self.0.set(bytes);
    }
}
