//! Row 48: handlers that panic.

use std::net::TcpStream;

use framelink_transport::{Blame, Cause, Profile, blocking, nonblocking, tokio};

use crate::cell::Cell;
use crate::driver::{Blocking, NonBlocking, Tokio};
use crate::ends::Ends;
use crate::peer::read_to_end;

/// Serves a connection with a handler that panics when it is told to.
pub(crate) trait Panics: Ends {
    fn serve(self, profile: &Profile) -> Result<u64, framelink_transport::Error>;
}

/// Panics without a message or a backtrace: a backtrace for each cell would take longer than the row.
fn answer(message: &[u8]) -> Option<Vec<u8>> {
    if message == b"panic" {
        std::panic::resume_unwind(Box::new("a panic on purpose"));
    }
    Some(message.to_vec())
}

impl Panics for Blocking {
    fn serve(self, profile: &Profile) -> Result<u64, framelink_transport::Error> {
        let connection: blocking::Connection = self.0;
        connection.serve(profile, |message| answer(&message))
    }
}

impl Panics for NonBlocking {
    fn serve(self, profile: &Profile) -> Result<u64, framelink_transport::Error> {
        let connection: nonblocking::Connection = self.0;
        connection.serve(profile, |message| answer(&message))
    }
}

impl Panics for Tokio {
    fn serve(self, profile: &Profile) -> Result<u64, framelink_transport::Error> {
        let connection: tokio::Connection = self.connection;
        self.runtime.block_on(connection.serve(profile, |message| async move { answer(&message) }))
    }
}

pub(crate) fn of_a_handler<D: Panics>(cell: Cell) {
    let profile = cell.profile().close_timeout(std::time::Duration::from_millis(50)).build().unwrap();
    let (unlucky, peer) = cell.pair::<D>();
    let (other, beside): (D, TcpStream) = cell.pair::<D>();
    for message in [&b"well"[..], b"panic"] {
        cell.write(&peer, message);
    }
    let error = unlucky.serve(&profile).unwrap_err();
    assert!(matches!(error.cause(), Cause::HandlerPanicked), "{error}");
    assert_eq!(error.blame(), Blame::Ours);
    assert_eq!(read_to_end(&peer), cell.frame(b"well"), "the answers before the panic arrive, and then the end");
    // The other connection is still served.
    cell.write(&beside, b"hello");
    crate::peer::half_close(&beside);
    assert_eq!(other.serve(&profile).unwrap(), 1);
    assert_eq!(read_to_end(&beside), cell.frame(b"hello"));
}
