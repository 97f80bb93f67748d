//! Servers that are down for a while.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use framelink_transport::Profile;
use framelink_transport::profile::{Short, Sign};
use framelink_transport::tokio::{Client as OnTokio, Upstream};
use framelink_transport::upstream::State;
use futures_util::FutureExt as _;
use tokio::task::JoinSet;

use crate::client::{Driver, parts, profile, reconnect};
#[cfg(target_os = "linux")]
use crate::host::Silent;
use crate::host::{Does, Host};

pub(crate) async fn a_flapping_server_is_dialled_less_and_less(driver: Driver) {
    let host = Host::start(Does::Close).await;
    let mut client = parts(&profile(), [host.name()]).client(driver);
    let began = Instant::now();
    // The client calls again and again.
    while began.elapsed() < Duration::from_millis(1500) {
        client.call(b"hi").await.unwrap_err();
    }
    // 20 ms, doubled up to 400 ms, each shortened at random: about 11 dials. Without delays there would be thousands.
    let dials = client.counts().dials;
    assert!((3..=30).contains(&dials), "{driver:?}: {dials} dials in 1.5 s");
    assert_eq!(client.counts().lost_unused, dials, "{driver:?}: every lost connection is counted");
    host.now_does(Does::Echo);
    assert_eq!(client.call_until_answered(b"hi").await, b"hi");
    assert_eq!((client.in_flight(), client.counts().failures.total()), (0, 0));
}

pub(crate) async fn a_call_waits_for_the_next_dial_within_its_timeout(driver: Driver) {
    let mut host = Host::stopped(Does::Echo).await;
    let mut client = parts(&profile(), [host.name()]).client(driver);
    let began = Instant::now();
    let first = client.call(b"hi").await.unwrap_err().to_string();
    assert!(first.contains("Connection refused"), "{driver:?}: the first call fails at once: {first}");
    assert!(began.elapsed() < Duration::from_secs(2), "less than the call's timeout");
    for _ in 0..5 {
        client.call(b"hi").await.unwrap_err();
    }
    assert_eq!(client.counts().dials, 6, "{driver:?}: each call has waited for its dial");
    host.start_again().await;
    assert_eq!(
        client.call(b"hi").await.unwrap(),
        b"hi",
        "{driver:?}: the call that waits for a successful dial is answered"
    );
}

pub(crate) async fn a_call_with_a_timeout_before_the_next_dial_fails_at_once(driver: Driver) {
    let host = Host::stopped(Does::Echo).await;
    let mut reconnect = reconnect();
    (reconnect.first, reconnect.cap) = (Duration::from_secs(3600), Duration::from_secs(3600));
    let soon = Duration::from_millis(500);
    let profile = profile().reconnect(reconnect).reply_timeout(soon).connect_timeout(soon);
    let mut client = parts(&profile, [host.name()]).client(driver);
    client.call(b"hi").await.unwrap_err();
    let began = Instant::now();
    for _ in 0..100 {
        let error = client.call(b"hi").await.unwrap_err().to_string();
        let told = error.contains("not dialled, the next try is due in ") && error.contains("Connection refused");
        assert!(told && error.contains(&host.name()), "{driver:?}: {error}");
    }
    // A single waiting call would take half a second.
    assert!(began.elapsed() < Duration::from_secs(15), "{driver:?}: {:?}", began.elapsed());
    assert_eq!(client.counts().dials, 1, "{driver:?}");
}

/// A call is made whenever the earlier one has failed. The next dial must not always be due just at the end of a call.
pub(crate) async fn a_call_that_waits_for_the_next_dial_has_time_left_for_it(driver: Driver) {
    let mut host = Host::start(Does::EchoAfter(Duration::from_millis(40))).await;
    let mut reconnect = reconnect();
    reconnect.cap = Duration::from_secs(2);
    let profile = profile().reconnect(reconnect).reply_timeout(Duration::from_millis(800));
    let mut client = parts(&profile.sign_on(Sign::new(b"on").expect(b"on")), [host.name()]).client(driver);
    client.call(b"hi").await.unwrap();
    for _ in 0..2 {
        host.stop().await;
        let dials = client.counts().dials;
        while client.counts().dials < dials + 7 {
            client.call(b"hi").await.unwrap_err();
        }
        host.start_again().await;
        assert_eq!(client.call_until_answered(b"hi").await, b"hi");
        let failures = client.counts().failures;
        assert_eq!(failures.total(), failures.refused, "{driver:?}: {failures:?}");
    }
}

pub(crate) async fn a_backup_serves_while_the_first_address_is_dead(driver: Driver) {
    let (dead, backup) = (Host::stopped(Does::Echo).await, Host::start(Does::Echo).await);
    let mut client = parts(&profile(), [dead.name(), backup.name()]).client(driver);
    assert_eq!(client.call(b"hi").await.unwrap(), b"hi");
    assert_eq!(client.address(), Some(backup.name()), "{driver:?}");
    let mut none = parts(&profile(), []).client(driver);
    let error = none.call(b"hi").await.unwrap_err().to_string();
    assert!(error.contains("no address"), "{error}");
}

