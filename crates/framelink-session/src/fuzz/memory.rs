//! A model test of a memory budget.

use std::sync::Arc;

use crate::lifetime::{Notice, NoticeStage};
use crate::memory::Network;
use crate::memory::{Account, Budget, Held};

const PAGE: usize = 4096;
const CONNECTIONS: usize = 12;

/// Has connections of a few clients hold and release memory by random steps, and compares the sums with a model.
/// Connections that are not told to end never exceed the limits. A connection is told to end only at a limit, and only
/// if it holds memory.
///
/// # Panics
/// If that does not hold.
pub fn memory(data: &[u8]) {
    let Some((&[limit, share], steps)) = data.split_first_chunk() else { return };
    let (limit, share) = (PAGE * (usize::from(limit % 64) + 8), PAGE * (usize::from(share % 64) + 4));
    let (limit, share) = (limit, share.min(limit));
    let mut model = Model { budget: Budget::new(limit, share), limit, share, places: Vec::new(), next: 0 };
    model.places.resize_with(CONNECTIONS, || None);
    for step in steps.chunks_exact(2) {
        model.step(usize::from(step[0]) % CONNECTIONS, step[0] / 16, usize::from(step[1]) * PAGE / 4);
        model.check();
    }
    // As a server does. The budget and an open account refer to each other.
    for place in model.places.drain(..).flatten() {
        model.budget.close(place.id, network(place.client));
    }
    assert_eq!(model.budget.held(), 0, "all memory is released");
    assert_eq!(Arc::strong_count(&model.budget), 1, "no account refers to the budget any more");
}

struct Model {
    budget: Arc<Budget>,
    limit: usize,
    share: usize,
    places: Vec<Option<Client>>,
    next: u64,
}

struct Client {
    account: Arc<Account>,
    receiving: Held,
    sending: Held,
    /// The pages that each of these holds.
    bytes: [usize; 2],
    notice: Arc<Notice>,
    id: u64,
    client: usize,
}

impl Model {
    fn step(&mut self, which: usize, what: u8, bytes: usize) {
        let client = which % 3;
        let Some(place) = &mut self.places[which] else {
            let notice = Arc::new(Notice::new());
            let account = self.budget.open(self.next, network(client), Arc::clone(&notice));
            let (receiving, sending) = (account.place(), account.place());
            self.places[which] =
                Some(Client { account, receiving, sending, bytes: [0; 2], notice, id: self.next, client });
            self.next += 1;
            return;
        };
        let pages = if bytes < PAGE { 0 } else { bytes.next_multiple_of(PAGE) };
        let was_full = self.budget.held() > self.limit;
        match what % 4 {
            0 => {
                let place = self.places[which].take();
                drop(place.inspect(|place| self.budget.close(place.id, network(place.client))));
            }
            1 => {
                place.sending.set(bytes);
                place.bytes[1] = pages;
            }
            _ if place.receiving.try_set(bytes) => {
                assert!(pages <= place.bytes[0] || !was_full, "nothing is read while more than the budget is held");
                place.bytes[0] = pages;
            }
            _ => {
                // The failed attempt may have released some memory.
                place.bytes[0] = place.bytes[0].min(pages);
                place.receiving.set(place.bytes[0]);
            }
        }
    }

    fn check(&self) {
        let there: Vec<_> = self.places.iter().flatten().collect();
        assert_eq!(self.budget.held(), there.iter().map(|place| place.held()).sum::<usize>(), "the sum of all");
        let staying: Vec<_> = there.iter().filter(|place| place.notice.stage() == NoticeStage::Open).collect();
        assert!(staying.iter().map(|place| place.held()).sum::<usize>() <= self.limit, "staying connections fit");
        for client in 0..3 {
            let of_client = staying.iter().filter(|place| place.client == client);
            assert!(of_client.map(|place| place.held()).sum::<usize>() <= self.share, "and so does each client");
        }
        assert!(there.iter().all(|place| Arc::strong_count(&place.account) > 1));
    }
}

impl Client {
    fn held(&self) -> usize {
        self.bytes.iter().sum()
    }
}

fn network(client: usize) -> Network {
    Network::of_client([10, 0, 0, u8::try_from(client).unwrap_or(u8::MAX)].into())
}
