//! Pools on the tokio driver.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use framelink_testkit::ReservedPort;
use framelink_transport::profile::{Pooled, Reconnect};
use framelink_transport::session::Sent;
use framelink_transport::tokio::{Cause, Pool, Upstream};
use framelink_transport::upstream::State;
use framelink_transport::{CloseReason, ConnectError, PoolStatus};
use futures_util::FutureExt;
use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::host::{Answer, Host};
use crate::support::baseline::Turn;
use crate::{DEADLINE, baseline, pooled, profile};

/// Runs a test, and asserts that it leaves no resources behind.
fn row(test: impl Future<Output = ()>) {
    row_on(Builder::new_multi_thread().worker_threads(2), test);
}

fn row_on(runtime: &mut Builder, test: impl Future<Output = ()>) {
    let turn = Turn::take();
    runtime.enable_all().build().unwrap().block_on(async {
        let baseline = baseline(&turn);
        test.await;
        baseline.assert_freed_soon("the pool").await;
    });
}

fn pool(host: &Host, pooled: Pooled) -> Pool {
    Pool::new(profile(pooled).build().unwrap(), [host.address()]).unwrap()
}

async fn until(pool: &Pool, enough: impl Fn(&PoolStatus) -> bool) {
    let began = Instant::now();
    while !enough(&pool.status()) {
        assert!(began.elapsed() < DEADLINE, "{:?}", pool.status());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Returns an address without a listener.
fn address_without_listener() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn calls_use_existing_connections_and_leave_nothing_behind() {
    row(async {
        let host = Host::echo();
        let mut rules = pooled(4);
        rules.min = 2;
        let pool = pool(&host, rules);
        host.wait_accepted(2);
        for number in 0..100_u32 {
            assert_eq!(&pool.call(&number.to_be_bytes()).await.unwrap()[..], number.to_be_bytes());
        }
        assert_eq!(host.accepted(), 2, "no more connections than needed");
        let status = pool.status();
        assert_eq!((status.idle, status.lent, status.lendings), (2, 0, 100));
        let report = pool.close(DEADLINE).await;
        assert_eq!((report.finished, report.cut), (0, 0));
        assert_eq!(pool.status().closed(CloseReason::PoolClosed), 2);
    });
}

#[test]
fn a_dropped_pool_ends_its_connections_and_its_task() {
    row(async {
        let host = Host::echo();
        let pool = pool(&host, pooled(2));
        pool.call(b"one").await.unwrap();
        // The connection outlives the pool, and stays usable.
        let mut lent = pool.get().await.unwrap();
        drop(pool);
        assert_eq!(&lent.call(b"two", DEADLINE).await.unwrap()[..], b"two");
    });
}

#[test]
fn a_pool_dropped_with_unused_connections_is_no_failure_of_the_peer() {
    row(async {
        let host = Host::echo();
        let mut rules = pooled(2);
        rules.min = 2;
        let upstream = Upstream::new(&Arc::new(profile(rules).build().unwrap()), [host.address()]);
        for is_closed in [false, true] {
            let pool = Pool::over(upstream.clone()).unwrap();
            until(&pool, |status| status.idle == 2).await;
            if is_closed {
                pool.close(Duration::ZERO).await;
            }
        }
        // A connection that is returned after the pool is gone is no failure either.
        let pool = Pool::over(upstream.clone()).unwrap();
        let lent = pool.get().await.unwrap();
        drop((pool, lent));
        let began = Instant::now();
        while upstream.state() != State::Idle {
            assert!(began.elapsed() < DEADLINE, "{:?}", upstream.state());
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!((upstream.counts().losses, upstream.counts().lost_unused), (0, 0));
    });
}

#[test]
fn an_idle_connection_that_the_peer_closes_is_noticed_at_once_and_replaced() {
    row(async {
        let host = Host::echo();
        let mut rules = pooled(2);
        rules.min = 1;
        let pool = pool(&host, rules);
        until(&pool, |status| status.idle == 1).await;
        host.close(0);
        until(&pool, |status| status.closed(CloseReason::ByPeer) == 1 && status.idle == 1).await;
        assert_eq!(&pool.call(b"hello").await.unwrap()[..], b"hello");
        // The next close is of a connection that was in use before.
        host.close(1);
        until(&pool, |status| status.closed(CloseReason::ByPeer) == 2 && status.idle == 1).await;
    });
}

#[test]
fn an_idle_connection_with_unsolicited_bytes_is_closed_at_once() {
    row(async {
        for bytes in [b"\0\x03one".as_slice(), b"\0\x03o", b"\0"] {
            let host = Host::echo();
            let pool = pool(&host, pooled(1));
            pool.call(b"hello").await.unwrap();
            host.send(0, bytes);
            until(&pool, |status| status.closed(CloseReason::Unsolicited) == 1).await;
            assert_eq!(&pool.call(b"hello").await.unwrap()[..], b"hello");
        }
    });
}

#[test]
fn a_late_reply_answers_no_request() {
    row(async {
        let host =
            Host::answering(
                |request| {
                    if request == b"late" { Answer::Late(Duration::from_millis(400)) } else { Answer::Reply }
                },
            );
        let mut rules = pooled(1);
        rules.min = 1;
        let short = profile(rules).reply_timeout(Duration::from_millis(300)).build().unwrap();
        let pool = Pool::new(short, [host.address()]).unwrap();
        let error = pool.call(b"late").await.unwrap_err();
        assert_eq!(error.sent(), Sent::NoReply);
        assert!(error.to_string().ends_with("nothing came within 300ms (sent, no reply)"), "{error}");
        until(&pool, |status| status.idle == 1).await;
        assert_eq!(&pool.call(b"other").await.unwrap()[..], b"other");
        assert_eq!(pool.status().closed(CloseReason::Dirty) + pool.status().closed(CloseReason::Failed), 1);
    });
}

#[test]
fn waiters_are_served_in_order() {
    row(async {
        let host = Host::echo();
        let pool = pool(&host, pooled(1));
        let lent = pool.get().await.unwrap();
        let mut waiting = Vec::new();
        for number in 0..10_u8 {
            let of_task = pool.clone();
            waiting.push(tokio::spawn(async move {
                let lent = of_task.get().await.unwrap();
                (number, lent)
            }));
            until(&pool, |status| status.waiting == usize::from(number) + 1).await;
        }
        drop(lent);
        for (expected, waiting) in (0..).zip(waiting) {
            let (number, _lent) = timeout(DEADLINE, waiting).await.unwrap().unwrap();
            assert_eq!(number, expected);
        }
        assert_eq!(pool.status().opened, 1);
    });
}

#[test]
fn a_connection_for_a_cancelled_waiter_goes_to_the_next_waiter() {
    row(async {
        let host = Host::echo();
        let pool = pool(&host, pooled(1));
        let lent = pool.get().await.unwrap();
        let [first, second] = [(); 2].map(|()| {
            let pool = pool.clone();
            tokio::spawn(async move { drop(pool.get().await.unwrap()) })
        });
        until(&pool, |status| status.waiting == 2).await;
        first.abort();
        drop(lent);
        timeout(DEADLINE, second).await.unwrap().unwrap();
        let status = pool.status();
        assert_eq!((status.lent, status.waiting, status.opened), (0, 0, 1));
    });
}

#[test]
fn a_call_cancelled_during_its_dial_frees_its_slot() {
    // On one thread no connection is dialled while the call is polled, so a cancelled call has not been sent.
    row_on(&mut Builder::new_current_thread(), async {
        let host = Host::echo();
        let pool = pool(&host, pooled(1));
        // The call waits while a connection is opened for it.
        assert!(pool.call(b"one").now_or_never().is_none());
        until(&pool, |status| status.idle == 1).await;
        assert_eq!(&pool.call(b"two").await.unwrap()[..], b"two");
    });
}

#[test]
fn the_connection_of_a_call_cancelled_in_its_exchange_is_closed_and_replaced() {
    row(async {
        let host = Host::answering(|request| if request == b"one" { Answer::Nothing } else { Answer::Reply });
        let mut rules = pooled(1);
        rules.min = 1;
        let pool = pool(&host, rules);
        let call = tokio::spawn({
            let pool = pool.clone();
            async move { pool.call(b"one").await }
        });
        host.wait_received(1);
        call.abort();
        until(&pool, |status| status.closed(CloseReason::Dirty) == 1 && status.idle == 1).await;
        assert_eq!(&pool.call(b"two").await.unwrap()[..], b"two");
    });
}

#[test]
fn a_connection_held_during_a_panic_is_replaced() {
    row(async {
        let host = Host::echo();
        let pool = pool(&host, pooled(1));
        let panicked = tokio::spawn({
            let pool = pool.clone();
            async move {
                let mut lent = pool.get().await.unwrap();
                lent.send(b"a request without a wait for its reply").await.unwrap();
                std::panic::resume_unwind(Box::new("on purpose"));
            }
        });
        assert!(panicked.await.unwrap_err().is_panic());
        // The reply to the first request may have arrived or not. It answers no other request.
        let mut lent = pool.get().await.unwrap();
        assert_eq!(&lent.call(b"hello", DEADLINE).await.unwrap()[..], b"hello");
        assert_eq!(pool.status().closed(CloseReason::Dirty), 1);
    });
}

#[test]
fn a_dial_that_hangs_is_reported_at_the_deadline() {
    row(async {
        // The accept queue is full, so the address does not answer.
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let _fills = std::net::TcpStream::connect(address).unwrap();
        let short = profile(pooled(2)).reply_timeout(Duration::from_millis(150)).build().unwrap();
        let pool = Pool::new(short, [address.to_string()]).unwrap();
        let began = Instant::now();
        let error = pool.call(b"hello").await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert_eq!(error.sent(), Sent::Not);
        assert_eq!(
            error.to_string(),
            "calling the peer: no connection was free within 150ms: 0 of at most 2 lent, 1 being opened, \
             0 ahead in the queue (not sent)"
        );
    });
}

#[test]
fn a_wait_that_times_out_reports_why_the_last_dial_failed() {
    row(async {
        let address = address_without_listener();
        let short = profile(pooled(3)).reply_timeout(Duration::from_millis(150)).build().unwrap();
        let pool = Pool::new(short, [address.as_str()]).unwrap();
        let error = pool.call(b"hello").await.unwrap_err();
        let Cause::PoolError(why) = error.error().cause() else { panic!("{error}") };
        let told = why.last_failure().unwrap().to_string();
        assert!(told.starts_with(&format!("connecting to {address}: ")) && told.contains("refused"), "{told}");
        assert!(error.to_string().contains(&format!("; the last one could not be opened: {told}")), "{error}");
        let dials = pool.status().not_opened;
        assert!((2..=7).contains(&dials), "a few dials with delays: {dials}");
    });
}

#[test]
fn only_a_dial_that_failed_counts_as_not_opened() {
    row(async {
        let mut reconnect = Reconnect::default();
        (reconnect.first, reconnect.cap) = (Duration::from_secs(3600), Duration::from_secs(3600));
        let mut rules = pooled(1);
        rules.min = 1;
        let upstream = Upstream::new(
            &Arc::new(profile(rules).reconnect(reconnect).build().unwrap()),
            [address_without_listener()],
        );
        let pool = Pool::over(upstream.clone()).unwrap();
        let not_yet = |failure: &ConnectError| matches!(failure, ConnectError::NotYet { .. });
        until(&pool, |status| status.last_failure.as_deref().is_some_and(not_yet)).await;
        assert_eq!((pool.status().not_opened, upstream.counts().dials), (1, 1));
    });
}

#[test]
fn a_peer_that_restarts_is_dialled_again() {
    row(async {
        let port = ReservedPort::new().unwrap();
        let address = port.address().to_string();
        let host = Host::at(&address, |_| Answer::Reply);
        let mut rules = pooled(2);
        rules.min = 2;
        let pool = pool(&host, rules);
        pool.call(b"before").await.unwrap();
        drop(host);
        until(&pool, |status| status.idle == 0 && status.not_opened > 0).await;
        let host = Host::at(&address, |_| Answer::Reply);
        assert_eq!(&pool.call(b"after").await.unwrap()[..], b"after");
        until(&pool, |status| status.idle == 2).await;
        drop(host);
    });
}

#[test]
fn no_request_fails_if_the_peer_closes_after_each_exchange() {
    row(async {
        let host = Host::answering(|_| Answer::ReplyAndClose);
        let pool = pool(&host, pooled(1));
        for number in 0..100_u32 {
            assert_eq!(&pool.call(&number.to_be_bytes()).await.unwrap()[..], number.to_be_bytes());
            until(&pool, |status| status.closed(CloseReason::ByPeer) == u64::from(number) + 1).await;
        }
    });
}

#[test]
fn connections_are_replaced_if_the_peer_closes_after_each_exchange() {
    row(async {
        let host = Host::answering(|_| Answer::ReplyAndClose);
        let mut rules = pooled(2);
        rules.replace = true;
        let pool = pool(&host, rules);
        for number in 0..50_u32 {
            assert_eq!(&pool.call(&number.to_be_bytes()).await.unwrap()[..], number.to_be_bytes());
        }
        until(&pool, |status| status.idle > 0 && status.closing + status.opening == 0).await;
        let status = pool.status();
        assert_eq!(
            status.closed(CloseReason::Replaced) + status.closed(CloseReason::ByPeer),
            status.opened - u64::from(status.idle)
        );
    });
}

#[test]
fn without_a_wait_a_call_fails_at_once_if_no_connection_is_free() {
    row(async {
        let host = Host::echo();
        let mut rules = pooled(1);
        (rules.min, rules.wait) = (1, None);
        let pool = pool(&host, rules);
        until(&pool, |status| status.idle == 1).await;
        let _lent = pool.get().await.unwrap();
        let error = pool.get().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no connection is free now, and the call does not wait: 1 of at most 1 lent, 0 being opened, \
             0 ahead in the queue"
        );
    });
}

#[test]
fn closing_fails_the_waiters_and_finishes_or_cuts_the_exchanges_in_flight() {
    row(async {
        // The exchange in flight is answered after the waiting call has failed.
        let (told, until_told) = mpsc::channel();
        let until_told = Mutex::new(until_told);
        let host = Host::answering(move |request| match request {
            b"soon" => {
                let _ = until_told.lock().unwrap().recv();
                Answer::Reply
            }
            _ => Answer::Nothing,
        });
        let pool = pool(&host, pooled(2));
        let [soon, never] = [b"soon".as_slice(), b"never"].map(|request| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.call(request).await })
        });
        until(&pool, |status| status.lent == 2).await;
        let waits = tokio::spawn({
            let pool = pool.clone();
            async move {
                let ended = pool.call(b"too late").await;
                told.send(()).unwrap();
                ended
            }
        });
        until(&pool, |status| status.waiting == 1).await;
        let closing = tokio::spawn({
            let pool = pool.clone();
            async move { pool.close(Duration::from_millis(900)).await }
        });
        let error = timeout(Duration::from_millis(800), waits).await.unwrap().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "calling the peer: the pool is closed (not sent)");
        assert_eq!(&timeout(DEADLINE, soon).await.unwrap().unwrap().unwrap()[..], b"soon");
        let report = timeout(DEADLINE, closing).await.unwrap().unwrap();
        assert_eq!((report.finished, report.cut), (1, 1));
        let error = timeout(DEADLINE, never).await.unwrap().unwrap().unwrap_err();
        assert!(matches!(error.error().cause(), Cause::Closed), "{error}");
        assert_eq!(error.sent(), Sent::Perhaps);
        assert!(pool.call(b"again").await.is_err());
    });
}

