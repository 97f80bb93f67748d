//! A peer that follows a script of bytes on each of its connections.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);

/// What the peer does next on a connection. After the last step it waits for the end of the connection.
#[derive(Clone, Debug)]
pub(crate) enum Does {
    /// Reads these bytes. A byte 0xee stands for any byte.
    Takes(&'static [u8]),
    /// Sends these bytes, each alone.
    Says(&'static [u8]),
    /// Sends these bytes in one write.
    SaysAtOnce(&'static [u8]),
    /// Reads the end of the connection: nothing comes before it.
    Ends,
    /// Closes the connection.
    Closes,
}

/// A peer on a thread of its own. The first connection follows the first script; the last script is for all others.
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    /// How many connections the peer has closed.
    closed: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

impl Peer {
    /// Serves as many connections as there are scripts.
    pub(crate) fn with(scripts: Vec<Vec<Does>>) -> Self {
        Self::at("127.0.0.1:0".parse().unwrap(), scripts)
    }

    /// Like `with`, at this address.
    pub(crate) fn at(address: SocketAddr, scripts: Vec<Vec<Does>>) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let (address, accepted, closed) = (listener.local_addr().unwrap(), Arc::default(), Arc::default());
        let (count, ended) = (Arc::<AtomicUsize>::clone(&accepted), Arc::<AtomicUsize>::clone(&closed));
        let thread = thread::spawn(move || {
            let connections: Vec<_> = scripts
                .into_iter()
                .map(|script| {
                    let stream = listener.accept().unwrap().0;
                    count.fetch_add(1, Ordering::SeqCst);
                    let ended = Arc::clone(&ended);
                    thread::spawn(move || {
                        follow(stream, &script);
                        ended.fetch_add(1, Ordering::SeqCst);
                    })
                })
                .collect();
            for connection in connections {
                if let Err(panic) = connection.join() {
                    std::panic::resume_unwind(panic);
                }
            }
        });
        Self { address, accepted, closed, thread }
    }

    pub(crate) fn name(&self) -> String {
        self.address.to_string()
    }

    pub(crate) fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }

    /// Waits until the peer has closed this many connections. Then a client on this machine sees their ends.
    pub(crate) fn has_closed(&self, count: usize) {
        while self.closed.load(Ordering::SeqCst) < count {
            thread::yield_now();
        }
    }

    /// Waits until all scripts are done. Panics if a client did not send what they expect.
    pub(crate) fn finish(self) {
        if let Err(panic) = self.thread.join() {
            std::panic::resume_unwind(panic);
        }
    }
}

fn follow(mut stream: TcpStream, script: &[Does]) {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_nodelay(true).unwrap();
    for (number, step) in script.iter().enumerate() {
        match step {
            Does::Takes(expected) => takes(&mut stream, expected, number),
            Does::Says(bytes) => {
                for byte in *bytes {
                    stream.write_all(&[*byte]).unwrap();
                    thread::yield_now();
                }
            }
            Does::SaysAtOnce(bytes) => stream.write_all(bytes).unwrap(),
            Does::Ends => assert_eq!(stream.read(&mut [0]).unwrap(), 0, "step {number}"),
            Does::Closes => return,
        }
    }
    // A client that has an error may reset the connection.
    let _ = stream.read_to_end(&mut Vec::new());
}

pub(crate) fn takes(stream: &mut TcpStream, expected: &[u8], number: usize) {
    let mut received = vec![0; expected.len()];
    stream.read_exact(&mut received).unwrap_or_else(|error| panic!("step {number}: {error}"));
    for (byte, expected) in received.iter_mut().zip(expected) {
        if *expected == 0xee {
            *byte = 0xee;
        }
    }
    assert_eq!(received.escape_ascii().to_string(), expected.escape_ascii().to_string(), "step {number}");
}
