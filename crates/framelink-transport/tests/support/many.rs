//! One trait for the three drivers with many calls in flight: a test begins calls, and reads their outcomes.

use std::collections::{HashMap, VecDeque};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{Heartbeat, Role};
use framelink_transport::nonblocking::{Event, TryCall};
use framelink_transport::session::{CallId, KeyRule, Matching};
use framelink_transport::{CallError, Error, FramingPair, Incoming, Message, TryRecv, blocking, nonblocking, tokio};

use super::peer::{Peer, small_sockets};
use super::secured;
use super::tls::before_socket;
pub(crate) use super::{DEADLINE, framing};

/// An event of the connection. The test numbers the calls.
#[derive(Debug)]
pub(crate) enum Happened {
    Reply(usize, Message),
    Failed(usize, CallError),
    Incoming(Incoming),
    Closed,
    Lost(Error),
}

impl Happened {
    fn is_about(&self, call: usize) -> bool {
        matches!(self, Self::Reply(of, _) | Self::Failed(of, _) if *of == call)
    }
}

/// The heartbeat of a connection, and its role.
pub(crate) type Watch = Option<(Heartbeat, Role)>;

pub(crate) trait Many: Sized {
    const NAME: &'static str;

    /// Makes a connection, with or without heartbeats.
    fn watched(stream: TcpStream, framing: FramingPair, matching: Matching, watch: Watch) -> Self;
    /// Makes a pair: one connection to send, and one to receive.
    fn pair_watched(
        sending: TcpStream,
        receiving: TcpStream,
        framing: FramingPair,
        matching: Matching,
        watch: Watch,
    ) -> Self;
    /// Begins a call, or queues it until the window has room.
    fn begin(&mut self, call: usize, request: &[u8], within: Duration);
    fn send(&mut self, message: &[u8]) -> Result<(), Error>;
    /// Returns the driver's next event, or `None` after this time.
    fn next_event_within(&mut self, limit: Duration) -> Option<Happened>;
    /// Events that no test has read yet.
    fn kept(&mut self) -> &mut VecDeque<Happened>;
    fn in_flight(&self) -> usize;
    fn unanswered(&self) -> usize;

    fn new(stream: TcpStream, framing: FramingPair, matching: Matching) -> Self {
        Self::watched(stream, framing, matching, None)
    }

    fn pair(sending: TcpStream, receiving: TcpStream, framing: FramingPair, matching: Matching) -> Self {
        Self::pair_watched(sending, receiving, framing, matching, None)
    }

    /// Returns the next event, kept or new, or `None` after this time.
    fn next_within(&mut self, limit: Duration) -> Option<Happened> {
        self.kept().pop_front().or_else(|| self.next_event_within(limit))
    }

    #[track_caller]
    fn next(&mut self) -> Happened {
        self.next_within(DEADLINE).unwrap_or_else(|| panic!("{}: nothing happened within {DEADLINE:?}", Self::NAME))
    }

    /// Returns the next event that matches. Calls and the receiver report on threads of their own, in no order.
    #[track_caller]
    fn next_matching(&mut self, matches: impl Fn(&Happened) -> bool) -> Happened {
        if let Some(found) = self.kept().iter().position(&matches) {
            return self.kept().remove(found).expect("the position is valid");
        }
        let began = Instant::now();
        while let Some(happened) = self.next_event_within(DEADLINE.saturating_sub(began.elapsed())) {
            if matches(&happened) {
                return happened;
            }
            self.kept().push_back(happened);
        }
        panic!("{}: only {:?} within {DEADLINE:?}", Self::NAME, self.kept())
    }

    /// Waits for the reply to this call.
    #[track_caller]
    fn reply(&mut self, call: usize) -> Message {
        match self.next_matching(|happened| happened.is_about(call)) {
            Happened::Reply(_, reply) => reply,
            other => panic!("{}: not the reply to {call}: {other:?}", Self::NAME),
        }
    }

