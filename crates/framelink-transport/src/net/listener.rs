//! Listening and accepting: the rules that the listeners of all drivers share.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use socket2::{SockRef, Socket};

use super::accept_queue::AcceptQueue;
use super::{accepting, socket};
use crate::admission::{Admission, Permit};
use crate::connection::setup::ConnectionSetup;
use crate::profile::{Profile, Side};
use crate::{FramingPair, SocketOptions};

/// A driver's listening socket, and the settings of its connections.
#[derive(Debug)]
pub(crate) struct Listening<L, C> {
    pub(crate) socket: L,
    /// Counts and limits the connections, if a profile says so.
    pub(crate) admission: Option<Admission>,
    pub(crate) queue: AcceptQueue,
    pub(crate) framing: Arc<C>,
    pub(crate) options: SocketOptions,
    pub(crate) setup: ConnectionSetup,
}

/// A socket that was accepted and not refused, with its place among the connections.
type Admitted<S> = (S, SocketAddr, Option<Permit>);

impl<L, C> Listening<L, C> {
    /// Listens on the first of the addresses that can be bound. The error is that of the last address.
    pub(crate) fn bind(
        addresses: impl IntoIterator<Item = SocketAddr>,
        framing: Arc<C>,
        options: SocketOptions,
        of_driver: impl Fn(Socket) -> io::Result<L>,
    ) -> io::Result<Self> {
        let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
        for address in addresses {
            match socket::listening(&options, address).and_then(&of_driver) {
                Ok(socket) => {
                    let (admission, queue, setup) = (None, AcceptQueue::default(), ConnectionSetup::default());
                    return Ok(Self { socket, admission, queue, framing, options, setup });
                }
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    pub(crate) fn of_side(self, profile: &Arc<Profile>, side: Side) -> Self {
        Self { setup: ConnectionSetup::of(Arc::clone(profile), side), ..self }
    }

    pub(crate) fn limited_by(self, profile: &Profile) -> Self {
        Self { admission: Some(Admission::new(profile)), ..self }
    }

    /// Handles the result of an accept. Returns `None` if the client is gone, or is refused; accept the next one then.
    pub(crate) fn admit<S>(&self, accepted: io::Result<(S, SocketAddr)>) -> io::Result<Option<Admitted<S>>>
    where
        for<'s> SockRef<'s>: From<&'s S>,
    {
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) if accepting::is_gone(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let Ok(permit) = self.admission.as_ref().map(|all| all.admit(peer)).transpose() else { return Ok(None) };
        socket::accepted(&self.options, &stream);
        Ok(Some((stream, peer, permit)))
    }
}

/// Checks a server's profile, and returns what its listener takes from it.
pub(crate) fn of_server(profile: &Profile) -> io::Result<(FramingPair, SocketOptions)> {
    let checked = profile.check_for(Side::Server).and_then(|()| profile.check_variables(Side::Server));
    checked.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    Ok((profile.framing(), profile.socket().clone()))
}

/// Reads the files that connections need from their first byte on.
pub(crate) fn open(setup: &ConnectionSetup) -> io::Result<()> {
    setup.open_tls().map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))
}

/// Looks up the addresses of a name, without a runtime.
pub(crate) fn look_up(address: impl std::net::ToSocketAddrs) -> io::Result<impl Iterator<Item = SocketAddr>> {
    address.to_socket_addrs()
}
