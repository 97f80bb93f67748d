//! What a server does from its first connection to its last.

use std::future::Future;
use std::io;
use std::time::Duration;

use super::control::ServerControl;
use super::drain::DrainReport;
use super::rules::ServerRules;
use crate::admission::ServerEvent;
use crate::session::Stage;

/// A server on the sockets and tasks, or threads, of one driver.
pub(crate) trait ServerDriver: Send {
    type Connection: Send;

    fn now(&self) -> Duration;
    fn control(&self) -> &ServerControl;

    /// Waits for the next connection. `None` when a drain was ordered.
    fn accept(&mut self) -> impl Future<Output = io::Result<Option<Self::Connection>>> + Send;

    /// The next of the connections that wait to be accepted, for a listener that is about to end. `None` if there is none now. Connections
    /// that are served go on before.
    fn accept_queued(&mut self) -> impl Future<Output = io::Result<Option<Self::Connection>>> + Send;

    /// How long to wait for handshakes that are under way. `None` if that was waited for.
    fn handshake_pause(&mut self) -> Option<Duration>;

    fn close_listener(&mut self);

    /// Serves a connection in a task or thread of its own.
    ///
    /// # Errors
    /// When the system has no thread left.
    fn serve(&mut self, rules: &ServerRules, connection: Self::Connection) -> io::Result<()>;

    /// Whether a connection is served still.
    fn is_serving(&self) -> bool;

    /// Waits until then, at most until a connection has ended or a drain was ordered since the last call.
    fn changed(&mut self, until: Duration) -> impl Future<Output = ()> + Send;

    /// Ends the tasks that serve, where tasks can be ended.
    fn abort(&mut self) {}
}

/// The operations of a [`ServerDriver`] that are the same on each driver: its fields are `handle` and `listener`, which is `None` after
/// it was closed.
macro_rules! server_driver_methods {
    () => {
        type Connection = Connection;

        fn now(&self) -> Duration {
            self.handle.0.clock.now()
        }

        fn control(&self) -> &ServerControl {
            self.handle.control()
        }

        fn handshake_pause(&mut self) -> Option<Duration> {
            self.listener.as_mut()?.handshake_pause()
        }

        fn close_listener(&mut self) {
            self.listener = None;
        }
    };
}

pub(crate) use server_driver_methods;

/// When the time of a drain is over, the connections that were cut have so long to be gone.
const GRACE: Duration = Duration::from_millis(250);

/// Serves until a drain has ended.
pub(crate) async fn run<D: ServerDriver>(mut driver: D, mut rules: ServerRules) -> DrainReport {
    while stage(&driver) == Stage::Open {
        let begun = match driver.accept().await {
            Ok(None) => break,
            Ok(Some(connection)) => driver.serve(&rules, connection),
            Err(error) => Err(error),
        };
        match begun {
            Ok(()) if rules.on_accepted() => rules.tell(&ServerEvent::AcceptingAgain),
            Ok(()) => {}
            Err(error) => {
                let time = rules.on_accept_failed(driver.control(), &error);
                pause(&mut driver, time).await;
            }
        }
    }
    serve_queued(&mut driver, &mut rules).await;
    driver.close_listener();
    end(&mut driver).await;
    driver.control().report()
}

/// Serves the connections that waited to be accepted when the drain began. When half of the time is over they end at once, and their
/// messages are counted.
async fn serve_queued<D: ServerDriver>(driver: &mut D, rules: &mut ServerRules) {
    loop {
        let begun = match driver.accept_queued().await {
            Ok(None) => {
                let is_draining = stage(driver) == Stage::Draining;
                let Some(time) = driver.handshake_pause().filter(|_| is_draining) else { return };
                pause(driver, time).await;
                continue;
            }
            Ok(Some(connection)) => driver.serve(rules, connection),
            Err(error) => Err(error),
        };
        match begun {
            Ok(()) => drop(rules.on_accepted()),
            Err(_) if stage(driver) == Stage::Cut => return,
            Err(error) => {
                // Connections that end give back what the system lacks.
                driver.control().tell(stage(driver));
                let time = rules.on_accept_failed(driver.control(), &error);
                pause(driver, time).await;
            }
        }
    }
}

/// Tells the connections each stage of the drain, until all have ended or the time is over.
async fn end<D: ServerDriver>(driver: &mut D) {
    let (mut told, mut cut_at) = (Stage::Open, None);
    while driver.is_serving() {
        let (now, stage) = (driver.now(), stage(driver));
        if stage > told {
            told = stage;
            driver.control().tell(stage);
        }
        let until = match driver.control().next_at(now) {
            Some(next_at) => next_at,
            // A handler that does not return cannot be ended, and is left alone.
            None => *cut_at.get_or_insert(now.saturating_add(GRACE)),
        };
        if until <= now {
            break;
        }
        driver.changed(until).await;
    }
    driver.abort();
}

/// Waits for so long. The next stage of a drain ends the wait.
async fn pause<D: ServerDriver>(driver: &mut D, time: Duration) {
    let until = driver.now().saturating_add(time);
    let before = stage(driver);
    loop {
        let now = driver.now();
        let until = driver.control().next_at(now).map_or(until, |next_at| until.min(next_at));
        if until <= now || stage(driver) != before {
            return;
        }
        driver.changed(until).await;
    }
}

fn stage<D: ServerDriver>(driver: &D) -> Stage {
    driver.control().stage(driver.now())
}
