//! Dialling where no runtime waits.

use std::net::SocketAddr;

use socket2::Socket;

use super::clock::Clock;
use super::connect_error::ConnectError;
use super::connector::Connector;
use super::peer::ToPeer;
use super::race::Step;
use crate::drive::Clock as _;

impl<C, D> Connector<C, D> {
    /// A socket that is connected, non-blocking or not.
    pub(crate) fn dial_and_wait(
        &self,
        peer: impl ToPeer,
        nonblocking: bool,
    ) -> Result<(Socket, SocketAddr), ConnectError> {
        self.check_profile()?;
        let clock = Clock::start();
        let addresses = self.resolver.look_up(peer.to_peer(), self.within)?;
        let mut race = self.race(addresses, self.within);
        loop {
            match race.step(clock.now()) {
                Step::Begin(begun) => race.on_begun(begun, waiting::begin(self, begun)),
                Step::Wait { until } => waiting::wait(&mut race, until.saturating_sub(clock.now())),
                Step::Connected(socket, address) => {
                    socket.set_nonblocking(nonblocking).map_err(|error| self.refused(address, error))?;
                    return Ok((socket, address));
                }
                Step::Failed(failure) => return Err(self.failed(failure)),
            }
        }
    }
}

/// Several sockets are waited for at the same time.
#[cfg(unix)]
mod waiting {
    use std::io;
    use std::task::Poll;
    use std::time::Duration;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;
    use socket2::Socket;

    use crate::net::connector::Connector;
    use crate::net::race::{Begun, Race, Try};
    use crate::net::socket;

    pub(super) fn begin<C, D>(connector: &Connector<C, D>, begun: Try) -> io::Result<Begun<Socket>> {
        connector.begin(begun.address, Ok)
    }

    pub(super) fn wait(race: &mut Race<'_, Socket>, left: Duration) {
        let mut polled: Vec<_> = race.sockets().map(|socket| PollFd::new(socket, PollFlags::OUT)).collect();
        // A time that no clock can count to is as good as never.
        let failed =
            poll(&mut polled, Timespec::try_from(left).ok().as_ref()).err().filter(|error| *error != Errno::INTR);
        let mut ready = polled.iter().map(|socket| !socket.revents().is_empty()).collect::<Vec<_>>().into_iter();
        let _ = race.look(|socket| match (failed, ready.next()) {
            (Some(error), _) => Poll::Ready(Err(error.into())),
            (None, Some(true)) => Poll::Ready(socket::connected(socket)),
            (None, _) => Poll::Pending,
        });
    }
}

/// One address is tried after the other, each for its share of the time: std cannot wait for several sockets.
#[cfg(not(unix))]
mod waiting {
    use std::io;
    use std::time::Duration;

    use socket2::Socket;

    use crate::net::connector::Connector;
    use crate::net::race::{Begun, Race, Try};
    use crate::net::socket;

    pub(super) fn begin<C, D>(connector: &Connector<C, D>, begun: Try) -> io::Result<Begun<Socket>> {
        let socket = socket::dialling(&connector.options, begun.address)?;
        socket.connect_timeout(&begun.address.into(), begun.share)?;
        socket::not_to_itself(&socket)?;
        Ok(Begun::Connected(socket))
    }

    /// No socket is ever under way.
    pub(super) fn wait(_: &mut Race<'_, Socket>, _: Duration) {}
}
