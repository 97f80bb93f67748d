//! framelink on tokio, with the default settings, in several forms.

use std::error::Error;
use std::sync::Arc;

use framelink_transport::session::Concurrency;
use framelink_transport::tokio::{Connection, Listener, Server};
use framelink_transport::{Framing, Profile};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().expect("the address to listen on");
    let form = arguments.next().unwrap_or_default();
    match &*form {
        "server" => serve(&address, 1).await,
        "server-16" => serve(&address, 16).await,
        _ => accept(&address, &form).await,
    }
}

/// A server with an async handler that is ready at once.
async fn serve(address: &str, concurrency: usize) -> Result<(), Box<dyn Error>> {
    let profile = Arc::new(Profile::template("long-sync", "net:4".parse::<Framing>()?)?);
    let server = Server::bind(address, &profile).await?.concurrency(Concurrency::new(concurrency));
    server.run(|request| async move { Some(request.to_vec()) }).await;
    Ok(())
}

/// An accept loop of its own.
async fn accept(address: &str, form: &str) -> Result<(), Box<dyn Error>> {
    let mut listener = Listener::bind(address, "net:4".parse::<Framing>()?).await?;
    loop {
        let connection = listener.accept().await?;
        match form {
            "feed" => spawn(feed(connection)),
            "send" => spawn(send(connection)),
            _ => return Err("feed, send, server or server-16".into()),
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
