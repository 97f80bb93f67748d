//! Ten thousand calls over misbehaving peers, on both drivers: no reply answers another request, and every connection
//! is returned.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use framelink_testkit::{Fault, Hostile};
use framelink_transport::{CloseReason, Message, PoolStatus, Profile, blocking, tokio};

use crate::host::{Answer, Host};
use crate::support::baseline::Turn;
use crate::{DEADLINE, baseline, framing, pooled, profile};

const CALLS: u64 = 10_000;
const CALLERS: u64 = 8;

/// The outcomes of the calls.
#[derive(Debug, Default)]
struct Tally {
    answered: AtomicU64,
    failed: AtomicU64,
}

impl Tally {
    fn count<E>(&self, number: u64, reply: Result<Message, E>) {
        match reply {
            Ok(reply) => {
                assert_eq!(reply[..], number.to_be_bytes(), "the reply belongs to the request");
                self.answered.fetch_add(1, Ordering::Relaxed);
            }
            Err(_) => {
                self.failed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn numbers(&self) -> (u64, u64) {
        (self.answered.load(Ordering::Relaxed), self.failed.load(Ordering::Relaxed))
    }
}

/// Starts a host that answers most requests correctly, and the others with each kind of fault.
fn misbehaving() -> Host {
    let requests = AtomicU64::new(0);
    Host::answering(move |_| match requests.fetch_add(1, Ordering::Relaxed) % 64 {
        7 => Answer::Twice,
        15 => Answer::Close,
        23 => Answer::Reset,
        31 => Answer::Late(Duration::from_millis(60)),
        39 => Answer::Half,
        47 => Answer::ReplyAndClose,
        55 => Answer::Nothing,
        _ => Answer::Reply,
    })
}

/// The timeout of replies. It is short, because late replies would make the test slow. A correct reply is never this
/// late.
const SHORT: Duration = Duration::from_millis(40);

fn rules(reply: Duration) -> Profile {
    let mut rules = pooled(4);
    (rules.min, rules.wait) = (2, Some(reply));
    rules.uses = Some(100);
    profile(rules).reply_timeout(reply).build().unwrap()
}

fn assert_all_returned(status: &PoolStatus) {
    assert_eq!((status.lent, status.waiting), (0, 0), "{status:?}");
    assert!(status.idle + status.opening + status.closing <= 4, "{status:?}");
}

#[test]
fn ten_thousand_calls_on_threads() {
    let turn = Turn::take();
    let baseline = baseline(&turn);
    {
        let host = misbehaving();
        let pool = blocking::Pool::new(rules(SHORT), [host.address()]).unwrap();
        let tally = Arc::new(Tally::default());
        let callers = (0..CALLERS).map(|caller| {
            let (pool, tally) = (pool.clone(), Arc::clone(&tally));
            thread::spawn(move || {
                for number in (caller..CALLS).step_by(usize::try_from(CALLERS).unwrap()) {
                    tally.count(number, pool.call(&number.to_be_bytes()));
                }
            })
        });
        callers.collect::<Vec<_>>().into_iter().for_each(|caller| caller.join().unwrap());
        check(&tally, &pool.status());
        pool.close(Duration::from_secs(5));
    }
    baseline.assert_freed("the pool");
}

#[test]
fn ten_thousand_calls_on_tokio() {
    let turn = Turn::take();
    let runtime = ::tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        let baseline = baseline(&turn);
        {
            let host = misbehaving();
            let pool = tokio::Pool::new(rules(SHORT), [host.address()]).unwrap();
            let tally = Arc::new(Tally::default());
            let callers = (0..CALLERS).map(|caller| {
                let (pool, tally) = (pool.clone(), Arc::clone(&tally));
                ::tokio::spawn(async move {
                    for number in (caller..CALLS).step_by(usize::try_from(CALLERS).unwrap()) {
                        // Some tasks give up while they wait for a connection, and some during their exchange.
                        let request = number.to_be_bytes();
                        match ::tokio::time::timeout(patience(number), pool.call(&request)).await {
                            Ok(reply) => tally.count(number, reply),
                            Err(late) => tally.count(number, Err(late)),
                        }
                    }
                })
            });
            for caller in callers.collect::<Vec<_>>() {
                caller.await.unwrap();
            }
            check(&tally, &pool.status());
            pool.close(Duration::from_secs(5)).await;
        }
        baseline.assert_freed_soon("the pool").await;
    });
}

fn patience(number: u64) -> Duration {
    if number.is_multiple_of(50) { Duration::from_micros(number % 500) } else { Duration::from_secs(10) }
}

fn check(tally: &Tally, status: &PoolStatus) {
    let (answered, failed) = tally.numbers();
    assert_eq!(answered + failed, CALLS);
    assert!(answered > CALLS * 8 / 10 && failed > 100, "{answered} answered, {failed} failed: {status:?}");
    assert_all_returned(status);
}

/// Each fault of a peer by itself. (A second reply that arrives when the next request is on its way is left out:
/// without a key it cannot be told from the reply to that request.)
#[test]
fn no_fault_of_a_peer_makes_a_reply_answer_another_request() {
    const EACH: u64 = 80;
    let turn = Turn::take();
    for fault in
        [Fault::None, Fault::Late, Fault::CutReset, Fault::CutFin, Fault::Silent, Fault::SplitHeader, Fault::Slam]
    {
        let baseline = baseline(&turn);
        {
            let server = Hostile::builder(framing(), fault).delay(Duration::from_millis(60));
            let server = server.listen("127.0.0.1:0").unwrap();
            let (answered, status) =
                call(&server.local_addr().to_string(), EACH, if fault == Fault::None { DEADLINE } else { SHORT });
            assert_eq!(answered == EACH, fault == Fault::None, "{fault:?}: {answered} answered, {status:?}");
            server.stop();
        }
        baseline.assert_freed("the pool");
    }
}

#[test]
fn a_second_reply_with_the_first_is_noticed_before_the_connection_is_reused() {
    const CALLS: u64 = 400;
    let turn = Turn::take();
    let baseline = baseline(&turn);
    {
        let host = Host::answering(|_| Answer::Twice);
        let (answered, status) = call(host.address(), CALLS, DEADLINE);
        assert_eq!((answered, status.closed(CloseReason::Unsolicited)), (CALLS, CALLS), "{status:?}");
    }
    baseline.assert_freed("the pool");
}

/// Makes this many calls, four at a time. Returns how many were answered.
fn call(address: &str, calls: u64, reply: Duration) -> (u64, PoolStatus) {
    let pool = blocking::Pool::new(rules(reply), [address]).unwrap();
    let tally = Arc::new(Tally::default());
    let callers = (0..4).map(|caller| {
        let (pool, tally) = (pool.clone(), Arc::clone(&tally));
        thread::spawn(move || {
            for number in 0..calls / 4 {
                let number = number * 4 + caller;
                tally.count(number, pool.call(&number.to_be_bytes()));
            }
        })
    });
    callers.collect::<Vec<_>>().into_iter().for_each(|caller| caller.join().unwrap());
    let status = pool.status();
    assert_all_returned(&status);
    pool.close(Duration::from_secs(1));
    (tally.numbers().0, status)
}
