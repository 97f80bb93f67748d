//! A model test of the replies that a server owes.

use std::time::Duration;

use crate::serving::{Concurrency, Replies, ReplyOrder, ReplySlot};

/// Drives the replies of one connection by random steps and compares them with a list of requests. The limit is never
/// exceeded, each request is answered once, and replies are sent in the chosen order.
///
/// # Panics
/// If that does not hold.
pub fn replies(data: &[u8]) {
    let Some((&[kind, limit], data)) = data.split_first_chunk::<2>() else { return };
    let order = if kind % 2 == 0 { ReplyOrder::Requests } else { ReplyOrder::Finished };
    let mut model = Model::new(order, usize::from(limit % 6));
    for (step, bytes) in data.chunks_exact(2).enumerate() {
        let (what, which) = (bytes[0], usize::from(bytes[1]));
        match what % 10 {
            0..=2 => model.takes(),
            3..=5 => model.finishes(which, what / 10 % 4 != 0, Duration::from_millis(step as u64)),
            6 => model.writes_next(),
            7 => model.has_written(which % 4),
            8 => model.gathers(which % 2 == 0),
            _ => model.passes(which % 2 == 0),
        }
        model.check();
    }
}

struct Model {
    replies: Replies<usize>,
    order: ReplyOrder,
    limit: usize,
    /// The requests whose replies are owed, in the order of arrival.
    requests: Vec<Request>,
    taken: usize,
    /// Requests that were finished with a reply, in this order.
    finished: Vec<usize>,
    answered: u64,
    is_gathering: bool,
}

struct Request {
    /// `None` if the request was finished at once.
    place: Option<ReplySlot>,
    number: usize,
    state: RequestState,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum RequestState {
    Handled,
    Finished { has_reply: bool, at: Duration },
    BeingWritten,
}

impl Model {
    fn new(order: ReplyOrder, limit: usize) -> Self {
        let replies = Replies::new(Concurrency::new(limit).order_by(order));
        let (requests, finished) = (Vec::new(), Vec::new());
        Self { replies, order, limit: limit.max(1), requests, taken: 0, finished, answered: 0, is_gathering: false }
    }

    fn takes(&mut self) {
        let has_room = self.room() > 0;
        let place = self.replies.take();
        assert_eq!(place.is_some(), has_room);
        if let Some(place) = place {
            assert!(self.requests.iter().all(|request| request.place < Some(place)), "a number of its own");
            self.requests.push(Request { place: Some(place), number: self.taken, state: RequestState::Handled });
            self.taken += 1;
        }
    }

    fn gathers(&mut self, yes: bool) {
        self.replies.gather(yes);
        self.is_gathering = yes;
    }

    /// A request is finished at once, if only replies that are being written are owed.
    fn passes(&mut self, has_reply: bool) {
        if self.requests.iter().any(|request| request.state != RequestState::BeingWritten) {
            return;
        }
        self.replies.pass(u64::from(has_reply), u64::from(!has_reply));
        match has_reply {
            true => self.requests.push(Request { place: None, number: self.taken, state: RequestState::BeingWritten }),
            false => self.answered += 1,
        }
        self.taken += 1;
    }

    fn room(&self) -> usize {
        let is_held = |request: &&Request| !self.is_gathering || request.state != RequestState::BeingWritten;
        self.limit.saturating_sub(self.requests.iter().filter(is_held).count())
    }

    fn finishes(&mut self, which: usize, has_reply: bool, now: Duration) {
        let count = self.requests.len();
        let Some(request) = self.requests.get_mut(which % count.max(1)) else { return };
        let is_owed = request.state == RequestState::Handled;
        let reply = has_reply.then_some(request.number);
        let Some(place) = request.place else { return };
        assert_eq!(self.replies.finish(place, reply, now), is_owed, "once");
        if is_owed {
            request.state = RequestState::Finished { has_reply, at: now };
            if has_reply {
                self.finished.push(request.number);
            }
        }
        self.forget_what_is_over();
    }

    /// A request that was finished without a reply is over in its turn.
    fn forget_what_is_over(&mut self) {
        let mut is_turn = true;
        let in_order = self.order == ReplyOrder::Requests;
        let before = self.requests.len();
        self.requests.retain(|request| {
            is_turn &= !in_order || request.state != RequestState::Handled;
            !(is_turn && matches!(request.state, RequestState::Finished { has_reply: false, .. }))
        });
        self.answered += (before - self.requests.len()) as u64;
    }

    /// Returns the request whose reply is next.
    fn due(&self) -> Option<usize> {
        let is_finished = |request: &&Request| matches!(request.state, RequestState::Finished { .. });
        match self.order {
            ReplyOrder::Finished => self.requests.iter().position(|it| Some(&it.number) == self.finished.first()),
            ReplyOrder::Requests => {
                let first = self.requests.iter().position(|request| request.state != RequestState::BeingWritten)?;
                self.requests.get(first).filter(is_finished).map(|_| first)
            }
        }
    }

    fn writes_next(&mut self) {
        let due = self.due();
        let next = self.replies.next_due();
        assert_eq!(next.is_some(), due.is_some());
        let (Some((place, number)), Some(due)) = (next, due) else { return };
        let request = &mut self.requests[due];
        assert_eq!((Some(place), number), (request.place, request.number), "in its turn, and its own");
        request.state = RequestState::BeingWritten;
        self.finished.retain(|finished| *finished != number);
    }

    fn has_written(&mut self, count: usize) {
        self.replies.on_written(count);
        for _ in 0..count {
            let Some(first) = self.requests.iter().position(|request| request.state == RequestState::BeingWritten)
            else {
                return;
            };
            self.requests.remove(first);
            self.answered += 1;
        }
    }

    fn check(&self) {
        let owed = self.requests.len();
        assert_eq!((self.replies.owed(), self.replies.is_empty()), (owed, owed == 0));
        assert_eq!(self.replies.room(), self.room());
        assert_eq!(self.replies.answered(), self.answered);
        assert_eq!(self.replies.due_since().is_some(), self.due().is_some());
        if let (Some(since), Some(RequestState::Finished { at, .. })) =
            (self.replies.due_since(), self.due().map(|due| self.requests[due].state))
        {
            assert!(since >= at, "not before it was finished");
        }
    }
}
