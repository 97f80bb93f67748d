//! `framelink demo`: a client, a bridge and a host in one process, the bytes of every hop, and a host that goes silent.

mod hop;
mod silence;

use std::time::Duration;

use framelink_transport::tokio::{Connection, Connector, Error, Listener};
use framelink_transport::{Framing, FramingPair};
use tokio::net::{TcpListener, TcpStream};

use self::hop::{Hop, Tap};
use super::bridge::Pair;
use crate::failure::Failure;
use crate::output::Output;
use crate::server::drain::Drain;

const CLIENT_FRAMING: &str = "ascii:4";
const HOST_FRAMING: &str = "bcd:2";
const MESSAGES: [&str; 3] = ["hello, world", "0800 ping", ""];
const PATIENCE: Duration = Duration::from_secs(2);

pub(crate) async fn run() -> Result<(), Failure> {
    let client_framing: Framing = CLIENT_FRAMING.parse().map_err(Failure::fault)?;
    let host_framing: Framing = HOST_FRAMING.parse().map_err(Failure::fault)?;

    let host = Listener::bind("127.0.0.1:0", host_framing).await.map_err(Failure::fault)?;
    let host_address = host.local_addr().map_err(Failure::fault)?;
    tokio::spawn(answer_one(host));
    let bridge = TcpListener::bind("127.0.0.1:0").await.map_err(Failure::fault)?;
    let bridge_address = bridge.local_addr().map_err(Failure::fault)?;

    let mut client = Connector::new(client_framing).connect(bridge_address).await.map_err(Failure::fault)?;
    let (accepted, _) = bridge.accept().await.map_err(Failure::fault)?;
    let dialled = TcpStream::connect(host_address).await.map_err(Failure::fault)?;
    let (client_leg, from_client, to_client) = tapped(accepted, client_framing)?;
    let (host_leg, from_host, to_host) = tapped(dialled, host_framing)?;
    tokio::spawn(Pair::new(client_leg, host_leg).run(Drain::never()));

    let output = &mut Output::new();
    output.line(format_args!(
        "client {} ── {CLIENT_FRAMING} ──► bridge {bridge_address} ── {HOST_FRAMING} ──► host {host_address}\n",
        client.local_addr().map_err(Failure::fault)?,
    ))?;
    let hops = [
        Hop::new("client → bridge", client_framing, from_client),
        Hop::new("bridge → host", host_framing, to_host),
        Hop::new("host → bridge", host_framing, from_host),
        Hop::new("bridge → client", client_framing, to_client),
    ];
    let mut right = 0;
    for message in MESSAGES {
        let reply = client.call(message.as_bytes(), PATIENCE).await.map_err(Failure::fault)?;
        for hop in &hops {
            output.line(hop.show())?;
        }
        let is_right = reply[..] == *reply_to(message.as_bytes());
        right += usize::from(is_right);
        output.line(if is_right { "" } else { "  this reply is wrong\n" })?;
        output.flush()?;
    }
    output.line(format_args!("{right} of {} replies were right", MESSAGES.len()))?;
    output.flush()?;
    let all_were_right = right == MESSAGES.len();
    let was_noticed = silence::run(output).await?;
    output.flush()?;
    if all_were_right && was_noticed { Ok(()) } else { Err(Failure::Reported) }
}

/// Returns the host's reply to a message.
fn reply_to(message: &[u8]) -> Vec<u8> {
    [b"ok: ", message].concat()
}

/// Answers messages on the first connection.
async fn answer_one(mut host: Listener) -> Result<(), Error> {
    let Ok(mut connection) = host.accept().await else { return Ok(()) };
    answer(&mut connection).await
}

async fn answer(connection: &mut Connection) -> Result<(), Error> {
    while let Some(message) = connection.recv().await? {
        connection.send(&reply_to(&message)).await?;
    }
    connection.finish().await
}

type TappedConnection =
    Connection<FramingPair, Tap<tokio::net::tcp::OwnedReadHalf>, Tap<tokio::net::tcp::OwnedWriteHalf>>;

/// Makes a connection that records its bytes, and returns the records of received and of sent bytes.
fn tapped(stream: TcpStream, framing: Framing) -> Result<(TappedConnection, hop::Record, hop::Record), Failure> {
    stream.set_nodelay(true).map_err(Failure::fault)?;
    let (reader, writer) = stream.into_split();
    let (reader, came) = Tap::new(reader);
    let (writer, went) = Tap::new(writer);
    Ok((Connection::from_parts(reader, writer, FramingPair::from(framing)), came, went))
}
