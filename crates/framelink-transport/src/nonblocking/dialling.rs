//! The dial that a client with `keep-up` stores between its methods, because nothing goes on in the background.
//!
//! ```text
//!   maintain     next address ─▶ resolve ─▶ connect ─▶ sign on ─▶ the client has a connection
//!                     ▲  each call goes as far as that is possible without waiting
//!                     └──────── failed: another address, or a later call, when an address is to be dialled again
//!   exchange     goes on with the stored dial where `maintain` left it, and waits
//! ```

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use framelink_session::Message;
use mio::net::TcpStream;

use super::Connection;
use super::connector::NonBlocking;
use crate::connector::ConnectError;
use crate::driver::{Driver as _, StoredDial, at_once};
use crate::error::CallError;
use crate::net::dial::Dial;
use crate::net::peer::Peer;
use crate::profile::{Profile, Sign};
use crate::upstream::{Attempt, Dialled, Dialler, Dialling, Pace, check_reply, sign_on};
use framelink_profile::Directions;

/// Another client of the upstream may use an address sooner than this one is to try it again.
const LOOK: Duration = Duration::from_secs(1);

/// A dial that goes on whenever the client is asked to go on.
#[derive(Debug, Default)]
pub(crate) struct DialInSteps {
    under_way: Option<Box<UnderWay>>,
    pace: Pace,
    /// No dial begins before, if the last one failed otherwise than at its addresses.
    not_before: Option<Instant>,
}

/// Each address is dialled once at most, until one lets us sign on.
#[derive(Debug)]
struct UnderWay {
    tries: Tries,
    dialling: Dialling,
    dial: DialAddress,
}

#[derive(Debug)]
struct Tries {
    attempt: Attempt,
    failed: Option<ConnectError>,
    began: Instant,
    deadline: Instant,
}

/// One address is resolved, connected to, and signed on to.
#[derive(Debug)]
struct DialAddress {
    dial: Dial<Directions, NonBlocking>,
    deadline: Instant,
    /// Connected, and its reply has not arrived.
    signing_on: Option<(Connection, SocketAddr)>,
}

impl StoredDial<NonBlocking> for DialInSteps {
    fn maintain(&mut self, dialler: &Dialler<NonBlocking>) -> Result<Dialled<NonBlocking>, Duration> {
        let pause = self.not_before.map_or(Duration::ZERO, NonBlocking::left);
        if !pause.is_zero() {
            return Err(pause);
        }
        match self.step(dialler, Duration::ZERO) {
            Ok(Some(dialled)) => {
                self.pace.reset();
                Ok(dialled)
            }
            Ok(None) => Err(self.look_within()),
            Err(error) => Err(self.pause_after(&error)),
        }
    }

    fn finish(
        &mut self,
        dialler: &Dialler<NonBlocking>,
        deadline: Instant,
    ) -> Result<Option<Dialled<NonBlocking>>, ConnectError> {
        let after = NonBlocking::left(deadline);
        while self.under_way.is_some() {
            match self.step(dialler, NonBlocking::left(deadline)) {
                Ok(Some(dialled)) => return Ok(Some(dialled)),
                Ok(None) if NonBlocking::left(deadline).is_zero() => return Err(ConnectError::NoneInTime { after }),
                Ok(None) => {}
                // The exchange dials, and waits for an address where there is time for that.
                Err(_) => break,
            }
        }
        Ok(None)
    }
}

impl DialInSteps {
    /// Begins a dial if there is none, goes on with it, and waits for `patience` at most. `None` if there is more to do.
    fn step(
        &mut self,
        dialler: &Dialler<NonBlocking>,
        patience: Duration,
    ) -> Result<Option<Dialled<NonBlocking>>, ConnectError> {
        let mut under_way = match self.under_way.take() {
            Some(under_way) => under_way,
            None => Tries::begin(dialler).dial_next(dialler)?,
        };
        match under_way.dial.step(dialler.profile(), patience) {
            Ok(Some(connection)) => return Ok(Some((connection, under_way.dialling.connected()))),
            Ok(None) => self.under_way = Some(under_way),
            Err(error) => {
                let UnderWay { mut tries, dialling, .. } = *under_way;
                tries.failed = Some(dialling.failed(error));
                self.under_way = Some(tries.dial_next(dialler)?);
            }
        }
        Ok(None)
    }

