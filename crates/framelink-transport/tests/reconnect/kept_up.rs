//! Connections with `keep-up`, which are dialled although no exchange needs them.

use std::time::{Duration, Instant};

use framelink_transport::profile::{Duplex, ExchangeKind, Shared, Sign};
use framelink_transport::upstream::Counts;
use framelink_transport::{
    Incoming, LinkEvent, LinkStatus, Message, Profile, ProfileBuilder, blocking, tokio as on_tokio,
};

use crate::client::{self, Client, Driver, aside, parts};
use crate::host::{Does, Host, Seen, framing};
use crate::support::baseline::Baseline;

/// Longer than every delay of the reconnect rules of these rows.
const A_WHILE: Duration = Duration::from_millis(600);

enum Inbox {
    Tokio(on_tokio::Inbox),
    Blocking(Option<blocking::Inbox>),
}

#[derive(Clone)]
enum Link {
    Tokio(on_tokio::Link),
    Blocking(blocking::Link),
}

/// A profile with two connections that are kept up.
fn shared() -> ProfileBuilder {
    let calls = Duplex::new().key("0:4".parse().unwrap());
    client::profile().connection(Shared::new(2)).exchange(calls).keep_up(true)
}

/// A profile with one connection that is kept up.
fn long() -> ProfileBuilder {
    client::profile().keep_up(true)
}

fn link(profile: &ProfileBuilder, peers: impl IntoIterator<Item = String>, driver: Driver) -> (Link, Inbox) {
    match driver {
        Driver::Tokio => {
            let (link, inbox) = on_tokio::Link::over(parts(profile, peers).on_tokio()).unwrap();
            (Link::Tokio(link), Inbox::Tokio(inbox))
        }
        Driver::Blocking => {
            let (link, inbox) = blocking::Link::over(parts(profile, peers).on_threads()).unwrap();
            (Link::Blocking(link), Inbox::Blocking(Some(inbox)))
        }
        Driver::NonBlocking => panic!("the non-blocking driver has no link"),
    }
}

impl Link {
    async fn call(&self, request: &'static [u8]) -> Vec<u8> {
        match self {
            Self::Tokio(link) => link.call(request).await.unwrap().to_vec(),
            Self::Blocking(link) => {
                let link = link.clone();
                aside(move || link.call(request).unwrap().to_vec()).await
            }
        }
    }

    async fn close(self) {
        match self {
            Self::Tokio(link) => link.close(A_WHILE).await,
            Self::Blocking(link) => aside(move || link.close(A_WHILE)).await,
        }
    }

    fn status(&self) -> LinkStatus {
        match self {
            Self::Tokio(link) => link.status(),
            Self::Blocking(link) => link.status(),
        }
    }

    fn counts(&self) -> Counts {
        match self {
            Self::Tokio(link) => link.upstream().unwrap().counts(),
            Self::Blocking(link) => link.upstream().counts(),
        }
    }

