//! The server: accepts, serves and drains.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::ToSocketAddrs;
use tokio::task::yield_now;

use super::connector::Tokio;
use super::tasks::Tasks;
use super::{Connection, Listener};
use crate::admission::ServerEvent;
use crate::driver::awaited;
use crate::profile::Profile;
use crate::registry::Registry;
use crate::server::{Answer, DrainReport, ServedGuard, ServerControl, ServerCounts, ServerListener, run, server};
use crate::session::Concurrency;
use framelink_session::Message;

server! {
    /// Serves the clients that its profile admits, until it is drained.
    ///
    /// Each connection is [served](Connection::serve_many) in a task of its own. The limits come from `limits`,
    /// `access` and `timeouts` of the profile. If the system cannot accept, for example because the file descriptors
    /// are used up, the server tries again after a pause of at most 500 ms, and its connections go on. A handler that
    /// panics ends its connection and nothing else.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::{sync::Arc, time::Duration};
    /// use framelink_transport::{Framing, Profile, tokio::{Connector, Server}};
    ///
    /// let framing: Framing = "ascii:4".parse()?;
    /// let server = Server::bind("127.0.0.1:0", &Arc::new(Profile::builder(framing).build()?)).await?;
    /// let (address, handle) = (server.local_addr()?, server.handle());
    /// let running = tokio::spawn(server.run(|request| async move { Some(request.to_vec()) }));
    ///
    /// let mut client = Connector::new(framing).connect(address).await?;
    /// assert_eq!(&client.call(b"hello", Duration::from_secs(5)).await?[..], b"hello");
    /// assert_eq!(handle.counts().answered, 1);
    ///
    /// handle.drain(Duration::from_secs(5));
    /// assert!(client.recv().await?.is_none(), "it was idle, and is closed in good order");
    /// drop(client);
    /// assert!(running.await?.is_clean());
    /// # Ok(())
    /// # }
    /// ```
    Tokio, awaited awaited async, F: (Future<Output: Answer> + Send + 'static), TaskListener::new, serve_accepted,
    serve_in_place_to_end
}

/// A listener, and the tasks that serve its connections.
struct TaskListener {
    listener: Listener,
    tasks: Tasks,
}

impl TaskListener {
    fn new(listener: Listener, control: &Arc<ServerControl<Tokio>>) -> Self {
        Self { listener, tasks: Tasks::new(Arc::clone(control)) }
    }
}

impl ServerListener for TaskListener {
    type Driver = Tokio;
    type Connection = Connection;

    async fn accept(&mut self, ordered: impl Future<Output = ()> + Send) -> io::Result<Option<Connection>> {
        let (mut ordered, mut accepted) = (pin!(ordered), pin!(self.listener.accept()));
        poll_fn(|context| match ordered.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Ok(None)),
            Poll::Pending => {
                // The end of a connection has woken this task.
                self.tasks.forget_ended();
                accepted.as_mut().poll(context).map_ok(Some)
            }
        })
        .await
    }

    async fn accept_queued(&mut self) -> io::Result<Option<Connection>> {
        // Lets the tasks on this thread run first.
        yield_now().await;
        self.listener.accept_queued()
    }

    fn handshake_pause(&mut self) -> Option<Duration> {
        self.listener.handshake_pause()
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        guard: ServedGuard<Tokio>,
        serve: impl FnOnce(ServedGuard<Tokio>) -> F + Send + 'static,
    ) -> io::Result<()> {
        self.tasks.spawn(|number| serve(guard.begun_as(number)));
        Ok(())
    }

    fn close(self) -> impl Send {
        self.tasks
    }
}