    /// The longer a dial takes, the less often it is looked at: that delays the connection by a quarter at most.
    fn look_within(&self) -> Duration {
        let passed = self.under_way.as_ref().map_or(Duration::ZERO, |dial| dial.tries.began.elapsed());
        (passed / 4).clamp(Duration::from_millis(1), Duration::from_millis(100))
    }

    fn pause_after(&mut self, error: &ConnectError) -> Duration {
        let pause = self.pace.after(error);
        let waits_for_address = matches!(error, ConnectError::NotYet { .. });
        self.not_before = (!waits_for_address).then(|| NonBlocking::within(pause));
        pause.min(LOOK)
    }
}

impl Tries {
    fn begin(dialler: &Dialler<NonBlocking>) -> Self {
        let (began, deadline) = (NonBlocking::now(), NonBlocking::within(dialler.patience_in_background()));
        Self { attempt: Attempt::new(), failed: None, began, deadline }
    }

    /// The next address that is to be dialled now.
    fn dial_next(mut self, dialler: &Dialler<NonBlocking>) -> Result<Box<UnderWay>, ConnectError> {
        loop {
            let dialling = dialler.next_if_due(&mut self.attempt, &mut self.failed)?;
            let within = NonBlocking::left(self.deadline).min(dialler.profile().timeouts().connect);
            match DialAddress::begin(dialler, &dialling, dialling.share(within)) {
                Ok(dial) => return Ok(Box::new(UnderWay { tries: self, dialling, dial })),
                Err(error) => self.failed = Some(dialling.failed(error)),
            }
        }
    }
}

impl DialAddress {
    fn begin(dialler: &Dialler<NonBlocking>, dialling: &Dialling, within: Duration) -> Result<Self, ConnectError> {
        let mut connector = dialler.connector().within(within);
        connector.resolver = dialler.resolver().clone();
        let dial = Dial::begin(connector, Peer::Name(Arc::clone(dialling.name())))?;
        Ok(Self { dial, deadline: NonBlocking::within(within), signing_on: None })
    }

    fn step(&mut self, profile: &Profile, patience: Duration) -> Result<Option<Connection>, ConnectError> {
        let Some((mut connection, address)) = self.signing_on.take() else {
            let Some((socket, address)) = self.dial.step(patience)? else { return Ok(None) };
            let (stream, connector) = (TcpStream::from_std(socket.into()), &self.dial.connector);
            let connection = Connection::with_peer(stream, Arc::clone(&connector.framing), Some(address));
            return self.begin_sign_on(connection.on(&connector.terms), address, profile.sign_on());
        };
        connection.wait_for_more(patience);
        let reply = connection.try_reply();
        self.signed_on(connection, address, profile.sign_on(), reply)
    }

    fn begin_sign_on(
        &mut self,
        mut connection: Connection,
        address: SocketAddr,
        sign: Option<&Sign>,
    ) -> Result<Option<Connection>, ConnectError> {
        let within = NonBlocking::left(self.deadline);
        match sign.filter(|sign| sign.expected().is_some()) {
            Some(expecting) => {
                let reply = connection.try_exchange(expecting.send(), within, false);
                self.signed_on(connection, address, sign, reply)
            }
            // This waits for nothing: the new socket takes the 1 KiB that such a message may have.
            None => at_once(sign_on(&mut connection, sign, within)).map(|()| Some(connection)),
        }
    }

    /// Whether this is the reply that was expected. If it is not there yet, the connection stays here.
    fn signed_on(
        &mut self,
        connection: Connection,
        address: SocketAddr,
        sign: Option<&Sign>,
        reply: Result<Option<Message>, CallError>,
    ) -> Result<Option<Connection>, ConnectError> {
        let Some(reply) = reply.map_err(|error| ConnectError::SignOn { address, error: Box::new(error) })? else {
            self.signing_on = Some((connection, address));
            return Ok(None);
        };
        check_reply(address, sign.and_then(Sign::expected).unwrap_or_default(), &reply)?;
        Ok(Some(connection))
    }
}
