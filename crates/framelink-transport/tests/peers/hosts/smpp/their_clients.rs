//! A client of theirs with a server of ours. One of them is killed in the middle of the requests, in turn.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use framelink_testkit::ReservedPort;
use framelink_transport::Profile;

use super::super::ledger::{Ledger, Outcome};
use super::super::rounds::{Round, Rounds};
use super::super::servers::{Server, Submit};
use super::Library;
use super::pdu::{Head, SUBMIT_SM, SUBMIT_SM_RESP, text_of_submit_sm};
use super::their_server::RECIPE;
use crate::program::Program;
use crate::starting::wait_for_starts;

const REQUESTS: u64 = 200;

/// The message centre of `framelink serve`.
const HOST: &str = include_str!("../../../../../framelink/hosts/smpp.toml");

/// A message centre with the presets.
const PRESETS: &str = r#"
framing = "smpp"
exchange = { kind = "duplex", key = "12:4", reply = "4:1&80=hex:80" }

[liveness]
heartbeat = "smpp,by=both"

[[reply]]                 # bind_transceiver
when = "4:4=hex:00000009"
say = "hex:{length:4,binary,of=all} 80{request:5:3} 00000000 {request:12:4} 63656e74726500"

[[reply]]                 # unbind
when = "4:4=hex:00000006"
say = "hex:00000010 80{request:5:3} 00000000 {request:12:4}"
"#;

/// Heartbeats go on, and do not reach the rules.
fn profile(head: Head) -> Profile {
    let toml = match head {
        Head::Whole => PRESETS.to_owned(),
        Head::WithoutLength => HOST.to_owned() + &RECIPE[RECIPE.find("[liveness]").unwrap()..],
    };
    let toml = toml.replace("by=both", "by=both,interval=100ms,timeout=20s");
    Profile::from_toml(&toml).unwrap_or_else(|error| panic!("{toml}\n{error}"))
}

pub(crate) fn with_their_client<S: Server>(library: &Library, head: Head) {
    let profile = Arc::new(profile(head));
    let (port, received) = (ReservedPort::new().unwrap(), Arc::new(Mutex::new(Vec::new())));
    let start = || {
        wait_for_starts();
        S::start(&profile, port.address(), submits(head, &received))
    };
    let Some(mut client) = Client::start(library, port.address().port()) else { return };
    let (mut server, mut next) = (start(), 1);
    client.bind();
    for round in Rounds::begin() {
        let requests = next..next + REQUESTS;
        next = requests.end;
        client.burst(&requests);
        match round {
            Round::Plain => client.finish(&requests),
            Round::Restart(number) => {
                client.wait_for(|seen| seen.answered.range(requests.clone()).count() as u64 >= REQUESTS / 4);
                if number % 2 == 0 {
                    server.kill();
                    client.wait_for_loss();
                    server = start();
                } else {
                    client.restart(library);
                }
                client.bind();
            }
        }
    }
    client.unbind();
    server.kill();
    let mut ledger = Ledger::default();
    received.lock().unwrap().iter().for_each(|&request| ledger.received(request));
    for &request in &client.seen.sent {
        let answered = client.seen.answered.contains(&request);
        ledger.ended(request, if answered { Outcome::Answered } else { Outcome::Unknown });
    }
    let (enquiries, alive) = (client.seen.enquiries, client.seen.alive);
    let sums = ledger.settle();
    println!(
        "client of {} with our {} server, {head:?}: {sums}; {enquiries} and {alive} enquire_link",
        library.name,
        S::NAME
    );
}

/// Stores the number of each submit_sm before it is answered with this number as message_id.
fn submits(head: Head, received: &Arc<Mutex<Vec<u64>>>) -> Submit {
    let received = Arc::clone(received);
    Arc::new(move |request| {
        let pdu = head.read(request);
        if pdu.command != SUBMIT_SM {
            return None;
        }
        let text = text_of_submit_sm(pdu.body);
        received.lock().unwrap().push(text.parse().expect("a number"));
        Some(head.write(SUBMIT_SM_RESP, pdu.sequence, format!("{text}\0").as_bytes()))
    })
}

/// Their client, and what it has said.
struct Client {
    program: Program,
    port: u16,
    seen: Seen,
}

impl Client {
    fn start(library: &Library, port: u16) -> Option<Self> {
        let program = Program::start(&mut library.command()?);
        Some(Self { program, port, seen: Seen::default() })
    }

    fn bind(&mut self) {
        self.program.tell(&format!("connect {}", self.port));
        let bound = self.seen.bound + 1;
        self.wait_for(|seen| seen.bound == bound);
    }

    fn unbind(&mut self) {
        self.program.tell("unbind");
        self.wait_for(|seen| seen.unbound);
    }

    fn burst(&mut self, requests: &Range<u64>) {
        self.seen.is_done = false;
        self.program.tell(&format!("burst {} {}", requests.start, requests.end - requests.start));
    }

    /// Waits until all requests are answered, and then until heartbeats of both sides were answered.
    fn finish(&mut self, requests: &Range<u64>) {
        self.wait_for(|seen| seen.is_done);
        assert!(self.seen.answered.range(requests.clone()).eq(requests.clone().collect::<Vec<_>>().iter()));
        let (enquiries, alive) = (self.seen.enquiries + 2, self.seen.alive + 2);
        self.wait_for(|seen| seen.enquiries >= enquiries && seen.alive >= alive);
    }

    fn wait_for_loss(&mut self) {
        let losses = self.seen.losses + 1;
        self.wait_for(|seen| seen.losses == losses);
    }

    fn restart(&mut self, library: &Library) {
        self.program.kill().iter().for_each(|line| self.seen.take(line));
        self.program = Program::start(&mut library.command().expect("an installed library"));
    }

    /// Reads what the client says until this is so.
    fn wait_for(&mut self, is_so: impl Fn(&Seen) -> bool) {
        self.program.lines_until(&mut self.seen, Seen::take, is_so);
    }
}

#[derive(Default)]
struct Seen {
    sent: BTreeSet<u64>,
    answered: BTreeSet<u64>,
    bound: usize,
    losses: usize,
    /// How many enquire_link of the server were answered, and how many of the client.
    enquiries: usize,
    alive: usize,
    is_done: bool,
    unbound: bool,
}

impl Seen {
    fn take(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        let number = |at: usize| words[at].parse::<u64>().expect(line);
        match words[0] {
            "sent" => assert!(self.sent.insert(number(1)), "{line}: sent twice"),
            "answered" => {
                assert_eq!(words[2..], ["0", words[1]], "{line}: the reply of another request");
                assert!(self.answered.insert(number(1)), "{line}: answered twice");
            }
            "bound" => {
                assert_eq!(words[1], "0", "the status of the bind");
                self.bound += 1;
            }
            "lost" => self.losses += 1,
            "enquire" => self.enquiries += 1,
            "alive" => self.alive += 1,
            "done" => self.is_done = true,
            "unbound" => self.unbound = true,
            _ => panic!("what is this: {line}"),
        }
    }
}
