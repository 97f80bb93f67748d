//! The numbers that a link writes into its requests.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use framelink_transport::profile::{ConnectionKind, Numbering, Reach, Shared, Simplex};
use framelink_transport::session::Encoding;
use framelink_transport::tokio::{Connection, Connector, Link, LinkEvent, Upstream};
use framelink_transport::{Profile, TryRecv, blocking};

use super::host::{DEADLINE, accept, by_key, echo, event, listener, profile, read};

/// Returns the requests that a host receives on this many connections. It echoes each of them and then closes.
async fn requests_of(
    mut listener: framelink_transport::tokio::Listener,
    connections: usize,
    requests_each: usize,
) -> Vec<Vec<u8>> {
    let mut requests = Vec::new();
    for _ in 0..connections {
        let mut connection = accept(&mut listener).await;
        for _ in 0..requests_each {
            let request = read(&mut connection).await;
            connection.send(&request).await.unwrap();
            requests.push(request.to_vec());
        }
    }
    requests
}

fn numbered() -> Profile {
    let exchange = by_key().assigned(Encoding::Ascii);
    profile(ConnectionKind::Long, exchange).build().unwrap()
}

fn counted(to: usize) -> Vec<Vec<u8>> {
    (1..=to).map(|number| format!("{number:02} hello").into_bytes()).collect()
}

#[tokio::test]
async fn numbers_go_on_after_a_reconnect() {
    let (listener, address) = listener().await;
    let (link, mut inbox) = Link::new(numbered(), address).unwrap();
    let host = tokio::spawn(requests_of(listener, 3, 2));
    for _ in 0..3 {
        for _ in 0..2 {
            link.call(b"?? hello").await.unwrap();
        }
        while !matches!(event(&mut inbox).await, LinkEvent::Lost(_)) {}
    }
    assert_eq!(host.await.unwrap(), counted(6));
}

#[test]
fn numbers_go_on_after_a_reconnect_on_threads() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (listener, address) = runtime.block_on(listener());
    let (link, mut inbox) = blocking::Link::new(numbered(), address).unwrap();
    let host = runtime.spawn(requests_of(listener, 3, 2));
    for _ in 0..3 {
        for _ in 0..2 {
            link.call(b"?? hello").unwrap();
        }
        loop {
            match inbox.recv_within(DEADLINE) {
                TryRecv::Message(LinkEvent::Lost(_)) => break,
                TryRecv::Message(_) => {}
                other => panic!("no loss: {other:?}"),
            }
        }
    }
    assert_eq!(runtime.block_on(host).unwrap(), counted(6));
}

