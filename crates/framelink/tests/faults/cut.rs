//! A leg of a bridge is cut, on two hosts: the bridge and its other side on one host, the peer of the leg on the other.

use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use crate::Leg;
use crate::common::{DEADLINE, Running, Wire, dial, framelink, is_closed};
use crate::namespace::{FAR, Lost, NEAR, Network};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    pub(crate) wire: Wire,
    pub(crate) leg: Leg,
    pub(crate) lost: Lost,
}

/// How much longer a busy machine may take.
const LATE: Duration = Duration::from_secs(5);

/// A bridge, and the peers of its two legs.
struct Bridged {
    network: Network,
    _bridge: Running,
    client: TcpStream,
    host: TcpStream,
}

fn bridged(cut: &Cut, heartbeat: &str) -> Bridged {
    let network = Network::new().expect("a network of our own");
    let (framing, leg) = (cut.wire.notation(), cut.leg);
    let listen = |host: &str| TcpListener::bind((host, 0)).expect("a port");
    let listener = match leg {
        Leg::Client => network.near.run(|| listen(NEAR)),
        Leg::Host => network.far.run(|| listen(FAR)),
    };
    let to = listener.local_addr().expect("an address").to_string();
    let at = format!("{NEAR}:0");
    let arguments = ["bridge", "--listen", &at, "--framing", framing, "--to", &to, "--to-framing", framing];
    let (flag, by) = match leg {
        Leg::Client => ("--heartbeat", "server"),
        Leg::Host => ("--to-heartbeat", "client"),
    };
    let heartbeat = format!("literal:3f..21,by={by},{heartbeat}");
    let mut command = framelink([&arguments[..], &[flag, &heartbeat]].concat());
    let (bridge, address): (Running, SocketAddr) = network.near.run(|| Running::listen(&mut command));
    let mut client = match leg {
        Leg::Client => network.far.run(|| dial(address)),
        Leg::Host => network.near.run(|| dial(address)),
    };
    client.write_all(&cut.wire.frame(b"hi")).expect("sending");
    let host = listener.accept().expect("accepting").0;
    host.set_read_timeout(Some(DEADLINE)).expect("a read deadline");
    host.set_write_timeout(Some(DEADLINE)).expect("a write deadline");
    Bridged { network, _bridge: bridge, client, host }
}

/// Reads messages, answers `?`, and passes the others to `take` until it has enough.
fn read(wire: Wire, stream: &TcpStream, mut take: impl FnMut(Vec<u8>) -> bool) {
    let mut reader = BufReader::with_capacity(1, stream);
    loop {
        let message = wire.read(&mut reader);
        if message == b"?" {
            let mut stream = stream;
            stream.write_all(&wire.frame(b"!")).expect("answering");
        } else if take(message) {
            return;
        }
    }
}

/// The other leg sees the end within the bound of the heartbeats.
pub(crate) fn dies(cut: &Cut) {
    let bridged = bridged(cut, "interval=300ms,timeout=200ms");
    read(cut.wire, &bridged.host, |message| message == b"hi");
    (&bridged.host).write_all(&cut.wire.frame(b"ho")).expect("replying");
    read(cut.wire, &bridged.client, |message| message == b"ho");
    bridged.network.cut(cut.lost);
    let began = Instant::now();
    let other = match cut.leg {
        Leg::Client => &bridged.host,
        Leg::Host => &bridged.client,
    };
    assert!(is_closed(other), "the other side sees the end");
    assert!(began.elapsed() < Duration::from_millis(500) + LATE, "{:?}", began.elapsed());
}

/// Messages pass all the time, and none is lost.
pub(crate) fn heals(cut: &Cut) {
    let bridged = bridged(cut, "interval=500ms,timeout=10s");
    read(cut.wire, &bridged.host, |message| message == b"hi");
    let (wire, over) = (cut.wire, AtomicBool::new(false));
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut number = 0;
            read(wire, &bridged.host, |message| {
                if message == b"last" {
                    return true;
                }
                assert_eq!(message, format!("{number:08}").as_bytes(), "in order, and each once");
                (&bridged.host).write_all(&wire.frame(&message)).expect("replying");
                number += 1;
                false
            });
        });
        scope.spawn(|| {
            sleep(Duration::from_millis(50));
            bridged.network.cut(cut.lost);
            sleep(Duration::from_millis(300));
            bridged.network.heal();
            over.store(true, Ordering::Release);
        });
        for number in 0.. {
            let was_over = over.load(Ordering::Acquire);
            let message = format!("{number:08}").into_bytes();
            (&bridged.client).write_all(&wire.frame(&message)).expect("sending");
            read(wire, &bridged.client, |reply| {
                assert_eq!(reply, message, "its own reply");
                true
            });
            if was_over {
                break;
            }
            sleep(Duration::from_millis(2));
        }
        (&bridged.client).write_all(&wire.frame(b"last")).expect("sending");
    });
}
