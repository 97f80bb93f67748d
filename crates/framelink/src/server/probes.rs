//! Connections that are made only to see whether they can be made, as health checks do.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use framelink_transport::ServerEvent;

use crate::server::strangers::{self, Kind};

/// How long the first byte of a client is waited for. A client that ends its connection before that and before its first byte is a
/// probe, and no other line of the log is about it.
pub(crate) const FIRST_BYTE: Duration = Duration::from_millis(100);

/// Writes the line about a probe, if it is the first one; the others are counted.
pub(crate) fn tell(peer: Option<SocketAddr>) {
    strangers::line(Kind::Probe, || {
        let peer = peer.map_or_else(|| "?".to_owned(), |peer| peer.to_string());
        tracing::info!(
            "{peer}: a probe, closed before its first byte; the number of further probes is told at the end"
        );
    });
}

/// Takes the events that are about probes out of those of a server.
#[derive(Clone, Default)]
pub(crate) struct Probes(Arc<Mutex<Peers>>);

#[derive(Default)]
struct Peers {
    /// Clients that have connected, and of whom the log says nothing yet.
    fresh: HashSet<SocketAddr>,
    /// Clients that were told to be probes, and whose end is told next.
    probes: HashSet<SocketAddr>,
}

impl Probes {
    /// Whether nothing more is to be logged of this event.
    pub(crate) fn take(&self, event: &ServerEvent<'_>) -> bool {
        match event {
            ServerEvent::Connected { peer: Some(peer) } => {
                self.peers().fresh.insert(*peer);
                let (probes, peer) = (self.clone(), *peer);
                tokio::spawn(async move {
                    tokio::time::sleep(FIRST_BYTE).await;
                    probes.tell_connected(peer);
                });
                true
            }
            ServerEvent::Probed { peer } => {
                let mut peers = self.peers();
                if let Some(peer) = peer {
                    peers.fresh.remove(peer);
                    peers.probes.insert(*peer);
                }
                drop(peers);
                tell(*peer);
                true
            }
            ServerEvent::Closed { peer: Some(peer), .. } => {
                let is_probe = self.peers().probes.remove(peer);
                if !is_probe {
                    self.tell_connected(*peer);
                }
                is_probe
            }
            _ => false,
        }
    }

    /// Says that a client has connected, unless that was said.
    fn tell_connected(&self, peer: SocketAddr) {
        let is_fresh = self.peers().fresh.remove(&peer);
        if is_fresh {
            strangers::line(Kind::Connected, || {
                tracing::info!("{}", ServerEvent::Connected { peer: Some(peer) });
            });
        }
    }

    fn peers(&self) -> MutexGuard<'_, Peers> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
