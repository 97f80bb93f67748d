//! One message at a time over connections that others make: short ones, a pool, or connections that callers share.

use std::rc::Rc;
use std::time::Duration;

use framelink_transport::tokio::{CallError, Client, Inbox, Link, LinkEvent, Pool};
use framelink_transport::{Incoming, Message, ProfileError};

use super::failures::Kind;
use super::local::Local;
use super::schedule::{Due, PAUSE, Schedule};
use super::timer::Timer;
use super::traffic::on_called;
use crate::arguments::load::Kind as Connections;

/// How messages reach the peer.
pub(super) enum Route {
    Short(Box<Client>),
    Pool(Pool),
    Link(Link),
}

impl Route {
    /// Returns a route for each worker of this thread, whose numbers these are.
    pub(super) fn for_workers(local: &Rc<Local>, workers: &[u64]) -> Result<Vec<Self>, ProfileError> {
        let plan = &local.plan;
        let first = workers.first().copied().unwrap_or_default();
        match plan.kind {
            Connections::Long | Connections::Short => workers
                .iter()
                .map(|&worker| Client::over(plan.upstream(worker)).map(|client| Self::Short(Box::new(client))))
                .collect(),
            Connections::Pooled => {
                let pool = Pool::over(plan.upstream_of(first, workers.len()))?;
                Ok(workers.iter().map(|_| Self::Pool(pool.clone())).collect())
            }
            Connections::Shared => {
                let (link, inbox) = Link::over(plan.upstream_of(first, workers.len() / plan.depth))?;
                tokio::task::spawn_local(read_inbox(Rc::clone(local), inbox));
                Ok(workers.iter().map(|_| Self::Link(link.clone())).collect())
            }
        }
    }

    /// Makes a connection before the run begins, where one is kept.
    pub(super) async fn connect(&mut self) -> Result<(), CallError> {
        match self {
            Self::Link(link) => link.connect().await,
            // The pool and the short client connect for each message that needs it.
            Self::Pool(_) | Self::Short(_) => Ok(()),
        }
    }

    async fn call(&mut self, message: &[u8]) -> Result<Message, CallError> {
        match self {
            Self::Short(client) => client.call(message).await,
            Self::Pool(pool) => pool.call(message).await,
            Self::Link(link) => link.call(message).await,
        }
    }
}

/// Sends the messages of one worker, each when the last one has ended.
pub(super) async fn run(local: &Local, place: usize, mut route: Route, schedule: &mut Schedule, timer: &mut Timer) {
    let mut message = Vec::new();
    let mut failing_since: Option<Duration> = None;
    while local.is_running() {
        let now = local.now();
        let (number, intended) = match schedule.due(now) {
            Due::Over => break,
            Due::At(at) => {
                tokio::select! {
                    () = timer.until(local.at(at)) => {}
                    () = local.stopped(place) => {}
                }
                continue;
            }
            Due::Now { number, intended } => (number, intended),
        };
        schedule.advance();
        message.clear();
        local.plan.payloads.append(number, &mut message);
        local.tally.borrow_mut().on_sent(1, message.len() as u64, now);
        let called = tokio::select! {
            called = route.call(&message) => called.map_err(|error| (Kind::of(error.error().cause()), error.to_string())),
            () = local.cut(place) => Err((Kind::Cut, "a second signal ended the program before the reply".to_owned())),
        };
        let has_connected = !matches!(called, Err((Kind::Connect, _)));
        on_called(local, number, intended, called);
        if has_connected {
            failing_since = None;
            // Calls that are ready at once must not keep other tasks from their turn.
            tokio::task::consume_budget().await;
            continue;
        }
        if local.now().saturating_sub(*failing_since.get_or_insert(now)) > local.plan.timeout {
            break;
        }
        tokio::select! {
            () = tokio::time::sleep(PAUSE) => {}
            () = local.stopped(place) => {}
        }
    }
}

/// Counts the messages that answer no call.
async fn read_inbox(local: Rc<Local>, mut inbox: Inbox) {
    while let Some(event) = inbox.recv().await {
        if let LinkEvent::Incoming(incoming) = event {
            local.fail(Kind::Unmatched, || match incoming {
                Incoming::Message(message) => {
                    format!("a message of {} bytes answers no message in flight", message.len())
                }
                _ => "a reply came after its time".to_owned(),
            });
        }
    }
}
