//! The peer's process is killed: while idle, inside a frame, or inside an exchange. Our end reports at once what the
//! peer may have seen, and a client is answered again when the peer is back.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use framelink_transport::session::Sent;
use framelink_transport::{Cause, Framing, Profile, TryRecv};
use nix::sys::signal::Signal;

use crate::cell::{Cell, Done, Role, WIRES};
use crate::driver::{Driver, framing};
use crate::host::{Play, Scene, beside_all};
use crate::ours::Serves;
use crate::program::Running;
use crate::stage::{DEADLINE, Part};

/// The activity on the connection when the peer is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doing {
    Nothing,
    /// Half a frame has arrived.
    Frame,
    /// A client has received half of its reply. A server is handling a request.
    Exchange,
}

#[derive(Clone)]
struct Killed {
    doing: Doing,
    /// The addresses of the peers, by framing.
    addresses: Arc<HashMap<&'static str, SocketAddr>>,
    /// Tells the peers to dial.
    tell: mpsc::Sender<String>,
}

pub(crate) fn killed(doing: Doing) -> Vec<Done> {
    let mut peers = Running::start("peer");
    let addresses = peers.addresses();
    let ports: Vec<_> = addresses.iter().map(|address| address.port().to_string()).collect();
    let by_wire = WIRES.into_iter().zip(addresses).map(|(wire, address)| (wire.notation(), address)).collect();
    let (tell, told) = mpsc::channel::<String>();
    let play = Killed { doing, addresses: Arc::new(by_wire), tell };
    let journal = Mutex::new(Vec::new());
    let done = beside_all(&play, |stage, parts| {
        let dialled = cells_of(Role::Server);
        for _ in 0..dialled {
            peers.tell(&told.recv_timeout(DEADLINE).expect("a server"));
        }
        stage.wait_until_ready(parts);
        // The peers have sent their part too.
        peers.wait_for("asked", dialled);
        if doing != Doing::Nothing {
            peers.wait_for("got half", cells_of(Role::Client));
        }
        peers.signal(Signal::SIGKILL);
        peers.finish();
        stage.strike();
        let again = Running::start(&format!("peer {}", ports.join(" ")));
        again.addresses();
        stage.wait_until_ended(parts);
        stage.end();
        journal.lock().unwrap().extend([peers.said("got "), again.said("got ")].concat());
    });
    // At most once: no failed request was sent again.
    let mut seen = journal.into_inner().unwrap();
    seen.retain(|message| message != "half" && message != "hi");
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(count, seen.len(), "a request was seen twice: {seen:?}");
    done
}

const fn cells_of(_: Role) -> usize {
    WIRES.len() * 3
}

impl Killed {
    /// Asserts that the client's connection reports what happened.
    fn expect_told<D: Driver>(&self, ours: &mut D, part: &Part) {
        if self.doing == Doing::Frame {
            ours.send(b"half").expect("sending");
        }
        if self.doing == Doing::Exchange {
            part.is_ready();
            let error = ours.call(b"half", DEADLINE).expect_err("no reply");
            assert_ne!(error.sent(), Sent::Not, "{error}");
            let cause = error.error().cause();
            assert!(matches!(cause, Cause::Fault(_) | Cause::Reset(_)), "the error reports half a reply: {error}");
            return;
        }
        part.wait_for_the_fault();
        let began = Instant::now();
        let told = loop {
            match ours.recv_within(Duration::from_millis(100)) {
                Ok(TryRecv::Nothing) => part.must_go_on("the end"),
                other => break other,
            }
        };
        assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
        match (self.doing, told) {
            (Doing::Nothing, Ok(TryRecv::Closed)) => {}
            (Doing::Frame, Err(error)) if matches!(error.cause(), Cause::Fault(_)) => {
                assert!(
                    error.to_string().contains("bytes"),
                    "the error reports the received and the missing bytes: {error}"
                );
            }
            (doing, other) => panic!("{doing:?}: {other:?}"),
        }
    }
}

/// Returns a message that only this cell sends.
fn own(cell: &Cell, what: &str) -> Vec<u8> {
    format!("{what} of {cell}").into_bytes()
}

impl Play for Killed {
    fn client<D: Serves>(&self, scene: &Scene) {
        let Scene { cell, part, .. } = scene;
        let address = self.addresses[cell.wire.notation()];
        let profile = Profile::builder(cell.wire.notation().parse::<Framing>().expect("a notation"));
        let profile = profile.reply_timeout(DEADLINE).build().expect("a profile");
        let mut call = D::client(&profile, address);
        assert_eq!(&call(&own(cell, "first")).expect("a reply")[..], own(cell, "first"));
        let mut ours = D::connect(address, framing(cell.wire.notation())).expect("connecting");
        assert_eq!(&ours.call(b"hi", DEADLINE).expect("a reply")[..], b"hi");
        self.expect_told(&mut ours, part);
        // The peer comes back. Until then calls are not sent.
        let began = Instant::now();
        for number in 0.. {
            let request = own(cell, &format!("number {number}"));
            match call(&request) {
                Ok(reply) => {
                    assert_eq!(reply[..], request, "the reply belongs to the request");
                    break;
                }
                Err(error) => assert!(began.elapsed() < DEADLINE, "{error}"),
            }
        }
    }

    fn server<D: Serves>(&self, scene: &Scene) {
        let Scene { cell, part, .. } = scene;
        let framing: Framing = cell.wire.notation().parse().expect("a notation");
        let profile = Profile::builder(framing).close_timeout(Duration::from_millis(300)).build().expect("a profile");
        let (tell, told) = mpsc::channel::<SocketAddr>();
        let message = match self.doing {
            Doing::Nothing => "silence",
            Doing::Frame => "half",
            Doing::Exchange => "slow",
        };
        let (notation, row) = (cell.wire.notation(), self.tell.clone());
        std::thread::spawn(move || {
            let address = told.recv().expect("an address");
            row.send(format!("{notation} {address} {message}")).expect("a row");
        });
        let served = D::serve("127.0.0.1", Arc::new(profile), &tell, |message| {
            match message {
                b"slow" => part.wait_for_the_fault(),
                _ if self.doing != Doing::Exchange => part.is_ready(),
                _ => {}
            }
            message.to_vec()
        });
        match (self.doing, served) {
            (Doing::Nothing, Ok(1)) => {}
            (Doing::Frame, Err(error)) if matches!(error.cause(), Cause::Fault(_)) => {}
            // The write of the reply fails, or the server sees the end of the connection first.
            (Doing::Exchange, Ok(2)) => {}
            (Doing::Exchange, Err(error)) if matches!(error.cause(), Cause::Reset(_)) => {}
            (doing, other) => panic!("{doing:?}: {other:?}"),
        }
    }
}
