//! The floor: a bare loop over `Frames` that makes heads with `short_head`, with one input and one output buffer for each
//! connection. It has no timeouts, no limits and no heartbeats; a server can hardly cost less.

use std::error::Error;

use framelink_codec::{Encode, Frames};
use framelink_compare::listen;
use framelink_transport::Framing;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const BUFFER: usize = 64 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let framing: Framing = "net:4".parse()?;
    let listener = listen()?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            if let Err(error) = echo(stream, framing).await {
                eprintln!("{error}");
            }
        });
    }
}

async fn echo(mut stream: TcpStream, framing: Framing) -> Result<(), Box<dyn Error>> {
    let (mut input, mut output) = (vec![0; BUFFER], Vec::with_capacity(BUFFER));
    let mut filled = 0;
    loop {
        let read = stream.read(&mut input[filled..]).await?;
        if read == 0 {
            return Ok(());
        }
        filled += read;
        let mut frames = Frames::new(&framing, &input[..filled]);
        for frame in &mut frames {
            let payload = frame?.payload;
            let head = framing.short_head(payload.len()).ok_or("a payload that net:4 cannot announce")?;
            output.extend_from_slice(&head.bytes[..usize::from(head.len)]);
            output.extend_from_slice(payload);
        }
        let used = frames.offset();
        input.copy_within(used..filled, 0);
        filled -= used;
        if filled == input.len() {
            // One frame is longer than the buffer.
            input.resize(2 * filled, 0);
        }
        if !output.is_empty() {
            stream.write_all(&output).await?;
            output.clear();
        }
    }
}
