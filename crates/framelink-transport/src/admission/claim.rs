//! The client of a proxy, which is admitted when the proxy has told its address.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use super::{AdmissionShared, Place, Refusal, ServerEvent};
use crate::profile::Network;
use crate::session::NoticeStage;
use crate::session::memory::Account;

/// A connection from a proxy that counts among all connections, and not for a client yet.
pub(crate) struct Claim {
    id: u64,
    proxy: Network,
    identified: Arc<OnceLock<Network>>,
    account: Arc<Account>,
    admission: Arc<AdmissionShared>,
}

impl Claim {
    pub(super) fn new(place: &mut Place, account: &Arc<Account>) -> Self {
        let identified = Arc::clone(place.identified.get_or_insert_default());
        let (account, admission) = (Arc::clone(account), Arc::clone(&place.admission));
        Self { id: place.id, proxy: place.client, identified, account, admission }
    }

    /// Counts the connection for this client from now on, if the access rules and the limit of the client allow it. A
    /// refusal is counted and reported.
    pub(crate) fn identify(&self, peer: SocketAddr) -> Result<(), Refusal> {
        let (address, client) = (peer.ip(), Network::of_client(peer.ip()));
        let is_welcome = self.admission.access.admits(address);
        let mut state = self.admission.state();
        let identified = if is_welcome { state.table.identify(self.id, address) } else { Err(Refusal::Access) };
        if let Err(reason) = identified {
            state.counts.count_refused_later(reason);
        }
        if identified.is_ok() {
            self.admission.memory.move_to(&self.account, self.proxy, client);
            let _ = self.identified.set(client);
        }
        drop(state);
        match identified {
            Ok(dropped) => {
                if let Some(dropped) = dropped {
                    dropped.tell(NoticeStage::Dropped);
                }
                Ok(())
            }
            Err(reason) => {
                super::Admission(Arc::clone(&self.admission)).notify(&ServerEvent::Refused { peer, reason });
                Err(reason)
            }
        }
    }
}

impl fmt::Debug for Claim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").field("id", &self.id).finish_non_exhaustive()
    }
}
