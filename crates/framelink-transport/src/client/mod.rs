//! The client of a profile, on any driver.

#[cfg(all(unix, feature = "nonblocking"))]
pub(crate) mod dialling;
pub(crate) mod driver;
mod methods;
pub(crate) mod rules;

use std::sync::Arc;
use std::time::{Duration, Instant};

use framelink_heartbeat::Verdict;

use self::driver::{ClientDriver, StoredDial as _};
pub(crate) use self::methods::client_methods;
use self::rules::{Next, after_call, after_send};
use crate::drive::CloseReport;
use crate::driver::Connection as _;
use crate::error::{CallError, Cause, Error, Operation};
use crate::profile::{Profile, ProfileError, Side, Timeouts};
use crate::session::Sent;
use crate::upstream::dialling::dialler::idle::{self, ENDED, IdleSlot, WithLease};
use crate::upstream::{CurrentAddress, Dialler, sign_off_and_close};
use framelink_session::Message;

/// Makes one exchange at a time with one peer, over a long connection or over short ones.
#[derive(Debug)]
pub(crate) struct Client<D: ClientDriver> {
    dialler: Dialler<D>,
    pub(crate) profile: Arc<Profile>,
    /// The address of the connection, while one exists.
    current_address: CurrentAddress,
    /// The long connection, while it is idle.
    connection: IdleSlot<D>,
    /// The dial that [`maintain`](Self::maintain) advances.
    dial: D::StoredDial,
    /// A short connection whose message was returned. The peer is to close it first, until this instant at most.
    closing: Option<Box<(D::Connection, Instant)>>,
    /// Why [`maintain`](Self::maintain) closed the last connection.
    verdict: Option<Verdict>,
}

impl<D: ClientDriver> Client<D> {
    pub(crate) fn over(dialler: Dialler<D>) -> Result<Self, ProfileError> {
        let profile = Arc::clone(dialler.profile());
        profile.check_one_at_a_time()?;
        dialler.connector.setup.open_files()?;
        let kept_by_task = D::HAS_BACKGROUND && profile.keep_up();
        let mut connection = IdleSlot::new(&profile, kept_by_task.then(|| dialler.clone()));
        drop(connection.begin_use());
        let (current_address, dial) = Default::default();
        Ok(Self { dialler, profile, current_address, connection, dial, closing: None, verdict: None })
    }

    pub(crate) fn address(&self) -> Option<&str> {
        self.current_address.lease.as_ref().map(|lease| &**lease.address())
    }

    pub(crate) async fn connect(&mut self) -> Result<(), CallError> {
        if self.is_short() {
            return Ok(());
        }
        let _in_use = self.connection.begin_use();
        let connection = self.connection_that_lives(D::within(self.profile.timeouts().connect)).await?;
        self.keep(connection);
        Ok(())
    }

    pub(crate) async fn call(&mut self, request: &[u8]) -> Result<Message, CallError> {
        let within = self.profile.timeouts().reply.unwrap_or(Timeouts::REPLY);
        self.call_until(request, D::within(within), within).await
    }

    /// Makes a call until `deadline`. `within` is the whole time limit, which errors report.
    pub(crate) async fn call_until(
        &mut self,
        request: &[u8],
        deadline: Instant,
        within: Duration,
    ) -> Result<Message, CallError> {
        let _in_use = self.connection.begin_use();
        let half_close = self.profile.connection().short().is_some_and(|short| short.half_close);
        loop {
            let (connection, was_there) = self.connection(deadline).await?;
            let mut connection = self.moved(connection);
            let under_way = self.current_address.begin();
            let answered = connection.exchange(request, D::left(deadline), half_close).await;
            under_way.end(answered.is_ok());
            match answered {
                Ok(reply) => {
                    self.done(connection, deadline).await;
                    return Ok(reply);
                }
                Err(error) => match after_call(was_there, &error) {
                    Next::DialAgain => self.current_address.lost(error.error()),
                    Next::Keep => {
                        self.keep(connection);
                        return Err(error);
                    }
                    Next::Drop => {
                        let error = error.within(within);
                        self.current_address.lost(error.error());
                        return Err(error);
                    }
                },
            }
        }
    }

