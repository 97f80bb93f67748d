//! A connection whose requests are answered, whenever that is done.

use std::sync::LazyLock;
use std::time::Duration;

use super::super::peer::{self, NEWS, NO_KEY};
use super::super::step::Step;
use super::super::world::{Shared, World};
use super::{Driven, Loop, Stream};
use crate::session::{Concurrency, Place};
use crate::{Directions, Framing, Profile, TryRecv};

/// So many requests at a time.
const AT_A_TIME: usize = 2;
/// So many at least are read ahead, whatever their size.
const AHEAD: u64 = 8;

static PROFILE: LazyLock<Profile> = LazyLock::new(|| {
    let framing: Framing = "net:2".parse().expect("a notation");
    Profile::builder(framing).build().expect("a profile")
});

struct Model {
    served: crate::nonblocking::Served<Directions, Stream>,
    /// Requests that were not answered.
    places: Vec<Place>,
    taken: u64,
    has_ended: bool,
    has_pulse: bool,
}

/// Messages are requests, and each operation answers one of them.
pub(in super::super) fn served(data: &[u8]) {
    super::run(data, |scene, steps| {
        let (events, connection) = Loop::new(scene);
        let served = connection.serve_many(&PROFILE, Concurrency::new(AT_A_TIME));
        let has_pulse = events.pulse.is_some();
        let mut model = Model { served, places: Vec::new(), taken: 0, has_ended: false, has_pulse };
        for step in steps {
            events.world.with(|world| world.begin_call());
            let goes_on = match step {
                Step::Begin(_) | Step::GiveUp(_) if model.places.is_empty() => true,
                Step::Begin(operation) => {
                    let len = if let super::super::step::Operation::Send { len } = operation { len } else { 2 };
                    model.answers(0, Some(len)) && events.answered(&mut model)
                }
                Step::GiveUp(which) => model.answers(which, None) && events.answered(&mut model),
                step => events.step(&mut model, step),
            };
            if !goes_on {
                return;
            }
        }
        while events.relieve(&mut model) {
            if model.places.is_empty() {
                let arrived = events.world.with(|world| world.arrived_messages());
                assert!(arrived <= model.taken, "a request was not taken though there is room for it");
                return;
            }
            if !(model.answers(0, None) && events.answered(&mut model)) {
                return;
            }
        }
    });
}

impl Loop {
    /// After an answer it has its turn, as the documentation says.
    fn answered(&self, model: &mut Model) -> bool {
        self.bell.ring();
        self.settle(model)
    }
}

impl Model {
    fn answers(&mut self, which: usize, len: Option<usize>) -> bool {
        let place = self.places.remove(which % self.places.len());
        let reply = len.map(|len| peer::message(NEWS, NO_KEY, len));
        self.served.reply(place, reply.as_deref()).is_ok()
    }
}

impl Driven for Model {
    fn turn(&mut self, world: &Shared) -> bool {
        world.with(|world| world.begin_call());
        if self.served.try_flush().is_err() {
            return false;
        }
        while !super::is_enough(world, self.places.len()) {
            match self.served.try_next() {
                Ok(TryRecv::Message((place, _))) => {
                    self.taken += 1;
                    self.places.push(place);
                }
                Ok(TryRecv::Nothing) => {
                    self.has_ended |= world.with(|world| world.has_ended() && !world.has_unread());
                    return true;
                }
                Ok(TryRecv::Closed) | Err(_) => return false,
            }
        }
        panic!("more requests than may be taken at a time");
    }

    fn deadline(&self) -> Option<Duration> {
        self.served.deadline()
    }

    /// Where heartbeats are expected it reads ahead, up to a limit.
    fn is_reading(&self, world: &World) -> bool {
        let is_ahead = self.has_pulse && world.arrived_messages() < self.taken + AHEAD;
        !self.has_ended && (self.is_taking() || is_ahead)
    }

    fn is_taking(&self) -> bool {
        self.served.owed() < AT_A_TIME
    }

    fn unwritten_bytes(&self) -> usize {
        self.served.unwritten_bytes()
    }

    fn taken(&self) -> u64 {
        self.taken
    }

    fn until(&self) -> Option<Duration> {
        None
    }
}
