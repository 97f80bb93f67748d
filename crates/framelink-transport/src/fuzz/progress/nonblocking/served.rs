//! A connection whose requests are answered later, in any order.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::super::model::{self, Turn, Waits};
use super::super::operation::Operation;
use super::super::peer::{self, NO_KEY, OTHER};
use super::super::world::{Shared, World};
use super::Stream;
use crate::drive::TryRecv;
use crate::profile::{Framing, FramingPair, Profile};
use crate::session::{Concurrency, ReplySlot};
use crate::simulated::flag::Flag;

/// How many requests are handled at a time.
const AT_A_TIME: usize = 2;
/// How many requests are read ahead at least, whatever their size.
const AHEAD: u64 = 8;

static PROFILE: LazyLock<Profile> = LazyLock::new(|| {
    let framing: Framing = "net:2".parse().expect("a notation");
    Profile::builder(framing).build().expect("a profile")
});

struct Model {
    served: crate::nonblocking::Served<FramingPair, Stream>,
    flag: Arc<Flag>,
    /// The requests that were not answered.
    places: Vec<ReplySlot>,
    taken: u64,
    /// Whether the connection has ended, so that no reply can be sent.
    is_over: bool,
    has_ended: bool,
    has_liveness: bool,
}

/// Takes each message as a request; each operation answers one of them.
pub(in super::super) fn served(data: &[u8]) {
    model::run(data, |scene| {
        let (connection, flag, liveness) = super::connect(scene);
        let served = connection.serve_many(&PROFILE, Concurrency::new(AT_A_TIME));
        let has_liveness = liveness.is_some();
        (Model { served, flag, places: Vec::new(), taken: 0, is_over: false, has_ended: false, has_liveness }, liveness)
    });
}

impl Model {
    /// Answers a request, if there is one. After an answer the model has a turn, as the driver's documentation says.
    fn answer(&mut self, which: usize, len: Option<usize>) -> bool {
        if !self.places.is_empty() {
            let place = self.places.remove(which % self.places.len());
            let reply = len.map(|len| peer::message(OTHER, NO_KEY, len));
            self.is_over |= self.served.reply(place, reply.as_deref()).is_err();
            self.flag.raise();
        }
        !self.is_over
    }
}

impl model::Model for Model {
    const FLOOD: &'static [Duration] = super::FLOOD;

    fn begin(&mut self, operation: Operation, _: Duration) -> bool {
        self.answer(0, Some(if let Operation::Send { len } = operation { len } else { 2 }))
    }

    fn give_up(&mut self, which: usize) -> bool {
        self.answer(which, None)
    }

    async fn turn(&mut self, world: &Shared) -> Turn {
        if !super::is_turn(&self.flag, self.served.deadline(), world) {
            return Turn::Idle;
        }
        if self.is_over || self.served.try_flush().is_err() {
            return Turn::Ended;
        }
        while !super::is_enough(world, self.places.len()) {
            match self.served.try_next() {
                Ok(TryRecv::Message((place, _))) => {
                    self.taken += 1;
                    self.places.push(place);
                }
                Ok(TryRecv::Nothing) => {
                    self.has_ended |= world.with(|world| world.has_ended() && !world.has_unread());
                    return Turn::Done;
                }
                Ok(TryRecv::Closed) | Err(_) => return Turn::Ended,
            }
        }
        panic!("more requests than may be taken at a time");
    }

    fn wake(&mut self) {
        self.flag.raise();
    }

    /// With heartbeats, requests are read ahead up to a limit.
    fn waits(&self, world: &World) -> Waits {
        let takes = self.served.owed() < AT_A_TIME;
        let is_ahead = self.has_liveness && world.arrived_messages() < self.taken + AHEAD;
        let writes = self.served.unwritten_bytes() > 0;
        Waits { writes, reads: !self.has_ended && (takes || is_ahead), takes, taken: self.taken, until: None }
    }

    /// Answers a request that is left.
    fn go_on(&mut self) -> bool {
        let is_asked = !self.places.is_empty();
        self.answer(0, None);
        is_asked
    }

    fn is_calling(&self, world: &World) -> bool {
        world.arrived_messages() > self.taken
    }
}
