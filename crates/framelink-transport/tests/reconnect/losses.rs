//! The hook that is called for each loss.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::client::{Client, Driver, parts, profile};
use crate::host::{Does, Host};

/// Makes a connection, and has the host end it.
async fn lose(client: &mut Client, host: &mut Host) {
    assert_eq!(client.call_until_answered(b"hi").await, b"hi");
    host.stop().await;
    client.call(b"hi").await.unwrap_err();
    host.start_again().await;
}

pub(crate) async fn a_hook_is_given_the_address_and_the_reason(driver: Driver) {
    let mut host = Host::start(Does::Echo).await;
    let told = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&told);
    let parts = parts(&profile(), [host.name()])
        .on_loss(move |loss| seen.lock().unwrap().push((loss.address().to_owned(), loss.why().to_owned())));
    let mut client = parts.client(driver);
    lose(&mut client, &mut host).await;
    lose(&mut client, &mut host).await;
    until(|| told.lock().unwrap().len() == 2).await;
    for (address, why) in &*told.lock().unwrap() {
        assert_eq!(*address, host.name());
        assert!(why.contains("calling") || why.contains("ended"), "{driver:?}: {why}");
    }
    assert_eq!(client.counts().losses, 2, "{driver:?}");
    // An orderly close is not a loss.
    assert_eq!(client.call_until_answered(b"hi").await, b"hi");
    client.close().await;
    assert_eq!(told.lock().unwrap().len(), 2, "{driver:?}");
}

pub(crate) async fn a_hook_that_panics_or_hangs_delays_no_call(driver: Driver) {
    let mut host = Host::start(Does::Echo).await;
    let (told, is_free) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let (count, free) = (Arc::clone(&told), Arc::clone(&is_free));
    let parts = parts(&profile(), [host.name()]).on_loss(move |_| {
        assert!(count.fetch_add(1, Ordering::AcqRel) > 0, "a hook that panics");
        while !free.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(2));
        }
    });
    let mut client = parts.client(driver);
    lose(&mut client, &mut host).await;
    until(|| told.load(Ordering::Acquire) == 1).await;
    lose(&mut client, &mut host).await;
    lose(&mut client, &mut host).await;
    assert_eq!(client.call_until_answered(b"hi").await, b"hi", "{driver:?}: a call is answered while the hook hangs");
    is_free.store(true, Ordering::Release);
    until(|| told.load(Ordering::Acquire) == 3).await;
    assert_eq!((client.counts().hook_panics, client.counts().hook_missed), (1, 0), "{driver:?}");
}

async fn until(mut condition: impl FnMut() -> bool) {
    while !condition() {
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
