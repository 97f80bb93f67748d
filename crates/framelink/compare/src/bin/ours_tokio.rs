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
        "server" => serve(server(&address, None).await?).await,
        "server-16" => serve(server(&address, None).await?.concurrency(Concurrency::new(16))).await,
        "server-beats" => serve(server(&address, Some(BEATS)).await?).await,
        "in-place" => serve_in_place(server(&address, None).await?).await,
        _ => accept(&address, &form).await,
    }
}

/// A server. All its clients have one address, so the limits on connections are raised.
async fn server(address: &str, beats: Option<&str>) -> Result<Server, Box<dyn Error>> {
    let mut profile = Profile::builder("net:4".parse::<Framing>()?).connections(MOST).connections_per_client(MOST);
    if let Some(beats) = beats {
        profile = profile.heartbeat(beats.parse()?);
    }
    Ok(Server::bind(address, &Arc::new(profile.build()?)).await?)
}

/// With an async handler that is ready at once.
async fn serve(server: Server) -> Result<(), Box<dyn Error>> {
    server.run(|request| async { request }).await;
    Ok(())
}

/// With a handler that writes its reply into the send queue.
async fn serve_in_place(server: Server) -> Result<(), Box<dyn Error>> {
    server.run_in_place(|request, reply| reply.extend_from_slice(request)).await;
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
            "recv-ref" => spawn(recv_ref(connection)),
            "beats" => {
                let mut connection = connection;
                connection.watch(Arc::clone(&heartbeat), Role::Server);
                spawn(send(connection));
            }
            _ => return Err("feed, send, recv-ref, beats, server, server-16, server-beats or in-place".into()),
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

/// Feeds replies. `recv` writes them before it waits.
async fn feed(mut connection: Connection) -> Result<(), Box<dyn Error>> {
    while let Some(message) = connection.recv().await? {
        connection.feed(&message).await?;
    }
    Ok(())
}

/// Feeds replies while the messages lie in the read buffer.
async fn recv_ref(mut connection: Connection) -> Result<(), Box<dyn Error>> {
    while let Some((message, sender)) = connection.recv_with_sender().await? {
        sender.feed(&message).await?;
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
