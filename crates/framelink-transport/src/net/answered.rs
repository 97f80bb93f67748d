//! The addresses that have answered.

use std::collections::VecDeque;
use std::net::SocketAddr;

use super::lock::Lock;

/// The addresses that accepted a connection, the last one first. A connector tries them first, so that an address that
/// does not answer delays the others once, and not at each dial.
#[derive(Debug, Default)]
pub(crate) struct Answered(Lock<VecDeque<SocketAddr>>);

impl Answered {
    /// How many addresses are remembered. A connector for more peers forgets the oldest.
    const MOST: usize = 64;

    /// Notes that the address accepted a connection.
    pub(crate) fn on_connected(&self, address: SocketAddr) {
        let mut known = self.0.lock();
        if known.front() == Some(&address) {
            return;
        }
        known.retain(|other| *other != address);
        known.push_front(address);
        known.truncate(Self::MOST);
    }

    /// Notes that the address did not.
    pub(crate) fn on_failed(&self, address: SocketAddr) {
        self.0.lock().retain(|other| *other != address);
    }

    /// Sorts addresses that have answered to the front. The others keep their order.
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
        assert_eq!(sorted(), [4, 1, 2, 3], "an address that fails is forgotten");
    }

    #[test]
    fn a_connector_for_many_peers_knows_the_last_ones() {
        let answered = Answered::default();
        (0..1000).for_each(|port| answered.on_connected(address(port)));
        assert_eq!(answered.0.lock().len(), Answered::MOST);
        assert_eq!(answered.0.lock().front(), Some(&address(999)));
    }
}
