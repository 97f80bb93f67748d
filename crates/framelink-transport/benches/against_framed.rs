//! Compares the tokio driver with tokio-util's `Framed` and `LengthDelimitedCodec`. Both run against one peer, a task
//! that echoes bytes and knows nothing of frames.
//!
//! - ping-pong: one message is sent, its echo is received, and so on;
//! - pipelined: messages are sent in bursts of 64 that share writes, while their echoes are received.
//!
//! The two sides take turns, so that other work of the machine slows both. Each runs on several connections, because
//! two equal connections differ by some hundredths as long as they exist. The output is messages per second and the
//! ratio of the medians. Most of the time is spent in the system and differs from machine to machine, so no limit is
//! set on it.
//!
//! `cargo bench -p framelink-transport --bench against_framed`

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bytes::Bytes;
use framelink_transport::Framing;
use framelink_transport::tokio::{Connection, Connector, RecvHalf, SendHalf};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_util::codec::{Framed, FramedRead, FramedWrite, LengthDelimitedCodec};

const SIZES: [usize; 7] = [16, 64, 256, 1024, 4096, 16384, 65536];
const CONNECTIONS: usize = 8;
const TURNS: usize = 7;
const BURST: usize = 64;
/// The approximate time of one turn.
const TURN: Duration = Duration::from_millis(12);

fn main() {
    let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
    let peer = listener.local_addr().expect("an address");
    runtime.spawn(echo(listener));
    println!("{:<12}{:>8}{:>14}{:>14}{:>8}", "messages/s", "bytes", "framelink", "Framed", "ratio");
    compare("ping-pong", |size| ping_pong(&runtime, peer, size));
    compare("pipelined", |size| pipelined(&runtime, peer, size));
}

/// Our side and the other one. Each moves the given number of messages.
type Sides<'r> = [Box<dyn FnMut(usize) + 'r>; 2];

fn compare<'r>(name: &str, sides: impl Fn(usize) -> Sides<'r>) {
    let mut product = 1.0;
    for size in SIZES {
        let [ours, theirs] = rates(|| sides(size));
        let ratio = ours / theirs;
        product *= ratio;
        println!("{name:<12}{size:>8}{ours:>14.0}{theirs:>14.0}{ratio:>8.2}");
    }
    #[expect(clippy::cast_precision_loss, reason = "it is seven")]
    let mean = product.powf(1.0 / SIZES.len() as f64);
    println!("{name:<12}{:>44.2} geometric mean\n", mean);
}

/// Returns the messages per second of each side, from the medians of its turns.
fn rates<'r>(sides: impl Fn() -> Sides<'r>) -> [f64; 2] {
    let count = messages_a_turn(&mut sides()[0]);
    let mut times = [const { Vec::new() }; 2];
    for _ in 0..CONNECTIONS {
        let mut sides = sides();
        for _ in 0..TURNS {
            for (side, times) in sides.iter_mut().zip(&mut times) {
                let began = Instant::now();
                side(count);
                times.push(began.elapsed());
            }
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        #[expect(clippy::cast_precision_loss, reason = "a few thousand")]
        let count = count as f64;
        count / times[times.len() / 2].as_secs_f64()
    })
}

fn messages_a_turn(side: &mut Box<dyn FnMut(usize) + '_>) -> usize {
    let began = Instant::now();
    side(4 * BURST);
    let each = began.elapsed() / (4 * u32::try_from(BURST).unwrap_or(u32::MAX));
    let count = TURN.as_nanos() / each.as_nanos().max(1);
    usize::try_from(count).unwrap_or(usize::MAX).div_ceil(BURST) * BURST
}

fn ping_pong(runtime: &Runtime, peer: SocketAddr, size: usize) -> Sides<'_> {
    let payload = Bytes::from(vec![7; size]);
    let (mut ours, mut theirs) = (our_connection(runtime, peer), their_connection(runtime, peer));
    let their_payload = payload.clone();
    [
        Box::new(move |count| {
            runtime.block_on(async {
                for _ in 0..count {
                    ours.send(&payload).await.expect("sending");
                    let echo = ours.recv().await.expect("receiving").expect("a message");
                    assert_eq!(echo.len(), size);
                }
            });
        }),
        Box::new(move |count| {
            runtime.block_on(async {
                for _ in 0..count {
                    theirs.send(their_payload.clone()).await.expect("sending");
                    let echo = theirs.next().await.expect("a message").expect("receiving");
                    assert_eq!(echo.len(), size);
                }
            });
        }),
    ]
}

fn pipelined(runtime: &Runtime, peer: SocketAddr, size: usize) -> Sides<'_> {
    let payload = Bytes::from(vec![7; size]);
    let (mut our_receiver, mut our_sender): (RecvHalf, SendHalf) = our_connection(runtime, peer).split();
    let (reader, writer): (OwnedReadHalf, OwnedWriteHalf) = their_connection(runtime, peer).into_inner().into_split();
    let mut their_receiver = FramedRead::new(reader, codec());
    let mut their_sender = FramedWrite::new(writer, codec());
    let their_payload = payload.clone();
    [
        Box::new(move |count| {
            let sending = async {
                for _ in 0..count / BURST {
                    for _ in 0..BURST {
                        our_sender.feed(&payload).await.expect("sending");
                    }
                    our_sender.flush().await.expect("flushing");
                }
            };
            let receiving = async {
                for _ in 0..count {
                    let echo = our_receiver.recv().await.expect("receiving").expect("a message");
                    assert_eq!(echo.len(), size);
                }
            };
            runtime.block_on(async { tokio::join!(sending, receiving) });
        }),
        Box::new(move |count| {
            let sending = async {
                for _ in 0..count / BURST {
                    for _ in 0..BURST {
                        their_sender.feed(their_payload.clone()).await.expect("sending");
                    }
                    SinkExt::<Bytes>::flush(&mut their_sender).await.expect("flushing");
                }
            };
            let receiving = async {
                for _ in 0..count {
                    let echo = their_receiver.next().await.expect("a message").expect("receiving");
                    assert_eq!(echo.len(), size);
                }
            };
            runtime.block_on(async { tokio::join!(sending, receiving) });
        }),
    ]
}

fn our_connection(runtime: &Runtime, peer: SocketAddr) -> Connection {
    let framing: Framing = "net:4".parse().expect("a notation");
    runtime.block_on(Connector::new(framing).connect(peer)).expect("a connection")
}

fn their_connection(runtime: &Runtime, peer: SocketAddr) -> Framed<TcpStream, LengthDelimitedCodec> {
    let stream = runtime.block_on(TcpStream::connect(peer)).expect("a connection");
    stream.set_nodelay(true).expect("no delay");
    Framed::new(stream, codec())
}

fn codec() -> LengthDelimitedCodec {
    LengthDelimitedCodec::new()
}

/// Echoes bytes in the thread of the runtime, because a wake-up of another processor would take longer than the
/// difference that is measured.
async fn echo(listener: TcpListener) {
    while let Ok((mut stream, _)) = listener.accept().await {
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            let mut bytes = vec![0; 256 * 1024];
            while let Ok(count @ 1..) = stream.read(&mut bytes).await {
                if stream.write_all(&bytes[..count]).await.is_err() {
                    return;
                }
            }
        });
    }
}