    /// Waits for the failure of this call.
    #[track_caller]
    fn failure(&mut self, call: usize) -> CallError {
        match self.next_matching(|happened| happened.is_about(call)) {
            Happened::Failed(_, error) => error,
            other => panic!("{}: not the failure of {call}: {other:?}", Self::NAME),
        }
    }

    /// Returns the receiver's next event: a message that answers no call, or the end.
    #[track_caller]
    fn received(&mut self) -> Happened {
        self.next_matching(|happened| !matches!(happened, Happened::Reply(..) | Happened::Failed(..)))
    }

    /// Waits until this many calls are in flight.
    fn wait_for_in_flight(&self, count: usize) {
        let began = Instant::now();
        while self.in_flight() != count {
            assert!(began.elapsed() < DEADLINE, "{}: {} calls in flight, not {count}", Self::NAME, self.in_flight());
            thread::yield_now();
        }
    }
}

/// Returns a driver's end with many calls in flight, and the plain socket at its other end.
pub(crate) fn pair<M: Many>(matching: Matching) -> (M, Peer) {
    let (ours, theirs) = small_sockets();
    (M::new(ours, framing("net:2"), matching), Peer(theirs))
}

/// Matches replies by their first two bytes.
pub(crate) fn by_key() -> Matching {
    Matching::by_key(KeyRule::at("0:2".parse().expect("a place")))
}

/// The blocking driver: a thread for each call, and one that receives.
pub(crate) struct Blocking {
    caller: blocking::Caller,
    events: Receiver<Happened>,
    told: Sender<Happened>,
    kept: VecDeque<Happened>,
}

impl Many for Blocking {
    const NAME: &'static str = "blocking";

    fn watched(stream: TcpStream, framing: FramingPair, matching: Matching, watch: Watch) -> Self {
        Self::over(Self::connection(stream, framing, watch).duplex(matching))
    }

    fn pair_watched(
        sending: TcpStream,
        receiving: TcpStream,
        framing: FramingPair,
        matching: Matching,
        watch: Watch,
    ) -> Self {
        let receiving = Self::connection(receiving, framing, watch);
        Self::over(Self::connection(sending, framing, None).simplex(receiving, matching))
    }

    fn begin(&mut self, call: usize, request: &[u8], within: Duration) {
        let (caller, tell, request) = (self.caller.clone(), self.told.clone(), request.to_vec());
        thread::spawn(move || drop(tell.send(outcome(call, caller.call(&request, within)))));
    }

    fn send(&mut self, message: &[u8]) -> Result<(), Error> {
        self.caller.send(message)
    }

    fn next_event_within(&mut self, limit: Duration) -> Option<Happened> {
        self.events.recv_timeout(limit).ok()
    }

    fn kept(&mut self) -> &mut VecDeque<Happened> {
        &mut self.kept
    }

    fn in_flight(&self) -> usize {
        self.caller.in_flight()
    }

    fn unanswered(&self) -> usize {
        self.caller.unanswered()
    }
}

impl Blocking {
    fn connection(stream: TcpStream, framing: FramingPair, watch: Watch) -> blocking::Connection {
        let connection = blocking::Connection::from_stream(before_socket(stream), framing);
        let mut connection = secured!(client, tls_client(&), connection);
        connection.finish_opening(DEADLINE).unwrap();
        if let Some((heartbeat, role)) = watch {
            connection.watch(heartbeat, role);
        }
        connection
    }

    fn over((caller, mut receiver): (blocking::Caller, blocking::Receiver)) -> Self {
        let (told, events) = mpsc::channel();
        let tell = told.clone();
        thread::spawn(move || {
            loop {
                let (happened, is_end) = match receiver.recv() {
                    Ok(Some(incoming)) => (Happened::Incoming(incoming), false),
                    Ok(None) => (Happened::Closed, true),
                    Err(error) => (Happened::Lost(error), true),
                };
                if tell.send(happened).is_err() || is_end {
                    return;
                }
            }
        });
        Self { caller, events, told, kept: VecDeque::new() }
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        self.caller.abort();
    }
}

