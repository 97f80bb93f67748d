//! Exchanges messages with a peer in memory, to be measured with a profiler.
//!
//! `message_loop WAY ROUNDS [DEPTH [BYTES]]` sends a message and receives its echo, `ROUNDS` times. There are no system
//! calls, so that only the cost of a message in the session and the driver remains. `.ci/instructions` counts the
//! instructions with callgrind. A message has 16 bytes, or `BYTES`.
//!
//! | way | a round |
//! | --- | --- |
//! | `blocking` | `send` and `recv` of the blocking connection |
//! | `blocking-call` | `call` of the blocking connection |
//! | `nonblocking` | `try_send` and `try_recv` of the non-blocking connection |
//! | `tokio` | `send` and `recv` of the tokio connection |
//! | `tokio-call` | `call` of the tokio connection |
//! | `framed` | `send` and `next` of tokio-util's `Framed` with its `LengthDelimitedCodec` |
//!
//! The other ways echo what the peer sends. The peer sends `DEPTH` messages at once, 16 if no other number is given, and
//! more after it has read as many.
//!
//! | way | a round |
//! | --- | --- |
//! | `blocking-feed`, `tokio-feed` | `recv` and `feed` |
//! | `nonblocking-feed` | `try_recv` and `try_feed` |
//! | `blocking-ref`, `tokio-ref` | `recv_with_sender` and `feed` |
//! | `nonblocking-ref` | `try_recv_ref` and `try_feed` of the two halves |
//! | `framed-feed` | `next` and `feed` of `Framed` with buffers of 64 KiB, which is flushed when `next` would wait |
//! | `floor` | the borrowed iterator over one buffer, and heads written into another |

use std::cell::Cell;
use std::error::Error;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use framelink_codec::{Encode as _, Frames};
use framelink_transport::{Framing, FramingPair, TryRecv, TrySend, blocking, nonblocking, tokio as on_tokio};
use futures_util::{FutureExt as _, SinkExt, StreamExt as _};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

const USAGE: &str = "usage: message_loop WAY ROUNDS [DEPTH [BYTES]]";
const WITHIN: Duration = Duration::from_secs(60);

type Done = Result<(), Box<dyn Error>>;

fn main() -> Done {
    let mut args = std::env::args().skip(1);
    let way = args.next().ok_or(USAGE)?;
    let rounds: usize = args.next().ok_or(USAGE)?.parse()?;
    let echoes = way.ends_with("-feed") || way.ends_with("-ref") || way == "floor";
    let depth = args.next().map_or(Ok(if echoes { 16 } else { 1 }), |depth| depth.parse())?;
    let payload = vec![b'x'; args.next().map_or(Ok(16), |bytes| bytes.parse())?];
    let framing: FramingPair = "net:2".parse::<Framing>()?.into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let echo = Echo::new(&payload, depth, echoes);
    let on_threads = || blocking::Connection::from_parts(echo.clone(), echo.clone(), framing);
    let on_runtime = || on_tokio::Connection::from_parts(echo.clone(), echo.clone(), framing);
    match &*way {
        "blocking" => blocking_rounds(on_threads(), rounds, &payload),
        "blocking-call" => blocking_calls(on_threads(), rounds, &payload),
        "blocking-feed" => blocking_echoes(on_threads(), rounds),
        "blocking-ref" => blocking_borrowed_echoes(on_threads(), rounds),
        "nonblocking" => nonblocking_rounds(nonblocking::Connection::new(echo, framing), rounds, &payload),
        "nonblocking-feed" => nonblocking_echoes(nonblocking::Connection::new(echo, framing), rounds),
        "nonblocking-ref" => nonblocking_borrowed_echoes(&echo, framing, rounds),
        "tokio" => runtime.block_on(tokio_rounds(on_runtime(), rounds, &payload)),
        "tokio-call" => runtime.block_on(tokio_calls(on_runtime(), rounds, &payload)),
        "tokio-feed" => runtime.block_on(tokio_echoes(on_runtime(), rounds)),
        "tokio-ref" => runtime.block_on(tokio_borrowed_echoes(on_runtime(), rounds)),
        "framed" => runtime.block_on(framed_rounds(echo, rounds, payload.into())),
        "framed-feed" => runtime.block_on(framed_echoes(echo, rounds)),
        "floor" => bare_echoes(echo, rounds),
        _ => Err(USAGE.into()),
    }
}