    pub(crate) async fn send(&mut self, message: &[u8]) -> Result<(), CallError> {
        let _in_use = self.connection.begin_use();
        let timeouts = self.profile.timeouts();
        let deadline = D::within(timeouts.reply.unwrap_or(Timeouts::REPLY));
        let mut connection = self.connection_that_lives(deadline).await?;
        let under_way = self.current_address.begin();
        let sent = connection.send_with_outcome(message, D::left(deadline).min(timeouts.write)).await;
        under_way.end(sent.is_ok());
        if let Err(error) = sent {
            match after_send(&error) {
                Next::Keep => self.keep(connection),
                _ => self.current_address.lost(error.error()),
            }
            return Err(error);
        }
        if !self.is_short() {
            self.keep(connection);
            return Ok(());
        }
        if self.peer_closes() {
            connection.wait_for_end(timeouts.close).await;
        }
        let _lease = self.current_address.leave();
        let closed = sign_off_and_close::<D>(connection, &self.dialler.connector.setup, timeouts.close).await;
        closed.map(drop).map_err(|error| CallError::new(Sent::Perhaps, error))
    }

    /// Returns a connection that has not ended. A message written after the end is lost without an error.
    async fn connection_that_lives(&mut self, deadline: Instant) -> Result<D::Connection, CallError> {
        loop {
            let (connection, was_there) = self.connection(deadline).await?;
            let mut connection = self.moved(connection);
            if !(was_there && connection.has_ended(self.profile.exchange().receives())) {
                return Ok(connection);
            }
            self.current_address.lost(&ENDED);
        }
    }

    pub(crate) async fn recv(&mut self) -> Result<Option<Message>, Error> {
        let mut in_use = self.connection.begin_use();
        let dialled = self.connection(D::within(self.profile.timeouts().connect)).await;
        let (connection, _) = dialled.map_err(CallError::into_error)?;
        // With `keep-up` the connection is idle again when this future is finished or dropped.
        let kept = in_use.as_mut().and_then(|in_use| Some((in_use, self.current_address.lease.clone()?)));
        let connection = match kept {
            Some((in_use, lease)) => in_use.hold(connection, lease),
            None => self.connection.hold(connection),
        };
        match connection.recv().await {
            Ok(Some(message)) => {
                if let Some(lease) = &self.current_address.lease {
                    lease.proved();
                }
                if self.is_short()
                    && let Some(connection) = self.take()
                {
                    self.closing = Some(Box::new((connection, D::within(self.profile.timeouts().close))));
                }
                Ok(Some(message))
            }
            ended => {
                self.connection.take();
                if let Some(in_use) = &mut in_use {
                    in_use.discard();
                }
                match &ended {
                    Err(error) => self.current_address.lost(error),
                    Ok(_) => self.current_address.lost(&"the peer closed the connection"),
                }
                ended
            }
        }
    }

    pub(crate) async fn close(mut self) -> Result<CloseReport, Error> {
        let Some(connection) = self.take() else { return Ok(CloseReport::default()) };
        let _lease = self.current_address.leave();
        sign_off_and_close::<D>(connection, &self.dialler.connector.setup, self.profile.timeouts().close).await
    }

    pub(crate) fn into_connection(mut self) -> Option<D::Connection> {
        let connection = self.take();
        self.current_address.leave();
        connection
    }

    pub(crate) fn connection_mut(&mut self) -> Option<&mut D::Connection> {
        if let Some(connection) = self.take() {
            self.connection.hold(connection);
        }
        self.connection.in_hand()
    }

    /// Returns the verdict if the last connection was closed between two exchanges because the peer was dead.
    pub(crate) fn verdict(&self) -> Option<Verdict> {
        self.verdict.or_else(|| self.connection.verdict())
    }

    /// Returns why the connection has no heartbeats between exchanges although it should have them.
    pub(crate) const fn task_error(&self) -> Option<&std::io::Error> {
        self.connection.task_error.as_ref()
    }

