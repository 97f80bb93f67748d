//! Handlers that write into the send queue: how many reads and writes requests take, and which replies leave.

use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::sync::Arc;
use std::time::Duration;

use crate::connection::Open;
use crate::drive::{self, Input, Output, Wants};
use crate::error::{Cause, Error};
use crate::profile::{Profile, Short};
use crate::server::answer::HandlerResult;
use crate::server::served::ServedMachine;
use crate::server::step_clock::StepClock;
use crate::session::{Reply, Session};
use framelink_profile::{Framing, FramingPair};

type Served = Result<Result<(), Wants>, Error>;

#[derive(Clone, Copy)]
struct Clock(Duration);

impl drive::Clock for Clock {
    fn now(&self) -> Duration {
        self.0
    }
}

/// What each read returns, and what each write took. At the end, reads wait, or the peer has closed.
#[derive(Default)]
struct Wire {
    reads: VecDeque<Vec<u8>>,
    is_closed: bool,
    read_count: usize,
    writes: Vec<Vec<u8>>,
    is_full: bool,
}

impl Input for &mut Wire {
    fn read(&mut self, space: &mut [u8], _until: Option<Duration>) -> io::Result<usize> {
        self.read_count += 1;
        let Some(bytes) = self.reads.pop_front() else {
            return if self.is_closed { Ok(0) } else { Err(io::ErrorKind::WouldBlock.into()) };
        };
        let (now, later) = bytes.split_at(bytes.len().min(space.len()));
        space[..now.len()].copy_from_slice(now);
        if !later.is_empty() {
            self.reads.push_front(later.to_vec());
        }
        Ok(now.len())
    }

    fn read_now(&mut self, space: &mut [u8]) -> io::Result<usize> {
        self.read(space, None)
    }
}

impl Output for &mut Wire {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_full {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        self.writes.push(bytes.to_vec());
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

impl drive::Port for &mut Wire {
    fn input(&mut self) -> &mut impl Input {
        self
    }

    fn output(&mut self) -> &mut impl Output {
        self
    }
}

/// A connection that is served.
struct Serving {
    session: Session<Arc<FramingPair>, Arc<FramingPair>>,
    machine: ServedMachine<FramingPair>,
    wire: Wire,
    now: Duration,
}

impl Serving {
    fn begin(notation: &str, profile: impl FnOnce(Profile) -> Profile) -> Self {
        let framing: Framing = notation.parse().unwrap();
        let pair = Arc::new(FramingPair::from(framing));
        let profile = profile(Profile::builder(framing).build().unwrap());
        let mut session = Session::new(Arc::clone(&pair), pair);
        let machine = ServedMachine::begin_in_place(&mut session.receiving, &session.sending, None, &profile);
        Self { session, machine, wire: Wire::default(), now: Duration::ZERO }
    }

    fn new() -> Self {
        Self::begin("net:2", |profile| profile)
    }

