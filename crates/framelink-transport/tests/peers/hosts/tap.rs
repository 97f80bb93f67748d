//! Passes the messages of one connection on, and counts them.

use std::collections::BTreeMap;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
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
}

impl Tap {
    /// Accepts one connection, and dials the server when a client has connected.
    pub(crate) fn start(framing: Framing, server: SocketAddr) -> Self {
        let (listener, counts) = (TcpListener::bind("127.0.0.1:0").unwrap(), Counts::default());
        let tap = Self { address: listener.local_addr().unwrap(), counts: Arc::clone(&counts) };
        thread::spawn(move || {
            let (client, _) = listener.accept().unwrap();
            let server = TcpStream::connect(server).unwrap();
            for (from, side, to) in [(&client, From::Client, &server), (&server, From::Server, &client)] {
                let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                let counts = Arc::clone(&counts);
                thread::spawn(move || {
                    pass(framing, &from, &to, |kind| {
                        *counts.lock().unwrap().entry((side, kind)).or_default() += 1;
                    })
                });
            }
        });
        tap
    }

    /// Returns how many messages of this side began with this number of 4 bytes.
    pub(crate) fn count(&self, from: From, kind: u32) -> usize {
        self.counts.lock().unwrap().get(&(from, kind)).copied().unwrap_or_default()
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
