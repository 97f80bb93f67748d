//! Links whose connections move to another address.

use std::sync::Arc;
use std::time::Duration;

use framelink_transport::profile::{Duplex, Shared, Sign};
use framelink_transport::{ProfileBuilder, blocking, tokio as on_tokio};
use tokio::task::JoinSet;

use crate::client::{Driver, aside, parts, profile};
use crate::host::{Does, Host};

#[derive(Clone)]
enum Link {
    Tokio(on_tokio::Link),
    Blocking(blocking::Link),
}

impl Link {
    async fn call(&self, request: Vec<u8>) -> Vec<u8> {
        match self {
            Self::Tokio(link) => link.call(&request).await.unwrap().to_vec(),
            Self::Blocking(link) => {
                let link = link.clone();
                aside(move || link.call(&request).unwrap().to_vec()).await
            }
        }
    }

    fn in_flight(&self) -> usize {
        match self {
            Self::Tokio(link) => link.upstream().unwrap().in_flight(),
            Self::Blocking(link) => link.upstream().in_flight(),
        }
    }

    fn moves(&self) -> (u64, u64) {
        let counts = match self {
            Self::Tokio(link) => link.upstream().unwrap().counts(),
            Self::Blocking(link) => link.upstream().counts(),
        };
        (counts.moves, counts.losses)
    }
}

fn link(profile: &ProfileBuilder, peers: impl IntoIterator<Item = String>, driver: Driver) -> Link {
    match driver {
        Driver::Tokio => Link::Tokio(on_tokio::Link::over(parts(profile, peers).on_tokio()).unwrap().0),
        Driver::Blocking => Link::Blocking(blocking::Link::over(parts(profile, peers).on_threads()).unwrap().0),
        Driver::NonBlocking => panic!("the non-blocking driver has no link"),
    }
}

pub(crate) async fn a_link_that_moves_finishes_the_calls_in_flight(driver: Driver) {
    let slowly = Does::EchoAfter(Duration::from_millis(30));
    let (mut primary, backup) = (Host::stopped(slowly).await, Host::start(slowly).await);
    let calls = Duplex::new().key("0:4".parse().unwrap());
    let profile = profile().connection(Shared::new(2)).exchange(calls).sign_off(Sign::new(b"9999 off"));
    let link = link(&profile, [primary.name(), backup.name()], driver);
    let mut asking = JoinSet::new();
    let goes_on = Arc::new(std::sync::atomic::AtomicBool::new(true));
    for caller in 0..4 {
        let (link, goes_on) = (link.clone(), Arc::clone(&goes_on));
        asking.spawn(async move {
            let mut call = 0;
            while goes_on.load(std::sync::atomic::Ordering::Acquire) {
                // No call fails, and each has its own reply.
                let request = format!("{:04} of {caller}", caller * 1000 + call % 1000).into_bytes();
                assert_eq!(link.call(request.clone()).await, request);
                call += 1;
            }
            call
        });
    }
    backup.has_seen(|seen| seen.messages.len() > 20 && seen.accepts.len() == 2).await;
    primary.start_again().await;
    backup.has_seen(|seen| seen.messages.iter().filter(|message| *message == b"9999 off").count() == 2).await;
    let before = backup.messages().len();
    primary.has_seen(|seen| seen.messages.len() > 20).await;
    goes_on.store(false, std::sync::atomic::Ordering::Release);
    let calls = asking.join_all().await;
    assert!(calls.iter().all(|calls| *calls > 10), "{calls:?}");
    assert_eq!(backup.messages().len(), before, "{driver:?}: no further request goes to the backup");
    assert_eq!((link.moves(), link.in_flight()), ((2, 0), 0), "{driver:?}");
}

/// The address and the call time out at one moment, and the address counts as failed.
#[cfg(target_os = "linux")]
pub(crate) async fn an_address_that_does_not_answer_has_failed(driver: Driver) {
    let silent = crate::host::Silent::new();
    let soon = Duration::from_millis(200);
    let profile = profile().exchange(Duplex::new().key("0:4".parse().unwrap())).reply_timeout(soon);
    let link = link(&profile, [silent.name()], driver);
    let error = match &link {
        Link::Tokio(link) => link.call(b"0001").await.unwrap_err(),
        Link::Blocking(link) => {
            let link = link.clone();
            aside(move || link.call(b"0001").unwrap_err()).await
        }
    };
    assert!(error.to_string().contains("no answer within"), "{driver:?}: {error}");
    let counts = match &link {
        Link::Tokio(link) => link.upstream().unwrap().counts(),
        Link::Blocking(link) => link.upstream().counts(),
    };
    assert_eq!(counts.failures.timed_out, 1, "{driver:?}");
}

#[cfg(not(target_os = "linux"))]
pub(crate) async fn an_address_that_does_not_answer_has_failed(_: Driver) {}