    /// Does what is due on an idle connection, and dials with `keep-up`, without waiting. Returns when more is due.
    pub(crate) fn maintain(&mut self) -> Option<Duration> {
        let (keep_up, exchange) = (self.profile.keep_up(), self.profile.exchange());
        if let Some(connection) = self.connection.in_hand() {
            match idle::maintain(connection, exchange) {
                Ok(time) => return time.into_iter().chain(keep_up.then_some(idle::LOOK)).min(),
                Err(lost) => {
                    self.verdict = lost.verdict.or(self.verdict);
                    self.connection.take();
                    self.current_address.lost(&lost.why);
                }
            }
        }
        if !keep_up {
            return None;
        }
        match self.dial.maintain(&self.dialler) {
            Ok((connection, lease)) => {
                self.current_address.lease = Some(Arc::new(lease));
                self.connection.hold(connection);
                Some(Duration::ZERO)
            }
            Err(again) => Some(again),
        }
    }

    /// Returns the existing connection and true, or a newly dialled one and false.
    async fn connection(&mut self, deadline: Instant) -> Result<(D::Connection, bool), CallError> {
        let failed = |error| CallError::new(Sent::Not, Error::new(Operation::Call, None, Cause::Connect(error)));
        if let Some(taken) = self.connection.take_until(deadline).await.map_err(failed)? {
            return Ok((self.taken(taken), true));
        }
        if let Some((connection, lease)) = self.dial.finish(&self.dialler, deadline).map_err(failed)? {
            self.current_address.lease = Some(Arc::new(lease));
            return Ok((connection, true));
        }
        self.let_go().await;
        self.current_address.lost(&ENDED);
        let (connection, lease) = self.dialler.connect(deadline).await.map_err(failed)?;
        self.current_address.lease = Some(Arc::new(lease));
        Ok((connection, false))
    }

    fn take(&mut self) -> Option<D::Connection> {
        let taken = self.connection.take()?;
        Some(self.taken(taken))
    }

    fn taken(&mut self, (connection, lease): WithLease<D>) -> D::Connection {
        if let Some(lease) = lease {
            self.current_address.lease = Some(lease);
        }
        connection
    }

    /// Returns the connection for the next exchange. If a replacement at a preferred address is ready, returns the
    /// replacement and retires the old connection.
    fn moved(&mut self, connection: D::Connection) -> D::Connection {
        let replacement = self.current_address.lease.as_ref().and_then(|lease| self.dialler.replacement(lease));
        let Some((other, lease)) = replacement else { return connection };
        if let Some(before) = self.current_address.lease.replace(Arc::new(lease)) {
            self.dialler.retire(connection, before);
        }
        other
    }

    /// Waits until the peer closes a finished short connection: the system holds the port of the first side to close.
    async fn let_go(&mut self) {
        if self.peer_closes()
            && let Some(closing) = &mut self.closing
        {
            let (connection, deadline) = &mut **closing;
            connection.wait_for_end(D::left(*deadline)).await;
        }
        if self.closing.take().is_some() {
            self.current_address.leave();
        }
    }

    fn keep(&mut self, connection: D::Connection) {
        self.verdict = None;
        if !self.is_short() {
            self.connection.put(connection, self.current_address.lease.clone());
        }
    }

    /// Keeps or closes the connection after an exchange.
    async fn done(&mut self, mut connection: D::Connection, deadline: Instant) {
        if !self.is_short() {
            return self.keep(connection);
        }
        let _lease = self.current_address.leave();
        let within = self.profile.timeouts().close.min(D::left(deadline));
        if self.profile.sign_off().is_some() {
            let _ = sign_off_and_close::<D>(connection, &self.dialler.connector.setup, within).await;
        } else if self.peer_closes() {
            connection.wait_for_end(within).await;
        }
    }

    fn is_short(&self) -> bool {
        self.profile.connection().short().is_some()
    }

    /// Returns whether connections are short and the peer closes first.
    fn peer_closes(&self) -> bool {
        self.profile.connection().short().is_some_and(|short| short.closes == Side::Server)
    }
}
