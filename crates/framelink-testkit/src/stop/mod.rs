//! Telling threads to end, wherever they wait.

pub(crate) mod watched;

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use self::watched::Watched;

/// How often a listener looks for a connection. It is not woken by one: a wait in `accept` could not be ended for certain.
const LOOK: Duration = Duration::from_millis(5);

/// Ends what waits for time at once, and what waits in a read or a write of a socket by shutting it down.
#[derive(Debug, Default)]
pub(crate) struct Stop(Watched<StopState>);

#[derive(Debug, Default)]
struct StopState {
    is_stopped: bool,
    /// Weak, so that a thread that drops its stream has closed it.
    streams: Vec<Weak<TcpStream>>,
}

impl Stop {
    /// Ends them all, now and later.
    pub(crate) fn stop(&self) {
        let streams = self.0.change(|state| {
            state.is_stopped = true;
            std::mem::take(&mut state.streams)
        });
        for stream in streams.iter().filter_map(Weak::upgrade) {
            // A peer that is not connected any more waits for nothing either.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Has a stream shut down in the end.
    pub(crate) fn watch(&self, stream: &Arc<TcpStream>) {
        let mut state = self.0.get();
        if state.is_stopped {
            let _ = stream.shutdown(Shutdown::Both);
        } else {
            state.streams.retain(|stream| stream.strong_count() > 0);
            state.streams.push(Arc::downgrade(stream));
        }
    }

    /// Accepts connections until it is time to end, each served on a thread that `serve` begins, and waits for those threads. A connection
    /// that `serve` cannot begin with is closed.
    pub(crate) fn accept(
        &self,
        listener: TcpListener,
        serve: impl Fn(TcpStream, SocketAddr) -> io::Result<JoinHandle<()>>,
    ) {
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        while !self.is_stopped() {
            // A thread that has ended is let go, so that a peer that runs for long keeps none.
            threads.retain(|thread| !thread.is_finished());
            let Ok((stream, peer)) = listener.accept() else {
                self.wait(LOOK);
                continue;
            };
            // On some systems a connection has this from the listener.
            let begun = stream.set_nonblocking(false).and_then(|()| serve(stream, peer));
            threads.extend(begun.ok());
        }
        drop(listener);
        for thread in threads {
            let _ = thread.join();
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.0.get().is_stopped
    }

    /// Waits; true, and early, when it is time to end.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        self.0.wait_for(time, |state| state.is_stopped)
    }
}
