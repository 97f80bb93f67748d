//! The blocking driver: one operation at a time. The peer and the clock move while the driver waits.

mod stream;
mod waits;

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use self::stream::Stream;
use self::waits::Waits;
use super::operation::{Done, act};
use super::step::Step;
use super::{FRAMING, Scene};
use crate::blocking::Connection;
use crate::driver::plain;
use crate::profile::FramingPair;
use crate::simulated::{self, Simulation};

/// Runs operations one after the other, with a peer that does anything it can.
pub(super) fn connection(data: &[u8]) {
    let _simulation = Simulation::begin();
    let Some((scene, steps)) = Scene::of(data) else { return };
    let waits = Rc::new(RefCell::new(Waits::new(scene.world.clone(), steps)));
    let stream = || Stream { waits: Rc::clone(&waits), timeout: None, gathers: scene.gathers };
    let mut connection: Connection<FramingPair, _, _> =
        Connection::from_parts(stream(), stream(), Arc::clone(&FRAMING));
    if let Some((heartbeat, role)) = scene.heartbeat {
        waits.borrow_mut().liveness = Some(connection.watch(heartbeat, role));
    }
    loop {
        let Some(step) = waits.borrow_mut().steps.next() else { return };
        match step {
            Step::Peer(change) => scene.world.with(|world| world.change(change)),
            Step::Wait(time) => simulated::advance(time),
            Step::GiveUp(_) => {}
            Step::Flood(flood, _) => {
                scene.world.with(|world| world.begin_flood(flood));
                waits.borrow_mut().begin(None, false);
                // A message that was dropped is not counted.
                let _ = connection.maintain(true);
                return;
            }
            Step::Begin(operation) => {
                waits.borrow_mut().begin(operation.limit(), operation.is_for_messages());
                let done = act!(plain, connection, operation);
                if waits.borrow_mut().end(done) == Done::End {
                    return;
                }
            }
        }
    }
}
