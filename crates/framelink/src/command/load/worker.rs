//! A worker: makes its connection, sends its messages, and connects again after the connection is lost.

use std::rc::Rc;
use std::time::Duration;

use framelink_transport::ConnectError;
use framelink_transport::tokio::Connection;
use tokio::time::sleep;

use super::calls::{self, Route};
use super::failures::Kind;
use super::local::Local;
use super::plan::Plan;
use super::schedule::{Due, PAUSE, Schedule, connect_at};
use super::timer::Timer;
use super::traffic::{End, Ended, Traffic};
use super::{dialogue, wire};
use crate::arguments::values::with_zone;
use crate::command::connect_failed;

/// Runs the worker with this number, which has this place among the workers of its thread. Long connections have no route.
pub(super) async fn run(local: Rc<Local>, place: usize, worker: u64, route: Option<Route>) {
    let mut schedule = local.plan.schedule(worker);
    let mut timer = Timer::new(local.plan.workload.rate.is_some());
    tokio::select! {
        () = sleep(connect_at(local.plan.connection_of(worker), local.plan.connect_rate)) => {}
        () = local.stopped(place) => {}
    }
    match route {
        Some(mut route) => {
            let connected = tokio::select! {
                connected = route.connect() => connected.map_err(|error| error.to_string()),
                () = local.stopped(place) => Ok(()),
            };
            local.on_connected(connected);
            if local.started(place).await {
                calls::run(&local, place, route, &mut schedule, &mut timer).await;
            }
        }
        None => run_long(&local, place, worker, &mut schedule, &mut timer).await,
    }
    local.tally.borrow_mut().unsent += schedule.unsent();
}

async fn run_long(local: &Rc<Local>, place: usize, worker: u64, schedule: &mut Schedule, timer: &mut Timer) {
    let plan = &*local.plan;
    let mut connection = tokio::select! {
        dialled = dial(plan, worker) => Some(dialled),
        () = local.stopped(place) => None,
    };
    let first = match &connection {
        Some(Err(error)) => Err(error.clone()),
        Some(Ok(_)) | None => Ok(()),
    };
    if let Err(error) = &first {
        local.fail(Kind::Connect, || error.clone());
    }
    local.on_connected(first);
    if !local.started(place).await {
        return;
    }
    let mut failing_since: Option<Duration> = None;
    let mut has_ended = false;
    while local.is_running() {
        let dialled = match connection.take() {
            Some(Ok(dialled)) => Some(dialled),
            Some(Err(_)) => None,
            None => {
                let dialled = tokio::select! {
                    dialled = dial(plan, worker) => dialled,
                    () = local.stopped(place) => return,
                };
                match dialled {
                    Ok(dialled) => {
                        local.tally.borrow_mut().reconnects += u64::from(has_ended);
                        Some(dialled)
                    }
                    Err(error) => {
                        local.fail(Kind::Connect, || error);
                        None
                    }
                }
            }
        };
        let is_useful = match dialled {
            Some(dialled) => {
                failing_since = None;
                has_ended = true;
                let traffic = Traffic::new(Rc::clone(local), schedule.clone());
                let ended = drive(local, place, dialled, traffic, timer).await;
                *schedule = ended.schedule;
                match ended.end {
                    End::Done => return,
                    End::Lost => ended.has_replied,
                }
            }
            None => {
                let now = local.now();
                if now.saturating_sub(*failing_since.get_or_insert(now)) > plan.timeout {
                    return;
                }
                false
            }
        };
        if matches!(schedule.due(local.now()), Due::Over) {
            return;
        }
        if !is_useful {
            tokio::select! {
                () = sleep(PAUSE) => {}
                () = local.stopped(place) => return,
            }
        }
    }
}

async fn drive(local: &Local, place: usize, connection: Connection, traffic: Traffic, timer: &mut Timer) -> Ended {
    if !local.plan.is_plain {
        return dialogue::run(local, place, connection, traffic, timer).await;
    }
    wire::run(place, connection, traffic, timer).await
}

/// Dials the address of this worker, and signs on.
async fn dial(plan: &Plan, worker: u64) -> Result<Connection, String> {
    let address = plan.address_of(worker);
    let dialled = match with_zone(address) {
        Ok(zoned) => plan.connector_of(worker).connect(&*zoned).await,
        Err(error) => Err(ConnectError::Resolve(error)),
    };
    dialled.map_err(|error| connect_failed(address, &error))
}
