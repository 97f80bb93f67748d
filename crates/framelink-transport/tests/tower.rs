//! Clients as tower services, under tower's own middleware.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use framelink_transport::profile::{Duplex, Shared};
use framelink_transport::session::{Concurrency, ReplyOrder, Sent};
use framelink_transport::tokio::{CallError, Client, Connection, Link, Listener};
use framelink_transport::{Cause, Framing, Message, Profile};
use tokio::task::JoinSet;
use tower::retry::Policy;
use tower::{Service, ServiceBuilder, ServiceExt, service_fn};

fn framing() -> Framing {
    "net:2".parse().unwrap()
}

async fn host<F: Future<Output = ()> + Send + 'static>(serve: impl Fn(Connection) -> F + Send + 'static) -> String {
    let mut listener = Listener::bind("127.0.0.1:0", framing()).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        while let Ok(connection) = listener.accept().await {
            tokio::spawn(serve(connection));
        }
    });
    address
}

async fn echo(mut connection: Connection) {
    while let Ok(Some(message)) = connection.recv().await {
        if connection.send(&message).await.is_err() {
            return;
        }
    }
}

/// Calls the service from many tasks at a time, each with a message of its own.
async fn call_many<S>(service: S)
where
    S: Service<Bytes, Response = Message> + Clone + Send + 'static,
    S::Error: std::fmt::Debug + Send,
    S::Future: Send,
{
    let mut calls = JoinSet::new();
    for call in 0..50 {
        let mut service = service.clone();
        calls.spawn(async move {
            let request = format!("{call:02} hello");
            let reply = service.ready().await.unwrap().call(request.clone().into()).await.unwrap();
            assert_eq!(&reply[..], request.as_bytes());
        });
    }
    assert_eq!(calls.join_all().await.len(), 50);
}

fn by_key() -> Duplex {
    Duplex::new().key("0:2".parse().unwrap())
}

#[tokio::test]
async fn a_link_is_a_service() {
    let address = host(echo).await;
    let profile = Profile::builder(framing()).connection(Shared::new(2)).exchange(by_key()).build().unwrap();
    let (link, _inbox) = Link::new(profile, address).unwrap();
    call_many(ServiceBuilder::new().concurrency_limit(8).service(link)).await;
}

#[tokio::test]
async fn a_caller_is_a_service() {
    let address = host(echo).await;
    let connector = framelink_transport::tokio::Connector::new(framing());
    let (caller, mut receiver) = connector.connect(address).await.unwrap().duplex(by_key().matching());
    tokio::spawn(async move { while let Ok(Some(_)) = receiver.recv().await {} });
    call_many(caller.timed(Duration::from_secs(5))).await;
}

#[tokio::test]
async fn a_client_is_a_service_that_has_one_exchange_at_a_time() {
    let address = host(echo).await;
    let profile = Profile::template("long-sync", framing()).unwrap();
    call_many(Client::new(profile, address).unwrap().sequential()).await;
}

#[tokio::test]
async fn waiting_for_other_requests_counts_towards_the_timeout() {
    let address =
        host(|mut connection| async move { while connection.recv().await.is_ok_and(|m| m.is_some()) {} }).await;
    let within = Duration::from_secs(1);
    let profile = Profile::builder(framing()).reply_timeout(within).build().unwrap();
    let service = Client::new(profile, address).unwrap().sequential();
    let (mut one, mut other) = (service.clone(), service);
    let began = Instant::now();
    let (first, second) = tokio::join!(one.call("one".into()), other.call("two".into()));
    assert_eq!(first.unwrap_err().sent(), Sent::NoReply);
    second.unwrap_err();
    assert!(began.elapsed() < within * 2, "the requests wait for each other: {:?}", began.elapsed());
}

/// Retries requests that were not sent.
#[derive(Clone)]
struct RetryUnsent(usize);

