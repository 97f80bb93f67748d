//! The reference: echoes bytes and knows nothing of frames. Reads up to 64 KiB, writes what was read, and so on.
//!
//! Connections share buffers, so an idle connection has none.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use framelink_compare::listen;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

const BUFFER: usize = 64 * 1024;

thread_local! {
    static FREE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let listener = listen()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(echo(stream));
    }
}

async fn echo(mut stream: TcpStream) -> io::Result<()> {
    loop {
        let (buffer, read) = poll_fn(|context| read(&mut stream, context)).await?;
        if read == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..read]).await?;
        FREE.with_borrow_mut(|free| free.push(buffer));
    }
}

/// Reads into a free buffer, which is free again if nothing has arrived.
fn read(stream: &mut TcpStream, context: &mut Context<'_>) -> Poll<io::Result<(Vec<u8>, usize)>> {
    let mut buffer = FREE.with_borrow_mut(Vec::pop).unwrap_or_else(|| vec![0; BUFFER]);
    let mut unfilled = ReadBuf::new(&mut buffer);
    let polled = Pin::new(stream).poll_read(context, &mut unfilled);
    let read = unfilled.filled().len();
    match polled {
        Poll::Ready(outcome) => Poll::Ready(outcome.map(|()| (buffer, read))),
        Poll::Pending => {
            FREE.with_borrow_mut(|free| free.push(buffer));
            Poll::Pending
        }
    }
}
