//! Listening: saying where, and going on when the system cannot accept for a while.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::heartbeat::Role;
use framelink_transport::tokio::{Connection, Listener};
use framelink_transport::{FramingPair, Profile};
use tokio::time::Instant;

use crate::arguments::liveness::Liveness;
use crate::arguments::values::with_zone;
use crate::failure::Failure;
use crate::output::say;
use crate::server::drain::Drain;
use crate::server::serving::{self, Refused};
use crate::server::strangers;

/// How long to wait before the next try when the system lacks something: file descriptors, say.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// A listener that does not give up.
pub(crate) struct Accepting {
    listener: Listener,
    /// What a profile would say by itself.
    liveness: Liveness,
    address: String,
    /// While accepting fails: when to try again.
    paused_until: Option<Instant>,
}

/// What accepted connections are like.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it")]
pub(crate) enum Kind {
    /// And who is let in, where a profile can say that.
    Framed(FramingPair, Liveness, Option<Arc<Profile>>),
    Profile(Arc<Profile>),
}

impl Accepting {
    /// Listens, and says so.
    pub(crate) async fn start(address: &str, kind: &Kind) -> Result<Self, Failure> {
        let failed = |error| Failure::fault(format!("listening on {address}: {error}"));
        let bound = with_zone(address).map_err(failed)?;
        let (listening, liveness) = match kind {
            Kind::Framed(framing, liveness, limits) => {
                let listening = Listener::bind_with(&*bound, *framing, liveness.socket()).await;
                let limited = listening.map(|listener| match limits {
                    Some(limits) => listener.limited_by(limits),
                    None => listener,
                });
                (limited, liveness.clone())
            }
            Kind::Profile(profile) => (Listener::bind_profile(&*bound, profile).await, Liveness::default()),
        };
        let listener = listening.map_err(failed)?;
        let address = listener.local_addr().map_err(Failure::fault)?.to_string();
        if let Some(admission) = listener.admission() {
            let address = address.clone();
            admission.observe(move |event| serving::log(&address, event));
        }
        match say(format_args!("listening on {address}")) {
            Err(Failure::OutputClosed) => tracing::warn!("listening on {address}, which nobody reads on stdout"),
            said => said?,
        }
        Ok(Self { listener, liveness, address, paused_until: None })
    }

    /// How many connections were refused until now, by reason.
    pub(crate) fn refused(&self) -> Refused {
        self.listener.admission().map(|admission| admission.counts().into()).unwrap_or_default()
    }

    /// The next connection. Dropping the future loses none.
    pub(crate) async fn next(&mut self) -> Connection {
        loop {
            if let Some(until) = self.paused_until {
                tokio::time::sleep_until(until).await;
            }
            match self.listener.accept().await {
                Ok(connection) => return self.on_accepted(connection),
                Err(error) => drop(self.on_failed(&error)),
            }
        }
    }

    /// The next of the connections that had come before a drain and wait to be accepted; `None` when there is none, or when the
    /// drain's time is over and the system still cannot accept.
    pub(crate) async fn next_waiting(&mut self, drain: &mut Drain) -> Option<Connection> {
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = self.listener.accept_waiting() => accepted,
                // Handshakes that are under way are not waited for.
                () = drain.over() => return None,
            };
            match accepted {
                Ok(connection) => return connection.map(|connection| self.on_accepted(connection)),
                Err(error) => {
                    let until = self.on_failed(&error);
                    tokio::select! {
                        biased;
                        () = drain.over() => return None,
                        () = tokio::time::sleep_until(until) => {}
                    }
                }
            }
        }
    }

    fn on_accepted(&mut self, mut connection: Connection) -> Connection {
        self.liveness.watch(&mut connection, Role::Server);
        if self.paused_until.take().is_some() {
            strangers::line(strangers::Kind::System, || tracing::info!("accepting again on {}", self.address));
        }
        connection
    }

    /// When to try again.
    fn on_failed(&mut self, error: &io::Error) -> Instant {
        if self.paused_until.is_none() {
            strangers::line(strangers::Kind::System, || {
                tracing::warn!("accepting on {}: {error}; trying again every {PAUSE:?}", self.address);
            });
        }
        *self.paused_until.insert(Instant::now() + PAUSE)
    }
}
