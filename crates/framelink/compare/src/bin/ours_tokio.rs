//! framelink on tokio, with the default settings, in several forms.

use std::error::Error;
use std::sync::Arc;

use framelink_transport::heartbeat::{Heartbeat, Role};
use framelink_transport::session::Concurrency;
use framelink_transport::tokio::{Connection, Listener, Server};
use framelink_transport::{Framing, Profile};

/// Heartbeats, so rare that none is due while something is measured.
const BEATS: &str = "empty,interval=300s,timeout=60s";
const MOST: u32 = 100_000;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().expect("the address to listen on");
    let form = arguments.next().unwrap_or_default();
    match &*form {
        "server" => serve(&address, 1, None).await,
        "server-16" => serve(&address, 16, None).await,
        "server-beats" => serve(&address, 1, Some(BEATS)).await,
        _ => accept(&address, &form).await,
    }
}

/// A server with an async handler that is ready at once. All its clients have one address, so the limits on connections are raised.
async fn serve(address: &str, concurrency: usize, beats: Option<&str>) -> Result<(), Box<dyn Error>> {
    let mut profile = Profile::builder("net:4".parse::<Framing>()?).connections(MOST).connections_per_client(MOST);
    if let Some(beats) = beats {
        profile = profile.heartbeat(beats.parse()?);
    }
    let profile = Arc::new(profile.build()?);
    let server = Server::bind(address, &profile).await?.concurrency(Concurrency::new(concurrency));
    server.run(|request| async move { Some(request.to_vec()) }).await;
    Ok(())
}

/// An accept loop of its own.
async fn accept(address: &str, form: &str) -> Result<(), Box<dyn Error>> {
    let mut listener = Listener::bind(address, "net:4".parse::<Framing>()?).await?;
    let heartbeat: Arc<Heartbeat> = Arc::new(BEATS.parse()?);
    loop {
        let connection = listener.accept().await?;
        match form {
            "feed" => spawn(feed(connection)),
            "send" => spawn(send(connection)),
            "beats" => {
                let mut connection = connection;
                connection.watch(Arc::clone(&heartbeat), Role::Server);
                spawn(send(connection));
            }
            _ => return Err("feed, send, beats, server, server-16 or server-beats".into()),
        }
    }
}

fn spawn(echo: impl Future<Output = Result<(), Box<dyn Error>>> + 'static + Send) {
    tokio::spawn(async move {
        if let Err(error) = echo.await {
            eprintln!("{error}");
        }
    });
}

/// Feeds replies, and flushes when no whole message has been read.
async fn feed(connection: Connection) -> Result<(), Box<dyn Error>> {
    let (mut receiver, mut sender) = connection.split();
    while let Some(message) = receiver.recv().await? {
        sender.feed(&message).await?;
        while let Some(message) = receiver.buffered()? {
            sender.feed(&message).await?;
        }
        sender.flush().await?;
    }
    Ok(())
}

/// Sends each reply by itself.
async fn send(mut connection: Connection) -> Result<(), Box<dyn Error>> {
    while let Some(message) = connection.recv().await? {
        connection.send(&message).await?;
    }
    Ok(())
}
