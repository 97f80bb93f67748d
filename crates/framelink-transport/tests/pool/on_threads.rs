//! Pools on the blocking driver.

use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use framelink_testkit::ReservedPort;
use framelink_transport::blocking::{Cause, Pool, Upstream};
use framelink_transport::profile::Pooled;
use framelink_transport::session::Sent;
use framelink_transport::upstream::State;
use framelink_transport::{CloseReason, PoolStatus};

use crate::host::{Answer, Host};
use crate::support::baseline::Turn;
use crate::{DEADLINE, baseline, pooled, profile};

/// Runs a test, and asserts that it leaves no resources behind.
fn row(test: impl FnOnce()) {
    let turn = Turn::take();
    let baseline = baseline(&turn);
    test();
    baseline.assert_freed("the pool");
}

fn pool(host: &Host, pooled: Pooled) -> Pool {
    Pool::new(profile(pooled).build().unwrap(), [host.address()]).unwrap()
}

fn until(pool: &Pool, enough: impl Fn(&PoolStatus) -> bool) {
    let began = Instant::now();
    while !enough(&pool.status()) {
        assert!(began.elapsed() < DEADLINE, "{:?}", pool.status());
        thread::sleep(Duration::from_millis(1));
    }
}

/// Returns an address without a listener.
fn address_without_listener() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn calls_use_existing_connections_and_leave_nothing_behind() {
    row(|| {
        let host = Host::echo();
        let mut rules = pooled(4);
        rules.min = 2;
        let pool = pool(&host, rules);
        host.wait_accepted(2);
        until(&pool, |status| status.idle == 2);
        for number in 0..100_u32 {
            assert_eq!(&pool.call(&number.to_be_bytes()).unwrap()[..], number.to_be_bytes());
        }
        assert_eq!(host.accepted(), 2, "no more connections than needed");
        let report = pool.close(DEADLINE);
        assert_eq!((report.finished, report.cut), (0, 0));
        assert_eq!(pool.status().closed(CloseReason::PoolClosed), 2);
    });
}

#[test]
fn a_dropped_pool_ends_its_connections_and_its_threads() {
    row(|| {
        let host = Host::echo();
        let pool = pool(&host, pooled(2));
        pool.call(b"one").unwrap();
        // The connection outlives the pool, and stays usable.
        let mut lent = pool.get().unwrap();
        drop(pool);
        assert_eq!(&lent.call(b"two", DEADLINE).unwrap()[..], b"two");
    });
}