#[test]
fn idle_connections_are_closed_down_to_the_minimum_and_old_ones_are_replaced() {
    row(async {
        let host = Host::echo();
        let mut rules = pooled(3);
        (rules.min, rules.idle) = (1, Duration::from_millis(100));
        let pool = pool(&host, rules);
        let lent = [pool.get().await.unwrap(), pool.get().await.unwrap(), pool.get().await.unwrap()];
        drop(lent);
        until(&pool, |status| (status.idle, status.closing, status.closed(CloseReason::Idle)) == (1, 0, 2)).await;

        (rules.idle, rules.lifetime) = (Duration::from_secs(60), Duration::from_millis(200));
        let pool = Pool::new(profile(rules).build().unwrap(), [host.address()]).unwrap();
        until(&pool, |status| status.closed(CloseReason::Lifetime) >= 2 && status.idle == 1).await;
        assert_eq!(&pool.call(b"hello").await.unwrap()[..], b"hello");
    });
}

#[test]
fn a_peer_with_several_addresses_is_dialled_at_an_address_that_answers() {
    row(async {
        let host = Host::echo();
        let profile = profile(pooled(2)).build().unwrap();
        let pool = Pool::new(profile, [address_without_listener(), host.address().to_owned()]).unwrap();
        assert_eq!(&pool.call(b"hello").await.unwrap()[..], b"hello");
        assert_eq!(pool.get().await.unwrap().address(), host.address());
    });
}

