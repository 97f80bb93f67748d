//! A host that treats each request as a test says, on connections that the test can use.

use std::io::Write;
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::support::DEADLINE;
use crate::support::peer::{frame, read_frame, reset};

/// The host's reaction to a request.
pub(crate) enum Answer {
    Reply,
    /// The request is read, and not answered.
    Nothing,
    /// The host sends the reply and closes.
    ReplyAndClose,
    /// The host closes without a reply.
    Close,
    Reset,
    /// The host sends the reply after this delay.
    Late(Duration),
    /// The host sends the reply twice.
    Twice,
    /// The host sends the beginning of the reply and closes.
    Half,
}

/// A server whose connections a test can use.
pub(crate) struct Host {
    address: String,
    shared: Arc<Shared>,
    accepting: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Default)]
struct State {
    /// The connections; `None` for a closed one.
    connections: Vec<Option<TcpStream>>,
    serving: usize,
    received: usize,
    is_over: bool,
}

impl Host {
    /// Starts a host that echoes each message.
    pub(crate) fn echo() -> Self {
        Self::answering(|_| Answer::Reply)
    }

    /// Starts a host that reads all messages and sends none.
    pub(crate) fn silent() -> Self {
        Self::answering(|_| Answer::Nothing)
    }

    pub(crate) fn answering(answer: impl Fn(&[u8]) -> Answer + Send + Sync + 'static) -> Self {
        Self::at("127.0.0.1:0", answer)
    }

    pub(crate) fn at(address: &str, answer: impl Fn(&[u8]) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(address).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (shared, answer) = (Arc::new(Shared::default()), Arc::new(answer));
        let accepting = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                while let Ok((stream, _)) = listener.accept() {
                    stream.set_nodelay(true).unwrap();
                    let mut state = shared.lock();
                    if state.is_over {
                        return;
                    }
                    let which = state.connections.len();
                    state.connections.push(Some(stream.try_clone().unwrap()));
                    state.serving += 1;
                    let (of_thread, answer) = (Arc::clone(&shared), Arc::clone(&answer));
                    thread::spawn(move || {
                        serve(stream, which, &of_thread, &*answer);
                        let mut state = of_thread.lock();
                        state.connections[which] = None;
                        state.serving -= 1;
                        of_thread.changed.notify_all();
                    });
                    shared.changed.notify_all();
                }
            }
        });
        Self { address, shared, accepting: Some(accepting) }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Waits until this many connections have been accepted.
    pub(crate) fn wait_accepted(&self, count: usize) {
        self.wait(|state| state.connections.len() >= count);
    }

    /// Waits until this many requests have been received.
    pub(crate) fn wait_received(&self, count: usize) {
        self.wait(|state| state.received >= count);
    }

    pub(crate) fn accepted(&self) -> usize {
        self.shared.lock().connections.len()
    }

    /// Sends these bytes on the connection with this number.
    pub(crate) fn send(&self, which: usize, bytes: &[u8]) {
        self.wait_accepted(which + 1);
        let state = self.shared.lock();
        state.connections[which].as_ref().unwrap().write_all(bytes).unwrap();
    }

    /// Closes the connection with this number.
    pub(crate) fn close(&self, which: usize) {
        self.wait_accepted(which + 1);
        if let Some(connection) = &self.shared.lock().connections[which] {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }

    fn wait(&self, enough: impl Fn(&State) -> bool) {
        let waited = self.shared.changed.wait_timeout_while(self.shared.lock(), DEADLINE, |state| !enough(state));
        let waited = waited.unwrap_or_else(PoisonError::into_inner).1;
        assert!(!waited.timed_out() || thread::panicking(), "the host reaches the expected state in time");
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        {
            let mut state = self.shared.lock();
            state.is_over = true;
            for connection in state.connections.iter().flatten() {
                let _ = connection.shutdown(Shutdown::Both);
            }
        }
        // One more connection ends the wait of `accept`.
        let _ = TcpStream::connect(&self.address);
        let _ = self.accepting.take().unwrap().join();
        self.wait(|state| state.serving == 0);
    }
}

fn serve(mut stream: TcpStream, which: usize, shared: &Shared, answer: &dyn Fn(&[u8]) -> Answer) {
    while let Ok(request) = read_frame(&mut stream) {
        let frame = frame(&request);
        shared.lock().received += 1;
        shared.changed.notify_all();
        let done = match answer(&request) {
            Answer::Reply => stream.write_all(&frame),
            Answer::Nothing => Ok(()),
            Answer::ReplyAndClose => stream.write_all(&frame).and_then(|()| stream.shutdown(Shutdown::Write)),
            Answer::Close => stream.shutdown(Shutdown::Both),
            Answer::Reset => {
                shared.lock().connections[which] = None;
                return reset(stream);
            }
            Answer::Late(delay) => {
                thread::sleep(delay);
                stream.write_all(&frame)
            }
            Answer::Twice => stream.write_all(&[frame.as_slice(), frame.as_slice()].concat()),
            Answer::Half => stream.write_all(&frame[..frame.len() - 1]).and_then(|()| stream.shutdown(Shutdown::Write)),
        };
        if done.is_err() {
            break;
        }
    }
    let _ = stream.shutdown(Shutdown::Both);
}
