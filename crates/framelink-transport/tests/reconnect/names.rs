//! Host names whose lookup fails, hangs or changes.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[cfg(target_os = "linux")]
use framelink_transport::profile::Short;
use framelink_transport::upstream::{Reason, State};

use crate::client::{Client, Driver, Names, parts, profile};
#[cfg(target_os = "linux")]
use crate::host::Silent;
use crate::host::{Does, Host};

const SOON: Duration = Duration::from_millis(200);

fn down(client: &Client) -> Reason {
    match client.state() {
        State::Down { why, .. } => why.reason(),
        state => panic!("{state:?}"),
    }
}

pub(crate) async fn a_name_without_an_address(driver: Driver) {
    let mut client = parts(&profile(), ["switch".to_owned()]).names(Names::Fail).client(driver);
    let error = client.call(b"hi").await.unwrap_err().to_string();
    assert!(error.contains("resolving the peer's address: switch: no such name"), "{driver:?}: {error}");
    assert_eq!((client.counts().failures.resolve, down(&client)), (1, Reason::Resolve), "{driver:?}");
    let no_addresses = Names::Are(Arc::default());
    let mut client = parts(&profile(), ["switch".to_owned()]).names(no_addresses).client(driver);
    let error = client.call(b"hi").await.unwrap_err().to_string();
    assert!(error.contains("the peer's name has no address"), "{driver:?}: {error}");
}

pub(crate) async fn a_resolver_that_hangs_or_panics_is_contained(driver: Driver) {
    let is_free = Arc::new(AtomicBool::new(false));
    let hangs = Names::Hang(Arc::clone(&is_free));
    let profile = profile().connect_timeout(SOON);
    let mut client = parts(&profile, ["switch".to_owned()]).names(hangs).client(driver);
    let began = Instant::now();
    let error = client.call(b"hi").await.unwrap_err().to_string();
    assert!(error.contains("resolving the peer's address: switch: "), "{driver:?}: {error}");
    assert!(began.elapsed() >= SOON && began.elapsed() < Duration::from_secs(10), "{driver:?}: {:?}", began.elapsed());
    is_free.store(true, Ordering::Release);

    let mut client = parts(&profile, ["switch".to_owned()]).names(Names::Panic).client(driver);
    let error = client.call(b"hi").await.unwrap_err().to_string();
    assert!(error.contains("switch: the resolver panicked"), "{driver:?}: {error}");
    client.call(b"hi").await.unwrap_err();
    assert_eq!(client.counts().resolver_panics, 2, "{driver:?}: the resolver is asked again");
}

pub(crate) async fn a_changed_answer_is_used_by_the_next_dial(driver: Driver) {
    let (mut old, new) = (Host::start(Does::Echo).await, Host::start(Does::Echo).await);
    let answer = Arc::new(Mutex::new(vec![old.address]));
    let names = Names::Are(Arc::clone(&answer));
    let mut client = parts(&profile(), ["switch".to_owned()]).names(names).client(driver);
    assert_eq!(client.call(b"hi").await.unwrap(), b"hi");
    *answer.lock().unwrap() = vec![new.address];
    assert_eq!(client.call(b"hi").await.unwrap(), b"hi");
    assert_eq!((old.messages().len(), new.messages().len()), (2, 0), "the open connection stays in use");
    old.stop().await;
    assert_eq!(client.call_until_answered(b"hi").await, b"hi");
    assert_eq!(new.messages().len(), 1, "{driver:?}");
    assert_eq!(client.address().as_deref(), Some("switch"));
}

pub(crate) async fn a_name_with_one_dead_address_is_connected_at_the_other(driver: Driver) {
    let (dead, host) = (Host::stopped(Does::Echo).await, Host::start(Does::Echo).await);
    let both: Vec<SocketAddr> = vec![dead.address, host.address];
    let names = Names::Are(Arc::new(Mutex::new(both)));
    let mut client = parts(&profile(), ["switch".to_owned()]).names(names).client(driver);
    assert_eq!(client.call(b"hi").await.unwrap(), b"hi", "{driver:?}");
    assert_eq!(
        (client.counts().dials, client.counts().failures.total()),
        (1, 0),
        "{driver:?}: the name counts as one address"
    );
}

/// An address that does not answer costs 250 ms in the first dial only.
#[cfg(target_os = "linux")]
pub(crate) async fn the_address_of_a_name_that_answered_is_tried_first(driver: Driver) {
    const SHARE: Duration = Duration::from_millis(250);
    const CALLS: u32 = 10;
    let (silent, host) = (Silent::new(), Host::start(Does::Echo).await);
    let both = vec![silent.name().parse().unwrap(), host.address];
    let names = Names::Are(Arc::new(Mutex::new(both)));
    let profile = profile().connection(Short::new()).connect_timeout(4 * SHARE);
    let mut client = parts(&profile, ["switch".to_owned()]).names(names).client(driver);
    let began = Instant::now();
    for _ in 0..CALLS {
        assert_eq!(client.call(b"hi").await.unwrap(), b"hi", "{driver:?}");
    }
    let took = began.elapsed();
    assert!(took >= SHARE && took < SHARE * (CALLS - 2), "{driver:?}: {took:?}");
    assert_eq!(client.counts().dials, CALLS.into(), "{driver:?}");
}

#[cfg(not(target_os = "linux"))]
pub(crate) async fn the_address_of_a_name_that_answered_is_tried_first(_: Driver) {}

pub(crate) async fn a_real_name_is_resolved(driver: Driver) {
    let host = Host::start(Does::Echo).await;
    let name = format!("localhost:{}", host.address.port());
    let mut client = parts(&profile(), [name]).client(driver);
    assert_eq!(client.call(b"hi").await.unwrap(), b"hi", "{driver:?}");
}
