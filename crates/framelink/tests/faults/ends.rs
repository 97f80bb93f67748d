//! A bridge or a server that ends under load. Both ends record all messages.

use std::collections::HashSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{DEADLINE, Running, Wire, dial, framelink};

/// How the bridge talks to its host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Long,
    Short,
    Pooled,
    Shared,
}

impl Kind {
    pub(crate) const ALL: [Self; 4] = [Self::Long, Self::Short, Self::Pooled, Self::Shared];

    const fn word(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
            Self::Pooled => "pooled:2",
            Self::Shared => "shared:2",
        }
    }
}

/// A host that echoes each message after a moment, and records it.
struct Host {
    address: SocketAddr,
    journal: Arc<Mutex<Vec<Vec<u8>>>>,
    open: Arc<AtomicUsize>,
}

impl Host {
    fn start(wire: Wire) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let (journal, open) = (Arc::<Mutex<Vec<Vec<u8>>>>::default(), Arc::<AtomicUsize>::default());
        let (written, opened) = (Arc::clone(&journal), Arc::clone(&open));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (written, opened) = (Arc::clone(&written), Arc::clone(&opened));
                opened.fetch_add(1, Ordering::AcqRel);
                thread::spawn(move || {
                    while let Some(message) = read_whole(wire, &stream) {
                        written.lock().unwrap().push(message.clone());
                        thread::sleep(Duration::from_millis(2));
                        if (&stream).write_all(&wire.frame(&message)).is_err() {
                            break;
                        }
                    }
                    drop(stream);
                    opened.fetch_sub(1, Ordering::AcqRel);
                });
            }
        });
        Self { address, journal, open }
    }

    fn seen(&self) -> Vec<Vec<u8>> {
        self.journal.lock().unwrap().clone()
    }

    /// Waits until each connection of the host has ended.
    fn wait_until_left(&self) {
        let began = Instant::now();
        while self.open.load(Ordering::Acquire) > 0 {
            assert!(began.elapsed() < DEADLINE, "a connection to the host does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// Returns the next message, or `None` if there is no whole message any more.
fn read_whole(wire: Wire, mut stream: &TcpStream) -> Option<Vec<u8>> {
    stream.set_read_timeout(Some(DEADLINE)).expect("a read deadline");
    let mut head = vec![0; wire.frame(b"").len()];
    stream.read_exact(&mut head).ok()?;
    // A frame of this many zero bytes shows the header of that length.
    let len = (0..=wire.most()).find(|&len| len < 64 && wire.frame(&vec![0; len]).starts_with(&head))?;
    let mut message = vec![0; len];
    stream.read_exact(&mut message).ok()?;
    Some(message)
}

/// The messages of one client.
struct ClientRecord {
    sent: Vec<Vec<u8>>,
    replied: usize,
    in_good_order: bool,
}

/// Sends one request after the other, each after the reply to the last, until the connection ends.
fn ask(wire: Wire, mut stream: TcpStream, client: usize, replies: &AtomicUsize) -> ClientRecord {
    let mut record = ClientRecord { sent: Vec::new(), replied: 0, in_good_order: true };
    loop {
        let request = format!("{client:02}-{:06}", record.sent.len()).into_bytes();
        let written = stream.write_all(&wire.frame(&request));
        record.sent.push(request);
        let mut first = [0];
        match written.and_then(|()| stream.peek(&mut first)) {
            Ok(0) => return record,
            Ok(_) => {}
            Err(_) => {
                record.in_good_order = false;
                return record;
            }
        }
        let Some(reply) = read_whole(wire, &stream) else {
            record.in_good_order = false;
            return record;
        };
        assert_eq!(Some(&reply), record.sent.last(), "its own reply");
        record.replied += 1;
        replies.fetch_add(1, Ordering::AcqRel);
    }
}

const CLIENTS: usize = 4;

/// Lets clients send requests until they have enough replies, then ends or kills the program. Returns the records of
/// the clients.
fn under_load(wire: Wire, address: SocketAddr, end: impl FnOnce()) -> Vec<ClientRecord> {
    let replies = Arc::<AtomicUsize>::default();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            // All connect before the first request: later the program may not listen any more.
            let (stream, replies) = (dial(address), Arc::clone(&replies));
            thread::spawn(move || ask(wire, stream, client, &replies))
        })
        .collect();
    let began = Instant::now();
    while replies.load(Ordering::Acquire) < 20 * CLIENTS {
        assert!(began.elapsed() < DEADLINE, "replies");
        thread::sleep(Duration::from_millis(1));
    }
    end();
    clients.into_iter().map(|client| client.join().expect("a client")).collect()
}

fn bridge(wire: Wire, kind: Kind, host: &Host) -> (Running, SocketAddr) {
    let (framing, to) = (wire.notation(), host.address.to_string());
    let arguments = ["bridge", "--listen", "127.0.0.1:0", "--framing", framing, "--to", &to, "--to-framing", framing];
    Running::listen(&mut framelink([&arguments[..], &["--to-connection", kind.word(), "--drain", "10s"]].concat()))
}

/// Asserts that the host saw no message twice, and none that was not sent.
fn check_at_most_once(seen: &[Vec<u8>], records: &[ClientRecord]) {
    let mut once = HashSet::new();
    let sent: HashSet<_> = records.iter().flat_map(|record| &record.sent).collect();
    for message in seen {
        assert!(once.insert(message), "seen twice: {}", String::from_utf8_lossy(message));
        assert!(sent.contains(message), "no client has sent {}", String::from_utf8_lossy(message));
    }
    for record in records {
        assert!(
            record.sent.iter().take(record.replied).all(|message| once.contains(message)),
            "answered, and not seen"
        );
        // A client sends one request at a time, so it knows which one has no reply.
        assert_eq!(record.sent.len(), record.replied + 1, "a request that is neither answered nor told as lost");
    }
}

pub(crate) fn killed(&(wire, kind): &(Wire, Kind)) {
    let host = Host::start(wire);
    let (bridge, address) = bridge(wire, kind, &host);
    let records = under_load(wire, address, || bridge.signal("KILL"));
    host.wait_until_left();
    check_at_most_once(&host.seen(), &records);
}

pub(crate) fn told_to_end(&(wire, kind): &(Wire, Kind)) {
    let host = Host::start(wire);
    let (bridge, address) = bridge(wire, kind, &host);
    let records = under_load(wire, address, || bridge.signal("TERM"));
    let done = bridge.finish();
    host.wait_until_left();
    let seen = host.seen();
    check_at_most_once(&seen, &records);
    let replied: usize = records.iter().map(|record| record.replied).sum();
    assert_eq!(seen.len(), replied, "what the host has seen was answered, and the reply came: {}", done.stderr);
    assert!(matches!(done.code, Some(0 | 1)), "it ends by itself: {:?}", done.code);
}

pub(crate) fn server_told_to_end(&wire: &Wire) {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--framing", wire.notation(), "--drain", "10s"];
    let (server, address) = Running::listen(&mut framelink(arguments));
    let records = under_load(wire, address, || server.signal("TERM"));
    let done = server.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(records.iter().all(|record| record.in_good_order), "each connection has a proper end");
}
