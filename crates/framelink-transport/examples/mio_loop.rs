//! A non-blocking server and its client in one event loop of mio: `cargo run --example mio_loop`.

use std::collections::HashMap;
use std::error::Error;

use framelink_transport::nonblocking::{Connection, Connector, Listener};
use framelink_transport::{Framing, TryRecv};
use mio::{Events, Interest, Poll, Token};

const LISTENER: Token = Token(0);
const CLIENT: Token = Token(1);
const REQUESTS: [&str; 3] = ["one", "two", "three"];

fn main() -> Result<(), Box<dyn Error>> {
    let framing: Framing = "net:2".parse()?;
    let mut poll = Poll::new()?;
    let mut events = Events::with_capacity(64);
    let mut listener = Listener::bind("127.0.0.1:0", framing)?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut client = Connector::new(framing).start(listener.local_addr()?)?;
    poll.registry().register(&mut client, CLIENT, Interest::READABLE | Interest::WRITABLE)?;
    for request in REQUESTS {
        // It is not connected yet: this is queued.
        let _ = client.try_send(request.as_bytes())?;
    }

    let (mut served, mut answered) = (HashMap::new(), 0);
    while answered < REQUESTS.len() {
        // No longer than a connection says that it can wait though no event comes.
        poll.poll(&mut events, client.deadline())?;
        for event in &events {
            match event.token() {
                LISTENER => {
                    while let Some(mut connection) = listener.try_accept()? {
                        let token = Token(2 + served.len());
                        poll.registry().register(&mut connection, token, Interest::READABLE | Interest::WRITABLE)?;
                        served.insert(token, connection);
                    }
                }
                CLIENT => {
                    client.try_flush()?;
                    while let TryRecv::Message(reply) = client.try_recv()? {
                        println!("reply: {}", String::from_utf8_lossy(&reply));
                        answered += 1;
                    }
                }
                token => {
                    if let Some(connection) = served.get_mut(&token) {
                        echo(connection)?;
                    }
                }
            }
        }
    }
    Ok(())
}

/// Answers all that is there. Only when there is nothing does the system tell of more.
fn echo(connection: &mut Connection) -> Result<(), Box<dyn Error>> {
    connection.try_flush()?;
    while let TryRecv::Message(request) = connection.try_recv()? {
        // Whatever the socket does not take now leaves with the next event for writing.
        let _ = connection.try_send(&request)?;
    }
    Ok(())
}
