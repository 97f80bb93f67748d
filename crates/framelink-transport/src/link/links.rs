//! Links to many peers, on any driver.

use std::collections::HashMap;
use std::sync::Arc;

use crate::net::lock::Lock;

/// The links to many peers, by address.
pub(crate) type LinkMap<L> = Arc<Lock<HashMap<Box<str>, L>>>;

/// The public methods of `Links`. `$wait!` turns the result of a method of `Link` into the result of this method.
macro_rules! links_methods {
    ($wait:ident $($async:ident)?) => {
        impl Links {
            /// Creates an empty set of links.
            ///
            /// # Errors
            /// Fails if the profile makes one exchange at a time, or has a simplex pair.
            pub fn new(profile: Profile) -> Result<(Self, Inbox), ProfileError> {
                profile.check_duplex()?;
                let _numbers = RoleNumbers::opened(&profile)?;
                let (events, inbox) = events::Inbox::new();
                Ok((Self { links: LinkMap::default(), profile: Arc::new(profile), events, _numbers }, Inbox(inbox)))
            }

            /// Sends a request to the peer at this address, `HOST:PORT`, and waits for its reply; see [`Link::call`].
            ///
            /// # Errors
            /// Fails like [`Link::call`].
            pub $($async)? fn call(&self, peer: &str, request: &[u8]) -> Result<Message, CallError> {
                $wait!(self.to(peer).call(request))
            }

            /// Returns the link to the peer at this address, creating it if needed.
            pub fn to(&self, peer: &str) -> Link {
                let mut links = self.links.lock();
                if let Some(link) = links.get(peer) {
                    return link.clone();
                }
                let link = Link::dialled(Upstream::new(&self.profile, [peer]), self.events.clone());
                links.insert(peer.into(), link.clone());
                link
            }

            /// Removes the link to a peer; its last clone closes the connections. Returns false if there was no link.
            pub fn forget(&self, peer: &str) -> bool {
                let forgotten = self.links.lock().remove(peer);
                forgotten.is_some()
            }

            /// Returns how many links there are.
            pub fn len(&self) -> usize {
                self.links.lock().len()
            }

            /// Returns whether there are no links.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }
        }

        /// Shows the number of links, and no messages.
        impl std::fmt::Debug for Links {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.debug_struct("Links").field("peers", &self.len()).finish_non_exhaustive()
            }
        }
    };
}

pub(crate) use links_methods;
