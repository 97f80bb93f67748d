//! Name resolution, by the application or the system.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio::time::timeout;

use super::Connection;
use super::connector::Connector;
use crate::error::{ConnectError, no_answer};

type Found = io::Result<Vec<SocketAddr>>;
/// The lookup function of an application.
pub(crate) type Lookup = Arc<dyn Fn(Arc<str>) -> Pin<Box<dyn Future<Output = Found> + Send>> + Send + Sync>;

/// The lookup function of the application, and the callback for its panics. Without one the system resolves names.
pub(crate) struct Resolver {
    lookup: Option<Lookup>,
    on_panic: Box<dyn Fn() + Send + Sync>,
}

impl Resolver {
    pub(super) fn new(lookup: Option<Lookup>, on_panic: impl Fn() + Send + Sync + 'static) -> Self {
        Self { lookup, on_panic: Box::new(on_panic) }
    }

    /// Connects to the peer with this name.
    pub(super) async fn dial(&self, connector: &Connector, name: &Arc<str>) -> Result<Connection, ConnectError> {
        let Some(lookup) = &self.lookup else { return connector.connect_to(name).await };
        let began = tokio::time::Instant::now();
        let found = self.look_up(lookup, name, connector.within).await?;
        let left = connector.within.saturating_sub(began.elapsed());
        connector.clone().within(left).connect(&found[..]).await
    }

    /// Runs the lookup function in a task of its own, so that a panic ends nothing else.
    async fn look_up(
        &self,
        lookup: &Lookup,
        name: &Arc<str>,
        within: std::time::Duration,
    ) -> Result<Vec<SocketAddr>, ConnectError> {
        let (lookup, name) = (Arc::clone(lookup), Arc::clone(name));
        let mut task = JoinSet::new();
        task.spawn(async move { lookup(name).await });
        match timeout(within, task.join_next()).await {
            Ok(Some(Ok(found))) => found.map_err(ConnectError::Resolve),
            Ok(ended) => {
                if let Some(Err(ended)) = ended
                    && ended.is_panic()
                {
                    (self.on_panic)();
                }
                Err(ConnectError::Resolve(io::Error::other("the resolver panicked")))
            }
            Err(_) => Err(no_answer(within)),
        }
    }
}
