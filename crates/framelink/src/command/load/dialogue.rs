//! The messages of one connection that needs a session: heartbeats, preambles, framings that silence ends.

use std::time::Duration;

use framelink_transport::tokio::{Connection, Error};
use futures_util::FutureExt;

use super::failures::Kind;
use super::local::Local;
use super::phases::Phase;
use super::timer::Timer;
use super::traffic::{End, Ended, Hold, Traffic};

/// How long closing a connection may take.
const CLOSE: Duration = Duration::from_secs(1);

/// As `wire::run`, for connections that need a session.
pub(super) async fn run(
    local: &Local,
    place: usize,
    mut connection: Connection,
    mut traffic: Traffic,
    timer: &mut Timer,
) -> Ended {
    let end = exchange(local, place, &mut connection, &mut traffic, timer).await;
    if end == End::Done && local.phase() != Phase::Cut {
        if let Some(message) = local.plan.sign_off() {
            let _ = connection.send_within(&message, CLOSE).await;
        }
        let _ = connection.close(CLOSE).await;
    }
    traffic.ended(end)
}

async fn exchange(
    local: &Local,
    place: usize,
    connection: &mut Connection,
    traffic: &mut Traffic,
    timer: &mut Timer,
) -> End {
    let mut message = Vec::new();
    // A message in flight that the connection has no room for yet.
    let mut is_waiting = false;
    loop {
        if traffic.expire(local.now()) {
            return End::Lost;
        }
        let mut hold = Hold::Reply;
        loop {
            if !is_waiting {
                let now = local.now();
                match traffic.next(now) {
                    Ok(number) => {
                        message.clear();
                        local.plan.payloads.append(number, &mut message);
                        let tally = &mut *local.tally.borrow_mut();
                        tally.on_sent(1, message.len() as u64, now);
                    }
                    Err(held) => {
                        hold = held;
                        break;
                    }
                }
            }
            // What is fed is written while a reply is waited for.
            is_waiting = match connection.feed(&message).now_or_never() {
                Some(Ok(())) => false,
                Some(Err(error)) => return failed(traffic, &error),
                None => true,
            };
            if is_waiting {
                break;
            }
        }
        if hold == Hold::Over && traffic.window.is_empty() && !is_waiting {
            return End::Done;
        }
        let wake_at = traffic.wake_at(hold).map(|at| local.at(at));
        let wakes = async {
            match wake_at {
                Some(at) => timer.until(at).await,
                None => std::future::pending().await,
            }
        };
        let phase = local.phase();
        let received = tokio::select! {
            biased;
            received = connection.recv() => Some(received),
            () = wakes => None,
            () = local.stopped(place), if phase < Phase::Stopping => None,
            () = local.cut(place), if phase >= Phase::Stopping => None,
        };
        match received {
            Some(Ok(Some(reply))) => {
                let now = local.now();
                let tally = &mut *local.tally.borrow_mut();
                let before = tally.replied;
                traffic.on_message(tally, &reply, now);
                tally.on_replies_at(tally.replied - before, now);
                local.show(tally);
            }
            Some(Ok(None)) => {
                traffic.fail_all(Kind::Closed, "the peer closed the connection before the reply");
                return End::Lost;
            }
            Some(Err(error)) => return failed(traffic, &error),
            None if local.phase() == Phase::Cut => {
                traffic.fail_all(Kind::Cut, "a second signal ended the program before the reply");
                return End::Done;
            }
            None => {}
        }
    }
}

#[cold]
fn failed(traffic: &mut Traffic, error: &Error) -> End {
    traffic.fail_all(Kind::of(error.cause()), &error.to_string());
    End::Lost
}