#[test]
fn a_pool_dropped_with_unused_connections_is_no_failure_of_the_peer() {
    row(|| {
        let host = Host::echo();
        let mut rules = pooled(2);
        rules.min = 2;
        let upstream = Upstream::new(&Arc::new(profile(rules).build().unwrap()), [host.address()]);
        for is_closed in [false, true] {
            let pool = Pool::over(upstream.clone()).unwrap();
            until(&pool, |status| status.idle == 2);
            if is_closed {
                pool.close(Duration::ZERO);
            }
        }
        // A connection that is returned after the pool is gone is no failure either.
        let pool = Pool::over(upstream.clone()).unwrap();
        let lent = pool.get().unwrap();
        drop((pool, lent));
        let began = Instant::now();
        while upstream.state() != State::Idle {
            assert!(began.elapsed() < DEADLINE, "{:?}", upstream.state());
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!((upstream.counts().losses, upstream.counts().lost_unused), (0, 0));
    });
}

#[test]
fn an_idle_connection_that_ends_or_has_unsolicited_bytes_is_closed_within_two_seconds() {
    row(|| {
        let host = Host::echo();
        let mut rules = pooled(2);
        rules.min = 2;
        let pool = pool(&host, rules);
        until(&pool, |status| status.idle == 2);
        host.close(0);
        host.send(1, b"\0\x03o");
        let began = Instant::now();
        until(&pool, |status| {
            (status.closed(CloseReason::ByPeer), status.closed(CloseReason::Unsolicited), status.idle) == (1, 1, 2)
        });
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    });
}

#[test]
fn a_connection_that_has_ended_is_never_provided() {
    row(|| {
        let host = Host::answering(|_| Answer::ReplyAndClose);
        let pool = pool(&host, pooled(1));
        for number in 0..50_u32 {
            let mut lent = pool.get().unwrap();
            assert_eq!(&lent.call(&number.to_be_bytes(), DEADLINE).unwrap()[..], number.to_be_bytes());
            // The end arrives before the connection is returned.
            assert!(lent.recv().unwrap().is_none());
        }
        assert_eq!(pool.status().closed(CloseReason::ByPeer), 50);
    });
}

#[test]
fn a_late_reply_answers_no_request() {
    row(|| {
        let host =
            Host::answering(
                |request| {
                    if request == b"late" { Answer::Late(Duration::from_millis(400)) } else { Answer::Reply }
                },
            );
        let short = profile(pooled(1)).reply_timeout(Duration::from_millis(300)).build().unwrap();
        let pool = Pool::new(short, [host.address()]).unwrap();
        let error = pool.call(b"late").unwrap_err();
        assert_eq!(error.sent(), Sent::NoReply);
        assert_eq!(&pool.call(b"other").unwrap()[..], b"other");
        assert_eq!(pool.status().closed(CloseReason::Dirty), 1);
    });
}

#[test]
fn waiters_are_served_in_order() {
    row(|| {
        let host = Host::echo();
        let pool = pool(&host, pooled(1));
        let lent = pool.get().unwrap();
        let served = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
        let mut waiting = Vec::new();
        for number in 0..10_u8 {
            let (of_thread, served) = (pool.clone(), std::sync::Arc::clone(&served));
            waiting.push(thread::spawn(move || {
                let _lent = of_thread.get().unwrap();
                served.lock().unwrap().push(number);
            }));
            until(&pool, |status| status.waiting == usize::from(number) + 1);
        }
        drop(lent);
        waiting.into_iter().for_each(|waiting| waiting.join().unwrap());
        assert_eq!(*served.lock().unwrap(), (0..10).collect::<Vec<_>>());
        assert_eq!(pool.status().opened, 1);
    });
}

#[test]
fn a_connection_held_during_a_panic_is_replaced() {
    row(|| {
        let host = Host::echo();
        let pool = pool(&host, pooled(1));
        let panicked = thread::spawn({
            let pool = pool.clone();
            move || {
                let mut lent = pool.get().unwrap();
                lent.send(b"a request without a wait for its reply").unwrap();
                std::panic::resume_unwind(Box::new("on purpose"));
            }
        });
        panicked.join().unwrap_err();
        // The reply to the first request may have arrived or not. It answers no other request.
        let mut lent = pool.get().unwrap();
        assert_eq!(&lent.call(b"hello", DEADLINE).unwrap()[..], b"hello");
        assert_eq!(pool.status().closed(CloseReason::Dirty), 1);
    });
}

#[test]
fn a_dial_that_hangs_is_reported_at_the_deadline() {
    row(|| {
        // The accept queue is full, so the address does not answer.
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        listener.bind(&"127.0.0.1:0".parse::<std::net::SocketAddr>().unwrap().into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        let _fills = std::net::TcpStream::connect(address).unwrap();
        let short = profile(pooled(2)).reply_timeout(Duration::from_millis(150));
        let short = short.connect_timeout(Duration::from_millis(400)).build().unwrap();
        let pool = Pool::new(short, [address.to_string()]).unwrap();
        let began = Instant::now();
        let error = pool.call(b"hello").unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
        assert_eq!(
            error.to_string(),
            "calling the peer: no connection was free within 150ms: 0 of at most 2 lent, 1 being opened, \
             0 ahead in the queue (not sent)"
        );
    });
}

#[test]
fn without_a_wait_a_call_fails_at_once_if_no_connection_is_free() {
    row(|| {
        let host = Host::echo();
        let mut rules = pooled(1);
        (rules.min, rules.wait) = (1, None);
        let pool = pool(&host, rules);
        until(&pool, |status| status.idle == 1);
        let _lent = pool.get().unwrap();
        let error = pool.get().unwrap_err();
        assert!(
            error.to_string().starts_with("no connection is free now, and the call does not wait: 1 of"),
            "{error}"
        );
    });
}

#[test]
fn a_message_without_a_reply_is_sent() {
    row(|| {
        let host = Host::silent();
        let profile = profile(pooled(1)).exchange(framelink_transport::profile::ExchangeKind::SendOnly);
        let pool = Pool::new(profile.build().unwrap(), [host.address()]).unwrap();
        for _ in 0..10 {
            pool.send(b"event").unwrap();
        }
        host.wait_received(10);
        assert_eq!(host.accepted(), 1);
    });
}

#[test]
fn a_wait_that_times_out_reports_why_the_last_dial_failed() {
    row(|| {
        let address = address_without_listener();
        let short = profile(pooled(3)).reply_timeout(Duration::from_millis(150)).build().unwrap();
        let pool = Pool::new(short, [address.as_str()]).unwrap();
        let error = pool.call(b"hello").unwrap_err();
        let Cause::PoolError(why) = error.error().cause() else { panic!("{error}") };
        let told = why.last_failure().unwrap().to_string();
        assert!(told.starts_with(&format!("connecting to {address}: ")) && told.contains("refused"), "{told}");
        let dials = pool.status().not_opened;
        assert!((2..=7).contains(&dials), "a few dials with delays: {dials}");
    });
}

#[test]
fn a_peer_that_restarts_is_dialled_again() {
    row(|| {
        let port = ReservedPort::new().unwrap();
        let address = port.address().to_string();
        let host = Host::at(&address, |_| Answer::Reply);
        let mut rules = pooled(2);
        rules.min = 2;
        let pool = pool(&host, rules);
        pool.call(b"before").unwrap();
        drop(host);
        until(&pool, |status| status.idle == 0 && status.not_opened > 0);
        let _host = Host::at(&address, |_| Answer::Reply);
        assert_eq!(&pool.call(b"after").unwrap()[..], b"after");
        until(&pool, |status| status.idle == 2);
    });
}

#[test]
fn connections_are_replaced_if_the_peer_closes_after_each_exchange() {
    row(|| {
        let host = Host::answering(|_| Answer::ReplyAndClose);
        let mut rules = pooled(2);
        rules.replace = true;
        let pool = pool(&host, rules);
        for number in 0..50_u32 {
            assert_eq!(&pool.call(&number.to_be_bytes()).unwrap()[..], number.to_be_bytes());
        }
        until(&pool, |status| status.idle > 0 && status.closing == 0);
    });
}

#[test]
fn closing_fails_the_waiters_and_finishes_or_cuts_the_exchanges_in_flight() {
    row(|| {
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
            thread::spawn(move || pool.call(request))
        });
        until(&pool, |status| status.lent == 2);
        let waits = thread::spawn({
            let pool = pool.clone();
            move || {
                let ended = pool.call(b"too late");
                told.send(()).unwrap();
                ended
            }
        });
        until(&pool, |status| status.waiting == 1);
        host.wait_received(2);
        let report = pool.close(Duration::from_millis(900));
        assert_eq!((report.finished, report.cut), (1, 1));
        let error = waits.join().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "calling the peer: the pool is closed (not sent)");
        assert_eq!(&soon.join().unwrap().unwrap()[..], b"soon");
        let error = never.join().unwrap().unwrap_err();
        assert_eq!(error.sent(), Sent::Perhaps, "{error}");
        assert!(pool.call(b"again").is_err());
    });
}