pub(crate) async fn short_connections_do_not_dial_an_ejected_address(driver: Driver) {
    let (dead, backup) = (Host::stopped(Does::Echo).await, Host::start(Does::Echo).await);
    let mut reconnect = reconnect();
    reconnect.fail_back = Duration::from_secs(3600);
    let profile = profile().reconnect(reconnect).connection(Short::new()).connect_timeout(Duration::from_secs(2));
    let mut client = parts(&profile, [dead.name(), backup.name()]).client(driver);
    // Three failures take at most 20 + 40 ms. Then the address is ejected.
    while client.counts().failures.refused < 3 {
        assert_eq!(client.call(b"hi").await.unwrap(), b"hi");
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    for _ in 0..20 {
        assert_eq!(client.call(b"hi").await.unwrap(), b"hi");
    }
    let counts = client.counts();
    assert_eq!((counts.failures.refused, counts.losses, client.in_flight()), (3, 0, 0), "{driver:?}: {counts:?}");
    assert!(counts.connected > 10, "{driver:?}: {counts:?}");
}

#[cfg(target_os = "linux")]
pub(crate) async fn a_silent_address_leaves_time_for_the_other_addresses(driver: Driver) {
    let silent = Silent::new();
    let host = Host::start(Does::Echo).await;
    let profile = profile().reply_timeout(Duration::from_millis(1500));
    let mut client = parts(&profile, [silent.name(), host.name()]).client(driver);
    assert_eq!(client.call(b"hi").await.unwrap(), b"hi", "{driver:?}: the call is answered within its deadline");
    assert_eq!(client.counts().failures.timed_out, 1, "{driver:?}");
}

#[cfg(not(target_os = "linux"))]
pub(crate) async fn a_silent_address_leaves_time_for_the_other_addresses(_: Driver) {}

/// The call is dropped during the dial, the sign-on, the wait for the reply, and the wait for the next dial.
pub(crate) async fn a_call_that_is_dropped_leaves_nothing_behind(_: Driver) {
    for does in [Does::Nothing, Does::Close] {
        let host = Host::start(does).await;
        let profile = profile().sign_on(Sign::new(b"on").expect(b"on")).build().unwrap();
        let upstream = Upstream::new(&Arc::new(profile), [host.name()]);
        let mut client = OnTokio::over(upstream.clone()).unwrap();
        for _ in 0..20 {
            let dropped = tokio::time::timeout(Duration::from_millis(5), client.call(b"hi")).await;
            assert!(!matches!(dropped, Ok(Ok(_))), "the host does not answer");
            assert_eq!(upstream.in_flight(), 0);
            assert!(!matches!(upstream.state(), State::Connecting | State::Up), "{:?}", upstream.state());
        }
        host.now_does(Does::EchoAfter(Duration::from_millis(10)));
        let reply = loop {
            if let Ok(reply) = client.call(b"hi").await {
                break reply;
            }
        };
        assert_eq!(reply[..], b"hi"[..]);
        assert!(client.call(b"hi").now_or_never().is_none(), "the request is sent");
        assert_eq!(upstream.in_flight(), 0);
        let State::Down { why, .. } = upstream.state() else { panic!("{:?}", upstream.state()) };
        assert_eq!(why.text(), "an exchange on the connection was given up");
        assert_eq!(&client.call(b"again").await.unwrap()[..], b"again", "the reply is not the late one");
        assert_eq!(upstream.in_flight(), 0);
    }
}

const CLIENTS: usize = 200;

pub(crate) async fn two_hundred_clients_reconnect_without_a_storm(_: Driver) {
    let mut host = Host::start(Does::Echo).await;
    let mut reconnect = reconnect();
    (reconnect.first, reconnect.cap) = (Duration::from_millis(100), Duration::from_secs(2));
    let profile: Arc<Profile> = Arc::new(profile().reconnect(reconnect).build().unwrap());
    let is_over = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        let mut client = OnTokio::over(Upstream::new(&profile, [host.name()])).unwrap();
        let is_over = Arc::clone(&is_over);
        clients.spawn(async move {
            let mut was_answered = false;
            while !(is_over.load(Ordering::Acquire) && was_answered) {
                was_answered = client.call(b"hi").await.is_ok();
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            client.upstream().in_flight()
        });
    }
    host.has_seen(|seen| seen.accepts.len() == CLIENTS).await;
    host.stop().await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    let back = Instant::now();
    host.start_again().await;
    host.has_seen(|seen| seen.accepts.len() == 2 * CLIENTS).await;
    let all_back = back.elapsed();
    is_over.store(true, Ordering::Release);
    let in_flight = clients.join_all().await;
    assert_eq!(in_flight, [0; CLIENTS], "no call is stuck");
    let accepts = host.accepts();
    assert_eq!(accepts.len(), 2 * CLIENTS, "each client reconnects once");
    let mut by_time = [0; 40];
    for accept in &accepts[CLIENTS..] {
        let tenth = usize::try_from((*accept - back).as_millis() / 100).unwrap();
        by_time[tenth.min(39)] += 1;
    }
    println!("200 clients reconnected in {all_back:.1?}; accepted in each 100 ms: {:?}", &by_time[..25]);
    let most = *by_time.iter().max().unwrap();
    assert!(most <= CLIENTS / 4, "a storm: {by_time:?}");
    assert!(all_back < Duration::from_secs(10), "{all_back:?}");
}