    fn step<H: HandlerResult>(&mut self, mut handler: impl FnMut(&[u8], &mut Reply<'_>) -> H) -> Served {
        let Session { receiving, sending, .. } = &mut self.session;
        let clock = &Clock(self.now);
        let clock = &StepClock::new(clock, false);
        let mut open = Open { receiving, sending, port: &mut self.wire, clock };
        self.machine.serve_in_place(&mut open, None, &mut handler)
    }

    fn written(&self) -> Vec<u8> {
        self.wire.writes.concat()
    }
}

fn echo(request: &[u8], reply: &mut Reply<'_>) {
    reply.extend_from_slice(request);
}

fn frames(payloads: &[&[u8]]) -> Vec<u8> {
    let frame = |payload: &&[u8]| [&u16::try_from(payload.len()).unwrap().to_be_bytes(), *payload].concat();
    payloads.iter().flat_map(frame).collect()
}

#[test]
fn requests_that_arrive_at_once_take_two_reads_and_one_write() {
    let mut serving = Serving::new();
    let requests = frames(&[&[7; 64][..]; 64]);
    let mut counts = Vec::new();
    // The read buffer grows at the first reads.
    for _ in 0..4 {
        let before = (serving.wire.read_count, serving.wire.writes.len());
        serving.wire.reads.push_back(requests.clone());
        assert_eq!(serving.step(echo).unwrap(), Err(Wants::Read(None)));
        counts.push((serving.wire.read_count - before.0, serving.wire.writes.len() - before.1));
    }
    // One read finds the requests, and the other one finds nothing.
    assert_eq!(counts.last(), Some(&(2, 1)), "{counts:?}");
    assert_eq!(serving.written(), requests.repeat(4));
    assert_eq!(serving.machine.requests.replies.answered(), 256);
}

#[test]
fn requests_cut_at_every_byte_are_answered_once_and_in_order() {
    let requests = frames(&[b"one", b"", b"three", b"four"]);
    for cut in 0..requests.len() {
        for behind in [&[][..], b"\x00\x05f"] {
            let mut serving = Serving::new();
            let (one, two) = requests.split_at(cut);
            for bytes in [one, &[two, behind].concat()] {
                serving.wire.reads.extend((!bytes.is_empty()).then(|| bytes.to_vec()));
                assert_eq!(serving.step(echo).unwrap(), Err(Wants::Read(None)));
                assert!(serving.session.sending.is_empty(), "a reply waits for the rest of another request");
            }
            assert_eq!(serving.written(), requests, "cut at {cut}");
            assert!(serving.wire.writes.len() <= 2);
        }
    }
}

#[test]
fn replies_leave_when_64_kib_of_them_wait() {
    let mut serving = Serving::new();
    let requests = frames(&[&b"x"[..]; 100]);
    serving.wire.reads.push_back(requests);
    assert_eq!(serving.step(|_, reply| reply.resize(2046, 1)).unwrap(), Err(Wants::Read(None)));
    let lens: Vec<_> = serving.wire.writes.iter().map(Vec::len).collect();
    assert_eq!(lens, [65536, 65536, 65536, 100 * 2048 - 3 * 65536]);
}

#[test]
fn a_client_that_reads_no_replies_is_not_read_and_its_time_ends() {
    let mut serving = Serving::new();
    serving.wire.is_full = true;
    serving.now = Duration::from_secs(100);
    serving.wire.reads.extend([frames(&[&b"x"[..]; 10]), frames(&[&b"y"[..]; 10])]);
    let mut handled = 0;
    let wants = serving.step(|_, reply| {
        handled += 1;
        reply.resize(2046, 1);
    });
    let Err(Wants::WriteUntil(until)) = wants.unwrap() else { panic!("it waits for the socket") };
    assert_eq!(handled, 10, "those of the first read");
    serving.now = until - Duration::from_millis(1);
    assert_eq!(serving.step(echo).unwrap(), Err(Wants::WriteUntil(until)));
    serving.now = until;
    let error = serving.step(echo).unwrap_err();
    assert!(matches!(error.cause(), Cause::TimedOut { unwritten_bytes: 20480, .. }), "{error}");
}

#[test]
fn a_handler_that_takes_long_does_not_shorten_the_time_for_its_reply() {
    let mut serving = Serving::new();
    serving.wire.reads.push_back(frames(&[b"x"]));
    serving.wire.is_full = true;
    serving.now = Duration::from_secs(3600);
    assert!(matches!(serving.step(echo).unwrap(), Err(Wants::WriteUntil(until)) if until > serving.now));
}

#[test]
fn a_handler_may_skip_a_reply_or_leave_it_empty() {
    let mut serving = Serving::new();
    serving.wire.reads.push_back(frames(&[b"skip", b"empty", b"text"]));
    serving.wire.is_closed = true;
    let served = serving.step(|request, reply| match request {
        b"skip" => {
            reply.push(1);
            reply.skip();
        }
        b"empty" => {}
        text => reply.extend_from_slice(text),
    });
    assert_eq!(served.unwrap(), Ok(()));
    assert_eq!(serving.written(), frames(&[b"", b"text"]));
    assert_eq!(serving.machine.requests.replies.answered(), 3);
}

fn too_long(reply: &mut Reply<'_>) -> Result<(), &'static str> {
    reply.resize(70_000, 0);
    Ok(())
}

#[test]
fn a_failure_is_told_after_the_replies_before_it_were_sent() {
    type Handler = fn(&mut Reply<'_>) -> Result<(), &'static str>;
    type Expected = fn(&Error) -> bool;
    let failing: [(Handler, Expected); 3] = [
        (|_| Err("the host is gone"), |error| matches!(error.cause(), Cause::HandlerFailed(_))),
        (|_| panic!("a panic on purpose"), |error| matches!(error.cause(), Cause::HandlerPanicked)),
        (too_long, |error| matches!(error.cause(), Cause::Refused(_))),
    ];
    for (fail, is_expected) in failing {
        let mut serving = Serving::new();
        serving.wire.reads.push_back(frames(&[b"one", b"two", b"fails", b"four"]));
        let served = serving.step(|request, reply| {
            reply.extend_from_slice(request);
            if request == b"fails" { fail(reply) } else { Ok(()) }
        });
        let error = served.unwrap_err();
        assert!(is_expected(&error), "{error}");
        assert_eq!(serving.written(), frames(&[b"one", b"two"]), "{error}");
        assert_eq!(serving.machine.requests.replies.answered(), 2);
    }
}

#[test]
fn requests_before_wrong_bytes_are_answered_and_then_the_error_is_told() {
    let mut serving = Serving::begin("ascii:2", |profile| profile);
    serving.wire.reads.push_back(b"02hi02hoXX".to_vec());
    let error = serving.step(echo).unwrap_err();
    assert!(matches!(error.cause(), Cause::Fault(_)), "{error}");
    assert_eq!(serving.written(), b"02hi02ho");
}

#[test]
fn a_short_connection_has_one_request_in_place() {
    let short = |_| Profile::builder("net:2".parse::<Framing>().unwrap()).connection(Short::new()).build().unwrap();
    let mut serving = Serving::begin("net:2", short);
    serving.wire.reads.push_back(frames(&[b"one", b"two"]));
    assert_eq!(serving.step(echo).unwrap(), Ok(()));
    assert_eq!(serving.written(), frames(&[b"one"]));
}

#[test]
fn a_turn_has_bounded_work() {
    let mut serving = Serving::new();
    serving.wire.reads.extend(vec![vec![0; 64 * 1024]; 4]);
    let mut handled = 0;
    let wants = serving.step(|_, reply| {
        handled += 1;
        reply.skip();
    });
    assert_eq!((wants.unwrap(), handled), (Err(Wants::Read(Some(Duration::ZERO))), 1024));
}
