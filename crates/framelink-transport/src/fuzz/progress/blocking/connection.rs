//! A connection: one operation at a time, which waits.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;

use super::super::peer::{self, NEWS, NO_KEY, REQUEST};
use super::super::step::{Operation, Step};
use super::super::{FRAMING, Scene};
use super::stream::Stream;
use super::waits::Waits;
use crate::fuzz::simulated::{self, Simulation};
use crate::{Cause, Directions, TryRecv};

type Connection<'d> = crate::blocking::Connection<Directions, Stream<'d>, Stream<'d>>;

/// What an operation came to.
enum Done {
    Nothing,
    Message,
    /// The connection has ended or is of no more use.
    End,
}

/// Operations one after the other, beside all that a peer can do.
pub(in super::super) fn connection(data: &[u8]) {
    let _simulation = Simulation::begin();
    let Some((scene, steps)) = Scene::of(data) else { return };
    let waits = Rc::new(RefCell::new(Waits::new(scene.world.clone(), None, steps)));
    let stream = || Stream { waits: Rc::clone(&waits), timeout: None, gathers: scene.gathers };
    let mut connection = Connection::from_parts(stream(), stream(), Arc::clone(&FRAMING));
    if let Some((heartbeat, role)) = scene.heartbeat {
        waits.borrow_mut().pulse = Some(connection.watch(heartbeat, role));
    }
    loop {
        let Some(step) = waits.borrow_mut().next() else { return };
        match step {
            Step::Peer(change) => scene.world.with(|world| world.change(change)),
            Step::Wait(time) => simulated::advance(time),
            Step::GiveUp(_) => {}
            Step::Flood(flood, _) => {
                scene.world.with(|world| world.begin_flood(flood));
                waits.borrow_mut().begin(None, false);
                // What was dropped is not counted.
                let _ = connection.tend(true);
                return;
            }
            Step::Begin(operation) => {
                begin(&mut waits.borrow_mut(), operation);
                let done = act(&mut connection, operation);
                waits.borrow_mut().end();
                match done {
                    Done::Message => waits.borrow_mut().taken += 1,
                    Done::Nothing => {}
                    Done::End => return,
                }
            }
        }
    }
}

fn begin(waits: &mut Waits<'_>, operation: Operation) {
    match operation {
        Operation::SendWithin { limit, .. } => waits.begin(Some(limit), false),
        Operation::ReceiveWithin { limit } | Operation::Call { limit, .. } => waits.begin(Some(limit), true),
        Operation::Receive => waits.begin(None, true),
        _ => waits.begin(None, false),
    }
}

fn act(connection: &mut Connection<'_>, operation: Operation) -> Done {
    let message = |kind, len| peer::message(kind, NO_KEY, len);
    let done = match operation {
        Operation::Send { len } => connection.send(&message(NEWS, len)).map(|()| Done::Nothing),
        Operation::Feed { len } => connection.feed(&message(NEWS, len)).map(|()| Done::Nothing),
        Operation::SendWithin { len, limit } => match connection.send_within(&message(NEWS, len), limit) {
            Err(error) if matches!(error.cause(), Cause::NoRoom { .. } | Cause::TimedOut { .. }) => Ok(Done::Nothing),
            sent => sent.map(|()| Done::Nothing),
        },
        Operation::Receive => {
            connection.recv().map(|received| if received.is_some() { Done::Message } else { Done::End })
        }
        Operation::ReceiveWithin { limit } => connection.recv_within(limit).map(|received| match received {
            TryRecv::Message(_) => Done::Message,
            TryRecv::Nothing => Done::Nothing,
            TryRecv::Closed => Done::End,
        }),
        // A call that fails closes the connection.
        Operation::Call { len, limit } => {
            Ok(connection.call(&message(REQUEST, len), limit).map_or(Done::End, |_| Done::Message))
        }
        Operation::Finish => connection.finish().map(|()| Done::Nothing),
        // What was dropped is not counted.
        Operation::Tend { is_deaf } => {
            connection.tend(is_deaf).map(|_| if is_deaf { Done::End } else { Done::Nothing })
        }
    };
    done.unwrap_or(Done::End)
}
