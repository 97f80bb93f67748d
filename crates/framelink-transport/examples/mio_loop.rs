//! A non-blocking server and two of its clients in one event loop of mio: `cargo run --example mio_loop`.
//!
//! One client sends requests, and closes when it has its replies. The other client sends nothing, so that no event
//! arrives for it. The server closes its connection at a deadline.

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::nonblocking::{Connection, Connector, Listener};
use framelink_transport::{Framing, Profile, TryRecv};
use mio::{Events, Interest, Poll, Registry, Token};

const LISTENER: Token = Token(0);
const CLIENT: Token = Token(1);
const FIRST_SERVED: usize = 2;
const BOTH: Interest = Interest::READABLE.add(Interest::WRITABLE);
const REQUESTS: [&str; 3] = ["one", "two", "three"];
/// The server closes a connection after this time without a message.
const IDLE: Duration = Duration::from_millis(500);

/// The counts of the loop.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) replies: usize,
    /// How often the loop has run.
    pub(crate) turns: usize,
    pub(crate) closed_by_client: usize,
    pub(crate) closed_at_deadline: usize,
}

#[allow(dead_code, reason = "a test runs the loop without it")]
fn main() -> Result<(), Box<dyn Error>> {
    let done = run()?;
    println!("{} replies, {} closed, {} idle", done.replies, done.closed_by_client, done.closed_at_deadline);
    Ok(())
}

/// Runs the loop until the server has no connection left.
pub(crate) fn run() -> Result<Done, Box<dyn Error>> {
    let framing: Framing = "net:2".parse()?;
    let profile = Arc::new(Profile::builder(framing).idle_timeout(IDLE).build()?);
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(64);
    let mut server = Server::new(Listener::bind_profile("127.0.0.1:0", &profile)?, poll.registry())?;
    let address = server.listener.local_addr()?;

    let silent = Connector::new(framing).start(address)?;
    let mut client = Some(Connector::new(framing).start(address)?);
    if let Some(client) = &mut client {
        poll.registry().register(client, CLIENT, BOTH)?;
        for request in REQUESTS {
            // The client is not connected yet, so the message is queued.
            let _ = client.try_send(request.as_bytes())?;
        }
    }

    let mut done = Done::default();
    while done.closed_by_client + done.closed_at_deadline < 2 {
        // Wait no longer than any connection's deadline.
        let deadlines = [server.deadline(), client.as_ref().and_then(Connection::deadline)];
        poll.poll(&mut events, deadlines.into_iter().flatten().min())?;
        done.turns += 1;
        for event in &events {
            match event.token() {
                LISTENER => server.accept(poll.registry())?,
                CLIENT => {}
                token => server.attend(token, &mut done),
            }
        }
        server.attend_to_deadlines(poll.registry(), &mut done)?;
        // There is one client, so it is asked after each event and at each deadline.
        if let Some(connection) = &mut client {
            connection.try_flush()?;
            while let TryRecv::Message(reply) = connection.try_recv()? {
                println!("reply: {}", String::from_utf8_lossy(&reply));
                done.replies += 1;
            }
            if done.replies == REQUESTS.len() {
                client = None;
            }
        }
    }
    drop(silent);
    Ok(done)
}

/// Answers each request with the request.
struct Server {
    listener: Listener,
    connections: HashMap<Token, Connection>,
    /// The next token. No token is used twice, because an event may still arrive for a connection that is gone.
    next: usize,
}

impl Server {
    fn new(mut listener: Listener, registry: &Registry) -> Result<Self, Box<dyn Error>> {
        registry.register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self { listener, connections: HashMap::new(), next: FIRST_SERVED })
    }

    /// Returns how long the server can wait without an event.
    fn deadline(&self) -> Option<Duration> {
        let connections = self.connections.values().filter_map(Connection::deadline);
        connections.chain(self.listener.deadline()).min()
    }

    fn accept(&mut self, registry: &Registry) -> Result<(), Box<dyn Error>> {
        while let Some(mut connection) = self.listener.try_accept()? {
            let token = Token(self.next);
            self.next += 1;
            registry.register(&mut connection, token, BOTH)?;
            self.connections.insert(token, connection);
        }
        Ok(())
    }

    /// Handles the connections whose deadline has come, as if there had been an event.
    fn attend_to_deadlines(&mut self, registry: &Registry, done: &mut Done) -> Result<(), Box<dyn Error>> {
        if self.listener.deadline().is_some() {
            self.accept(registry)?;
        }
        let is_due = |connection: &Connection| connection.deadline().is_some_and(|left| left.is_zero());
        let due = self.connections.iter().filter(|(_, connection)| is_due(connection));
        let due: Vec<_> = due.map(|(&token, _)| token).collect();
        due.into_iter().for_each(|token| self.attend(token, done));
        Ok(())
    }

    /// Handles a connection, and removes it if it has ended, which closes its socket.
    fn attend(&mut self, token: Token, done: &mut Done) {
        let Some(connection) = self.connections.get_mut(&token) else { return };
        match echo(connection) {
            Ok(true) => return,
            Ok(false) => done.closed_by_client += 1,
            Err(error) => {
                println!("{error}");
                done.closed_at_deadline += 1;
            }
        }
        self.connections.remove(&token);
    }
}

/// Echoes all messages that have arrived. Returns false when the client has closed. Reading must go on until nothing is
/// left; only then does the system send another event.
fn echo(connection: &mut Connection) -> Result<bool, Box<dyn Error>> {
    connection.try_flush()?;
    loop {
        match connection.try_recv()? {
            // Bytes that the socket does not take now are written at the next event for writing.
            TryRecv::Message(request) => drop(connection.try_send(&request)?),
            TryRecv::Nothing => return Ok(true),
            TryRecv::Closed => return Ok(false),
        }
    }
}
