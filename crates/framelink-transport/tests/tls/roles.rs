//! Clients, pools, links and servers over TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use framelink_transport::profile::{Duplex, Pooled};
use framelink_transport::session::Reply;
use framelink_transport::tls::{ClientTls, ServerTls, TlsError};
use framelink_transport::{Cause, Framing, Message, Profile, ProfileBuilder, blocking, nonblocking, tokio};

use crate::support::certificates::{ALL, Authority, Flaw, TLS12, Use, client, server, server_name};
use crate::support::{DEADLINE, framing, runtime};

fn builder() -> ProfileBuilder {
    Profile::builder("net:2".parse::<Framing>().unwrap()).close_timeout(Duration::from_millis(300))
}

fn profile() -> Arc<Profile> {
    Arc::new(builder().build().unwrap())
}

async fn echo(message: Message) -> Option<Vec<u8>> {
    Some(message.to_vec())
}

/// Both sides, with certificates that the other one requires.
fn mutual(authority: &Authority) -> (ClientTls, ServerTls) {
    let ours = client(authority, Some(authority.issue(Use::Client, Flaw::None)), ALL);
    let theirs = server(authority.issue(Use::Server, Flaw::None), Some(authority), ALL);
    (ClientTls::new(ours, server_name()), ServerTls::new(theirs))
}

#[test]
fn a_tokio_server_answers_clients_pools_and_links_and_drains() {
    let (client_tls, server_tls) = mutual(&Authority::new("root"));
    runtime().block_on(async {
        for is_in_place in [false, true] {
            let server = tokio::Server::bind("127.0.0.1:0", &profile()).await.unwrap().tls(server_tls.clone());
            let (address, handle) = (server.local_addr().unwrap().to_string(), server.handle());
            let running = match is_in_place {
                false => ::tokio::spawn(server.run(echo)),
                true => ::tokio::spawn(server.run_in_place(|message: &[u8], reply: &mut Reply<'_>| {
                    reply.extend_from_slice(message);
                })),
            };
            let upstream = tokio::Upstream::new(&profile(), [address.as_str()]).tls(client_tls.clone());
            let mut client = tokio::Client::over(upstream).unwrap();
            for message in [vec![1], vec![2; 60_000], vec![3; 300]] {
                assert_eq!(client.call(&message).await.unwrap()[..], message);
            }
            let facts = client.connection_mut().unwrap().tls().unwrap();
            assert_eq!(facts.peer.unwrap().subject(), "CN=the switch");

            let pooled = Arc::new(builder().connection(Pooled::new(2)).build().unwrap());
            let upstream = tokio::Upstream::new(&pooled, [address.as_str()]).tls(client_tls.clone());
            let pool = tokio::Pool::over(upstream).unwrap();
            assert_eq!(&pool.call(b"pooled").await.unwrap()[..], b"pooled");
            assert_eq!(pool.close(DEADLINE).await.cut, 0);

            let duplex = Arc::new(builder().exchange(Duplex::new()).build().unwrap());
            let upstream = tokio::Upstream::new(&duplex, [address.as_str()]).tls(client_tls.clone());
            let (link, _inbox) = tokio::Link::over(upstream).unwrap();
            let (one, other) = ::tokio::join!(link.call(b"one"), link.call(b"other"));
            assert_eq!((&one.unwrap()[..], &other.unwrap()[..]), (&b"one"[..], &b"other"[..]));
            link.close(DEADLINE).await;

            handle.drain(DEADLINE);
            let report = running.await.unwrap();
            assert!(report.is_clean(), "{report:?}");
        }
    });
}

#[test]
fn blocking_and_nonblocking_connections_serve_each_other() {
    let (client_tls, server_tls) = mutual(&Authority::new("root"));
    let server = blocking::Server::bind("127.0.0.1:0", &profile()).unwrap().tls(server_tls);
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let running = thread::spawn(move || server.run(|message| Some(message.to_vec())));

    let upstream = blocking::Upstream::new(&profile(), [address.to_string()]).tls(client_tls.clone());
    let mut client = blocking::Client::over(upstream).unwrap();
    assert_eq!(&client.call(b"blocking").unwrap()[..], b"blocking");

    let upstream = nonblocking::Upstream::new(&profile(), [address.to_string()]).tls(client_tls.clone());
    let mut client = nonblocking::Client::over(upstream).unwrap();
    assert_eq!(&client.call(b"nonblocking").unwrap()[..], b"nonblocking");

    // Without waiting for the handshake: the message is queued until it is over.
    let mut connection = nonblocking::Connector::new(framing("net:2")).tls(client_tls).start(address).unwrap();
    let _ = connection.try_send(b"early").unwrap();
    let reply = connection.recv_within(DEADLINE).unwrap().into_message().unwrap();
    assert_eq!(&reply[..], b"early");

    handle.drain(DEADLINE);
    assert!(running.join().unwrap().is_clean());
}

