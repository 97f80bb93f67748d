//! Our server in an event loop.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use framelink_transport::nonblocking::{Listener, Served};
use framelink_transport::session::Concurrency;
use framelink_transport::{Profile, RuleHandler, TryRecv};
use mio::{Events, Interest, Poll, Token, Waker};

use super::servers::{Server, Submit, answer};

const LISTENER: Token = Token(0);
const STOP: Token = Token(1);
const FIRST_SERVED: usize = 2;

pub(crate) struct InALoop {
    stops: Arc<AtomicBool>,
    waker: Waker,
    thread: JoinHandle<()>,
}

impl Server for InALoop {
    const NAME: &'static str = "nonblocking";

    fn start(profile: &Arc<Profile>, address: SocketAddr, submit: Submit) -> Self {
        let poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), STOP).unwrap();
        let mut listener = Listener::bind_profile(address, profile).expect("listening");
        poll.registry().register(&mut listener, LISTENER, Interest::READABLE).unwrap();
        let stops = Arc::new(AtomicBool::new(false));
        let state = State { listener, profile: Arc::clone(profile), submit, connections: BTreeMap::new(), accepted: 0 };
        let thread = thread::spawn({
            let stops = Arc::clone(&stops);
            move || state.run(poll, &stops)
        });
        Self { stops, waker, thread }
    }

    fn kill(self) {
        self.stops.store(true, Ordering::SeqCst);
        self.waker.wake().unwrap();
        self.thread.join().unwrap();
    }
}

struct State {
    listener: Listener,
    profile: Arc<Profile>,
    submit: Submit,
    connections: BTreeMap<Token, (Served, RuleHandler)>,
    accepted: usize,
}

impl State {
    fn run(mut self, mut poll: Poll, stops: &AtomicBool) {
        let mut events = Events::with_capacity(8);
        while !stops.load(Ordering::SeqCst) {
            self.accept(&poll);
            let submit = &self.submit;
            self.connections.retain(|_, (served, rules)| attend(served, rules, submit));
            let deadlines = self.connections.values().filter_map(|(served, _)| served.deadline());
            poll.poll(&mut events, deadlines.chain(self.listener.deadline()).min()).unwrap();
        }
    }

    fn accept(&mut self, poll: &Poll) {
        while let Ok(Some(connection)) = self.listener.try_accept() {
            let mut served = connection.serve_many(&self.profile, Concurrency::new(8));
            let token = Token(FIRST_SERVED + self.accepted);
            self.accepted += 1;
            poll.registry().register(&mut served, token, Interest::READABLE | Interest::WRITABLE).unwrap();
            self.connections.insert(token, (served, RuleHandler::of(&self.profile)));
        }
    }
}

/// Answers all requests that have arrived. Returns false if the connection has ended.
fn attend(served: &mut Served, rules: &RuleHandler, submit: &Submit) -> bool {
    loop {
        match served.try_next() {
            Ok(TryRecv::Message((slot, request))) => {
                let reply = answer(rules, submit, &request);
                if served.reply(slot, reply.as_deref()).is_err() {
                    return false;
                }
            }
            Ok(TryRecv::Nothing) => return true,
            Ok(TryRecv::Closed) | Err(_) => return false,
        }
    }
}
