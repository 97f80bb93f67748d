//! Looking names up in a way of the application's own.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::task::{AbortHandle, JoinError};
use tokio::time::{Instant, timeout_at};

use crate::ConnectError;
use crate::connector::no_answer;
use crate::upstream::Ledger;

type Found = io::Result<Vec<SocketAddr>>;
type Lookup = dyn Fn(Arc<str>) -> Pin<Box<dyn Future<Output = Found> + Send>> + Send + Sync;

pub(super) struct Resolver(Box<Lookup>);

impl Resolver {
    pub(super) fn new<F, R>(resolver: F) -> Self
    where
        F: Fn(Arc<str>) -> R + Send + Sync + 'static,
        R: Future<Output = Found> + Send + 'static,
    {
        Self(Box::new(move |name| Box::pin(resolver(name))))
    }

    /// It has a task of its own, so that a panic in it is its own.
    pub(super) async fn look_up(
        self: &Arc<Self>,
        name: &Arc<str>,
        deadline: Instant,
        ledger: &Ledger,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        let (resolver, name) = (Arc::clone(self), Arc::clone(name));
        let task = tokio::spawn(async move { (resolver.0)(name).await });
        let within = deadline.saturating_duration_since(Instant::now());
        let _ends_with_this = Aborted(task.abort_handle());
        match timeout_at(deadline, task).await {
            Ok(Ok(found)) => found.map_err(ConnectError::Resolve),
            Ok(Err(ended)) => {
                if JoinError::is_panic(&ended) {
                    ledger.on_resolver_panic();
                }
                Err(ConnectError::Resolve(io::Error::other("the resolver panicked")))
            }
            Err(_) => Err(no_answer(within)),
        }
    }
}

struct Aborted(AbortHandle);

impl Drop for Aborted {
    fn drop(&mut self) {
        self.0.abort();
    }
}