fn blocking_rounds(
    mut connection: blocking::Connection<FramingPair, Echo, Echo>,
    rounds: usize,
    payload: &[u8],
) -> Done {
    for _ in 0..rounds {
        connection.send(payload)?;
        connection.recv()?.ok_or("closed")?;
    }
    Ok(())
}

fn blocking_calls(
    mut connection: blocking::Connection<FramingPair, Echo, Echo>,
    rounds: usize,
    payload: &[u8],
) -> Done {
    for _ in 0..rounds {
        connection.call(payload, WITHIN)?;
    }
    Ok(())
}

fn nonblocking_rounds(
    mut connection: nonblocking::Connection<FramingPair, Echo>,
    rounds: usize,
    payload: &[u8],
) -> Done {
    for _ in 0..rounds {
        let _ = connection.try_send(payload)?;
        let TryRecv::Message(_) = connection.try_recv()? else { return Err("no echo".into()) };
    }
    Ok(())
}

async fn tokio_rounds(
    mut connection: on_tokio::Connection<FramingPair, Echo, Echo>,
    rounds: usize,
    payload: &[u8],
) -> Done {
    for _ in 0..rounds {
        connection.send(payload).await?;
        connection.recv().await?.ok_or("closed")?;
    }
    Ok(())
}

async fn tokio_calls(
    mut connection: on_tokio::Connection<FramingPair, Echo, Echo>,
    rounds: usize,
    payload: &[u8],
) -> Done {
    for _ in 0..rounds {
        connection.call(payload, WITHIN).await?;
    }
    Ok(())
}

async fn framed_rounds(echo: Echo, rounds: usize, payload: Bytes) -> Done {
    let codec = LengthDelimitedCodec::builder().length_field_type::<u16>().new_codec();
    let mut framed = Framed::new(echo, codec);
    for _ in 0..rounds {
        framed.send(payload.clone()).await?;
        framed.next().await.ok_or("closed")??;
    }
    Ok(())
}

fn blocking_echoes(mut connection: blocking::Connection<FramingPair, Echo, Echo>, rounds: usize) -> Done {
    for _ in 0..rounds {
        let message = connection.recv()?.ok_or("closed")?;
        connection.feed(&message)?;
    }
    Ok(())
}

fn blocking_borrowed_echoes(mut connection: blocking::Connection<FramingPair, Echo, Echo>, rounds: usize) -> Done {
    for _ in 0..rounds {
        let (message, sender) = connection.recv_with_sender()?.ok_or("closed")?;
        sender.feed(&message)?;
    }
    Ok(())
}

fn nonblocking_echoes(mut connection: nonblocking::Connection<FramingPair, Echo>, rounds: usize) -> Done {
    let mut left = rounds;
    while left > 0 {
        if let TryRecv::Message(message) = connection.try_recv()? {
            let TrySend::Queued = connection.try_feed(&message)? else { return Err("no room".into()) };
            left -= 1;
        }
    }
    Ok(())
}

fn nonblocking_borrowed_echoes(echo: &Echo, framing: FramingPair, rounds: usize) -> Done {
    let mut receiver = nonblocking::RecvHalf::new(echo.clone(), framing);
    let mut sender = nonblocking::SendHalf::new(echo.clone(), framing);
    let mut left = rounds;
    while left > 0 {
        if let TryRecv::Message(message) = receiver.try_recv_ref()? {
            let TrySend::Queued = sender.try_feed(&message)? else { return Err("no room".into()) };
            left -= 1;
        } else {
            sender.try_flush()?;
        }
    }
    Ok(())
}

async fn tokio_echoes(mut connection: on_tokio::Connection<FramingPair, Echo, Echo>, rounds: usize) -> Done {
    for _ in 0..rounds {
        let message = connection.recv().await?.ok_or("closed")?;
        connection.feed(&message).await?;
    }
    Ok(())
}

