//! Passes the messages of connections on, and counts them.

use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use framelink_transport::{FrameReader, FrameWriter, Framing};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum From {
    Client,
    Server,
}

type Counts = Arc<Mutex<BTreeMap<(From, u32), usize>>>;

pub(crate) struct Tap {
    pub(crate) address: SocketAddr,
    counts: Counts,
    is_done: Arc<AtomicBool>,
}

impl Tap {
    /// Accepts connections, and dials the server for each of them. Without a server the connection is closed.
    pub(crate) fn start(notation: &str, server: SocketAddr) -> Self {
        let framing = notation.parse().expect("a framing");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (counts, is_done) = (Counts::default(), Arc::<AtomicBool>::default());
        let tap = Self { address: listener.local_addr().unwrap(), counts, is_done };
        let (counts, is_done) = (Arc::clone(&tap.counts), Arc::clone(&tap.is_done));
        thread::spawn(move || {
            for client in listener.incoming() {
                if is_done.load(Ordering::SeqCst) {
                    return;
                }
                if let (Ok(client), Ok(server)) = (client, TcpStream::connect(server)) {
                    connect(framing, &client, &server, &counts);
                }
            }
        });
        tap
    }

    /// Returns how many messages of this side began with this number of 4 bytes.
    pub(crate) fn count(&self, from: From, kind: u32) -> usize {
        self.counts.lock().unwrap().get(&(from, kind)).copied().unwrap_or_default()
    }
}

impl Drop for Tap {
    fn drop(&mut self) {
        self.is_done.store(true, Ordering::SeqCst);
        let _ = TcpStream::connect(self.address);
    }
}

fn connect(framing: Framing, client: &TcpStream, server: &TcpStream, counts: &Counts) {
    for (from, side, to) in [(client, From::Client, server), (server, From::Server, client)] {
        let (from, to, counts) = (from.try_clone().unwrap(), to.try_clone().unwrap(), Arc::clone(counts));
        thread::spawn(move || {
            pass(framing, &from, &to, |kind| *counts.lock().unwrap().entry((side, kind)).or_default() += 1);
        });
    }
}

fn pass(framing: Framing, from: &TcpStream, to: &TcpStream, mut count: impl FnMut(u32)) {
    let (mut reader, mut writer) = (FrameReader::new(from, framing), FrameWriter::new(to, framing));
    while let Ok(Some(message)) = reader.read() {
        count(message.payload.first_chunk().map_or(0, |kind| u32::from_be_bytes(*kind)));
        if writer.write(message.payload).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
}