#[test]
fn heartbeats_detect_a_dead_peer_while_the_pool_is_idle() {
    row(async {
        let host = Host::silent();
        let mut rules = pooled(1);
        rules.min = 1;
        let heartbeat = "empty,interval=60ms,timeout=60ms,tries=1".parse().unwrap();
        let pool = Pool::new(profile(rules).heartbeat(heartbeat).build().unwrap(), [host.address()]).unwrap();
        until(&pool, |status| status.closed(CloseReason::Dead) >= 1 && status.opened >= 2).await;
    });
}

#[test]
fn idle_connections_send_heartbeats_and_stay_open() {
    row(async {
        let host = Host::echo();
        let mut rules = pooled(2);
        rules.min = 2;
        let heartbeat = "empty,interval=60ms,timeout=2s".parse().unwrap();
        let pool = Pool::new(profile(rules).heartbeat(heartbeat).build().unwrap(), [host.address()]).unwrap();
        host.wait_received(10);
        assert_eq!((pool.status().opened, pool.status().idle), (2, 2), "{:?}", pool.status());
    });
}

#[test]
fn many_calls_at_a_time_never_open_more_connections_than_the_maximum() {
    row(async {
        let host = Host::echo();
        let pool = pool(&host, pooled(3));
        let callers = (0..20_u32).map(|caller| {
            let pool = pool.clone();
            tokio::spawn(async move {
                for number in 0..50_u32 {
                    let request = [caller.to_be_bytes(), number.to_be_bytes()].concat();
                    assert_eq!(&pool.call(&request).await.unwrap()[..], request);
                }
            })
        });
        for caller in callers.collect::<Vec<_>>() {
            caller.await.unwrap();
        }
        let status = pool.status();
        assert_eq!((status.lendings, status.lent, status.opened), (1000, 0, 3));
    });
}

#[test]
fn a_message_without_a_reply_is_sent() {
    row(async {
        let host = Host::silent();
        let rules = pooled(1);
        let profile = profile(rules).exchange(framelink_transport::profile::ExchangeKind::SendOnly).build().unwrap();
        let pool = Pool::new(profile, [host.address()]).unwrap();
        for _ in 0..10 {
            pool.send(b"event").await.unwrap();
        }
        host.wait_received(10);
        assert_eq!(host.accepted(), 1);
    });
}

#[test]
fn a_profile_that_is_not_pooled_has_no_pool() {
    let profile = framelink_transport::Profile::template("long-sync", crate::framing()).unwrap();
    let error = Pool::new(profile, ["127.0.0.1:1"]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "connection does not go with the pool: it lends connections, which only pooled has; use a Client, or a Link"
    );
}