async fn tokio_borrowed_echoes(mut connection: on_tokio::Connection<FramingPair, Echo, Echo>, rounds: usize) -> Done {
    for _ in 0..rounds {
        let (message, sender) = connection.recv_with_sender().await?.ok_or("closed")?;
        sender.feed(&message).await?;
    }
    Ok(())
}

async fn framed_echoes(echo: Echo, rounds: usize) -> Done {
    const BUFFER: usize = 64 * 1024;
    let codec = LengthDelimitedCodec::builder().length_field_type::<u16>().new_codec();
    let mut framed = Framed::with_capacity(echo, codec, BUFFER);
    framed.set_backpressure_boundary(BUFFER);
    for _ in 0..rounds {
        let message = match framed.next().now_or_never() {
            Some(message) => message,
            None => {
                SinkExt::<Bytes>::flush(&mut framed).await?;
                framed.next().await
            }
        };
        framed.feed(message.ok_or("closed")??.freeze()).await?;
    }
    Ok(())
}

fn bare_echoes(mut echo: Echo, rounds: usize) -> Done {
    let framing: Framing = "net:2".parse()?;
    let (mut input, mut filled, mut output) = (vec![0; 64 * 1024], 0, Vec::new());
    let mut left = rounds;
    while left > 0 {
        filled += echo.read(&mut input[filled..])?;
        let mut frames = Frames::new(&framing, &input[..filled]);
        for frame in &mut frames {
            let payload = frame?.payload;
            let head = framing.short_head(payload.len()).ok_or("no short head")?;
            output.extend_from_slice(&head.bytes[..usize::from(head.len)]);
            output.extend_from_slice(payload);
            left = left.saturating_sub(1);
        }
        let taken = frames.offset();
        input.copy_within(taken..filled, 0);
        filled -= taken;
        echo.write_all(&output)?;
        output.clear();
    }
    Ok(())
}

/// A peer in memory. It has `depth` frames to read each time as many were written.
#[derive(Clone)]
struct Echo(Rc<Peer>);

struct Peer {
    /// `depth` frames.
    frames: Vec<u8>,
    /// How many bytes of the frames are not read yet.
    unread: Cell<usize>,
    /// How many bytes were written since the frames were filled last.
    written: Cell<usize>,
    reader: Cell<Option<Waker>>,
}

impl Echo {
    fn new(payload: &[u8], depth: usize, begins: bool) -> Self {
        let len = u16::try_from(payload.len()).expect("a payload that the framing can announce");
        let frames = [&len.to_be_bytes(), payload].concat().repeat(depth);
        let unread = Cell::new(if begins { frames.len() } else { 0 });
        Self(Rc::new(Peer { frames, unread, written: Cell::new(0), reader: Cell::new(None) }))
    }

    fn accept(&self, count: usize) {
        let peer = &*self.0;
        peer.written.set(peer.written.get() + count);
        if peer.written.get() >= peer.frames.len() {
            peer.written.set(peer.written.get() - peer.frames.len());
            peer.unread.set(peer.frames.len());
            peer.reader.take().into_iter().for_each(Waker::wake);
        }
    }
}

impl Read for Echo {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let peer = &*self.0;
        let unread = &peer.frames[peer.frames.len() - peer.unread.get()..];
        if unread.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = unread.len().min(space.len());
        space[..count].copy_from_slice(&unread[..count]);
        peer.unread.set(unread.len() - count);
        Ok(count)
    }
}

impl Write for Echo {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.accept(bytes.len());
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let count: usize = parts.iter().map(|part| part.len()).sum();
        self.accept(count);
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl blocking::ReadStream for Echo {
    fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.read(space)
    }
}

impl blocking::WriteStream for Echo {
    fn set_write_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl nonblocking::WriteStream for Echo {
    fn shut_down(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl AsyncRead for Echo {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let peer = Rc::clone(&self.0);
        let unread = &peer.frames[peer.frames.len() - peer.unread.get()..];
        if unread.is_empty() {
            peer.reader.set(Some(context.waker().clone()));
            return Poll::Pending;
        }
        let count = unread.len().min(space.remaining());
        space.put_slice(&unread[..count]);
        peer.unread.set(unread.len() - count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Echo {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(self.write(bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
