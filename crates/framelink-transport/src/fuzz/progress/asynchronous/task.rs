//! A task that is polled only when its waker was woken.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::task::{coop, yield_now};

use super::super::world::{Shared, World};
use crate::simulated::flag::Flag;

pub(super) struct Task<T> {
    flag: Arc<Flag>,
    future: Pin<Box<dyn Future<Output = T>>>,
    pub(super) done: Option<T>,
}

impl<T> Task<T> {
    pub(super) fn new(future: impl Future<Output = T> + 'static) -> Self {
        Self { flag: Flag::up(), future: Box::pin(future), done: None }
    }

    /// Polls the task if it was woken, and returns whether it was. Each poll has a fresh budget.
    pub(super) async fn turn(&mut self, world: &Shared) -> bool {
        if self.done.is_some() || !self.flag.lower() {
            return false;
        }
        if !coop::has_budget_remaining() {
            yield_now().await;
        }
        world.with(World::begin_call);
        if let Poll::Ready(done) = self.future.as_mut().poll(&mut Context::from_waker(&self.flag.waker())) {
            self.done = Some(done);
        }
        true
    }
}
