//! Our client in an event loop. Threads pass their requests to it.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use framelink_transport::nonblocking::{Connector, Duplex, Event, TryCall};
use framelink_transport::profile::Timeouts;
use framelink_transport::session::CallId;
use framelink_transport::{Message, Profile, TryRecv, TrySend};
use mio::{Events, Interest, Poll, Token, Waker};

use super::clients::{Answer, Client, Failure};
use super::ledger::Outcome;
use crate::DEADLINE;

const CONNECTION: Token = Token(0);
const COMMAND: Token = Token(1);

type Reply = Result<Message, Failure>;

enum Command {
    Call(Vec<u8>, Sender<Reply>),
    Disconnect,
    Close,
}

pub(crate) struct InALoop {
    commands: Sender<Command>,
    waker: Waker,
    thread: JoinHandle<()>,
}

impl InALoop {
    fn tell(&self, command: Command) {
        self.commands.send(command).expect("a loop that runs");
        self.waker.wake().unwrap();
    }
}

impl Client for InALoop {
    const NAME: &'static str = "nonblocking";

    fn start(profile: &Profile, address: String, answer: Answer) -> Self {
        let poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), COMMAND).unwrap();
        let (commands, received) = mpsc::channel();
        let profile = Arc::new(profile.clone());
        let thread = thread::spawn(move || State::new(&profile, address, answer).run(poll, &received));
        Self { commands, waker, thread }
    }

    fn call(&self, request: &[u8]) -> Reply {
        let (sender, reply) = mpsc::channel();
        self.tell(Command::Call(request.to_vec(), sender));
        reply.recv_timeout(DEADLINE).expect("an outcome")
    }

    fn disconnect(&self) {
        self.tell(Command::Disconnect);
    }

    fn close(self) {
        self.tell(Command::Close);
        self.thread.join().unwrap();
    }
}

struct State {
    connector: Connector,
    profile: Arc<Profile>,
    address: String,
    answer: Answer,
    connection: Option<Duplex>,
    queued: VecDeque<(Vec<u8>, Sender<Reply>)>,
    in_flight: HashMap<CallId, Sender<Reply>>,
}

impl State {
    fn new(profile: &Arc<Profile>, address: String, answer: Answer) -> Self {
        let (queued, in_flight) = (VecDeque::new(), HashMap::new());
        let connector = Connector::with_profile(profile);
        Self { connector, profile: Arc::clone(profile), address, answer, connection: None, queued, in_flight }
    }

    fn run(mut self, mut poll: Poll, commands: &Receiver<Command>) {
        let mut events = Events::with_capacity(8);
        loop {
            for command in commands.try_iter() {
                match command {
                    Command::Call(request, reply) => self.queued.push_back((request, reply)),
                    Command::Disconnect => self.lose("closed by this side"),
                    Command::Close => return self.sign_off(),
                }
            }
            self.begin_calls(&poll);
            if !self.take_events() {
                let deadline = self.connection.as_ref().and_then(Duplex::deadline);
                poll.poll(&mut events, deadline).unwrap();
            }
        }
    }

    /// Begins the queued calls, as far as the connection takes them. Without a connection, dials.
    fn begin_calls(&mut self, poll: &Poll) {
        let within = self.profile.timeouts().reply.unwrap_or(Timeouts::REPLY);
        while let Some((request, reply)) = self.queued.pop_front() {
            let connection = match self.connected(poll) {
                Ok(connection) => connection,
                Err(failure) => {
                    let _ = reply.send(Err(failure));
                    continue;
                }
            };
            match connection.try_call(&request, within) {
                Ok(TryCall::Begun(call)) => drop(self.in_flight.insert(call, reply)),
                Ok(TryCall::Full) => return self.queued.push_front((request, reply)),
                Err(error) => drop(reply.send(Err(error.into()))),
            }
        }
    }

    fn connected(&mut self, poll: &Poll) -> Result<&mut Duplex, Failure> {
        if self.connection.is_none() {
            let connection = self.connector.connect(&*self.address);
            let connection = connection.map_err(|error| Failure::new(Outcome::NotSent, error))?;
            let mut connection = connection.duplex(self.profile.matching().unwrap());
            let interests = Interest::READABLE | Interest::WRITABLE;
            poll.registry().register(&mut connection, CONNECTION, interests).unwrap();
            self.connection = Some(connection);
        }
        Ok(self.connection.as_mut().unwrap())
    }

    /// Takes all events of the connection. Returns false if there was none.
    fn take_events(&mut self) -> bool {
        std::iter::from_fn(|| self.take_event().then_some(())).count() > 0
    }

    /// Takes the next event of the connection. Returns false if there is none.
    fn take_event(&mut self) -> bool {
        let Some(connection) = &mut self.connection else { return false };
        let event = connection.try_flush().and_then(|_| connection.try_recv());
        match event {
            Ok(TryRecv::Nothing) => return false,
            Ok(TryRecv::Message(Event::Reply { call, message })) => self.end(call, Ok(message)),
            Ok(TryRecv::Message(Event::Failed { call, error })) => self.end(call, Err(error.into())),
            Ok(TryRecv::Message(Event::Incoming(incoming))) => {
                if let Some(answer) = (self.answer)(&incoming) {
                    let sent = connection.try_send(&answer);
                    assert!(matches!(sent, Ok(TrySend::Written | TrySend::Queued) | Err(_)), "{sent:?}");
                }
            }
            Ok(TryRecv::Closed) => self.lose("closed by the peer"),
            Err(error) => self.lose(&error.to_string()),
        }
        true
    }

    fn end(&mut self, call: CallId, reply: Reply) {
        let _ = self.in_flight.remove(&call).expect("a call that has not ended").send(reply);
    }

    fn lose(&mut self, why: &str) {
        self.connection = None;
        for (_, reply) in self.in_flight.drain() {
            let _ = reply.send(Err(Failure::new(Outcome::Unknown, why)));
        }
    }

    fn sign_off(self) {
        let (Some(mut connection), Some(message)) = (self.connection, self.connector.sign_off()) else { return };
        let _ = connection.try_send(&message);
        // The peer closes after its answer.
        while let Ok(TryRecv::Message(_)) = connection.recv_within(DEADLINE) {}
    }
}
