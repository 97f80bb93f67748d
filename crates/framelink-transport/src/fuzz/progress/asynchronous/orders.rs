//! The state that the tasks of one connection share, under many orders in which the tasks run. If a task waits for a
//! wake-up that never happens, shuttle reports that all tasks are blocked.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use shuttle::future::{block_on, spawn_local};
use shuttle::sync::atomic::{AtomicBool, Ordering};
use shuttle::{check_pct, check_random};

use super::super::Scene;
use super::super::model::RUNTIME;
use super::super::peer::{self, NO_KEY, OTHER, REQUEST};
use super::super::step::Change;
use super::super::world::{Shared, World};
use super::connect;
use super::stream::Stream;
use crate::profile::FramingPair;
use crate::simulated;

type Caller = crate::tokio::Caller<FramingPair, Stream>;
type Receiver = crate::tokio::Receiver<FramingPair, Stream, Stream>;

#[test]
fn each_send_ends_though_the_peer_has_ended_its_side_and_others_are_cancelled() {
    under_any_order(|| block_on(sends(true)));
}

#[test]
fn each_send_ends_though_others_are_cancelled() {
    under_any_order(|| block_on(sends(false)));
}

#[test]
fn each_call_ends_though_there_is_room_for_one_and_others_are_cancelled() {
    under_any_order(|| block_on(calls()));
}

fn under_any_order(schedule: fn()) {
    // No time passes in this runtime.
    RUNTIME.with(|runtime| {
        let _entered = runtime.enter();
        simulated::at_each_turn(Some(switch));
        check_random(schedule, 10_000);
        check_pct(schedule, 5_000, 3);
        simulated::at_each_turn(None);
    });
}

/// A point where another task may run. (A yield of shuttle would wake the yielding task, and hide a lost wake-up.)
fn switch() {
    AtomicBool::new(false).load(Ordering::SeqCst);
}

/// Three tasks that send, one that gives up, and a socket that takes a few bytes at a time.
async fn sends(half_close: bool) {
    let (world, caller, receiver) = connected(4);
    let receiver = spawn_local(receive(receiver));
    let senders = [0; 3].map(|_| {
        let caller = caller.clone();
        spawn_local(async move { caller.send(&peer::message(OTHER, NO_KEY, 600)).await.is_ok() })
    });
    let cancelled = spawn_local(give_up(caller.clone(), OTHER));
    if half_close {
        world.with(|world| world.change(Change::HalfClose));
    }
    for count in [100, 700] {
        switch();
        world.with(|world| world.open(count));
    }
    cancelled.await.expect("no panic");
    world.with(|world| world.open(usize::MAX / 4));
    for sender in senders {
        assert!(sender.await.expect("no panic"), "the socket takes all of it");
    }
    world.with(|world| world.change(Change::HalfClose));
    drop(receiver.await.expect("no panic"));
}

/// Three tasks that call, one that gives up, and room for one call at a time.
async fn calls() {
    let (world, caller, receiver) = connected(1);
    world.with(|world| world.open(usize::MAX / 4));
    let receiver = spawn_local(receive(receiver));
    let callers = [1, 2, 3].map(|key| {
        let caller = caller.clone();
        let request = peer::message(REQUEST, key, 10);
        spawn_local(async move { caller.call(&request, Duration::from_secs(60)).await.is_ok() })
    });
    let cancelled = spawn_local(give_up(caller.clone(), REQUEST));
    let answering = spawn_local({
        let world = world.clone();
        async move {
            while !world.with(|world| world.has_ended()) {
                world.with(World::answer_all);
                shuttle::future::yield_now().await;
            }
        }
    });
    for caller in callers {
        assert!(caller.await.expect("no panic"), "it is answered");
    }
    cancelled.await.expect("no panic");
    world.with(|world| world.change(Change::HalfClose));
    answering.await.expect("no panic");
    drop(receiver.await.expect("no panic"));
}

fn connected(window: usize) -> (Shared, Caller, Receiver) {
    let world = Shared::new(0);
    let scene = Scene { world, heartbeat: None, one_at_a_time: false, gathers: true, in_order: false };
    let (caller, receiver) = connect(&scene).0.duplex(scene.matching(window));
    (scene.world, caller, receiver)
}

async fn receive(mut receiver: Receiver) -> Receiver {
    while let Ok(Some(_)) = receiver.recv().await {}
    receiver
}

async fn give_up(caller: Caller, kind: u8) {
    let message = peer::message(kind, 9, 600);
    let mut operation = pin!(async {
        match kind {
            OTHER => drop(caller.send(&message).await),
            _ => drop(caller.call(&message, Duration::from_secs(60)).await),
        }
    });
    for _ in 0..8 {
        let is_done = poll_fn(|context| Poll::Ready(operation.as_mut().poll(context).is_ready())).await;
        if is_done {
            return;
        }
        switch();
    }
}
