//! Serves one connection in the main thread, for `.ci/system-calls`, which counts the system calls of that thread.
//!
//! `served_requests WAY MESSAGES ROUNDS`: a client in another thread sends `MESSAGES` requests of 64 bytes with one write,
//! reads all replies, and does this `ROUNDS` times.
//!
//! | way | the server |
//! | --- | --- |
//! | `blocking`, `nonblocking`, `tokio` | `serve` of the driver; on tokio the handler is ready at once |
//! | `blocking-in-place`, `nonblocking-in-place`, `tokio-in-place` | `serve_in_place` of the driver |
//! | `bare` | a loop over the codec alone, to compare |

use std::error::Error;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;

use framelink_codec::{Encode, Frames};
use framelink_transport::{Framing, Message, Profile, Reply, blocking, nonblocking, tokio as on_tokio};

const USAGE: &str = "usage: served_requests blocking|nonblocking|tokio[-in-place]|bare MESSAGES ROUNDS";
/// 0x00 0x00 0x00 0x40 | 64 bytes
const FRAME: [u8; 68] = {
    let mut frame = [b'x'; 68];
    (frame[0], frame[1], frame[2], frame[3]) = (0, 0, 0, 64);
    frame
};

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let way = args.next().ok_or(USAGE)?;
    let messages: usize = args.next().ok_or(USAGE)?.parse()?;
    let rounds: usize = args.next().ok_or(USAGE)?.parse()?;
    let framing: Framing = "net:4".parse()?;
    let profile = Profile::builder(framing).build()?;
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let client = thread::spawn(move || client(address, messages, rounds).expect("all replies"));
    let stream = listener.accept()?.0;
    stream.set_nodelay(true)?;
    let answered = match &*way {
        "blocking" => blocking::Connection::from_stream(stream, framing).serve(&profile, |request| request)?,
        "blocking-in-place" => blocking::Connection::from_stream(stream, framing).serve_in_place(&profile, echo)?,
        "nonblocking" => nonblocking::Connection::from_stream(stream, framing)?.serve(&profile, |request| request)?,
        "nonblocking-in-place" => {
            nonblocking::Connection::from_stream(stream, framing)?.serve_in_place(&profile, echo)?
        }
        "tokio" | "tokio-in-place" => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            stream.set_nonblocking(true)?;
            runtime.block_on(async {
                let connection = on_tokio::Connection::from_stream(tokio::net::TcpStream::from_std(stream)?, framing);
                match &*way {
                    "tokio" => Ok(connection.serve(&profile, |request: Message| async move { request }).await?),
                    _ => Ok::<_, Box<dyn Error>>(connection.serve_in_place(&profile, echo).await?),
                }
            })?
        }
        "bare" => bare(stream, &framing)?,
        _ => return Err(USAGE.into()),
    };
    client.join().map_err(|_| "the client failed")?;
    println!("{answered}");
    Ok(())
}

fn echo(request: &[u8], reply: &mut Reply<'_>) {
    reply.extend_from_slice(request);
}

/// Echoes with one buffer for each direction and nothing else: no limits, deadlines or heartbeats.
fn bare(mut stream: TcpStream, framing: &Framing) -> Result<u64, Box<dyn Error>> {
    let (mut input, mut output, mut end, mut answered) = (vec![0; 64 * 1024], Vec::new(), 0, 0);
    loop {
        let count = stream.read(&mut input[end..])?;
        if count == 0 {
            return Ok(answered);
        }
        end += count;
        let mut frames = Frames::new(framing, &input[..end]);
        for frame in &mut frames {
            let payload = frame?.payload;
            let head = framing.short_head(payload.len()).ok_or("a head of four bytes")?;
            output.extend_from_slice(&head.bytes[..usize::from(head.len)]);
            output.extend_from_slice(payload);
            answered += 1;
        }
        let offset = frames.offset();
        input.copy_within(offset..end, 0);
        end -= offset;
        stream.write_all(&output)?;
        output.clear();
    }
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
