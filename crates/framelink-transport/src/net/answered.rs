//! Which addresses have answered.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::lock::Lock;

/// The addresses that let a connector connect, the last one first. Of the addresses of a peer those are tried first: an address that
/// does not answer holds up the others once, and not with each dial.
#[derive(Debug, Default)]
pub(crate) struct Answered(Lock<VecDeque<SocketAddr>>);

impl Answered {
    /// So many are known; a connector for more peers than that forgets the oldest.
    const MOST: usize = 64;

    /// The address has let us connect.
    pub(crate) fn on_connected(&self, address: SocketAddr) {
        let mut known = self.0.lock();
        if known.front() == Some(&address) {
            return;
        }
        known.retain(|other| *other != address);
        known.push_front(address);
        known.truncate(Self::MOST);
    }

    /// The address has not.
    pub(crate) fn on_failed(&self, address: SocketAddr) {
        self.0.lock().retain(|other| *other != address);
    }

    /// Those that have answered first, and the rest in its order.
    pub(crate) fn sort(&self, addresses: &mut [SocketAddr]) {
        if addresses.len() > 1 {
            let known = self.0.lock();
            addresses.sort_by_key(|address| known.iter().position(|other| other == address).unwrap_or(usize::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[test]
    fn the_address_that_answered_last_is_first_and_the_rest_keeps_its_order() {
        let answered = Answered::default();
        let sorted = || {
            let mut addresses = [1, 2, 3, 4].map(address);
            answered.sort(&mut addresses);
            addresses.map(|address| address.port())
        };
        assert_eq!(sorted(), [1, 2, 3, 4]);
        answered.on_connected(address(2));
        answered.on_connected(address(4));
        assert_eq!(sorted(), [4, 2, 1, 3]);
        answered.on_connected(address(2));
        assert_eq!(sorted(), [2, 4, 1, 3]);
        answered.on_failed(address(2));
        assert_eq!(sorted(), [4, 1, 2, 3], "one that does not answer any more is none");
    }

    #[test]
    fn a_connector_for_many_peers_knows_the_last_ones() {
        let answered = Answered::default();
        (0..1000).for_each(|port| answered.on_connected(address(port)));
        assert_eq!(answered.0.lock().len(), Answered::MOST);
        assert_eq!(answered.0.lock().front(), Some(&address(999)));
    }
}