/// The tokio driver: a task for each call, and one that receives.
pub(crate) struct Tokio {
    caller: tokio::Caller,
    events: Receiver<Happened>,
    told: Sender<Happened>,
    kept: VecDeque<Happened>,
    runtime: ::tokio::runtime::Runtime,
}

impl Many for Tokio {
    const NAME: &'static str = "tokio";

    fn watched(stream: TcpStream, framing: FramingPair, matching: Matching, watch: Watch) -> Self {
        let runtime = Self::runtime();
        let duplex = connection(&runtime, stream, framing, watch).duplex(matching);
        Self::over(runtime, duplex)
    }

    fn pair_watched(
        sending: TcpStream,
        receiving: TcpStream,
        framing: FramingPair,
        matching: Matching,
        watch: Watch,
    ) -> Self {
        let runtime = Self::runtime();
        let pair = {
            let receiving = connection(&runtime, receiving, framing, watch);
            connection(&runtime, sending, framing, None).simplex(receiving, matching)
        };
        Self::over(runtime, pair)
    }

    fn begin(&mut self, call: usize, request: &[u8], within: Duration) {
        let (caller, tell, request) = (self.caller.clone(), self.told.clone(), request.to_vec());
        self.runtime.spawn(async move { drop(tell.send(outcome(call, caller.call(&request, within).await))) });
    }

    fn send(&mut self, message: &[u8]) -> Result<(), Error> {
        self.runtime.block_on(self.caller.send(message))
    }

    fn next_event_within(&mut self, limit: Duration) -> Option<Happened> {
        self.events.recv_timeout(limit).ok()
    }

    fn kept(&mut self) -> &mut VecDeque<Happened> {
        &mut self.kept
    }

    fn in_flight(&self) -> usize {
        self.caller.in_flight()
    }

    fn unanswered(&self) -> usize {
        self.caller.unanswered()
    }
}

impl Tokio {
    fn runtime() -> ::tokio::runtime::Runtime {
        ::tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
    }

    fn over(runtime: ::tokio::runtime::Runtime, (caller, mut receiver): (tokio::Caller, tokio::Receiver)) -> Self {
        let (told, events) = mpsc::channel();
        let tell = told.clone();
        runtime.spawn(async move {
            loop {
                let (happened, is_end) = match receiver.recv().await {
                    Ok(Some(incoming)) => (Happened::Incoming(incoming), false),
                    Ok(None) => (Happened::Closed, true),
                    Err(error) => (Happened::Lost(error), true),
                };
                if tell.send(happened).is_err() || is_end {
                    return;
                }
            }
        });
        Self { caller, events, told, kept: VecDeque::new(), runtime }
    }
}

fn connection(
    runtime: &::tokio::runtime::Runtime,
    stream: TcpStream,
    framing: FramingPair,
    watch: Watch,
) -> tokio::Connection {
    let (_entered, stream) = (runtime.enter(), before_socket(stream));
    stream.set_nonblocking(true).unwrap();
    let connection = tokio::Connection::from_stream(::tokio::net::TcpStream::from_std(stream).unwrap(), framing);
    let mut connection = secured!(client, tls_client(&), connection);
    runtime.block_on(connection.finish_opening(DEADLINE)).unwrap();
    if let Some((heartbeat, role)) = watch {
        connection.watch(heartbeat, role);
    }
    connection
}

/// The non-blocking driver: a loop.
pub(crate) struct NonBlocking {
    duplex: nonblocking::Duplex,
    calls: HashMap<CallId, usize>,
    /// Calls for which the window or the queue has no room yet.
    waiting: VecDeque<(usize, Vec<u8>, Duration)>,
    events: VecDeque<Happened>,
    kept: VecDeque<Happened>,
    is_over: bool,
}

impl Many for NonBlocking {
    const NAME: &'static str = "nonblocking";

    fn watched(stream: TcpStream, framing: FramingPair, matching: Matching, watch: Watch) -> Self {
        Self::over(Self::connection(stream, framing, watch).duplex(matching))
    }

