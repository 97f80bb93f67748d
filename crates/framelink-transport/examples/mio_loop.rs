//! A non-blocking server and two of its clients in one event loop of mio: `cargo run --example mio_loop`.
//!
//! One client sends requests, and closes when it has its replies. The other one says nothing, so that no event tells of it: its
//! connection ends at the deadline that the server has for it.

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
/// The server closes a connection on which nothing has come or gone for so long.
const IDLE: Duration = Duration::from_millis(500);

/// What the loop has done.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Done {
    pub(crate) replies: usize,
    /// How often the loop looked around.
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

/// Goes on until the server has no connection left.
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
            // It is not connected yet: this is queued.
            let _ = client.try_send(request.as_bytes())?;
        }
    }

    let mut done = Done::default();
    while done.closed_by_client + done.closed_at_deadline < 2 {
        // No longer than one of the connections says that it can wait though no event comes.
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
        // With one connection there is nothing to find out: it is asked after each event and at each deadline.
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

/// Answers each request with itself.
struct Server {
    listener: Listener,
    connections: HashMap<Token, Connection>,
    /// No token is used again: an event may still be under way for a connection that is gone.
    next: usize,
}

impl Server {
    fn new(mut listener: Listener, registry: &Registry) -> Result<Self, Box<dyn Error>> {
        registry.register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self { listener, connections: HashMap::new(), next: FIRST_SERVED })
    }

    /// How long it can wait though no event comes.
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

    /// Asks those whose time has come, as if there had been an event.
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

    /// Does what there is to do on a connection, and removes one that has ended: its socket is closed with it.
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

/// Answers all that is there; false when the client has closed. Only when there is nothing does the system tell of more.
fn echo(connection: &mut Connection) -> Result<bool, Box<dyn Error>> {
    connection.try_flush()?;
    loop {
        match connection.try_recv()? {
            // What the socket does not take now leaves with the next event for writing.
            TryRecv::Message(request) => drop(connection.try_send(&request)?),
            TryRecv::Nothing => return Ok(true),
            TryRecv::Closed => return Ok(false),
        }
    }
}
