//! tokio-util: `Framed` with `LengthDelimitedCodec`, whose default header is net:4.
//!
//! The form `default` has the default buffers (8 KiB), `64k` buffers of 64 KiB. Both feed replies, and flush when no whole
//! frame has been read, as `StreamExt::forward` does. The form `send` awaits a `send` for each reply.

use std::io;

use bytes::Bytes;
use framelink_compare::listen;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_util::codec::{Framed, LengthDelimitedCodec};

const BUFFER: usize = 64 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let form = std::env::args().nth(2).unwrap_or_default();
    let listener = listen()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let codec = LengthDelimitedCodec::new();
        match &*form {
            "default" => drop(tokio::spawn(echo(Framed::new(stream, codec)))),
            "64k" => {
                let mut framed = Framed::with_capacity(stream, codec, BUFFER);
                framed.set_backpressure_boundary(BUFFER);
                tokio::spawn(echo(framed));
            }
            "send" => drop(tokio::spawn(echo_each(Framed::new(stream, codec)))),
            _ => panic!("default, 64k or send"),
        }
    }
}

async fn echo(mut framed: Framed<TcpStream, LengthDelimitedCodec>) -> io::Result<()> {
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

async fn echo_each(mut framed: Framed<TcpStream, LengthDelimitedCodec>) -> io::Result<()> {
    while let Some(frame) = framed.next().await {
        framed.send(frame?.freeze()).await?;
    }
    Ok(())
}
