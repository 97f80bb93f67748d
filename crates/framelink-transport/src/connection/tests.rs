//! The rules of a connection, on a wire in memory and a clock that the test moves.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use super::{CauseOf, Endpoint, Open, Parts, SessionParts, session_parts};
use crate::connection::peer_addr::PeerAddr;
use crate::drive::{self, Input, Output, Wants};
use crate::error::{Cause, Operation};
use crate::heartbeat::Role;
use crate::session::{self, Matching, Sent, Session};
use crate::{Framing, FramingPair, Heartbeat};

type C = FramingPair;

const WITHIN: Duration = Duration::from_secs(5);

#[derive(Clone, Copy)]
struct Clock(Duration);

impl drive::Clock for Clock {
    fn now(&self) -> Duration {
        self.0
    }
}

/// The bytes that the peer sent, and those that it received.
#[derive(Default)]
struct Wire {
    sent: VecDeque<u8>,
    taken: Vec<u8>,
    is_full: bool,
}

struct Port<'w>(&'w mut Wire);

impl Input for Port<'_> {
    fn read(&mut self, space: &mut [u8], _until: Option<Duration>) -> io::Result<usize> {
        match io::Read::read(&mut self.0.sent, space)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.read(space, None)
    }
}

impl Output for Port<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.is_full {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.0.taken.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn write_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        self.write(&parts[0])
    }

    fn gathers(&self) -> bool {
        false
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn shut_down(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl drive::Port for Port<'_> {
    fn input(&mut self) -> &mut impl Input {
        self
    }

    fn output(&mut self) -> &mut impl Output {
        self
    }
}

struct Connection {
    wire: Option<Wire>,
    session: Session<Arc<C>, Arc<C>>,
    clock: Clock,
    peer: PeerAddr,
}

impl Connection {
    fn new() -> Self {
        let framing = Arc::new(C::from("net:2".parse::<Framing>().unwrap()));
        let session = Session::new(Arc::clone(&framing), framing);
        Self { wire: Some(Wire::default()), session, clock: Clock(Duration::ZERO), peer: PeerAddr::None }
    }

    fn wire(&mut self) -> &mut Wire {
        self.wire.as_mut().unwrap()
    }
}

impl SessionParts for Connection {
    session_parts!(session.receiving, session.sending, session.exchange, clock, peer);

    fn has_socket(&self) -> bool {
        self.wire.is_some()
    }

    fn close_socket(&mut self) {
        self.wire = None;
        self.session.sending.on_failed();
    }

    fn close_reading(&mut self) {
        self.wire = None;
    }

    fn count_like(&mut self, clock: Clock) {
        self.clock = clock;
    }
}

impl Endpoint for Connection {
    type Wait<'w> = ();

    const AT_ONCE: () = ();

    fn open<'p, 'w: 'p>(&'p mut self, (): ()) -> Result<Open<'p, C, impl drive::Port, Clock>, CauseOf<C>> {
        let Some(wire) = &mut self.wire else { return Err(Cause::Closed) };
        let Session { receiving, sending, .. } = &mut self.session;
        Ok(Open { receiving, sending, port: Port(wire), clock: &self.clock })
    }
}

#[test]
fn a_call_is_over_when_its_reply_has_come() {
    let mut connection = Connection::new();
    let mut call = connection.begin_call(b"ask", false).unwrap();
    assert_eq!(connection.advance_call(&mut call, ()).unwrap(), Err(Wants::Read(None)));
    assert_eq!(connection.wire().taken, b"\x00\x03ask");
    assert!(connection.check(Operation::Send).is_err(), "the reply is owed");
    connection.wire().sent.extend(b"\x00\x03yes");
    assert_eq!(&connection.advance_call(&mut call, ()).unwrap().unwrap()[..], b"yes");
    assert!(connection.check(Operation::Send).is_ok());
}

#[test]
fn a_call_that_times_out_ends_the_connection_and_says_what_was_sent() {
    for (is_full, sent) in [(false, Sent::NoReply), (true, Sent::Not)] {
        let mut connection = Connection::new();
        connection.wire().is_full = is_full;
        let mut call = connection.begin_call(b"ask", false).unwrap();
        assert!(connection.advance_call(&mut call, ()).unwrap().is_err());
        connection.clock.0 = WITHIN;
        let error = connection.time_out(&call, WITHIN);
        assert_eq!(error.sent(), sent);
        assert!(matches!(error.error().cause(), Cause::TimedOut { after: WITHIN, .. }), "{error}");
        assert!(connection.wire.is_none());
        let error = connection.check(Operation::Receive).unwrap_err();
        assert!(matches!(error.cause(), Cause::Unclean(_)), "the next operation says why: {error}");
    }
}

#[test]
fn closing_ends_at_its_deadline_though_the_peer_does_not_close() {
    let mut connection = Connection::new();
    connection.wire().sent.extend(b"\x00\x03one\x00\x03two");
    let mut close = connection.begin_close(WITHIN);
    assert_eq!(connection.advance_close(&mut close, ()).unwrap(), Err(Wants::Read(None)));
    connection.clock.0 = WITHIN;
    let report = connection.advance_close(&mut close, ()).unwrap().unwrap();
    assert_eq!((report.discarded, report.peer_closed), (2, false));
}

#[test]
fn a_simplex_pair_has_the_clock_and_the_heartbeats_of_the_receiving_connection() {
    let (mut sending, mut receiving) = (Connection::new(), Connection::new());
    let heartbeat = Arc::new("empty".parse::<Heartbeat>().unwrap());
    let Parts { receiving: received, sending: sent, .. } = sending.parts();
    session::watch(received, sent, heartbeat, Role::Client, session::jitter(), Duration::ZERO);
    receiving.clock.0 = WITHIN;
    let _ = sending.begin_simplex(&mut receiving, Matching::in_order());
    assert_eq!(sending.clock.0, WITHIN);
    assert!(sending.sending().liveness().is_some() && receiving.receiving().liveness().is_some());
    assert!(sending.receiving().liveness().is_none() && receiving.sending().liveness().is_none());
}

#[test]
fn taking_a_connection_apart_after_a_call_that_was_given_up_closes_it() {
    let mut connection = Connection::new();
    let _ = connection.begin_call(b"ask", false).unwrap();
    let _ = connection.begin_duplex(Matching::in_order());
    assert!(connection.wire.is_none());
    assert!(connection.look_for_end(true), "it has ended");
}