impl Policy<Bytes, Message, CallError> for RetryUnsent {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Bytes, result: &mut Result<Message, CallError>) -> Option<Ready<()>> {
        let error = result.as_ref().err()?;
        (error.sent() == Sent::Not && self.0 > 0).then(|| {
            self.0 -= 1;
            ready(())
        })
    }

    fn clone_request(&mut self, request: &Bytes) -> Option<Bytes> {
        Some(request.clone())
    }
}

#[tokio::test]
async fn an_unsent_request_is_retried_and_a_perhaps_sent_one_is_not() {
    let asked = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&asked);
    let address = host(move |mut connection| {
        let asked = Arc::clone(&counting);
        async move {
            // The host receives the request and closes.
            if connection.recv().await.is_ok_and(|message| message.is_some()) {
                asked.fetch_add(1, Ordering::SeqCst);
            }
        }
    })
    .await;
    let profile = Profile::builder(framing()).exchange(by_key()).build().unwrap();
    let (link, _inbox) = Link::new(profile.clone(), address).unwrap();
    let mut service = ServiceBuilder::new().retry(RetryUnsent(3)).service(link);
    let error = service.ready().await.unwrap().call("01".into()).await.unwrap_err();
    assert_eq!((error.sent(), asked.load(Ordering::SeqCst)), (Sent::Perhaps, 1));

    // An address without a listener.
    let closed = Listener::bind("127.0.0.1:0", framing()).await.unwrap().local_addr().unwrap().to_string();
    let (link, _inbox) = Link::new(profile, closed).unwrap();
    let mut service = ServiceBuilder::new().retry(RetryUnsent(3)).service(link);
    let error = service.ready().await.unwrap().call("01".into()).await.unwrap_err();
    assert!(matches!(error.error().cause(), Cause::Connect(_)), "{error}");
}

#[tokio::test]
async fn a_tower_timeout_cancels_a_call_and_its_reply_answers_no_other() {
    let address = host(|mut connection| async move {
        let mut first = true;
        while let Ok(Some(message)) = connection.recv().await {
            if std::mem::take(&mut first) {
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            let _ = connection.send(&message).await;
        }
    })
    .await;
    let profile = Profile::builder(framing()).exchange(by_key()).build().unwrap();
    let (link, _inbox) = Link::new(profile, address).unwrap();
    let mut service = ServiceBuilder::new().timeout(Duration::from_millis(50)).service(link.clone());
    assert!(service.ready().await.unwrap().call("01 slow".into()).await.is_err());
    assert_eq!(&link.call(b"02 next").await.unwrap()[..], b"02 next");
}

#[tokio::test]
async fn a_server_runs_a_service() {
    let profile = Profile::builder(framing()).exchange(by_key()).build().unwrap();
    let serving = profile.clone();
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counting, highest) = (Arc::clone(&running), Arc::clone(&most));
    let shout = service_fn(move |request: Message| {
        let (running, most) = (Arc::clone(&counting), Arc::clone(&highest));
        async move {
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_millis(1)).await;
            running.fetch_sub(1, Ordering::SeqCst);
            Ok::<_, Infallible>((&request[..] != b"99 quiet").then(|| request.to_ascii_uppercase()))
        }
    });
    let service = ServiceBuilder::new().concurrency_limit(4).service(shout);
    let address = host(move |connection| {
        let (profile, service) = (serving.clone(), service.clone());
        async move {
            let concurrency = Concurrency::new(64).order_by(ReplyOrder::Finished);
            connection.serve_service(&profile, concurrency, service).await.unwrap();
        }
    })
    .await;
    let (link, _inbox) = Link::new(profile, address).unwrap();
    let mut calls = JoinSet::new();
    for call in 0..50 {
        let link = link.clone();
        calls.spawn(async move {
            let reply = link.call(format!("{call:02} hello").as_bytes()).await.unwrap();
            assert_eq!(&reply[..], format!("{call:02} HELLO").as_bytes());
        });
    }
    calls.join_all().await;
    assert!((2..=4).contains(&most.load(Ordering::SeqCst)), "tower's limit holds: {most:?}");
    let quiet = tokio::time::timeout(Duration::from_millis(100), link.call(b"99 quiet")).await;
    assert!(quiet.is_err(), "the service may return no reply");
}
