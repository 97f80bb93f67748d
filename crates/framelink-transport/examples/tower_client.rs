//! A client with keyed replies under tower's limit, retry and timeout: `cargo run --example tower_client --features
//! tower`.
//!
//! The host is a task of this program. A real host has an address.

use std::error::Error;
use std::future::{Ready, ready};
use std::time::Duration;

use bytes::Bytes;
use framelink_transport::profile::Duplex;
use framelink_transport::session::Sent;
use framelink_transport::tokio::{CallError, Link, Listener};
use framelink_transport::{Framing, Message, Profile};
use tower::retry::Policy;
use tower::{Service, ServiceBuilder, ServiceExt};

/// Retries a request if nothing of it was sent. Sending any other request again might move money twice.
#[derive(Clone)]
struct WhereNothingWasSent {
    tries: usize,
}

impl Policy<Bytes, Message, CallError> for WhereNothingWasSent {
    type Future = Ready<()>;

    fn retry(&mut self, _: &mut Bytes, result: &mut Result<Message, CallError>) -> Option<Ready<()>> {
        let nothing_was_sent = result.as_ref().is_err_and(|error| error.sent() == Sent::Not);
        self.tries = self.tries.checked_sub(1)?;
        nothing_was_sent.then(|| ready(()))
    }

    fn clone_request(&mut self, request: &Bytes) -> Option<Bytes> {
        Some(request.clone())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let framing: Framing = "ascii:4".parse()?;
    let mut listener = Listener::bind("127.0.0.1:0", framing).await?;
    let address = listener.local_addr()?.to_string();
    tokio::spawn(async move {
        let mut connection = listener.accept().await.ok()?;
        while let Ok(Some(request)) = connection.recv().await {
            connection.send(&[&request[..], b": approved"].concat()).await.ok()?;
        }
        Some(())
    });

    // '0' '0' '1' '4' | '0' '2' '0' '0' | '0' '0' '0' '0' '0' '1' | ' ' ...: a reply has the six digits of its request.
    let profile = Profile::builder(framing).exchange(Duplex::new().key("4:6".parse()?)).build()?;
    let (link, _) = Link::new(profile, address)?;
    let service = ServiceBuilder::new()
        .concurrency_limit(16)
        .timeout(Duration::from_secs(10))
        .retry(WhereNothingWasSent { tries: 3 })
        .service(link);

    let calls = (1..=5).map(|number| {
        let mut service = service.clone();
        tokio::spawn(async move {
            let request = format!("0200{number:06} pay {number}.00");
            let reply = service.ready().await?.call(request.into()).await?;
            Ok::<_, tower::BoxError>(String::from_utf8_lossy(&reply).into_owned())
        })
    });
    for call in calls.collect::<Vec<_>>() {
        println!("{}", call.await?.map_err(|error| error.to_string())?);
    }
    Ok(())
}
