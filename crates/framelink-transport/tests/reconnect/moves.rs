//! Connections that move back to the primary.

use std::time::{Duration, Instant};

use framelink_transport::profile::Sign;
use framelink_transport::upstream::State;

use crate::client::{Driver, parts, profile};
use crate::host::{Does, Host};

/// The time of the test's profile: a probe in the background, and then the moves.
const FAIL_BACK: Duration = Duration::from_millis(300);
/// The delay of the primary's answers.
const SLOW: Duration = Duration::from_millis(400);

pub(crate) async fn a_client_returns_to_the_primary_without_delaying_a_call(driver: Driver) {
    let (mut primary, backup) = (Host::stopped(Does::Echo).await, Host::start(Does::Echo).await);
    let profile = profile().sign_on(Sign::new(b"on").expect(b"on")).sign_off(Sign::new(b"off"));
    let mut client = parts(&profile, [primary.name(), backup.name()]).client(driver);
    client.call(b"hi").await.unwrap();
    assert_eq!(client.address(), Some(backup.name()), "{driver:?}");
    primary.start_again().await;
    // The primary answers the sign-on slowly. No call waits for that.
    primary.stop().await;
    primary.now_does(Does::EchoAfter(SLOW));
    primary.start_again().await;
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    while client.address() != Some(primary.name()) {
        let called = Instant::now();
        client.call(b"hi").await.unwrap();
        if client.address() != Some(primary.name()) {
            slowest = slowest.max(called.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    assert!(began.elapsed() < 2 * FAIL_BACK + Duration::from_secs(10), "{driver:?}: {:?}", began.elapsed());
    assert!(slowest < SLOW, "{driver:?}: a call waited {slowest:?}");
    // The connection to the backup is closed in an orderly way.
    backup.has_seen(|seen| seen.messages.last().is_some_and(|last| last == b"off")).await;
    assert_eq!((client.counts().moves, client.counts().losses, client.state()), (1, 0, State::Up), "{driver:?}");
    client.close().await;
}

pub(crate) async fn a_primary_that_refuses_the_sign_on_is_not_used(driver: Driver) {
    let (primary, backup) = (Host::start(Does::Say(b"no")).await, Host::start(Does::Echo).await);
    let profile = profile().sign_on(Sign::new(b"on").expect(b"on"));
    let mut client = parts(&profile, [primary.name(), backup.name()]).client(driver);
    client.call(b"hi").await.unwrap();
    primary.has_seen(|seen| seen.accepts.len() >= 4).await;
    client.call(b"hi").await.unwrap();
    assert_eq!((client.address(), client.counts().moves), (Some(backup.name()), 0), "{driver:?}");
    assert!(client.counts().failures.sign_on >= 3, "{driver:?}");
}
