//! Ends threads, wherever they wait.

pub(crate) mod watched;

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::Duration;

use self::watched::Watched;

/// How often a listener polls for a connection. A blocking `accept` could not be ended reliably.
const LOOK: Duration = Duration::from_millis(5);

/// Ends waits for time at once, and blocked reads and writes by shutting down their socket.
#[derive(Debug, Default)]
pub(crate) struct Stop(Watched<StopState>);

#[derive(Debug, Default)]
struct StopState {
    is_stopped: bool,
    /// Weak, so that a thread that drops its stream closes it.
    streams: Vec<Weak<TcpStream>>,
}

impl Stop {
    /// Ends all waits, now and later.
    pub(crate) fn stop(&self) {
        let streams = self.0.change(|state| {
            state.is_stopped = true;
            std::mem::take(&mut state.streams)
        });
        for stream in streams.iter().filter_map(Weak::upgrade) {
            // A stream that is no longer connected has no waits.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Adds a stream that `stop` shuts down.
    pub(crate) fn watch(&self, stream: &Arc<TcpStream>) {
        let mut state = self.0.get();
        if state.is_stopped {
            let _ = stream.shutdown(Shutdown::Both);
        } else {
            state.streams.retain(|stream| stream.strong_count() > 0);
            state.streams.push(Arc::downgrade(stream));
        }
    }

    /// Accepts connections until `stop`. `serve` starts a thread for each connection; the threads are joined at the
    /// end. A connection for which `serve` fails is closed.
    pub(crate) fn accept(
        &self,
        listener: TcpListener,
        serve: impl Fn(TcpStream, SocketAddr) -> io::Result<JoinHandle<()>>,
    ) {
        let mut threads: Vec<JoinHandle<()>> = Vec::new();
        while !self.is_stopped() {
            // Finished threads are dropped, so that a peer that runs for long keeps none.
            threads.retain(|thread| !thread.is_finished());
            let Ok((stream, peer)) = listener.accept() else {
                self.wait(LOOK);
                continue;
            };
            // On some systems a connection inherits this from its listener.
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

    /// Waits for this time. Returns true, and earlier, after `stop`.
    pub(crate) fn wait(&self, time: Duration) -> bool {
        self.0.wait_for(time, |state| state.is_stopped)
    }
}
