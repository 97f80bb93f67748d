//! The client of a profile.

use std::sync::Arc;
use std::time::Duration;

use framelink_heartbeat::Verdict;
use tokio::time::Instant;

use super::keeper::Resting;
use super::upstream::close;
use super::{Connection, Upstream};
use crate::client_rules::{ENDED, Next, after_call, after_send};
use crate::error::{CallError, Cause, Error, Operation};
use crate::profile::{Side, Timeouts};
use crate::session::Sent;
use crate::upstream::Berth;
use crate::{CloseReport, Message, Profile, ProfileError};

/// Talks to one peer as a profile says.
///
/// Over a *long* connection it sends one message after the other, and dials again where the last one ended; over *short* ones
/// each exchange has a connection of its own. One deadline, the profile's `timeouts.reply`, covers all of a call: connecting,
/// writing, and the reply.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use framelink_transport::{Framing, Profile, tokio::Client};
///
/// let profile = Profile::template("short-sync", "ascii:4".parse::<Framing>()?)?;
/// let mut client = Client::new(profile, "switch.example:7000")?;
/// let reply = client.call(b"0800...").await?; // connects, sends, receives, closes
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Client {
    upstream: Upstream,
    profile: Arc<Profile>,
    /// What is told of the connection, while there is one.
    berth: Berth,
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
        Self::over(Upstream::new(&Arc::new(profile), [peer.into()]))
    }

    /// A client of a peer that has several addresses, or that is shared with others. Nothing is dialled yet.
    ///
    /// ```no_run
    /// # async fn example(profile: framelink_transport::Profile) -> Result<(), Box<dyn std::error::Error>> {
    /// use framelink_transport::tokio::{Client, Upstream};
    ///
    /// let mut client = Client::over(Upstream::new(&profile.into(), ["a.example:7000", "b.example:7000"]))?;
    /// let reply = client.call(b"0800...").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// When a client cannot use the profile.
    pub fn over(upstream: Upstream) -> Result<Self, ProfileError> {
        let profile = Arc::clone(upstream.profile());
        profile.check_one_at_a_time()?;
        Ok(Self { upstream, profile, berth: Berth::default(), connection: Resting::new(), closing: None })
    }

    /// What it was made with.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// What dials for it: its state, and what it has done.
    pub const fn upstream(&self) -> &Upstream {
        &self.upstream
    }

    /// The address of the connection that there is, or was last used, as it was given.
    pub fn address(&self) -> Option<&str> {
        self.berth.address()
    }

    /// Dials now, where a long connection is not there yet.
    ///
    /// # Errors
    /// When there is no connection in time.
    pub async fn connect(&mut self) -> Result<(), CallError> {
        let is_heard = self.profile.exchange().receives();
        if self.connection.in_hand().is_some_and(|connection| connection.has_ended(is_heard)) {
            self.connection.take();
            self.berth.lost(&ENDED);
        }
        if self.profile.connection().short().is_none() {
            let (connection, _) = self.connection(Instant::now() + self.profile.timeouts().connect).await?;
            self.keep(connection);
        }
        Ok(())
    }

    /// Sends a request and receives its reply.
    ///
    /// If it fails, or its future is dropped, the connection is closed, for a late reply must not answer the next request. The error says what the
    /// peer may have seen.
    ///
    /// # Errors
    /// When there is no connection, when the request could not be sent, and when no reply came in time.
    pub async fn call(&mut self, request: &[u8]) -> Result<Message, CallError> {
        let within = self.profile.timeouts().reply.unwrap_or(Timeouts::REPLY);
        self.call_until(request, Instant::now() + within, within).await
    }

    /// The same, where some of that time has passed already.
    pub(super) async fn call_until(
        &mut self,
        request: &[u8],
        deadline: Instant,
        within: Duration,
    ) -> Result<Message, CallError> {
        let half_close = self.profile.connection().short().is_some_and(|short| short.half_close);
        loop {
            let (connection, was_there) = self.connection(deadline).await?;
            let mut connection = self.moved(connection);
            let under_way = self.berth.begin();
            let answered = connection.exchange(request, left(deadline), half_close).await;
            under_way.end(answered.is_ok());
            match answered {
                Ok(reply) => {
                    self.done(connection, deadline).await;
                    return Ok(reply);
                }
                Err(error) => match after_call(was_there, &error) {
                    Next::DialAgain => self.berth.lost(error.error()),
                    Next::Keep => {
                        self.keep(connection);
                        return Err(error);
                    }
                    Next::Drop => {
                        let error = error.within(within);
                        self.berth.lost(error.error());
                        return Err(error);
                    }
                },
            }
        }
    }

    /// Sends a message that has no reply. Over a short connection it returns when the peer has closed too, or its time for that
    /// is over.
    ///
    /// # Errors
    /// When there is no connection, and when the message could not be sent in time.
    pub async fn send(&mut self, message: &[u8]) -> Result<(), CallError> {
        let timeouts = self.profile.timeouts();
        let deadline = Instant::now() + timeouts.reply.unwrap_or(Timeouts::REPLY);
        let mut connection = loop {
            let (connection, was_there) = self.connection(deadline).await?;
            let mut connection = self.moved(connection);
            // What is written to a connection that has ended is lost without a word.
            if !(was_there && connection.has_ended(self.profile.exchange().receives())) {
                break connection;
            }
            self.berth.lost(&ENDED);
        };
        let under_way = self.berth.begin();
        let sent = connection.send_with_outcome(message, left(deadline).min(timeouts.write)).await;
        under_way.end(sent.is_ok());
        if let Err(error) = sent {
            match after_send(&error) {
                Next::Keep => self.keep(connection),
                _ => self.berth.lost(error.error()),
            }
            return Err(error);
        }
        if self.profile.connection().short().is_none() {
            self.keep(connection);
            return Ok(());
        }
        if self.profile.connection().short().is_some_and(|short| short.closes == Side::Server) {
            let received = connection.recv_within(timeouts.close).await;
            connection.on_unread(received);
        }
        let _seat = self.berth.leave();
        close(connection, &self.profile, self.profile.timeouts().close)
            .await
            .map(|_| ())
            .map_err(|error| CallError::new(Sent::Perhaps, error))
    }

    /// Receives the next message, `None` when the peer has ended the connection; the next call of this dials again.
    ///
    /// If its future is dropped, nothing is lost that came on a connection. A dial that was under way is given up, with whatever its peer
    /// sent at once.
    ///
    /// # Errors
    /// When there is no connection, and as for a connection.
    pub async fn recv(&mut self) -> Result<Option<Message>, Error> {
        let dialled = self.connection(Instant::now() + self.profile.timeouts().connect).await;
        let (connection, _) = dialled.map_err(CallError::into_error)?;
        let connection = self.connection.hold(connection);
        match connection.recv().await {
            Ok(Some(message)) => {
                self.berth.proved();
                if self.profile.connection().short().is_some()
                    && let Some(connection) = self.connection.take()
                {
                    self.closing = Some(Box::new((connection, Instant::now() + self.profile.timeouts().close)));
                }
                Ok(Some(message))
            }
            ended => {
                self.connection.take();
                match &ended {
                    Err(error) => self.berth.lost(error),
                    Ok(_) => self.berth.lost(&"the peer closed the connection"),
                }
                ended
            }
        }
    }

    /// Signs off where the profile says so, and closes a long connection in good order.
    ///
    /// # Errors
    /// As [`Connection::close`].
    pub async fn close(mut self) -> Result<CloseReport, Error> {
        match self.connection.take() {
            Some(connection) => {
                let _seat = self.berth.leave();
                close(connection, &self.profile, self.profile.timeouts().close).await
            }
            None => Ok(CloseReport::default()),
        }
    }

    /// The long connection, for something else; `None` where there is none now.
    pub fn into_connection(mut self) -> Option<Connection> {
        self.berth.leave();
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
    async fn connection(&mut self, deadline: Instant) -> Result<(Connection, bool), CallError> {
        if let Some(connection) = self.connection.take() {
            return Ok((connection, true));
        }
        self.let_go().await;
        self.berth.lost(&ENDED);
        let failed = |error| CallError::new(Sent::Not, Error::new(Operation::Call, None, Cause::Connect(error)));
        let (connection, seat) = self.upstream.connect(deadline).await.map_err(failed)?;
        self.berth.take(seat);
        Ok((connection, false))
    }

    /// Between two exchanges: the connection, or the one at another address that is to take its place and is there already.
    fn moved(&mut self, connection: Connection) -> Connection {
        let replacement = self.berth.to_move().and_then(|seat| self.upstream.replacement(seat));
        let Some((other, seat)) = replacement else { return connection };
        if let Some(before) = self.berth.replace(seat) {
            self.upstream.retire(connection, before);
        }
        other
    }

    /// Waits for the end of a short connection that has done its work. Whoever closes first has its port held for a while by the
    /// system.
    async fn let_go(&mut self) {
        let closes = self.profile.connection().short().map(|short| short.closes);
        if let Some(closing) = &mut self.closing
            && closes == Some(Side::Server)
        {
            let (connection, deadline) = &mut **closing;
            let received = connection.recv_within(left(*deadline)).await;
            connection.on_unread(received);
        }
        if self.closing.take().is_some() {
            self.berth.leave();
        }
    }

    fn keep(&mut self, connection: Connection) {
        if self.profile.connection().short().is_none() {
            let is_deaf = !self.profile.exchange().receives();
            self.connection.put(connection, is_deaf, self.berth.seat());
        }
    }

    /// An exchange is over. Whoever closes a short connection first has its port held for a while by the system.
    async fn done(&mut self, mut connection: Connection, deadline: Instant) {
        match self.profile.connection().short() {
            None => self.keep(connection),
            Some(_) if self.profile.sign_off().is_some() => {
                let _seat = self.berth.leave();
                let within = self.profile.timeouts().close.min(left(deadline));
                let _ = close(connection, &self.profile, within).await;
            }
            Some(short) => {
                let _seat = self.berth.leave();
                if short.closes == Side::Server {
                    let received = connection.recv_within(self.profile.timeouts().close.min(left(deadline))).await;
                    connection.on_unread(received);
                }
            }
        }
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}
