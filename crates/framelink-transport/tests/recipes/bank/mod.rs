//! The recipe of a bank: a profile and a program, on tokio and on threads, with a primary that is killed again and again.

mod host;
mod ledger;

use std::ops::RangeInclusive;
use std::sync::atomic::Ordering;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use framelink_transport::tokio::LinkEvent;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::{JoinSet, yield_now};

use self::host::{Bank, reached};
use self::ledger::Outcome;

mod on_tokio {
    include!("../../../examples/recipes/bank.rs");

    /// Pays these amounts, one after the other.
    pub(super) async fn pay_all(link: Link, amounts: Vec<String>) -> Vec<(String, super::Outcome)> {
        let mut outcomes = Vec::new();
        for amount in amounts {
            let outcome = pay(&link, &amount).await.map_err(|error| error.to_string());
            outcomes.push((amount, outcome));
        }
        outcomes
    }

    pub(super) fn open_now(profile: &str) -> (Link, Inbox) {
        open(profile).unwrap()
    }
}

mod on_threads {
    include!("../../../examples/recipes/bank_threads.rs");

    pub(super) fn pay_all(link: &Link, amounts: Vec<String>) -> Vec<(String, super::Outcome)> {
        let pay = |amount: &str| pay(link, amount).map_err(|error| error.to_string());
        amounts.into_iter().map(|amount| (amount.clone(), pay(&amount))).collect()
    }

    pub(super) fn open_now(profile: &str) -> (Link, Inbox) {
        open(profile).unwrap()
    }
}

/// Payments that run at the same time.
const AT_A_TIME: u64 = 64;

/// Starts the bank on free ports. Returns the profile with its addresses.
async fn start(bank: &Arc<Bank>, kill_after: u64) -> String {
    let (primary, backup) =
        (TcpListener::bind("127.0.0.1:0").await.unwrap(), TcpListener::bind("127.0.0.1:0").await.unwrap());
    let addresses = [&primary, &backup].map(|site| site.local_addr().unwrap().to_string());
    tokio::spawn(Arc::clone(bank).run(primary, backup, kill_after));
    include_str!("../../../examples/recipes/bank.toml")
        .replace("10.1.2.3:7000", &addresses[0])
        .replace("10.1.9.3:7000", &addresses[1])
}

/// The amounts of each worker.
fn amounts(payments: RangeInclusive<u64>) -> impl Iterator<Item = Vec<String>> {
    let of_worker = move |worker| payments.clone().filter(move |amount| amount % AT_A_TIME == worker);
    (0..AT_A_TIME).map(move |worker| of_worker(worker).map(|amount| format!("{amount:012}")).collect())
}

/// Counts the connections of the program, and collects its events.
fn collect(event: LinkEvent, open: &watch::Sender<i64>) -> LinkEvent {
    match event {
        LinkEvent::Up => open.send_modify(|open| *open += 1),
        LinkEvent::Lost(_) => open.send_modify(|open| *open -= 1),
        _ => {}
    }
    event
}

/// Ends both sites of the bank. Returns when the program has lost its connections.
async fn bring_down(bank: &Bank, open: &watch::Sender<i64>) {
    let outages = *bank.outages.borrow();
    bank.is_down.send_replace(true);
    reached(&bank.outages, outages + 1).await;
    open.subscribe().wait_for(|open| *open == 0).await.unwrap();
}

/// Pays this number of times with the program for tokio, then `AT_A_TIME` times more while the bank is down. It comes back after
/// the first outcome, because a payment of which the bank may have seen something is reversed. Returns the outcomes and events.
async fn pay_on_tokio(bank: &Bank, profile: &str, payments: u64) -> (Vec<(String, Outcome)>, Vec<LinkEvent>) {
    let (link, mut inbox) = on_tokio::open_now(profile);
    let open = Arc::new(watch::Sender::new(0));
    let connections = Arc::clone(&open);
    let events = tokio::spawn(async move {
        let mut events = Vec::new();
        while let Some(event) = inbox.recv().await {
            events.push(collect(event, &connections));
        }
        events
    });
    reached(&bank.signed_on, 2).await;
    let pay = |payments| -> JoinSet<_> {
        amounts(payments).map(|amounts| on_tokio::pay_all(link.clone(), amounts)).collect()
    };
    let mut outcomes = pay(1..=payments).join_all().await.concat();
    bring_down(bank, &open).await;
    let mut unlucky = pay(payments + 1..=payments + AT_A_TIME);
    outcomes.extend(unlucky.join_next().await.unwrap().unwrap());
    bank.is_down.send_replace(false);
    outcomes.extend(unlucky.join_all().await.concat());
    let echoes = *bank.echoes.borrow();
    if !bank.is_quick() {
        reached(&bank.echoes, echoes + 4).await;
    }
    link.close(Duration::from_secs(1)).await;
    (outcomes, events.await.unwrap())
}