#[test]
fn a_replaced_certificate_is_used_by_the_connections_that_follow() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let of = |authority: &Authority| server(authority.issue(Use::Server, Flaw::None), None, ALL);
    let trusting = |authority: &Authority| ClientTls::new(client(authority, None, ALL), server_name());
    let tls = ServerTls::new(of(&old));
    let server = blocking::Server::bind("127.0.0.1:0", &profile()).unwrap().tls(tls.clone());
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let running = thread::spawn(move || server.run(|message| Some(message.to_vec())));

    let mut before = blocking::Connector::new(framing("net:2")).tls(trusting(&old)).connect(address).unwrap();
    tls.replace(of(&new));
    assert_eq!(&before.call(b"still", DEADLINE).unwrap()[..], b"still", "a connection keeps its certificate");
    let refused = blocking::Connector::new(framing("net:2")).tls(trusting(&old)).connect(address).unwrap_err();
    assert!(refused.to_string().contains("was not issued by a root that this side trusts"), "{refused}");
    let mut after = blocking::Connector::new(framing("net:2")).tls(trusting(&new)).connect(address).unwrap();
    assert_eq!(&after.call(b"again", DEADLINE).unwrap()[..], b"again");
    drop((before, after));
    handle.drain(DEADLINE);
    running.join().unwrap();
}

#[test]
fn a_second_connection_resumes_the_session() {
    let authority = Authority::new("root");
    for versions in [TLS12, ALL] {
        let theirs = server(authority.issue(Use::Server, Flaw::None), None, versions);
        let mut listener =
            blocking::Listener::bind("127.0.0.1:0", framing("net:2")).unwrap().tls(ServerTls::new(theirs));
        let address: SocketAddr = listener.local_addr().unwrap();
        let serving = thread::spawn(move || {
            for _ in 0..2 {
                let mut connection = listener.accept().unwrap().unwrap();
                while let Some(message) = connection.recv().unwrap() {
                    connection.send(&message).unwrap();
                }
                connection.close(DEADLINE).unwrap();
            }
        });
        let connector = blocking::Connector::new(framing("net:2"))
            .tls(ClientTls::new(client(&authority, None, versions), server_name()));
        let resumed = [false, true].map(|_| {
            let mut connection = connector.connect(address).unwrap();
            assert_eq!(&connection.call(b"hello", DEADLINE).unwrap()[..], b"hello");
            let is_resumed = connection.tls().unwrap().is_resumed;
            assert!(connection.close(DEADLINE).unwrap().peer_closed);
            is_resumed
        });
        assert_eq!(resumed, [false, true]);
        serving.join().unwrap();
    }
}

/// With TLS 1.3 the client has finished its handshake when the server refuses its certificate.
#[test]
fn a_client_without_a_certificate_is_told_that_it_needs_one() {
    let authority = Authority::new("root");
    let theirs = server(authority.issue(Use::Server, Flaw::None), Some(&authority), ALL);
    let mut listener = blocking::Listener::bind("127.0.0.1:0", framing("net:2")).unwrap().tls(ServerTls::new(theirs));
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || {
        let mut connection = listener.accept().unwrap().unwrap();
        let error = connection.recv().unwrap_err();
        assert!(matches!(error.cause(), Cause::Tls(TlsError::NoCertificate)), "{error}");
    });
    let connector =
        blocking::Connector::new(framing("net:2")).tls(ClientTls::new(client(&authority, None, ALL), server_name()));
    let mut connection = connector.connect(address).unwrap();
    let error = connection.recv().unwrap_err();
    let text =
        "the peer refused the connection: it requires a certificate of this side (TLS alert certificate_required)";
    assert_eq!(error.to_string(), format!("receiving from {address}: {text}"));
    serving.join().unwrap();
}
