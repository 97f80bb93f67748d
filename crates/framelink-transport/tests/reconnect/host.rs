//! A server that can be stopped and started again, and that behaves as a row says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use framelink_testkit::ReservedPort;
use framelink_transport::Framing;
use framelink_transport::tokio::Connection;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, watch};
use tokio::task::{JoinHandle, JoinSet};

pub(crate) fn framing() -> Framing {
    "ascii:4".parse().unwrap()
}

/// What the host does with each connection.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Does {
    /// Echoes each message.
    Echo,
    /// Echoes each message after a delay.
    EchoAfter(Duration),
    /// Closes the connection.
    Close,
    /// Answers each message with these bytes.
    Say(&'static [u8]),
    /// Reads, and answers nothing.
    Nothing,
    /// Sends these bytes, which are no frame.
    Rubbish(&'static [u8]),
    /// Sends this message, and then echoes each message.
    Greet(&'static [u8]),
    /// Sends this message on its first connection and echoes there. On other connections it only echoes.
    GreetFirst(&'static [u8]),
    /// Sends an empty message again and again, with this pause.
    Beat(Duration),
    /// Closes the connection after a message.
    CloseAfterMessage,
}

/// What the host has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) accepts: Vec<Instant>,
    pub(crate) messages: Vec<Vec<u8>>,
    /// The number of connections that the client closed in an orderly way.
    pub(crate) closed: usize,
}

pub(crate) struct Host {
    /// Keeps the port reserved while the host is stopped.
    _port: ReservedPort,
    pub(crate) address: SocketAddr,
    seen: Arc<watch::Sender<Seen>>,
    does: Arc<Mutex<Does>>,
    serving: Option<JoinHandle<()>>,
    stop: Arc<Notify>,
}

impl Host {
    pub(crate) async fn start(does: Does) -> Self {
        let port = ReservedPort::new().unwrap();
        let address = port.address();
        let listener = TcpListener::bind(address).await.unwrap();
        let (seen, does) = (Arc::new(watch::Sender::default()), Arc::new(Mutex::new(does)));
        let mut host = Self { _port: port, address, seen, does, serving: None, stop: Arc::default() };
        host.serve(listener);
        host
    }

    /// Returns a host that is not started yet. Its port is reserved.
    pub(crate) async fn stopped(does: Does) -> Self {
        let mut host = Self::start(does).await;
        host.stop().await;
        host
    }

    /// Ends all connections, and refuses new ones.
    pub(crate) async fn stop(&mut self) {
        if let Some(serving) = self.serving.take() {
            self.stop.notify_one();
            serving.await.unwrap();
        }
    }

    pub(crate) async fn start_again(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        self.serve(listener);
    }

    fn serve(&mut self, listener: TcpListener) {
        let (does, seen, stop) = (Arc::clone(&self.does), Arc::clone(&self.seen), Arc::clone(&self.stop));
        self.serving = Some(tokio::spawn(async move {
            // The connections end with this task.
            let mut connections = JoinSet::new();
            tokio::select! {
                () = serve(listener, &mut connections, &does, &seen) => {}
                () = stop.notified() => connections.shutdown().await,
            }
        }));
    }

    pub(crate) fn name(&self) -> String {
        self.address.to_string()
    }

    /// Changes the behaviour from the next connection on.
    pub(crate) fn now_does(&self, does: Does) {
        *self.does.lock().unwrap() = does;
    }

    pub(crate) fn accepts(&self) -> Vec<Instant> {
        self.seen.borrow().accepts.clone()
    }

    pub(crate) fn messages(&self) -> Vec<Vec<u8>> {
        self.seen.borrow().messages.clone()
    }

    /// Waits until the host has seen this.
    pub(crate) async fn has_seen(&self, what: impl FnMut(&Seen) -> bool) {
        self.seen.subscribe().wait_for(what).await.unwrap();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(serving) = &self.serving {
            serving.abort();
        }
    }
}

async fn serve(
    listener: TcpListener,
    connections: &mut JoinSet<()>,
    does: &Mutex<Does>,
    seen: &Arc<watch::Sender<Seen>>,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        seen.send_modify(|seen| seen.accepts.push(Instant::now()));
        let does = match *does.lock().unwrap() {
            Does::GreetFirst(greeting) if seen.borrow().accepts.len() == 1 => Does::Greet(greeting),
            does => does,
        };
        connections.spawn(attend(stream, does, Arc::clone(seen)));
        while connections.try_join_next().is_some() {}
    }
}

async fn attend(stream: TcpStream, does: Does, seen: Arc<watch::Sender<Seen>>) {
    if let Does::Rubbish(bytes) = does {
        use tokio::io::AsyncWriteExt as _;
        let mut stream = stream;
        stream.write_all(bytes).await.unwrap();
        return std::future::pending().await;
    }
    let mut connection = Connection::from_stream(stream, framing());
    if matches!(does, Does::Close) {
        return;
    }
    if let Does::Beat(pause) = does {
        while connection.send(b"").await.is_ok() {
            tokio::time::sleep(pause).await;
        }
        return;
    }
    if let Does::Greet(greeting) = does
        && connection.send(greeting).await.is_err()
    {
        return;
    }
    while let Ok(received) = connection.recv().await {
        let Some(message) = received else {
            seen.send_modify(|seen| seen.closed += 1);
            return;
        };
        seen.send_modify(|seen| seen.messages.push(message.to_vec()));
        let reply = match does {
            Does::Say(reply) => reply.to_vec(),
            Does::CloseAfterMessage => return,
            Does::EchoAfter(time) => {
                tokio::time::sleep(time).await;
                message.to_vec()
            }
            Does::Nothing => continue,
            _ => message.to_vec(),
        };
        if connection.send(&reply).await.is_err() {
            return;
        }
    }
}

/// An address that does not answer: its accept queue is full, so Linux drops every SYN.
#[cfg(target_os = "linux")]
pub(crate) struct Silent {
    address: SocketAddr,
    _sockets: (socket2::Socket, std::net::TcpStream),
}

#[cfg(target_os = "linux")]
impl Silent {
    pub(crate) fn new() -> Self {
        let listener = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let address = listener.local_addr().unwrap().as_socket().unwrap();
        Self { address, _sockets: (listener, std::net::TcpStream::connect(address).unwrap()) }
    }

    pub(crate) fn name(&self) -> String {
        self.address.to_string()
    }
}
