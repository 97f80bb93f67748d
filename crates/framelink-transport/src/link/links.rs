//! One client to many peers, for any driver.

use std::collections::HashMap;
use std::sync::Arc;

use crate::net::lock::Lock;

/// The links to many peers, by the addresses of these.
pub(crate) type LinkMap<L> = Arc<Lock<HashMap<Box<str>, L>>>;

/// The public methods of `Links`. `$wait!` turns what a method of a link returns into what a method returns.
macro_rules! links_methods {
    ($wait:ident $($async:ident)?) => {
        impl Links {
            /// Links to no peer yet.
            ///
            /// # Errors
            /// When the profile has one exchange at a time, or a pair of connections.
            pub fn new(profile: Profile) -> Result<(Self, Inbox), ProfileError> {
                profile.check_duplex()?;
                let (events, inbox) = events::Inbox::new();
                Ok((Self { links: LinkMap::default(), profile: Arc::new(profile), events }, Inbox(inbox)))
            }

            /// Sends a request to the peer at this address, `HOST:PORT`, and waits for its reply; see [`Link::call`].
            ///
            /// # Errors
            /// As [`Link::call`].
            pub $($async)? fn call(&self, peer: &str, request: &[u8]) -> Result<Message, CallError> {
                $wait!(self.to(peer).call(request))
            }

            /// The link to the peer at this address.
            pub fn to(&self, peer: &str) -> Link {
                let mut links = self.links.lock();
                if let Some(link) = links.get(peer) {
                    return link.clone();
                }
                let link = Link::dialled(Upstream::new(&self.profile, [peer]), self.events.clone());
                links.insert(peer.into(), link.clone());
                link
            }

            /// Forgets a peer. Its connections are closed when no clone of its link is left. False if there was no link to it.
            pub fn forget(&self, peer: &str) -> bool {
                let forgotten = self.links.lock().remove(peer);
                forgotten.is_some()
            }

            /// How many peers there are.
            pub fn len(&self) -> usize {
                self.links.lock().len()
            }

            /// Whether there is no peer.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }
        }

        /// States only.
        impl std::fmt::Debug for Links {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct("Links").field("peers", &self.len()).finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use links_methods;
