//! A bridge, or a server, that ends under load. Both ends keep a ledger.

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

/// A host that sends back each message and writes it down, and waits a moment before each reply.
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

    /// Waits until each of its connections has ended.
    fn wait_until_left(&self) {
        let began = Instant::now();
        while self.open.load(Ordering::Acquire) > 0 {
            assert!(began.elapsed() < DEADLINE, "a connection to the host does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }
}

/// The next message; `None` when there is no whole one any more.
fn read_whole(wire: Wire, mut stream: &TcpStream) -> Option<Vec<u8>> {
    stream.set_read_timeout(Some(DEADLINE)).expect("a read deadline");
    let mut head = vec![0; wire.frame(b"").len()];
    stream.read_exact(&mut head).ok()?;
    // The frame of so many bytes says how a header of them looks.
    let len = (0..=wire.most()).find(|&len| len < 64 && wire.frame(&vec![0; len]).starts_with(&head))?;
    let mut message = vec![0; len];
    stream.read_exact(&mut message).ok()?;
    Some(message)
}

/// What a client has seen.
struct AddressBook {
    sent: Vec<Vec<u8>>,
    replied: usize,
    in_good_order: bool,
}

/// Sends one request after the other, each when the last is answered, until the connection ends.
fn ask(wire: Wire, mut stream: TcpStream, client: usize, replies: &AtomicUsize) -> AddressBook {
    let mut address_book = AddressBook { sent: Vec::new(), replied: 0, in_good_order: true };
    loop {
        let request = format!("{client:02}-{:06}", address_book.sent.len()).into_bytes();
        let written = stream.write_all(&wire.frame(&request));
        address_book.sent.push(request);
        let mut first = [0];
        match written.and_then(|()| stream.peek(&mut first)) {
            Ok(0) => return address_book,
            Ok(_) => {}
            Err(_) => {
                address_book.in_good_order = false;
                return address_book;
            }
        }
        let Some(reply) = read_whole(wire, &stream) else {
            address_book.in_good_order = false;
            return address_book;
        };
        assert_eq!(Some(&reply), address_book.sent.last(), "its own reply");
        address_book.replied += 1;
        replies.fetch_add(1, Ordering::AcqRel);
    }
}

const CLIENTS: usize = 4;

/// Clients ask until they have so many replies, then the program is told to end, or killed; what they have seen.
fn under_load(wire: Wire, address: SocketAddr, end: impl FnOnce()) -> Vec<AddressBook> {
    let replies = Arc::<AtomicUsize>::default();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|client| {
            // Before the first of them asks: nothing listens any more when the others have their replies.
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

/// Nothing is seen twice, and nothing that was not sent.
fn check_at_most_once(seen: &[Vec<u8>], ledgers: &[AddressBook]) {
    let mut once = HashSet::new();
    let sent: HashSet<_> = ledgers.iter().flat_map(|address_book| &address_book.sent).collect();
    for message in seen {
        assert!(once.insert(message), "seen twice: {}", String::from_utf8_lossy(message));
        assert!(sent.contains(message), "no client has sent {}", String::from_utf8_lossy(message));
    }
    for address_book in ledgers {
        assert!(
            address_book.sent.iter().take(address_book.replied).all(|message| once.contains(message)),
            "answered, and not seen"
        );
        // One at a time: it knows of which one there is no reply.
        assert_eq!(
            address_book.sent.len(),
            address_book.replied + 1,
            "a request that is neither answered nor told as lost"
        );
    }
}

pub(crate) fn killed(&(wire, kind): &(Wire, Kind)) {
    let host = Host::start(wire);
    let (bridge, address) = bridge(wire, kind, &host);
    let ledgers = under_load(wire, address, || bridge.signal("KILL"));
    host.wait_until_left();
    check_at_most_once(&host.seen(), &ledgers);
}

pub(crate) fn told_to_end(&(wire, kind): &(Wire, Kind)) {
    let host = Host::start(wire);
    let (bridge, address) = bridge(wire, kind, &host);
    let ledgers = under_load(wire, address, || bridge.signal("TERM"));
    let done = bridge.finish();
    host.wait_until_left();
    let seen = host.seen();
    check_at_most_once(&seen, &ledgers);
    let replied: usize = ledgers.iter().map(|address_book| address_book.replied).sum();
    assert_eq!(seen.len(), replied, "what the host has seen was answered, and the reply came: {}", done.stderr);
    assert!(matches!(done.code, Some(0 | 1)), "it ends by itself: {:?}", done.code);
}

pub(crate) fn server_told_to_end(&wire: &Wire) {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--framing", wire.notation(), "--drain", "10s"];
    let (server, address) = Running::listen(&mut framelink(arguments));
    let ledgers = under_load(wire, address, || server.signal("TERM"));
    let done = server.finish();
    assert_eq!(done.code, Some(0), "{}", done.stderr);
    assert!(ledgers.iter().all(|address_book| address_book.in_good_order), "each connection ends in good order");
}
