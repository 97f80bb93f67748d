//! The states of an upstream, in order.

use std::sync::mpsc::Receiver;
use std::time::Duration;

use framelink_transport::upstream::{Reason, State};

use crate::client::{Driver, parts, profile};
use crate::host::{Does, Host};

/// Returns the next state that differs from the current one.
async fn next(states: &Receiver<State>) -> State {
    loop {
        match states.try_recv() {
            Ok(state) => return state,
            Err(_) => tokio::time::sleep(Duration::from_millis(1)).await,
        }
    }
}

async fn until(states: &Receiver<State>, is_it: impl Fn(&State) -> bool) -> Vec<State> {
    let mut seen = Vec::new();
    loop {
        seen.push(next(states).await);
        if seen.last().is_some_and(&is_it) {
            return seen;
        }
    }
}

fn is_down(reason: Reason) -> impl Fn(&State) -> bool {
    move |state| matches!(state, State::Down { why, .. } if why.reason() == reason)
}

pub(crate) async fn the_states_of_an_outage(driver: Driver) {
    let mut host = Host::start(Does::EchoAfter(Duration::from_millis(20))).await;
    let mut client = parts(&profile(), [host.name()]).client(driver);
    assert_eq!(client.state(), State::Idle);
    let states = client.states();
    // The receiver of the states is a task or a thread, which needs a moment to start.
    tokio::time::sleep(Duration::from_millis(50)).await;
    client.call(b"hi").await.unwrap();
    let seen = until(&states, |state| *state == State::Up).await;
    assert!(seen.iter().all(|state| matches!(state, State::Connecting | State::Up)), "{driver:?}: {seen:?}");
    host.stop().await;
    // The first call may have sent its request before the client noticed the outage.
    while !is_down(Reason::Refused)(&client.state()) {
        client.call(b"hi").await.unwrap_err();
    }
    let seen = until(&states, is_down(Reason::Refused)).await;
    assert!(!seen.contains(&State::Up), "{driver:?}: {seen:?}");
    let State::Down { why, next_try } = client.state() else { panic!("{:?}", client.state()) };
    assert_eq!(why.address(), host.name());
    assert!(why.text().contains("Connection refused") && next_try <= Duration::from_millis(20), "{why} {next_try:?}");
    host.start_again().await;
    client.call_until_answered(b"hi").await;
    let seen = until(&states, |state| *state == State::Up).await;
    assert!(seen.iter().all(|state| matches!(state, State::Connecting | State::Up)), "{driver:?}: {seen:?}");
    assert_eq!(client.state(), State::Up);
    client.close().await;
    until(&states, |state| *state == State::Idle).await;
}

pub(crate) async fn heartbeats_report_a_loss_between_two_calls(driver: Driver) {
    let host = Host::start(Does::Nothing).await;
    let profile = profile().heartbeat("empty,interval=60ms,timeout=60ms".parse().unwrap());
    let mut client = parts(&profile, [host.name()]).client(driver);
    let states = client.states();
    client.connect().await;
    assert_eq!(client.state(), State::Up);
    // No call is made.
    until(&states, is_down(Reason::Lost)).await;
    assert_eq!(client.counts().losses, 1, "{driver:?}");
}

pub(crate) async fn the_state_on_the_backup_is_degraded(driver: Driver) {
    let (mut primary, backup) = (Host::start(Does::Echo).await, Host::start(Does::Echo).await);
    let mut client = parts(&profile(), [primary.name(), backup.name()]).client(driver);
    client.call(b"hi").await.unwrap();
    assert_eq!(client.state(), State::Up);
    let states = client.states();
    tokio::time::sleep(Duration::from_millis(50)).await;
    primary.stop().await;
    client.call_until_answered(b"hi").await;
    let is_degraded = |state: &State| matches!(state, State::Degraded { down } if *down[0] == *primary.name());
    until(&states, is_degraded).await;
    assert!(is_degraded(&client.state()), "{driver:?}: {:?}", client.state());
}