    async fn has(&self, connections: usize) {
        while self.status().connections != connections {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }
}

impl Inbox {
    /// Waits for an unsolicited message.
    async fn message(&mut self) -> Message {
        loop {
            let event = match self {
                Self::Tokio(inbox) => inbox.recv().await.unwrap(),
                Self::Blocking(inbox) => {
                    let mut inner = inbox.take().unwrap();
                    let (inner, event) = aside(move || {
                        let event = inner.recv();
                        (inner, event)
                    })
                    .await;
                    *inbox = Some(inner);
                    event.unwrap()
                }
            };
            if let LinkEvent::Incoming(Incoming::Message(message)) = event {
                return message;
            }
        }
    }
}

pub(crate) async fn a_link_has_all_its_connections_before_any_call(driver: Driver) {
    let host = Host::start(Does::Echo).await;
    let profile = shared().connection(Shared::new(3)).sign_on(Sign::new(b"0800 on").expect(b"0800"));
    let (link, _inbox) = link(&profile, [host.name()], driver);
    link.has(3).await;
    let status = link.status();
    assert_eq!((status.connections_max, status.in_flight), (3, 0), "{driver:?}");
    assert_eq!(
        host.messages(),
        [b"0800 on"; 3],
        "{driver:?}: each connection has signed on, and no other message was sent"
    );
    tokio::time::sleep(A_WHILE).await;
    assert_eq!(
        (host.accepts().len(), link.status().connections),
        (3, 3),
        "{driver:?}: the link opens no further connection"
    );
    assert_eq!(link.call(b"0200 first").await, b"0200 first");
}

pub(crate) async fn an_idle_link_comes_back_and_receives_on_the_new_connections(driver: Driver) {
    let mut host = Host::start(Does::Greet(b"0100 hello")).await;
    let (link, mut inbox) = link(&shared(), [host.name()], driver);
    link.has(2).await;
    for _ in 0..2 {
        assert_eq!(&inbox.message().await[..], b"0100 hello");
    }
    for round in 2..4 {
        host.stop().await;
        link.has(0).await;
        host.start_again().await;
        link.has(2).await;
        for _ in 0..2 {
            assert_eq!(
                &inbox.message().await[..],
                b"0100 hello",
                "{driver:?}: the message arrives on the new connection"
            );
        }
        assert_eq!(host.accepts().len(), 2 * round, "{driver:?}");
    }
    assert_eq!(link.call(b"0200 now").await, b"0200 now");
}

pub(crate) async fn an_idle_link_keeps_no_socket_that_was_lost(driver: Driver) {
    let mut host = Host::start(Does::Nothing).await;
    let (link, _inbox) = link(&shared(), [host.name()], driver);
    let mut before = None;
    for round in 1..6 {
        link.has(2).await;
        host.has_seen(|seen| seen.accepts.len() >= 2 * round).await;
        // The first loss starts a task that stays.
        if round == 2 {
            before = Some(Baseline::take());
        }
        host.stop().await;
        link.has(0).await;
        host.start_again().await;
    }
    link.has(2).await;
    before.unwrap().assert_freed_soon("the losses of an idle link").await;
}

pub(crate) async fn a_backup_takes_over_from_an_idle_link_until_the_primary_is_back(driver: Driver) {
    let (mut primary, backup) = (Host::start(Does::Echo).await, Host::start(Does::Echo).await);
    let (link, _inbox) = link(&shared(), [primary.name(), backup.name()], driver);
    link.has(2).await;
    primary.has_seen(|seen| seen.accepts.len() >= 2).await;
    assert_eq!((primary.accepts().len(), backup.accepts().len()), (2, 0), "{driver:?}");
    primary.stop().await;
    backup.has_seen(|seen| seen.accepts.len() == 2).await;
    link.has(2).await;
    primary.start_again().await;
    // Both connections move, although no call asks for a connection.
    backup.has_seen(|seen| seen.closed == 2).await;
    link.has(2).await;
    primary.has_seen(|seen| seen.accepts.len() >= 4).await;
    let before = backup.messages().len();
    assert_eq!(link.call(b"0200 home").await, b"0200 home");
    assert_eq!(backup.messages().len(), before, "{driver:?}");
}

pub(crate) async fn a_peer_that_refuses_to_sign_on_is_dialled_less_and_less(driver: Driver) {
    let host = Host::start(Does::Say(b"0810 no")).await;
    let sign_on = Sign::new(b"0800 on").expect(b"0810 yes");
    let kept_link = link(&shared().sign_on(sign_on), [host.name()], driver);
    let began = Instant::now();
    tokio::time::sleep(2 * A_WHILE).await;
    let dials = host.accepts().len();
    // Delays of at most 20 ms, 40 ms, … 400 ms: about 6 dials until the cap, and then 5 a second. Without delays there
    // would be thousands.
    assert!((2..25).contains(&dials), "{driver:?}: {dials} dials in {:?}", began.elapsed());
    assert_eq!(kept_link.0.status().connections, 0, "{driver:?}");
    // The last dial may still be in progress.
    assert!(kept_link.0.counts().failures.sign_on + 1 >= u64::try_from(dials).unwrap(), "{driver:?}: {dials}");
}

pub(crate) async fn a_client_dials_a_peer_that_refuses_to_sign_on_less_and_less(driver: Driver) {
    let host = Host::start(Does::Say(b"0810 no")).await;
    let sign_on = Sign::new(b"0800 on").expect(b"0810 yes");
    let mut client = parts(&long().sign_on(sign_on), [host.name()]).client(driver);
    client.idle_until(tokio::time::sleep(2 * A_WHILE)).await;
    let dials = host.accepts().len();
    assert!((2..25).contains(&dials), "{driver:?}: a client dials {dials} times");
    assert!(client.counts().failures.sign_on + 1 >= u64::try_from(dials).unwrap(), "{driver:?}: {dials}");
}

pub(crate) async fn a_link_that_is_closed_is_not_dialled_until_it_is_used(driver: Driver) {
    let host = Host::start(Does::Echo).await;
    let (link, _inbox) = link(&shared(), [host.name()], driver);
    link.has(2).await;
    link.clone().close().await;
    host.has_seen(|seen| seen.closed == 2).await;
    tokio::time::sleep(A_WHILE).await;
    assert_eq!((link.status().connections, host.accepts().len()), (0, 2), "{driver:?}");
    assert_eq!(link.call(b"0200 again").await, b"0200 again");
    link.has(2).await;
    // The system connects before the host accepts.
    host.has_seen(|seen| seen.accepts.len() >= 4).await;
    assert_eq!(host.accepts().len(), 4, "{driver:?}");
}

pub(crate) async fn an_idle_client_comes_back(driver: Driver) {
    let mut host = Host::start(Does::Echo).await;
    let profile = long().sign_on(Sign::new(b"0800 on").expect(b"0800"));
    let mut client = parts(&profile, [host.name()]).client(driver);
    let signed_on = |seen: &Seen| seen.messages.iter().filter(|message| *message == b"0800 on").count();
    client.idle_until(host.has_seen(|seen| signed_on(seen) == 1)).await;
    for connections in 2..4 {
        host.stop().await;
        host.start_again().await;
        client.idle_until(host.has_seen(|seen| signed_on(seen) == connections)).await;
        assert_eq!(client.call(b"0200").await.unwrap(), b"0200");
        assert_eq!(host.accepts().len(), connections, "{driver:?}: the call finds a connection");
    }
    client.idle_until(tokio::time::sleep(A_WHILE)).await;
    assert_eq!(host.accepts().len(), 3, "{driver:?}: there is one connection");
    assert_eq!(client.counts().losses, 2, "{driver:?}");
    client.close().await;
    host.has_seen(|seen| seen.closed >= 1).await;
}

pub(crate) async fn a_backup_takes_over_from_an_idle_client(driver: Driver) {
    let (mut primary, backup) = (Host::start(Does::Echo).await, Host::start(Does::Echo).await);
    let mut client = parts(&long(), [primary.name(), backup.name()]).client(driver);
    client.idle_until(primary.has_seen(|seen| seen.accepts.len() == 1)).await;
    assert_eq!(client.call(b"0200").await.unwrap(), b"0200");
    primary.stop().await;
    client.idle_until(backup.has_seen(|seen| seen.accepts.len() == 1)).await;
    assert_eq!(client.call(b"0201").await.unwrap(), b"0201");
    assert_eq!((client.address().unwrap(), backup.accepts().len()), (backup.name(), 1), "{driver:?}");
}

/// A message that could be taken for the next reply is not: the connection is replaced.
pub(crate) async fn an_unsolicited_message_costs_an_idle_client_its_connection(driver: Driver) {
    let host = Host::start(Does::GreetFirst(b"0100 hello")).await;
    let mut client = parts(&long(), [host.name()]).client(driver);
    client.idle_until(host.has_seen(|seen| seen.accepts.len() == 2)).await;
    assert_eq!(client.call(b"0200").await.unwrap(), b"0200");
}

pub(crate) async fn a_client_that_only_receives_gets_messages_that_arrived_while_it_was_idle(driver: Driver) {
    let mut host = Host::start(Does::Greet(b"0100 hello")).await;
    let profile = Profile::builder(framing()).reconnect(client::reconnect()).keep_up(true);
    let profile = profile.exchange(ExchangeKind::ReceiveOnly);
    let mut client = parts(&profile, [host.name()]).client(driver);
    client.idle_until(host.has_seen(|seen| seen.accepts.len() == 1)).await;
    match client {
        Client::Tokio(mut client) => {
            // A dropped future loses neither the connection nor a message.
            assert_eq!(&client.recv().await.unwrap().unwrap()[..], b"0100 hello");
            assert!(tokio::time::timeout(A_WHILE / 10, client.recv()).await.is_err());
            assert_eq!(host.accepts().len(), 1, "{driver:?}");
            host.stop().await;
            host.start_again().await;
            host.has_seen(|seen| seen.accepts.len() == 2).await;
            assert_eq!(&client.recv().await.unwrap().unwrap()[..], b"0100 hello");
        }
        Client::Blocking(client) => {
            let mut client = client.unwrap();
            let received = aside(move || {
                let received = client.recv().unwrap().unwrap();
                (client, received)
            });
            let (mut client, message) = received.await;
            assert_eq!(&message[..], b"0100 hello");
            host.stop().await;
            host.start_again().await;
            host.has_seen(|seen| seen.accepts.len() == 2).await;
            assert_eq!(&aside(move || client.recv().unwrap().unwrap()).await[..], b"0100 hello");
        }
        Client::NonBlocking(Some(mut client)) => {
            let received = aside(move || {
                let received = client.recv().unwrap().unwrap();
                (client, received)
            });
            let (client, message) = received.await;
            assert_eq!(&message[..], b"0100 hello");
            host.stop().await;
            host.start_again().await;
            let mut client = Client::NonBlocking(Some(client));
            client.idle_until(host.has_seen(|seen| seen.accepts.len() == 2)).await;
            // The message has arrived, and only the next `recv` takes it.
            client.idle_until(tokio::time::sleep(A_WHILE / 10)).await;
            let Client::NonBlocking(Some(mut client)) = client else { return };
            assert_eq!(&aside(move || client.recv().unwrap().unwrap()).await[..], b"0100 hello");
            assert_eq!(host.accepts().len(), 2, "{driver:?}");
        }
        Client::NonBlocking(None) => {}
    }
}

/// The heartbeats that the client reads while it is idle hide neither the peer's end nor its silence.
pub(crate) async fn heartbeats_hide_no_end_from_a_client_that_only_receives(driver: Driver) {
    let mut host = Host::start(Does::Beat(Duration::from_millis(10))).await;
    let heartbeat = "empty,interval=60ms,timeout=60ms".parse().unwrap();
    let profile = Profile::builder(framing()).reconnect(client::reconnect()).keep_up(true).heartbeat(heartbeat);
    let mut client = parts(&profile.exchange(ExchangeKind::ReceiveOnly), [host.name()]).client(driver);
    client.idle_until(host.has_seen(|seen| seen.accepts.len() == 1)).await;
    client.idle_until(tokio::time::sleep(A_WHILE)).await;
    assert_eq!((host.accepts().len(), client.counts().losses), (1, 0), "{driver:?}: the peer is alive");
    host.stop().await;
    host.start_again().await;
    client.idle_until(host.has_seen(|seen| seen.accepts.len() == 2)).await;
    assert_eq!(client.counts().losses, 1, "{driver:?}");
    host.now_does(Does::Nothing);
    host.stop().await;
    host.start_again().await;
    // The first silent connection, and the connection after its loss.
    client.idle_until(host.has_seen(|seen| seen.accepts.len() == 4)).await;
    assert_eq!(client.counts().losses, 3, "{driver:?}");
    assert!(host.messages().iter().any(Vec::is_empty), "{driver:?}: the idle client sent heartbeats");
}
