//! The dial of a client with `keep-up`, on a driver without background tasks. The client stores it between its methods.
//!
//! ```text
//!   maintain     next address ─▶ resolve ─▶ connect ─▶ sign on ─▶ the client has a connection
//!                     ▲  each call goes as far as possible without waiting
//!                     └──────── failed: another address now, or a later call once an address is due
//!   exchange     continues the stored dial where `maintain` left it, and waits
//! ```

use std::fmt;
use std::time::{Duration, Instant};

use super::driver::{ClientDriver, StoredDial};
use crate::error::ConnectError;
use crate::upstream::{Attempt, Dialled, Dialler, Dialling, Pace};

/// Resolves one address, connects, and signs on.
pub(crate) trait DialAddress<D: ClientDriver>: fmt::Debug + Sized + Send + Sync {
    fn begin(dialler: &Dialler<D>, dialling: &Dialling, within: Duration) -> Result<Self, ConnectError>;

    /// Makes progress, waiting for `patience` at most. Returns `None` if there is more to do.
    fn step(&mut self, patience: Duration) -> Result<Option<D::Connection>, ConnectError>;
}

/// The longest pause, because another client of the upstream may make an address available earlier.
const LOOK: Duration = Duration::from_secs(1);

/// A dial that makes progress with each call of the client.
#[derive(Debug)]
pub(crate) struct DialInSteps<A> {
    under_way: Option<Box<DialUnderWay<A>>>,
    pace: Pace,
    /// No dial begins before this instant.
    not_before: Option<Instant>,
}

/// Dials each address at most once, until a sign-on succeeds.
#[derive(Debug)]
struct DialUnderWay<A> {
    tries: Tries,
    dialling: Dialling,
    dial: A,
}

#[derive(Debug)]
struct Tries {
    attempt: Attempt,
    failed: Option<ConnectError>,
    began: Instant,
    deadline: Instant,
}

impl<D: ClientDriver, A: DialAddress<D>> StoredDial<D> for DialInSteps<A> {
    fn maintain(&mut self, dialler: &Dialler<D>) -> Result<Dialled<D>, Duration> {
        let pause = self.not_before.map_or(Duration::ZERO, D::left);
        if !pause.is_zero() {
            return Err(pause);
        }
        match self.step(dialler, Duration::ZERO) {
            Ok(Some(dialled)) => {
                self.pace.reset();
                Ok(dialled)
            }
            Ok(None) => Err(self.look_within()),
            Err(error) => Err(self.pause_after::<D>(&error)),
        }
    }

    fn finish(&mut self, dialler: &Dialler<D>, deadline: Instant) -> Result<Option<Dialled<D>>, ConnectError> {
        let after = D::left(deadline);
        while self.under_way.is_some() {
            match self.step(dialler, D::left(deadline)) {
                Ok(Some(dialled)) => return Ok(Some(dialled)),
                Ok(None) if D::left(deadline).is_zero() => return Err(ConnectError::NoneInTime { after }),
                Ok(None) => {}
                // The exchange itself dials then, and may wait until an address is due.
                Err(_) => break,
            }
        }
        Ok(None)
    }
}

impl<A> DialInSteps<A> {
    /// Begins a dial if there is none and advances it, waiting for `patience` at most. Returns `None` if more is to do.
    fn step<D: ClientDriver>(
        &mut self,
        dialler: &Dialler<D>,
        patience: Duration,
    ) -> Result<Option<Dialled<D>>, ConnectError>
    where
        A: DialAddress<D>,
    {
        let mut under_way = match self.under_way.take() {
            Some(under_way) => under_way,
            None => Tries::begin(dialler).dial_next(dialler)?,
        };
        match under_way.dial.step(patience) {
            Ok(Some(connection)) => return Ok(Some((connection, under_way.dialling.connected()))),
            Ok(None) => self.under_way = Some(under_way),
            Err(error) => {
                let DialUnderWay { mut tries, dialling, .. } = *under_way;
                tries.failed = Some(dialling.failed(error));
                self.under_way = Some(tries.dial_next(dialler)?);
            }
        }
        Ok(None)
    }

    /// How soon to check the dial again. The pause is at most a quarter of the time so far.
    fn look_within(&self) -> Duration {
        let passed = self.under_way.as_ref().map_or(Duration::ZERO, |dial| dial.tries.began.elapsed());
        (passed / 4).clamp(Duration::from_millis(1), Duration::from_millis(100))
    }

    fn pause_after<D: ClientDriver>(&mut self, error: &ConnectError) -> Duration {
        let pause = self.pace.after(error).min(LOOK);
        self.not_before = Some(D::within(pause));
        pause
    }
}

impl Tries {
    fn begin<D: ClientDriver>(dialler: &Dialler<D>) -> Self {
        let (began, deadline) = (D::now(), D::within(dialler.patience_in_background()));
        Self { attempt: Attempt::new(), failed: None, began, deadline }
    }

    /// Begins to dial the next address that is due now.
    fn dial_next<D: ClientDriver, A: DialAddress<D>>(
        mut self,
        dialler: &Dialler<D>,
    ) -> Result<Box<DialUnderWay<A>>, ConnectError> {
        loop {
            let dialling = dialler.next_if_due(&mut self.attempt, &mut self.failed)?;
            let within = D::left(self.deadline).min(dialler.profile().timeouts().connect);
            match A::begin(dialler, &dialling, dialling.share(within)) {
                Ok(dial) => return Ok(Box::new(DialUnderWay { tries: self, dialling, dial })),
                Err(error) => self.failed = Some(dialling.failed(error)),
            }
        }
    }
}

impl<A> Default for DialInSteps<A> {
    fn default() -> Self {
        Self { under_way: None, pace: Pace::default(), not_before: None }
    }
}