    fn pair_watched(
        sending: TcpStream,
        receiving: TcpStream,
        framing: FramingPair,
        matching: Matching,
        watch: Watch,
    ) -> Self {
        let receiving = Self::connection(receiving, framing, watch);
        Self::over(Self::connection(sending, framing, None).simplex(receiving, matching))
    }

    fn begin(&mut self, call: usize, request: &[u8], within: Duration) {
        self.waiting.push_back((call, request.to_vec(), within));
        self.try_again();
    }

    fn send(&mut self, message: &[u8]) -> Result<(), Error> {
        self.duplex.try_send(message).map(drop)
    }

    fn kept(&mut self) -> &mut VecDeque<Happened> {
        &mut self.kept
    }

    fn next_event_within(&mut self, limit: Duration) -> Option<Happened> {
        let began = Instant::now();
        loop {
            self.try_again();
            if let Some(happened) = self.events.pop_front() {
                return Some(happened);
            }
            // Room may appear when bytes are written, and no event reports that.
            let left = limit.saturating_sub(began.elapsed());
            let slice = if self.waiting.is_empty() { left } else { left.min(Duration::from_millis(5)) };
            match self.happened_within(slice) {
                None if !left.is_zero() && !self.is_over => {}
                happened => return happened,
            }
        }
    }

    fn in_flight(&self) -> usize {
        self.duplex.in_flight()
    }

    fn unanswered(&self) -> usize {
        self.duplex.unanswered()
    }
}

impl NonBlocking {
    fn connection(stream: TcpStream, framing: FramingPair, watch: Watch) -> nonblocking::Connection {
        let connection = nonblocking::Connection::from_stream(before_socket(stream), framing).unwrap();
        let mut connection = secured!(client, tls_client(&), connection);
        connection.finish_opening(DEADLINE).unwrap();
        if let Some((heartbeat, role)) = watch {
            connection.watch(heartbeat, role);
        }
        connection
    }

    fn happened_within(&mut self, limit: Duration) -> Option<Happened> {
        if self.is_over {
            return None;
        }
        let happened = match self.duplex.recv_within(limit) {
            Ok(TryRecv::Message(Event::Reply { call, message })) => Happened::Reply(self.calls.remove(&call)?, message),
            Ok(TryRecv::Message(Event::Failed { call, error })) => Happened::Failed(self.calls.remove(&call)?, error),
            Ok(TryRecv::Message(Event::Incoming(incoming))) => Happened::Incoming(incoming),
            Ok(TryRecv::Nothing) => return None,
            Ok(TryRecv::Closed) => {
                self.is_over = true;
                Happened::Closed
            }
            Err(error) => {
                self.is_over = true;
                Happened::Lost(error)
            }
        };
        Some(happened)
    }

    fn over(duplex: nonblocking::Duplex) -> Self {
        Self {
            duplex,
            calls: HashMap::new(),
            waiting: VecDeque::new(),
            events: VecDeque::new(),
            kept: VecDeque::new(),
            is_over: false,
        }
    }

    /// Begins the queued calls, in order, as far as there is room.
    fn try_again(&mut self) {
        while let Some((call, request, within)) = self.waiting.front() {
            match self.duplex.try_call(request, *within) {
                Ok(TryCall::Begun(id)) => drop(self.calls.insert(id, *call)),
                Ok(TryCall::Full) => return,
                Err(error) => self.events.push_back(Happened::Failed(*call, error)),
            }
            self.waiting.pop_front();
        }
    }
}

fn outcome(call: usize, outcome: Result<Message, CallError>) -> Happened {
    match outcome {
        Ok(reply) => Happened::Reply(call, reply),
        Err(error) => Happened::Failed(call, error),
    }
}

/// Makes a test of each rule on each driver.
macro_rules! on_every_driver {
    ($($rule:ident),* $(,)?) => {
        $crate::support::on_every_driver_of!(many: $($rule),*);
    };
    // Over TLS too.
    (tls: $($rule:ident),* $(,)?) => {
        $crate::support::on_every_driver_of!(tls many: $($rule),*);
    };
}
pub(crate) use on_every_driver;
