//! Exchanges one message again and again with a peer in memory, to be measured with a profiler.
//!
//! `message_loop WAY ROUNDS` sends a message of 16 bytes and receives its echo, `ROUNDS` times. There are no system
//! calls and no waits, so that only the cost of a message in the session and the driver remains. `.ci/instructions`
//! counts the instructions with callgrind.
//!
//! | way | a round |
//! | --- | --- |
//! | `blocking` | `send` and `recv` of the blocking connection |
//! | `blocking-call` | `call` of the blocking connection |
//! | `nonblocking` | `try_send` and `try_recv` of the non-blocking connection |
//! | `tokio` | `send` and `recv` of the tokio connection |
//! | `tokio-call` | `call` of the tokio connection |
//! | `framed` | `send` and `next` of tokio-util's `Framed` with its `LengthDelimitedCodec` |

use std::cell::Cell;
use std::error::Error;
use std::io::{self, IoSlice, Read, Write};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use framelink_transport::{Framing, FramingPair, TryRecv, blocking, nonblocking, tokio as on_tokio};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio_util::codec::{Framed, LengthDelimitedCodec};

const USAGE: &str = "usage: message_loop blocking|blocking-call|nonblocking|tokio|tokio-call|framed ROUNDS";
const PAYLOAD: &[u8; 16] = b"0123456789abcdef";
const FRAME: &[u8; 18] = b"\x00\x100123456789abcdef";
const WITHIN: Duration = Duration::from_secs(60);

type Done = Result<(), Box<dyn Error>>;

fn main() -> Done {
    let mut args = std::env::args().skip(1);
    let way = args.next().ok_or(USAGE)?;
    let rounds: usize = args.next().ok_or(USAGE)?.parse()?;
    let framing: FramingPair = "net:2".parse::<Framing>()?.into();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let echo = Echo::default();
    let on_threads = || blocking::Connection::from_parts(echo.clone(), echo.clone(), framing);
    let on_runtime = || on_tokio::Connection::from_parts(echo.clone(), echo.clone(), framing);
    match &*way {
        "blocking" => blocking_rounds(on_threads(), rounds),
        "blocking-call" => blocking_calls(on_threads(), rounds),
        "nonblocking" => nonblocking_rounds(nonblocking::Connection::new(echo, framing), rounds),
        "tokio" => runtime.block_on(tokio_rounds(on_runtime(), rounds)),
        "tokio-call" => runtime.block_on(tokio_calls(on_runtime(), rounds)),
        "framed" => runtime.block_on(framed_rounds(echo, rounds)),
        _ => Err(USAGE.into()),
    }
}

fn blocking_rounds(mut connection: blocking::Connection<FramingPair, Echo, Echo>, rounds: usize) -> Done {
    for _ in 0..rounds {
        connection.send(PAYLOAD)?;
        connection.recv()?.ok_or("closed")?;
    }
    Ok(())
}

fn blocking_calls(mut connection: blocking::Connection<FramingPair, Echo, Echo>, rounds: usize) -> Done {
    for _ in 0..rounds {
        connection.call(PAYLOAD, WITHIN)?;
    }
    Ok(())
}

fn nonblocking_rounds(mut connection: nonblocking::Connection<FramingPair, Echo>, rounds: usize) -> Done {
    for _ in 0..rounds {
        let _ = connection.try_send(PAYLOAD)?;
        let TryRecv::Message(_) = connection.try_recv()? else { return Err("no echo".into()) };
    }
    Ok(())
}

async fn tokio_rounds(mut connection: on_tokio::Connection<FramingPair, Echo, Echo>, rounds: usize) -> Done {
    for _ in 0..rounds {
        connection.send(PAYLOAD).await?;
        connection.recv().await?.ok_or("closed")?;
    }
    Ok(())
}

async fn tokio_calls(mut connection: on_tokio::Connection<FramingPair, Echo, Echo>, rounds: usize) -> Done {
    for _ in 0..rounds {
        connection.call(PAYLOAD, WITHIN).await?;
    }
    Ok(())
}

async fn framed_rounds(echo: Echo, rounds: usize) -> Done {
    let codec = LengthDelimitedCodec::builder().length_field_type::<u16>().new_codec();
    let mut framed = Framed::new(echo, codec);
    for _ in 0..rounds {
        framed.send(Bytes::from_static(PAYLOAD)).await?;
        framed.next().await.ok_or("closed")??;
    }
    Ok(())
}

/// A peer in memory. After each frame that is written it has one frame to read.
#[derive(Clone, Default)]
struct Echo {
    unread: Rc<Cell<usize>>,
}

impl Read for Echo {
    fn read(&mut self, space: &mut [u8]) -> io::Result<usize> {
        let unread = &FRAME[FRAME.len() - self.unread.get()..];
        if unread.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let count = unread.len().min(space.len());
        space[..count].copy_from_slice(&unread[..count]);
        self.unread.set(unread.len() - count);
        Ok(count)
    }
}

impl Write for Echo {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.unread.set(FRAME.len());
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.unread.set(FRAME.len());
        Ok(parts.iter().map(|part| part.len()).sum())
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
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut frame = [0; FRAME.len()];
        let most = space.remaining().min(frame.len());
        match self.read(&mut frame[..most]) {
            Ok(count) => {
                space.put_slice(&frame[..count]);
                Poll::Ready(Ok(()))
            }
            // Each round writes before it reads, so this never waits.
            Err(_) => Poll::Pending,
        }
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
