//! The client of a profile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use framelink_heartbeat::Verdict;

use super::keeper::Resting;
use super::{Connection, Connector};
use crate::client_rules::{Next, after_call, after_send};
use crate::error::{CallError, Cause, Error, Operation};
use crate::profile::{Side, Timeouts};
use crate::session::Sent;
use crate::{CloseReport, ConnectError, Message, Profile, ProfileError};

/// Talks to one peer as a profile says.
///
/// Over a *long* connection it sends one message after the other, and dials again where the last one ended; over *short* ones
/// each exchange has a connection of its own. One deadline, the profile's `timeouts.reply`, covers all of a call: connecting,
/// writing, and the reply.
///
/// ```no_run
/// # fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, blocking::Client};
///
/// let profile = Profile::template("short-sync", "ascii:4".parse::<Framing>()?)?;
/// let mut client = Client::new(profile, "switch.example:7000")?;
/// let reply = client.call(b"0800...")?; // connects, sends, receives, closes
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    connector: Connector,
    peer: String,
    profile: Arc<Profile>,
    /// The long connection, while there is one.
    connection: Resting,
    /// A short connection whose message has been delivered and that the peer is to close first, until then at most.
    closing: Option<Box<(Connection, Instant)>>,
}

impl Client {
    /// A client of the peer at this address, `HOST:PORT`. Nothing is dialled yet.
    ///
    /// # Errors
    /// When a client cannot use the profile.
    pub fn new(profile: Profile, peer: impl Into<String>) -> Result<Self, ProfileError> {
        profile.check_one_at_a_time()?;
        let profile = Arc::new(profile);
        Ok(Self {
            connector: Connector::with_profile(&profile),
            peer: peer.into(),
            profile,
            connection: Resting::new(),
            closing: None,
        })
    }

    /// What it was made with.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Dials now, where a long connection is not there yet.
    ///
    /// # Errors
    /// When there is no connection in time.
    pub fn connect(&mut self) -> Result<(), CallError> {
        let is_heard = self.profile.exchange().receives();
        if self.connection.in_hand().is_some_and(|connection| connection.has_ended(is_heard)) {
            self.connection.take();
        }
        if self.profile.connection().short().is_none() {
            let (connection, _) = self.connection(Instant::now() + self.profile.timeouts().connect)?;
            self.keep(connection);
        }
        Ok(())
    }

    /// Sends a request and receives its reply.
    ///
    /// If it fails, the connection is closed, for a late reply must not answer the next request. The error says what the
    /// peer may have seen.
    ///
    /// # Errors
    /// When there is no connection, when the request could not be sent, and when no reply came in time.
    pub fn call(&mut self, request: &[u8]) -> Result<Message, CallError> {
        let within = self.profile.timeouts().reply.unwrap_or(Timeouts::REPLY);
        let deadline = Instant::now() + within;
        let half_close = self.profile.connection().short().is_some_and(|short| short.half_close);
        loop {
            let (mut connection, was_there) = self.connection(deadline)?;
            match connection.exchange(request, left(deadline), half_close) {
                Ok(reply) => {
                    self.done(connection, deadline);
                    return Ok(reply);
                }
                Err(error) => match after_call(was_there, &error) {
                    Next::DialAgain => {}
                    Next::Keep => {
                        self.keep(connection);
                        return Err(error);
                    }
                    Next::Drop => return Err(error.within(within)),
                },
            }
        }
    }

