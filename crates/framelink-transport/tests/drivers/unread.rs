//! Messages that arrived and that no operation returned: a hook gives them to the application.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use framelink_transport::{Cause, Message, blocking, nonblocking, tokio};

use crate::support::driver::{Blocking, DEADLINE, Driver, NonBlocking, Tokio, framing};
use crate::support::peer::read_exactly;

/// Messages in the order in which they were handed over.
#[derive(Clone, Default)]
struct Unread(Arc<Mutex<Vec<Vec<u8>>>>);

/// A message that makes the hook panic.
const PANIC: &[u8] = b"panic";

impl Unread {
    fn hook(&self) -> impl Fn(Message) + Send + Sync + 'static {
        let Self(all) = self.clone();
        move |message| {
            all.lock().unwrap().push(message.to_vec());
            assert!(message[..] != *PANIC, "the hook panics on purpose");
        }
    }

    fn take(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// A driver whose connector can be given the hook.
trait Connects: Driver {
    fn connect_with(address: SocketAddr, unread: &Unread) -> Self;
}

impl Connects for Blocking {
    fn connect_with(address: SocketAddr, unread: &Unread) -> Self {
        Self(
            blocking::Connector::new(framing("net:2")).on_unread(unread.hook()).connect(address).expect("a connection"),
        )
    }
}

impl Connects for NonBlocking {
    fn connect_with(address: SocketAddr, unread: &Unread) -> Self {
        let connector = nonblocking::Connector::new(framing("net:2")).on_unread(unread.hook());
        Self(connector.connect(address).expect("a connection"))
    }
}

impl Connects for Tokio {
    fn connect_with(address: SocketAddr, unread: &Unread) -> Self {
        let connector = tokio::Connector::new(framing("net:2")).on_unread(unread.hook());
        let runtime = Self::runtime();
        let connection = runtime.block_on(connector.connect(address)).expect("a connection");
        Self { connection, runtime: runtime.into() }
    }
}

/// Returns a connection whose peer has answered `hi` with `ok` and sent `behind` after it, in one write.
fn answered<D: Connects>(behind: &[u8], unread: &Unread) -> (D, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accepting = thread::spawn(move || listener.accept().unwrap().0);
    let mut ours = D::connect_with(address, unread);
    let mut peer = accepting.join().unwrap();
    let sent = [b"\0\x02ok", behind].concat();
    let answering = thread::spawn(move || {
        read_exactly(&peer, 4);
        peer.write_all(&sent).unwrap();
        peer
    });
    assert_eq!(&ours.call(b"hi", DEADLINE).unwrap()[..], b"ok", "{}", D::NAME);
    (ours, answering.join().unwrap())
}

const TWO_AND_A_HALF: &[u8] = b"\0\x01a\0\x02bc\0\x03d";

fn unread_messages_are_handed_over<D: Connects>() {
    let (unread, expected) = (Unread::default(), [b"a".to_vec(), b"bc".to_vec()]);
    let (ours, _peer) = answered::<D>(TWO_AND_A_HALF, &unread);
    drop(ours);
    assert_eq!(unread.take(), expected, "{}: a connection that is dropped", D::NAME);

    let (ours, peer) = answered::<D>(TWO_AND_A_HALF, &unread);
    drop(peer);
    let _ = ours.close(DEADLINE);
    assert_eq!(unread.take(), expected, "{}: a connection that is closed", D::NAME);

    let (mut ours, peer) = answered::<D>(TWO_AND_A_HALF, &unread);
    let failed = ours.call(b"ho", DEADLINE).unwrap_err();
    assert!(matches!(failed.error().cause(), Cause::Unsolicited), "{}: {failed}", D::NAME);
    assert_eq!(unread.take(), expected, "{}: a call that failed", D::NAME);
    drop((ours, peer));
    assert_eq!(unread.take(), Vec::<Vec<u8>>::new(), "{}: each message is handed over once", D::NAME);
}

#[test]
fn messages_that_no_operation_returns_are_handed_over_on_every_driver() {
    unread_messages_are_handed_over::<Blocking>();
    unread_messages_are_handed_over::<NonBlocking>();
    unread_messages_are_handed_over::<Tokio>();
}

fn a_panic_of_the_hook_changes_no_outcome<D: Connects>() {
    let unread = Unread::default();
    let (mut ours, _peer) = answered::<D>(b"\0\x05panic\0\x05panic\0\x02bc", &unread);
    let failed = ours.call(b"ho", DEADLINE).unwrap_err();
    assert!(matches!(failed.error().cause(), Cause::Unsolicited), "{}: {failed}", D::NAME);
    drop(ours);
    assert_eq!(unread.take(), [PANIC, PANIC, b"bc"], "{}", D::NAME);
}

#[test]
fn a_hook_that_panics_hides_no_outcome_and_is_given_the_next_message() {
    a_panic_of_the_hook_changes_no_outcome::<Blocking>();
    a_panic_of_the_hook_changes_no_outcome::<NonBlocking>();
    a_panic_of_the_hook_changes_no_outcome::<Tokio>();
}
