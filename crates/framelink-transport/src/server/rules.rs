//! How a server serves each connection, and what it does when the system cannot accept.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use super::control::ServerControl;
use super::guard::ServedGuard;
use crate::admission::{Observer, Pause, ServerEvent, tell};
use crate::profile::Profile;
use crate::registry::Registry;
use crate::session::Concurrency;

/// What was said of a server before it runs, and its next pause.
pub(crate) struct ServerRules {
    pub(crate) profile: Arc<Profile>,
    pub(crate) concurrency: Concurrency,
    pub(crate) registry: Option<Registry>,
    observer: Option<Observer>,
    pause: Pause,
}

impl ServerRules {
    pub(crate) fn new(profile: &Arc<Profile>) -> Self {
        Self {
            profile: Arc::clone(profile),
            concurrency: Concurrency::default(),
            registry: None,
            observer: None,
            pause: Pause::new(),
        }
    }

    pub(crate) fn observe(&mut self, control: &ServerControl, observer: Observer) {
        control.stats().admission().set_observer(Arc::clone(&observer));
        self.observer = Some(observer);
    }

    /// A connection of this peer is about to be served.
    pub(crate) fn guard(&self, control: &ServerControl, peer: Option<SocketAddr>) -> ServedGuard {
        ServedGuard::new(control.stats(), self.observer.as_ref(), peer)
    }

    /// A connection was accepted and is served. Returns whether the system could not accept before.
    pub(super) fn on_accepted(&mut self) -> bool {
        self.pause.on_accepted()
    }

    pub(super) fn tell(&self, event: &ServerEvent<'_>) {
        tell(self.observer.as_ref(), event);
    }

    /// The system cannot accept now, or has no thread for a connection. Returns how long to wait.
    pub(super) fn on_accept_failed(&mut self, control: &ServerControl, error: &io::Error) -> Duration {
        control.stats().on_accept_failed();
        let is_first = !self.pause.is_on();
        let pause = self.pause.on_failed();
        if is_first {
            self.tell(&ServerEvent::AcceptFailed { error, pause });
        }
        pause
    }
}
