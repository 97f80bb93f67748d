//! Dialling without a runtime.

use std::net::SocketAddr;
use std::time::Duration;

use socket2::Socket;

use super::clock::Clock;
use super::connector::Connector;
use super::peer::ToPeer;
use super::race::{Race, Step};
use super::resolver::Resolving;
use crate::drive::Clock as _;
use crate::error::{ConnectError, no_answer};

/// A dial of one peer in steps: its name is looked up, and its addresses are raced. Dropping it closes its sockets.
#[derive(Debug)]
pub(crate) struct Dial<C, D> {
    pub(crate) connector: Connector<C, D>,
    clock: Clock,
    stage: DialStage,
}

#[derive(Debug)]
enum DialStage {
    Resolving(Resolving),
    Connecting(Race<Socket>),
}

impl<C, D> Dial<C, D> {
    pub(crate) fn begin(connector: Connector<C, D>, peer: impl ToPeer) -> Result<Self, ConnectError> {
        connector.check_profile()?;
        let clock = Clock::start();
        let stage = DialStage::Resolving(connector.resolver.look_up(peer.to_peer())?);
        Ok(Self { connector, clock, stage })
    }

    /// Continues the dial, and waits for `patience` at most. Returns `None` if there is more to do.
    pub(crate) fn step(&mut self, patience: Duration) -> Result<Option<(Socket, SocketAddr)>, ConnectError> {
        let Self { connector, clock, stage } = self;
        let within = connector.within;
        if let DialStage::Resolving(resolving) = stage {
            let left = within.saturating_sub(clock.now());
            match resolving.wait(left.min(patience))? {
                Some(addresses) => *stage = DialStage::Connecting(connector.race(addresses, within)),
                None if clock.now() >= within => return Err(no_answer(within)),
                None => return Ok(None),
            }
        }
        let DialStage::Connecting(race) = stage else { return Ok(None) };
        race.look_first();
        let mut has_waited = false;
        loop {
            match race.step(clock.now()) {
                Step::Begin(begun) => race.on_begun(begun, waiting::begin(connector, begun)),
                Step::Wait { .. } if has_waited => return Ok(None),
                Step::Wait { until } => {
                    waiting::wait(race, until.saturating_sub(clock.now()).min(patience));
                    has_waited = true;
                }
                Step::Connected(socket, address) => return Ok(Some((socket, address))),
                Step::Failed(failure) => return Err(connector.failed(failure)),
            }
        }
    }

    pub(crate) fn finish(mut self, nonblocking: bool) -> Result<(Socket, SocketAddr), ConnectError> {
        loop {
            if let Some((socket, address)) = self.step(Duration::MAX)? {
                socket.set_nonblocking(nonblocking).map_err(|error| self.connector.refused(address, error))?;
                return Ok((socket, address));
            }
        }
    }
}

/// Waits for several sockets at a time.
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

    pub(super) fn wait(race: &mut Race<Socket>, left: Duration) {
        let mut polled: Vec<_> = race.sockets().map(|socket| PollFd::new(socket, PollFlags::OUT)).collect();
        // A wait that is too long for the clock is a wait for ever.
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

/// Tries one address after the other, each for its share of the time: std cannot wait for several sockets.
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

    /// A socket is never left connecting.
    pub(super) fn wait(_: &mut Race<Socket>, _: Duration) {}
}

#[cfg(all(test, unix, feature = "nonblocking"))]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::nonblocking::Connector;

    #[test]
    fn a_socket_that_connects_during_a_long_pause_of_the_application_is_used() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, within) = (listener.local_addr().unwrap(), Duration::from_millis(20));
        let connector = Connector::new("net:2".parse::<crate::Framing>().unwrap()).within(within);
        let mut race = connector.race([address], within);
        let Step::Begin(begun) = race.step(Duration::ZERO) else { panic!("the first address is tried") };
        race.on_begun(begun, waiting::begin(&connector, begun));
        assert!(matches!(race.step(Duration::ZERO), Step::Wait { .. }));
        let mut dial = Dial { connector, clock: Clock::start(), stage: DialStage::Connecting(race) };
        thread::sleep(2 * within);
        assert_eq!(dial.step(Duration::ZERO).unwrap().map(|(_, connected)| connected), Some(address));
    }
}
