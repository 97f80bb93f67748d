//! The host: connections of framelink, used as a host would use them.

use std::time::Duration;

use framelink_transport::profile::{ConnectionKind, Duplex, ExchangeKind};
use framelink_transport::tokio::{Connection, Inbox, LinkEvent, Listener};
use framelink_transport::{Framing, Message, Profile, ProfileBuilder};
use tokio::time::timeout;

/// Every event that a test waits for happens within this time, or the test fails.
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) const FRAMING: &str = "net:2";

pub(crate) fn framing() -> Framing {
    FRAMING.parse().unwrap()
}

/// Requests and replies are matched by their first two bytes.
pub(crate) fn by_key() -> Duplex {
    Duplex::new().key("0:2".parse().unwrap())
}

pub(crate) fn profile(connection: impl Into<ConnectionKind>, exchange: impl Into<ExchangeKind>) -> ProfileBuilder {
    Profile::builder(framing()).connection(connection).exchange(exchange).reply_timeout(DEADLINE)
}

pub(crate) async fn listener() -> (Listener, String) {
    let listener = Listener::bind("127.0.0.1:0", framing()).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

pub(crate) async fn accept(listener: &mut Listener) -> Connection {
    timeout(DEADLINE, listener.accept()).await.expect("a peer dials").unwrap()
}

pub(crate) async fn read(connection: &mut Connection) -> Message {
    timeout(DEADLINE, connection.recv()).await.expect("something comes").unwrap().expect("a message")
}

/// Echoes all messages until the end.
pub(crate) async fn echo(mut connection: Connection) {
    while let Ok(Some(message)) = connection.recv().await {
        if connection.send(&message).await.is_err() {
            return;
        }
    }
}

pub(crate) async fn event(inbox: &mut Inbox) -> LinkEvent {
    timeout(DEADLINE, inbox.recv()).await.expect("an event").expect("a link")
}
