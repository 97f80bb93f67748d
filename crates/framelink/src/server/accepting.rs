//! A listener that prints its address, and tries again if the system cannot accept for a while.

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
use crate::output::say_listening;
use crate::server::certificates;
use crate::server::drain::Drain;
use crate::server::serving::{self, Refused};
use crate::server::strangers;

/// How long to wait before the next attempt if the system lacks a resource, such as file descriptors.
pub(crate) const PAUSE: Duration = Duration::from_millis(100);

/// A listener that tries again after an error.
pub(crate) struct Accepting {
    listener: Listener,
    /// Used without a profile; a profile has its own.
    liveness: Liveness,
    address: String,
    /// When to try again, while accepting fails.
    paused_until: Option<Instant>,
}

/// The settings of accepted connections.
#[derive(Clone, Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it")]
pub(crate) enum Kind {
    /// A framing and heartbeats, with the limits of a profile if the framing allows one.
    Framed(FramingPair, Liveness, Option<Arc<Profile>>),
    Profile(Arc<Profile>),
}

impl Accepting {
    /// Listens, and prints the address.
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
        let mut listener = listening.map_err(failed)?;
        if let Kind::Profile(profile) = kind {
            listener = certificates::of_listener(listener, profile)?;
        }
        let address = listener.local_addr().map_err(Failure::fault)?.to_string();
        if let Some(admission) = listener.admission() {
            let address = address.clone();
            admission.observe(move |event| serving::log(&address, event));
        }
        say_listening(&address, format_args!("listening on {address}"))?;
        Ok(Self { listener, liveness, address, paused_until: None })
    }

    /// Returns how many connections were refused until now, by reason.
    pub(crate) fn refused(&self) -> Refused {
        self.listener.admission().map(|admission| admission.counts().into()).unwrap_or_default()
    }

    /// Returns the next connection. Dropping the future loses no connection.
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

    /// Returns the next connection that waited to be accepted when the drain began. Returns `None` if there is none, or
    /// if the time of the drain is over and the system still cannot accept.
    pub(crate) async fn next_waiting(&mut self, drain: &mut Drain) -> Option<Connection> {
        loop {
            let accepted = tokio::select! {
                biased;
                accepted = self.listener.accept_waiting() => accepted,
                // The drain does not wait for unfinished handshakes.
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

    /// Logs the error, and returns when to try again.
    fn on_failed(&mut self, error: &io::Error) -> Instant {
        if self.paused_until.is_none() {
            strangers::line(strangers::Kind::System, || {
                tracing::warn!("accepting on {}: {error}; trying again every {PAUSE:?}", self.address);
            });
        }
        *self.paused_until.insert(Instant::now() + PAUSE)
    }
}