    /// Sends a message that has no reply. Over a short connection it returns when the peer has closed too, or its time for that
    /// is over.
    ///
    /// # Errors
    /// When there is no connection, and when the message could not be sent in time.
    pub fn send(&mut self, message: &[u8]) -> Result<(), CallError> {
        let timeouts = self.profile.timeouts();
        let deadline = Instant::now() + timeouts.reply.unwrap_or(Timeouts::REPLY);
        let mut connection = loop {
            let (mut connection, was_there) = self.connection(deadline)?;
            // What is written to a connection that has ended is lost without a word.
            if !(was_there && connection.has_ended(self.profile.exchange().receives())) {
                break connection;
            }
        };
        if let Err(error) = connection.send_within(message, left(deadline).min(timeouts.write)) {
            let (next, sent) = after_send(&error);
            if next == Next::Keep {
                self.keep(connection);
            }
            return Err(CallError::new(sent, error));
        }
        if self.profile.connection().short().is_none() {
            self.keep(connection);
            return Ok(());
        }
        if self.profile.connection().short().is_some_and(|short| short.closes == Side::Server) {
            let _ = connection.recv_within(timeouts.close);
        }
        connection.close(timeouts.close).map(|_| ()).map_err(|error| CallError::new(Sent::Perhaps, error))
    }

    /// Receives the next message, `None` when the peer has ended the connection; the next call of this dials again.
    ///
    /// # Errors
    /// When there is no connection, and as for a connection.
    pub fn recv(&mut self) -> Result<Option<Message>, Error> {
        let dialled = self.connection(Instant::now() + self.profile.timeouts().connect);
        let (connection, _) = dialled.map_err(CallError::into_error)?;
        let connection = self.connection.hold(connection);
        let received = connection.flush().and_then(|()| connection.recv());
        match received {
            Ok(Some(message)) => {
                if self.profile.connection().short().is_some()
                    && let Some(connection) = self.connection.take()
                {
                    self.closing = Some(Box::new((connection, Instant::now() + self.profile.timeouts().close)));
                }
                Ok(Some(message))
            }
            ended => {
                self.connection.take();
                ended
            }
        }
    }

    /// Closes a long connection in good order.
    ///
    /// # Errors
    /// As [`Connection::close`].
    pub fn close(mut self) -> Result<CloseReport, Error> {
        match self.connection.take() {
            Some(connection) => connection.close(self.profile.timeouts().close),
            None => Ok(CloseReport::default()),
        }
    }

    /// The long connection, for something else; `None` where there is none now.
    pub fn into_connection(mut self) -> Option<Connection> {
        self.connection.take()
    }

    /// The long connection, to look at it. Nobody beats for it until the next exchange.
    pub fn connection_mut(&mut self) -> Option<&mut Connection> {
        self.connection.in_hand()
    }

    /// Why the last connection was given up between two exchanges, if that was because the peer was dead.
    pub fn verdict(&self) -> Option<Verdict> {
        self.connection.verdict()
    }

    /// The connection that is there, or one that is dialled. True if it was there.
    fn connection(&mut self, deadline: Instant) -> Result<(Connection, bool), CallError> {
        if let Some(connection) = self.connection.take() {
            return Ok((connection, true));
        }
        self.let_go();
        let within = left(deadline).min(self.profile.timeouts().connect);
        let dialled = self.connector.clone().within(within).connect(&*self.peer);
        let failed = |error: ConnectError| {
            let cause = Cause::Connect(error.of_peer(&self.peer));
            CallError::new(Sent::Not, Error::new(Operation::Call, None, cause))
        };
        Ok((dialled.map_err(failed)?, false))
    }

    /// Waits for the end of a short connection that has done its work. Whoever closes first has its port held for a while by the
    /// system.
    fn let_go(&mut self) {
        let closes = self.profile.connection().short().map(|short| short.closes);
        if let Some(closing) = &mut self.closing
            && closes == Some(Side::Server)
        {
            let (connection, deadline) = &mut **closing;
            let _ = connection.recv_within(left(*deadline));
        }
        self.closing = None;
    }

    fn keep(&mut self, connection: Connection) {
        if self.profile.connection().short().is_none() {
            let is_deaf = !self.profile.exchange().receives();
            self.connection.put(connection, is_deaf);
        }
    }

    /// An exchange is over. Whoever closes a short connection first has its port held for a while by the system.
    fn done(&mut self, mut connection: Connection, deadline: Instant) {
        match self.profile.connection().short() {
            None => self.keep(connection),
            Some(short) if short.closes == Side::Server => {
                let _ = connection.recv_within(self.profile.timeouts().close.min(left(deadline)));
            }
            Some(_) => {}
        }
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
