//! Serves one connection, for `.ci/system-calls` and `.ci/instructions`, which count the system calls and the instructions of
//! this process.
//!
//! `served_requests WAY MESSAGES ROUNDS`: a client in another process sends `MESSAGES` requests of 64 bytes with one write,
//! reads all replies, and does this `ROUNDS` times.
//!
//! | way | the server |
//! | --- | --- |
//! | `blocking`, `nonblocking`, `tokio` | `serve` of the driver; on tokio the handler is ready at once |
//! | `blocking-in-place`, `nonblocking-in-place`, `tokio-in-place` | `serve_in_place` of the driver |
//! | `server`, `server-16`, `server-in-place` | `Server` of tokio with the limits of a profile: one handler at a time, 16, in place |
//! | `framed` | tokio-util's `Framed` with buffers of 64 KiB, to compare |
//! | `floor` | a loop over the codec alone on tokio, to compare |

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use framelink_codec::{Encode, Frames};
use framelink_transport::session::Concurrency;
use framelink_transport::{Framing, Message, Profile, Reply, blocking, nonblocking, tokio as on_tokio};
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

const USAGE: &str = "usage: served_requests WAY MESSAGES ROUNDS";
const BUFFER: usize = 64 * 1024;
/// 0x00 0x00 0x00 0x40 | 64 bytes
const FRAME: [u8; 68] = {
    let mut frame = [b'x'; 68];
    (frame[0], frame[1], frame[2], frame[3]) = (0, 0, 0, 64);
    frame
};

type Done = Result<(), Box<dyn Error>>;

fn main() -> Done {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [way, messages, rounds, of_client @ ..] = &*args else { return Err(USAGE.into()) };
    if let [address] = of_client {
        return Ok(client(address.parse()?, messages.parse()?, rounds.parse()?)?);
    }
    let begin = |address: SocketAddr| {
        let address = address.to_string();
        Command::new(std::env::current_exe()?).args(["client", messages, rounds, &address]).spawn()
    };
    let framing: Framing = "net:4".parse()?;
    let profile = Profile::builder(framing).build()?;
    if way.starts_with("server") {
        return runtime()?.block_on(serve(way, profile, begin));
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let mut client = begin(listener.local_addr()?)?;
    let stream = listener.accept()?.0;
    stream.set_nodelay(true)?;
    match &**way {
        "blocking" => {
            blocking::Connection::from_stream(stream, framing).serve(&profile, |request| request)?;
        }
        "blocking-in-place" => {
            blocking::Connection::from_stream(stream, framing).serve_in_place(&profile, echo)?;
        }
        "nonblocking" => {
            nonblocking::Connection::from_stream(stream, framing)?.serve(&profile, |request| request)?;
        }
        "nonblocking-in-place" => {
            nonblocking::Connection::from_stream(stream, framing)?.serve_in_place(&profile, echo)?;
        }
        way => runtime()?.block_on(on_tokio(way, stream, framing, &profile))?,
    }
    check(&mut client)
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

/// Runs a server until its client has ended.
async fn serve(way: &str, profile: Profile, begin: impl Fn(SocketAddr) -> std::io::Result<Child>) -> Done {
    let server = on_tokio::Server::bind("127.0.0.1:0", &Arc::new(profile)).await?;
    let (mut client, handle) = (begin(server.local_addr()?)?, server.handle());
    let client = thread::spawn(move || {
        check(&mut client).expect("all replies");
        handle.drain(Duration::from_secs(5));
    });
    let handler = |request: Message| async move { request };
    match way {
        "server" => drop(server.run(handler).await),
        "server-16" => drop(server.concurrency(Concurrency::new(16)).run(handler).await),
        "server-in-place" => drop(server.run_in_place(echo).await),
        _ => return Err(USAGE.into()),
    }
    client.join().map_err(|_| "the client failed".into())
}

async fn on_tokio(way: &str, stream: TcpStream, framing: Framing, profile: &Profile) -> Done {
    stream.set_nonblocking(true)?;
    let stream = tokio::net::TcpStream::from_std(stream)?;
    match way {
        "tokio" => {
            let connection = on_tokio::Connection::from_stream(stream, framing);
            connection.serve(profile, |request: Message| async move { request }).await?;
        }
        "tokio-in-place" => {
            on_tokio::Connection::from_stream(stream, framing).serve_in_place(profile, echo).await?;
        }
        "framed" => framed(stream).await?,
        "floor" => floor(stream, &framing).await?,
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

fn echo(request: &[u8], reply: &mut Reply<'_>) {
    reply.extend_from_slice(request);
}

async fn framed(stream: tokio::net::TcpStream) -> Done {
    let mut framed = Framed::with_capacity(stream, LengthDelimitedCodec::new(), BUFFER);
    framed.set_backpressure_boundary(BUFFER);
    loop {
        let next = match framed.next().now_or_never() {
            Some(next) => next,
            None => {
                SinkExt::<Bytes>::flush(&mut framed).await?;
                framed.next().await
            }
        };
        let Some(frame) = next else { return Ok(()) };
        framed.feed(frame?.freeze()).await?;
    }
}

/// Echoes with one buffer for each direction and nothing else: no limits, deadlines or heartbeats.
async fn floor(mut stream: tokio::net::TcpStream, framing: &Framing) -> Done {
    let (mut input, mut output, mut end) = (vec![0; BUFFER], Vec::new(), 0);
    loop {
        let count = stream.read(&mut input[end..]).await?;
        if count == 0 {
            return Ok(());
        }
        end += count;
        let mut frames = Frames::new(framing, &input[..end]);
        for frame in &mut frames {
            let payload = frame?.payload;
            let head = framing.short_head(payload.len()).ok_or("a head of four bytes")?;
            output.extend_from_slice(&head.bytes[..usize::from(head.len)]);
            output.extend_from_slice(payload);
        }
        let offset = frames.offset();
        input.copy_within(offset..end, 0);
        end -= offset;
        stream.write_all(&output).await?;
        output.clear();
    }
}

/// Waits for the end of the client.
fn check(client: &mut Child) -> Done {
    if client.wait()?.success() { Ok(()) } else { Err("the client has not received all replies".into()) }
}

fn client(address: SocketAddr, messages: usize, rounds: usize) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let requests = FRAME.repeat(messages);
    let mut replies = vec![0; requests.len()];
    for _ in 0..rounds {
        stream.write_all(&requests)?;
        stream.read_exact(&mut replies)?;
        assert_eq!(replies, requests);
    }
    Ok(())
}