#[tokio::test]
async fn several_connections_draw_from_one_source() {
    let (mut listener, address) = listener().await;
    let exchange = by_key().assigned(Encoding::Ascii);
    let profile = profile(Shared::new(2), exchange).keep_up(true).build().unwrap();
    let (link, _inbox) = Link::new(profile, address).unwrap();
    let (mut one, mut other) = (accept(&mut listener).await, accept(&mut listener).await);
    let calls: Vec<_> = (0..10)
        .map(|_| {
            let link = link.clone();
            tokio::spawn(async move { link.call(b"?? hello").await })
        })
        .collect();
    let mut seen = BTreeSet::new();
    while seen.len() < 10 {
        let (connection, request) = tokio::select! {
            request = one.recv() => (&mut one, request),
            request = other.recv() => (&mut other, request),
        };
        let request = request.unwrap().expect("a request");
        connection.send(&request).await.unwrap();
        assert!(seen.insert(request.to_vec()), "a number repeats");
    }
    assert_eq!(seen.into_iter().collect::<Vec<_>>(), counted(10));
    for call in calls {
        call.await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn links_over_one_upstream_draw_from_one_source() {
    let (listener, address) = listener().await;
    let upstream = Upstream::new(&numbered().into(), [address]);
    let (one, _inbox) = Link::over(upstream.clone()).unwrap();
    let (other, _inbox) = Link::over(upstream).unwrap();
    let host = tokio::spawn(requests_of(listener, 2, 1));
    one.call(b"?? hello").await.unwrap();
    other.call(b"?? hello").await.unwrap();
    assert_eq!(host.await.unwrap(), counted(2));
}

/// The sending connection of the pair is accepted: it comes from another place than the source of the link.
#[tokio::test]
async fn numbers_of_a_pair_go_on_after_a_loss() {
    let (mut replies, receiving) = listener().await;
    let sending = framelink_testkit::ReservedPort::new().unwrap().address().to_string();
    let simplex = Simplex::new(by_key().assigned(Encoding::Ascii)).send(Reach::Accept);
    let profile = profile(ConnectionKind::Long, simplex).build().unwrap();
    let (link, _inbox) = Link::simplex(profile, &sending, &receiving).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let mut requests = Connector::new(super::host::framing()).connect(&*sending).await.unwrap();
        let call = tokio::spawn({
            let link = link.clone();
            async move { link.call(b"?? hello").await }
        });
        let mut answers = accept(&mut replies).await;
        let request = read(&mut requests).await;
        answers.send(&request).await.unwrap();
        call.await.unwrap().unwrap();
        seen.push(request.to_vec());
    }
    assert_eq!(seen, counted(2));
}

#[tokio::test]
async fn connections_of_one_connector_draw_from_one_source() {
    let (listener, address) = listener().await;
    let profile = numbered().into();
    let connector = Connector::with_profile(&profile);
    let host = tokio::spawn(requests_of(listener, 2, 1));
    for _ in 0..2 {
        let connection: Connection = connector.connect(&*address).await.unwrap();
        let (caller, mut receiver) = connection.duplex(profile.matching().unwrap());
        let receiving = tokio::spawn(async move { while let Ok(Some(_)) = receiver.recv().await {} });
        caller.call(b"?? hello", DEADLINE).await.unwrap();
        receiving.abort();
    }
    assert_eq!(host.await.unwrap(), counted(2));
}

/// A folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("framelink-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("stan.numbers")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn kept_in(file: &Path) -> Profile {
    let numbers = Numbering { range: None, file: Some(file.to_owned()) };
    let exchange = framelink_transport::profile::Duplex::new().key("0:6".parse().unwrap()).assigned(Encoding::Ascii);
    profile(ConnectionKind::Long, exchange).numbers(numbers).build().unwrap()
}

#[tokio::test]
async fn a_file_keeps_the_numbers_of_a_link_over_restarts() {
    let folder = Folder::new("restarts");
    let (mut listener, address) = listener().await;
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        let (link, inbox) = Link::new(kept_in(&folder.file()), address.clone()).unwrap();
        let serving = async {
            let mut connection = accept(&mut listener).await;
            for _ in 0..5 {
                let request = read(&mut connection).await;
                connection.send(&request).await.unwrap();
                assert!(seen.insert(request.to_vec()), "a number repeats: {request:?}");
            }
        };
        let calls = async {
            for _ in 0..5 {
                link.call(b"?????? hello").await.unwrap();
            }
        };
        tokio::join!(serving, calls);
        drop((link, inbox));
    }
    assert_eq!(seen.len(), 15);
    assert_eq!(seen.first().map(Vec::as_slice), Some(&b"000001 hello"[..]));
}

#[tokio::test]
async fn links_with_one_file_in_one_program_share_it() {
    let folder = Folder::new("shared");
    let (mut listener, address) = listener().await;
    let profile = kept_in(&folder.file());
    let (one, _inbox) = Link::new(profile.clone(), address.clone()).unwrap();
    let (other, _inbox) = Link::new(profile, address).unwrap();
    tokio::spawn(async move {
        loop {
            tokio::spawn(echo(accept(&mut listener).await));
        }
    });
    let mut seen = BTreeSet::new();
    for _ in 0..3 {
        for link in [&one, &other] {
            let reply = link.call(b"?????? hello").await.unwrap();
            assert!(seen.insert(reply.to_vec()), "a number repeats: {reply:?}");
        }
    }
}

#[tokio::test]
async fn a_file_that_holds_something_else_is_refused_before_anything_is_dialled() {
    let folder = Folder::new("foreign");
    fs::write(folder.file(), "my notes").unwrap();
    let error = Link::new(kept_in(&folder.file()), "127.0.0.1:1").unwrap_err();
    assert_eq!(error.key(), "numbers.file");
    let text = error.to_string();
    assert!(text.contains("stan.numbers") && text.contains("it is no file of numbers"), "{text}");
    assert_eq!(fs::read(folder.file()).unwrap(), b"my notes", "and left as it is");
}
