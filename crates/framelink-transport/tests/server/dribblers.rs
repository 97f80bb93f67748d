//! A thousand clients that send one byte now and then, and honest clients beside them.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::blocking::Connector;
use framelink_transport::{Framing, tokio};

use crate::dial_from;
use crate::peer::{DEADLINE, Peer};
use crate::server::profile;

const DRIBBLERS: usize = 1000;
const LIMIT: Duration = Duration::from_secs(3);
const HONEST: usize = 2000;

#[test]
fn a_thousand_dribblers_are_closed_in_time_and_delay_no_honest_client() {
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let profile = profile().connections(2000).frame_timeout(LIMIT).build().unwrap();
    let server = runtime.block_on(tokio::Server::bind("127.0.0.1:0", &Arc::new(profile))).unwrap();
    let (address, handle) = (server.local_addr().unwrap(), server.handle());
    let running = thread::spawn(move || runtime.block_on(server.run(|message| async move { Some(message.to_vec()) })));

    let alone = median(address);
    let mut dribblers: Vec<_> = (0..DRIBBLERS).map(|i| Dribbler::dial(address, i)).collect();
    let dialled = Instant::now();
    let asking = thread::spawn(move || {
        let mut medians = Vec::new();
        // Stops before the limit, when the server closes the dribblers.
        while dialled.elapsed() < LIMIT * 2 / 3 {
            medians.push(median(address));
        }
        medians
    });
    while dribblers.iter().any(|dribbler| dribbler.closed_after.is_none()) {
        assert!(dialled.elapsed() < LIMIT + DEADLINE, "{:?}", handle.counts());
        for dribbler in &mut dribblers {
            dribbler.dribble();
        }
        thread::sleep(Duration::from_millis(200));
    }
    let mut medians = asking.join().unwrap();
    medians.sort();
    let beside = medians[medians.len() / 2];
    let times = dribblers.iter().filter_map(|dribbler| dribbler.closed_after);
    let (first, last) = (times.clone().min().unwrap(), times.max().unwrap());
    println!("closed after {first:?} to {last:?}; median {alone:?} alone, {beside:?} beside the dribblers");
    // Every honest call was answered within its deadline. Its time depends on the machine, so it is only printed.
    assert!(first >= LIMIT && last <= LIMIT + DEADLINE, "closed after {first:?} to {last:?}");
    assert_eq!(handle.counts().closed.timed_out, DRIBBLERS as u64);
    handle.drain(DEADLINE);
    assert!(running.join().unwrap().is_clean());
}

/// Returns the median time of many calls of an honest client, all of which are answered.
fn median(address: SocketAddr) -> Duration {
    let framing: Framing = "net:2".parse().unwrap();
    let mut client = Connector::new(framing).connect(address).unwrap();
    let mut times: Vec<_> = (0..HONEST)
        .map(|_| {
            let began = Instant::now();
            assert_eq!(client.call(b"hello", DEADLINE).unwrap()[..], *b"hello");
            began.elapsed()
        })
        .collect();
    times.sort();
    times[HONEST / 2]
}

struct Dribbler {
    stream: TcpStream,
    began: Instant,
    closed_after: Option<Duration>,
}

impl Dribbler {
    /// Dials from an address that a hundred clients share.
    fn dial(address: SocketAddr, number: usize) -> Self {
        let (began, host) = (Instant::now(), u8::try_from(number / 100).unwrap());
        let Peer(mut stream) = dial_from([127, 7, 0, host + 1], address);
        stream.set_nonblocking(true).unwrap();
        // The header announces four thousand bytes.
        stream.write_all(&[15]).unwrap();
        Self { stream, began, closed_after: None }
    }

    fn dribble(&mut self) {
        if self.closed_after.is_some() {
            return;
        }
        let has_ended = match self.stream.read(&mut [0]) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.stream.write_all(&[160]).is_err(),
            _ => true,
        };
        self.closed_after = has_ended.then(|| self.began.elapsed());
    }
}