/// Checks the outcomes of this number of payments, and of those while the bank was down.
fn check(bank: &Bank, outcomes: &[(String, Outcome)], events: &[LinkEvent], payments: usize) {
    let [answered, reversed, not_sent] = bank.ledger().check(outcomes, events);
    println!("answered: {answered}, reversed: {reversed}, not sent: {not_sent}; kills: {}", *bank.kills.borrow());
    assert_eq!(answered + reversed + not_sent, payments + usize::try_from(AT_A_TIME).unwrap());
    // The bank leaves 6 of 400 payments without a reply in time, and a kill those in flight.
    assert!(answered >= payments * 9 / 10, "only {answered} were answered");
    assert!(reversed >= payments / 100, "only {reversed} were reversed");
    assert!(not_sent > 0, "each payment was sent, also while the bank was down");
}

/// Lets virtual time pass when nothing is left to do now. The sockets are real, so a step may pass too early; that makes a reply
/// later, and no outcome wrong.
async fn pass_time(bank: &Bank) {
    let (least, most) = (Duration::from_millis(5), Duration::from_millis(500));
    let mut step = least;
    loop {
        let before = bank.progress.load(Ordering::Relaxed);
        let turns = if step == least { 16 } else { 64 };
        for _ in 0..turns {
            // The system may deliver bytes in a thread of its own.
            thread::yield_now();
            yield_now().await;
        }
        let is_quiet = bank.progress.load(Ordering::Relaxed) == before;
        step = if is_quiet { (2 * step).min(most) } else { least };
        tokio::time::advance(step).await;
    }
}

#[tokio::test(start_paused = true)]
async fn no_outcome_of_a_hundred_thousand_is_wrong_while_the_primary_is_killed() {
    const PAYMENTS: u64 = 100_000;
    let bank = Bank::new(Duration::from_millis(200));
    let profile = start(&bank, 8_000).await;
    let (outcomes, events) = tokio::select! {
        paid = pay_on_tokio(&bank, &profile, PAYMENTS) => paid,
        () = pass_time(&bank) => unreachable!(),
    };
    check(&bank, &outcomes, &events, 100_000);
    assert!(*bank.kills.borrow() >= 3, "{} kills", *bank.kills.borrow());
    assert!(*bank.answers.borrow() > 0, "no echo test of the bank was answered");
}

/// Replies are late after half a second here.
fn in_real_time(profile: &str) -> String {
    profile.replace("30s", "500ms")
}

#[tokio::test]
async fn payments_on_tokio_survive_a_killed_primary() {
    let bank = Bank::new(Duration::ZERO);
    let profile = in_real_time(&start(&bank, 1_000).await);
    let (outcomes, events) = pay_on_tokio(&bank, &profile, 4_000).await;
    check(&bank, &outcomes, &events, 4_000);
    assert!(*bank.kills.borrow() > 0, "the primary was not killed");
}

#[test]
fn payments_on_threads_survive_a_killed_primary() {
    let bank = Bank::new(Duration::ZERO);
    let (at, profile) = mpsc::channel();
    let host = Arc::clone(&bank);
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            at.send(start(&host, 1_000).await).unwrap();
            std::future::pending::<()>().await;
        });
    });
    let (link, mut inbox) = on_threads::open_now(&in_real_time(&profile.recv().unwrap()));
    let open = Arc::new(watch::Sender::new(0));
    let connections = Arc::clone(&open);
    let events = thread::spawn(move || {
        std::iter::from_fn(|| inbox.recv()).map(|event| collect(event, &connections)).collect::<Vec<_>>()
    });
    let (tell, paid) = mpsc::channel();
    let pay = |payments| {
        for amounts in amounts(payments) {
            let (link, tell) = (link.clone(), tell.clone());
            thread::spawn(move || tell.send(on_threads::pay_all(&link, amounts)).unwrap());
        }
    };
    let workers = usize::try_from(AT_A_TIME).unwrap();
    pay(1..=4_000);
    let mut outcomes = paid.iter().take(workers).flatten().collect::<Vec<_>>();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(bring_down(&bank, &open));
    pay(4_001..=4_000 + AT_A_TIME);
    outcomes.extend(paid.recv().unwrap());
    bank.is_down.send_replace(false);
    outcomes.extend(paid.iter().take(workers - 1).flatten());
    link.close(Duration::from_secs(1));
    check(&bank, &outcomes, &events.join().unwrap(), 4_000);
    assert!(*bank.kills.borrow() > 0, "the primary was not killed");
}
