//! The run of a server: accepting, serving and draining.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::control::ServerControl;
use super::guard::ServedGuard;
use super::pause::Pause;
use super::stats::DrainReport;
use crate::admission::ServerEvent;
use crate::driver::Driver;
use crate::session::NoticeStage;

/// The listener of a server, and how it serves connections in tasks or threads.
pub(crate) trait ServerListener: Send {
    type Driver: Driver;
    type Connection: Send + 'static;

    /// Waits for the next connection. Returns `None` when a drain was ordered; `ordered` is ready then.
    fn accept(
        &mut self,
        ordered: impl Future<Output = ()> + Send,
    ) -> impl Future<Output = io::Result<Option<Self::Connection>>> + Send;

    /// Returns the next connection that waits, or `None`, for a listener that ends. Served connections run first.
    fn accept_queued(&mut self) -> impl Future<Output = io::Result<Option<Self::Connection>>> + Send;

    /// Returns how long to wait for handshakes that are under way. `None` if that time is over.
    fn handshake_pause(&mut self) -> Option<std::time::Duration>;

    /// Serves a connection in a task or thread of its own.
    ///
    /// # Errors
    /// When the system has no thread left.
    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        guard: ServedGuard<Self::Driver>,
        serve: impl FnOnce(ServedGuard<Self::Driver>) -> F + Send + 'static,
    ) -> io::Result<()>;

    /// Closes the listener. Dropping the returned value ends the tasks, on drivers whose tasks can be ended.
    fn close(self) -> impl Send;
}

struct Running<L: ServerListener, S> {
    listener: L,
    control: Arc<ServerControl<L::Driver>>,
    serve: S,
    pause: Pause,
}

/// Accepts connections and lets `serve` serve each of them, until a drain has ended.
pub(crate) async fn run<L: ServerListener, F: Future<Output = ()> + Send + 'static>(
    listener: L,
    control: Arc<ServerControl<L::Driver>>,
    serve: impl Fn(L::Connection, ServedGuard<L::Driver>) -> F + Clone + Send + 'static,
) -> DrainReport {
    let mut running = Running { listener, control, serve, pause: Pause::new() };
    running.accept().await;
    running.accept_queued().await;
    let tasks = running.listener.close();
    running.control.end().await;
    drop(tasks);
    running.control.stats.report(&running.control.drain.lock().before)
}

impl<L: ServerListener, S, F> Running<L, S>
where
    S: Fn(L::Connection, ServedGuard<L::Driver>) -> F + Clone + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    /// Serves connections until a drain is ordered.
    async fn accept(&mut self) {
        while self.control.stage() == NoticeStage::Open {
            let Some(accepted) = self.listener.accept(self.control.ordered()).await.transpose() else { return };
            match self.begin(accepted) {
                Ok(true) => self.control.stats.admission.notify(&ServerEvent::AcceptingAgain),
                Ok(false) => {}
                Err(error) => self.on_failed(&error).await,
            }
        }
    }

    /// Serves the connections that waited when the drain began. After half of the time they end at once, and their
    /// messages are counted.
    async fn accept_queued(&mut self) {
        loop {
            let Some(accepted) = self.listener.accept_queued().await.transpose() else {
                let is_draining = self.control.stage() == NoticeStage::Draining;
                let Some(time) = self.listener.handshake_pause().filter(|_| is_draining) else { return };
                self.control.pause(time).await;
                continue;
            };
            let Err(error) = self.begin(accepted) else { continue };
            let stage = self.control.stage();
            if stage == NoticeStage::Cut {
                return;
            }
            // Connections that end free the resource that the system lacks.
            self.control.stats.admission.tell(stage);
            self.on_failed(&error).await;
        }
    }

    /// Begins to serve a connection. Returns whether the system could not accept before.
    fn begin(&mut self, accepted: io::Result<L::Connection>) -> io::Result<bool> {
        let (connection, serve) = (accepted?, self.serve.clone());
        self.listener.spawn(ServedGuard::new(&self.control), move |guard| serve(connection, guard))?;
        Ok(self.pause.on_accepted())
    }

    /// Notes that the system cannot accept, or has no thread for a connection. Waits before the next try.
    async fn on_failed(&mut self, error: &io::Error) {
        self.control.stats.accept_failed.fetch_add(1, Ordering::Relaxed);
        let is_first = !self.pause.is_on();
        let pause = self.pause.on_failed();
        if is_first {
            self.control.stats.admission.notify(&ServerEvent::AcceptFailed { error, pause });
        }
        self.control.pause(pause).await;
    }
}
