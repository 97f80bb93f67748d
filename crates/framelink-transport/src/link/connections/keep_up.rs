//! `keep-up`: keeps all connections of a link established, even if no request needs them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::LinkConnections;
use crate::driver::{Notify as _, TaskSlot};
use crate::link::{DialLock as _, LinkDriver};
use crate::upstream::{Dialler, Pace};

/// How often a link checks whether a connection should move to a preferred address, while any should.
const LOOK: Duration = Duration::from_secs(1);

/// The task or thread that dials for a link with `keep-up`.
pub(in crate::link) struct KeepUp<D: LinkDriver> {
    pub(in crate::link) dialler: Dialler<D>,
    pub(in crate::link) task: TaskSlot<D>,
    /// Whether the link was closed. Then nothing is dialled before the next request.
    pub(in crate::link) is_paused: AtomicBool,
}

impl<D: LinkDriver> KeepUp<D> {
    /// Returns `None` for a link without `keep-up`, which dials when a request needs a connection.
    pub(in crate::link) fn of(dialler: &Dialler<D>) -> Option<Self> {
        let (dialler, task, is_paused) = (dialler.clone(), TaskSlot::new(), AtomicBool::new(false));
        dialler.profile().keep_up().then_some(Self { dialler, task, is_paused })
    }

    /// Starts the task, if it is not running. If the system has no thread left, the next request tries again.
    pub(in crate::link) fn begin(&self, connections: &Arc<LinkConnections<D>>) {
        if self.is_paused.load(Ordering::Acquire) && self.is_paused.swap(false, Ordering::AcqRel) {
            self.dialler.watch.changed.notify();
        }
        let work = || keep_up(Arc::clone(connections), self.dialler.clone());
        if self.task.begin("framelink-keep-up", work).is_err() {
            self.dialler.address_book.on_thread_refused();
        }
    }
}

async fn keep_up<D: LinkDriver>(connections: Arc<LinkConnections<D>>, dialler: Dialler<D>) {
    let (mut pace, mut look_at) = (Pace::default(), D::now());
    loop {
        // Done before the version is read: asking for a replacement is a change, and must not end the wait below.
        if dialler.address_book.has_moves() && D::left(look_at).is_zero() {
            look_at = D::within(LOOK);
            if !connections.is_paused() {
                connections.move_to_preferred();
            }
        }
        let version = dialler.watch.changed.version();
        if connections.is_closed() {
            return;
        }
        let mut until = connections.keep_up_once(&mut pace).await;
        if dialler.address_book.has_moves() {
            until = Some(until.map_or(look_at, |until| until.min(look_at)));
        }
        dialler.watch.changed.wait(version, until).await;
    }
}

impl<D: LinkDriver> LinkConnections<D> {
    /// Dials one missing connection. Returns when to continue, or `None` for the next change.
    async fn keep_up_once(self: &Arc<Self>, pace: &mut Pace) -> Option<Instant> {
        if self.is_paused() {
            return None;
        }
        let turn = self.dialling.take(None).await;
        let dialled = self.dial_one_more().await;
        drop(turn);
        match dialled {
            Ok(Some(using)) => {
                pace.reset();
                if self.is_paused() {
                    self.leave(&using.connection);
                }
                Some(D::now())
            }
            Ok(None) => None,
            Err(error) => Some(D::within(pace.after(&error))),
        }
    }

    fn is_paused(&self) -> bool {
        self.keep_up.as_ref().is_some_and(|keep_up| keep_up.is_paused.load(Ordering::Acquire))
    }
}