#[test]
fn idle_connections_are_closed_down_to_the_minimum_and_old_ones_are_replaced() {
    row(|| {
        let host = Host::echo();
        let mut rules = pooled(3);
        (rules.min, rules.idle) = (1, Duration::from_millis(100));
        let pool = pool(&host, rules);
        let lent = [pool.get().unwrap(), pool.get().unwrap(), pool.get().unwrap()];
        drop(lent);
        until(&pool, |status| (status.idle, status.closing, status.closed(CloseReason::Idle)) == (1, 0, 2));

        (rules.idle, rules.lifetime) = (Duration::from_secs(60), Duration::from_millis(200));
        let pool = Pool::new(profile(rules).build().unwrap(), [host.address()]).unwrap();
        until(&pool, |status| status.closed(CloseReason::Lifetime) >= 2 && status.idle == 1);
        assert_eq!(&pool.call(b"hello").unwrap()[..], b"hello");
    });
}

#[test]
fn a_peer_with_several_addresses_is_dialled_at_an_address_that_answers() {
    row(|| {
        let host = Host::echo();
        let profile = profile(pooled(2)).build().unwrap();
        let pool = Pool::new(profile, [address_without_listener(), host.address().to_owned()]).unwrap();
        assert_eq!(&pool.call(b"hello").unwrap()[..], b"hello");
        assert_eq!(pool.get().unwrap().address(), host.address());
    });
}

#[test]
fn heartbeats_detect_a_dead_peer_while_the_pool_is_idle() {
    row(|| {
        let host = Host::silent();
        let mut rules = pooled(1);
        rules.min = 1;
        let heartbeat = "empty,interval=60ms,timeout=60ms,tries=1".parse().unwrap();
        let pool = Pool::new(profile(rules).heartbeat(heartbeat).build().unwrap(), [host.address()]).unwrap();
        until(&pool, |status| status.closed(CloseReason::Dead) >= 1 && status.opened >= 2);
    });
}

#[test]
fn idle_connections_send_heartbeats_and_stay_open() {
    row(|| {
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
    row(|| {
        let host = Host::echo();
        let pool = pool(&host, pooled(3));
        let callers = (0..8_u32).map(|caller| {
            let pool = pool.clone();
            thread::spawn(move || {
                for number in 0..100_u32 {
                    let request = [caller.to_be_bytes(), number.to_be_bytes()].concat();
                    assert_eq!(&pool.call(&request).unwrap()[..], request);
                }
            })
        });
        callers.collect::<Vec<_>>().into_iter().for_each(|caller| caller.join().unwrap());
        let status = pool.status();
        assert_eq!((status.lendings, status.lent), (800, 0));
        assert!(status.opened <= 3, "{status:?}");
    });
}
