//! The requests and replies that are exchanged with a peer. Both sides know them.

use crate::delivery::{Delivery, Door, Ours};
use crate::driver::{Driver, framing};
use crate::program::Program;

/// One framing of a peer, and the messages that it can carry.
pub(crate) struct Kind {
    /// The name of the framing in the peer's program.
    pub(crate) name: &'static str,
    pub(crate) notation: &'static str,
    /// The sizes: zero, both sides of each boundary of the header, and the largest.
    pub(crate) sizes: &'static [usize],
    /// Returns the request of this number and size, and its reply.
    pub(crate) messages: fn(usize, usize) -> (Vec<u8>, Vec<u8>),
    /// The ways to send requests to a server of the peer.
    pub(crate) server: &'static [Delivery],
    /// The ways in which a client of the peer sends requests.
    pub(crate) client: &'static [Delivery],
}

/// The largest message that is written one byte at a time, because a million writes take long and show nothing more.
const LARGEST_IN_BYTES: usize = 65536;

/// A burst of a small message consists of many copies.
const SMALL_SIZE: usize = 300;
const SMALL_COUNT: usize = 100;

/// Exchanges every size in every way, first with the peer as server, then with the peer as client.
pub(crate) fn exchange<D: Driver>(peer: &str, program: &mut Program, kinds: &[Kind]) {
    let mut count = 0;
    for kind in kinds {
        for &delivery in kind.server {
            count += Exchange::new(kind, delivery).with_server::<D>(program);
        }
        for &delivery in kind.client {
            count += Exchange::new(kind, delivery).with_client::<D>(program);
        }
    }
    println!("{peer} on {} sockets: {count} exchanges", D::NAME);
}

/// A framing that carries any bytes, in every way. The server echoes each message.
pub(crate) const fn echoes(name: &'static str, notation: &'static str, sizes: &'static [usize]) -> Kind {
    Kind { name, notation, sizes, messages: echo, server: Delivery::ALL, client: Delivery::ALL }
}

/// Returns every byte value, in another order for every size and every 256 bytes. The peers' programs make equal
/// payloads.
fn echo(_number: usize, size: usize) -> (Vec<u8>, Vec<u8>) {
    let payload: Vec<u8> = (0..size).map(|i| u8::try_from((i + i / 256 + size) % 256).expect("a byte")).collect();
    (payload.clone(), payload)
}

struct Exchange<'a> {
    kind: &'a Kind,
    delivery: Delivery,
    sizes: Vec<usize>,
    requests: Vec<Vec<u8>>,
    replies: Vec<Vec<u8>>,
}

impl<'a> Exchange<'a> {
    fn new(kind: &'a Kind, delivery: Delivery) -> Self {
        let sizes = sizes(kind, delivery);
        let (requests, replies) = sizes.iter().enumerate().map(|(number, &size)| (kind.messages)(number, size)).unzip();
        Self { kind, delivery, sizes, requests, replies }
    }

    fn with_server<D: Driver>(&self, program: &mut Program) -> usize {
        let Self { kind, delivery, .. } = self;
        let together = if *delivery == Delivery::Burst { self.sizes.len() } else { 1 };
        let address = program.listen(&format!("listen {} {} {together}", kind.name, delivery.name()));
        let mut ours = Ours::<D>::connect(address, framing(kind.notation), *delivery);
        if *delivery == Delivery::Burst {
            ours.burst(&self.requests);
        }
        for (request, reply) in self.requests.iter().zip(&self.replies) {
            let came = if *delivery == Delivery::Burst { ours.recv().to_vec() } else { ours.call(request) };
            self.assert_same::<D>(&came, reply);
        }
        ours.close();
        self.sizes.len()
    }

    fn with_client<D: Driver>(&self, program: &mut Program) -> usize {
        let Self { kind, delivery, .. } = self;
        let (mut door, address) = Door::<D>::open(framing(kind.notation), *delivery);
        let sizes: Vec<String> = self.sizes.iter().map(usize::to_string).collect();
        program.tell(&format!("connect {} {} {} {}", kind.name, delivery.name(), address.port(), sizes.join(" ")));
        let mut ours = door.accept();
        for (request, reply) in self.requests.iter().zip(&self.replies) {
            let came = ours.recv();
            self.assert_same::<D>(&came, request);
            if *delivery != Delivery::Burst {
                ours.send(reply);
            }
        }
        if *delivery == Delivery::Burst {
            ours.burst(&self.replies);
        }
        // The peer's program has compared every byte of the replies.
        assert_eq!(program.line(), format!("same {}", self.sizes.len()), "{self}: {}", D::NAME);
        assert!(ours.next().is_none(), "{self}: a message after the last request");
        ours.close();
        self.sizes.len()
    }

    #[track_caller]
    fn assert_same<D: Driver>(&self, came: &[u8], expected: &[u8]) {
        let (came_len, expected_len, driver) = (came.len(), expected.len(), D::NAME);
        let other = came.iter().zip(expected).position(|(came, expected)| came != expected);
        assert!(
            came == expected,
            "{self}, {driver}: {came_len} bytes arrived, {expected_len} were expected; the first difference is {other:?}"
        );
    }
}

impl std::fmt::Display for Exchange<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.kind.name, self.delivery.name())
    }
}

fn sizes(kind: &Kind, delivery: Delivery) -> Vec<usize> {
    let edges = kind.sizes.iter().copied();
    let small = edges.clone().filter(|&size| size <= SMALL_SIZE).cycle().take(SMALL_COUNT);
    match delivery {
        Delivery::Whole => edges.collect(),
        Delivery::Burst => small.clone().chain(edges).chain(small).collect(),
        Delivery::Bytes => edges.filter(|&size| size <= LARGEST_IN_BYTES).collect(),
    }
}
