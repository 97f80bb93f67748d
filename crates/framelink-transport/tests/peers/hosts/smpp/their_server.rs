//! A client of ours with their server. One of them is killed in the middle of the requests, in turn.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::{fs, process, thread};

use framelink_testkit::ReservedPort;
use framelink_transport::{Incoming, Profile};

use super::super::clients::{Answer, Client, Failure};
use super::super::ledger::{Ledger, Outcome};
use super::super::rounds::{Round, Rounds};
use super::NPM;
use super::pdu::{DELIVER_SM, DELIVER_SM_RESP, Head, QUEUE_FULL, SUBMIT_SM_RESP};
use crate::program::Program;
use crate::starting::wait_for_starts;

/// Requests of a round, and how many threads send them.
const REQUESTS: u64 = 200;
const THREADS: usize = 8;

/// The profile of the book's recipe, with another bind, shorter heartbeats, and numbers that a restart does not repeat.
pub(crate) const RECIPE: &str = include_str!("../../../../examples/recipes/smpp.toml");

/// The same with the presets, whose messages begin with command_length.
const PRESETS: &str = r#"
framing = "smpp"
numbers = { range = "1..0x7fffffff" }

[exchange]
kind = "duplex"
key = "12:4"
assign = "binary"
reply = "4:1&80=hex:80"
in-flight = 10

[sign-on]
send = "hex:{length:4,binary,of=all} 00000002 00000000 {number:4,binary} 65736d6500 73656372657400 0034000000"
expect = "4:4=hex:80000002,8:4=hex:00000000,12:4=request"

[sign-off]
send = "hex:00000010 00000006 00000000 {number:4,binary}"
expect = "4:4=hex:80000006"

[liveness]
heartbeat = "smpp,by=both"
"#;

fn profile(head: Head, numbers: &Numbers) -> Profile {
    let toml = match head {
        Head::Whole => PRESETS,
        Head::WithoutLength => RECIPE,
    };
    let numbers = format!("numbers = {{ file = {:?}, ", numbers.file());
    let mut toml = toml.replace("numbers = { ", &numbers);
    for (of_the_recipe, here) in [
        ("00000002 00000000", "00000009 00000000"), // bind_transceiver
        ("80000002", "80000009"),
        ("by=both", "by=both,interval=100ms,timeout=20s"),
    ] {
        assert!(toml.contains(of_the_recipe), "{of_the_recipe} in {toml}");
        toml = toml.replace(of_the_recipe, here);
    }
    toml += "[reconnect]\nfirst = '10ms'\ncap = '50ms'\n[timeouts]\nreply = '30s'\nconnect = '20s'\n";
    Profile::from_toml(&toml).unwrap_or_else(|error| panic!("{toml}\n{error}"))
}

pub(crate) fn with_their_server<C: Client>(head: Head) {
    let Some(mut server) = Server::start() else { return };
    let numbers = Numbers::new(&format!("{}-{head:?}", C::NAME));
    let delivered = Arc::new(Mutex::new(Vec::new()));
    let address = server.port.address().to_string();
    let start = || {
        wait_for_starts();
        C::start(&profile(head, &numbers), address.clone(), deliveries(head, &delivered))
    };
    let mut client = start();
    let (mut sender, mut next) = (Sender::default(), 1);
    for round in Rounds::begin() {
        let requests = next..next + REQUESTS;
        next = requests.end;
        let without_reply = requests.start + REQUESTS / 4;
        if round != Round::Plain {
            server.hold(without_reply);
        }
        thread::scope(|scope| {
            let outcomes = scope.spawn(|| burst(&client, head, requests.clone()));
            if let Round::Restart(number) = round {
                server.wait_for(|seen| seen.submits.range(without_reply..).count() > 0);
                if number % 2 == 0 {
                    server.restart();
                } else {
                    client.disconnect();
                    server.program.tell("release");
                }
            }
            sender.add(outcomes.join().unwrap(), round);
        });
        match round {
            Round::Plain => server.wait_for_silence(requests),
            Round::Restart(number) if number % 2 == 1 => {
                client.close();
                client = start();
            }
            Round::Restart(_) => {}
        }
    }
    let unbinds = server.seen.unbinds + 1;
    client.close();
    server.wait_for(|seen| seen.unbinds == unbinds);
    let sums = sender.settle(&server.seen);
    assert!([1, LAST_NUMBER].iter().all(|number| server.seen.numbers.contains(number)), "the numbers go on at 1");
    server.seen.check_deliveries(&delivered.lock().unwrap());
    println!("server of npm smpp with our {} client, {head:?}: {sums}; {}", C::NAME, server.seen.counts());
}

/// Confirms each deliver_sm, and stores its sequence number.
fn deliveries(head: Head, delivered: &Arc<Mutex<Vec<u32>>>) -> Answer {
    let delivered = Arc::clone(delivered);
    Arc::new(move |incoming| {
        let Incoming::Message(message) = incoming else { panic!("no request was given up: {incoming:?}") };
        let pdu = head.read(message);
        assert_eq!(pdu.command, DELIVER_SM, "an unsolicited message: {:08x}", pdu.command);
        delivered.lock().unwrap().push(pdu.sequence);
        Some(head.write(DELIVER_SM_RESP, pdu.sequence, b"\0"))
    })
}

/// The outcome of each request: the sequence number of its reply, or the failure.
type Outcomes = Vec<(u64, Result<u32, Failure>)>;

fn burst<C: Client>(client: &C, head: Head, requests: Range<u64>) -> Outcomes {
    let (next, outcomes) = (AtomicU64::new(requests.start), Mutex::new(Vec::new()));
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                loop {
                    let request = next.fetch_add(1, Ordering::Relaxed);
                    if request >= requests.end {
                        return;
                    }
                    let reply = client.call(&head.submit_sm(request));
                    let outcome = reply.map(|reply| own_reply(head, request, &reply));
                    outcomes.lock().unwrap().push((request, outcome));
                }
            });
        }
    });
    outcomes.into_inner().unwrap()
}

/// Checks that this is the reply to this request, and returns its sequence number.
fn own_reply(head: Head, request: u64, reply: &[u8]) -> u32 {
    let pdu = head.read(reply);
    let refused = request.is_multiple_of(11);
    let body = if refused { String::new() } else { format!("{request}\0") };
    let status = if refused { QUEUE_FULL } else { 0 };
    assert_eq!((pdu.command, pdu.status, pdu.body), (SUBMIT_SM_RESP, status, body.as_bytes()), "request {request}");
    pdu.sequence
}

/// What our side knows.
#[derive(Default)]
struct Sender {
    ledger: Ledger,
    replies: BTreeMap<u64, u32>,
}

impl Sender {
    fn add(&mut self, outcomes: Outcomes, round: Round) {
        for (request, outcome) in outcomes {
            match outcome {
                Ok(sequence) => {
                    self.replies.insert(request, sequence);
                    self.ledger.ended(request, Outcome::Answered);
                }
                Err(failure) => {
                    assert_ne!(round, Round::Plain, "request {request}: {}", failure.why);
                    self.ledger.ended(request, failure.outcome);
                }
            }
        }
    }

    fn settle(mut self, seen: &Seen) -> super::super::ledger::Sums {
        for (&request, sequences) in &seen.submits {
            sequences.iter().for_each(|_| self.ledger.received(request));
        }
        for (request, sequence) in self.replies {
            assert_eq!(seen.submits[&request], [sequence], "the sequence number of the reply to request {request}");
        }
        self.ledger.settle()
    }
}

/// Their server. It is started again on its port.
struct Server {
    port: ReservedPort,
    program: Program,
    seen: Seen,
}

impl Server {
    fn start() -> Option<Self> {
        let port = ReservedPort::new().unwrap();
        let program = Self::listen(port.address())?;
        Some(Self { port, program, seen: Seen::default() })
    }

    fn listen(address: SocketAddr) -> Option<Program> {
        let mut program = Program::start(&mut NPM.command()?);
        program.tell(&format!("listen {}", address.port()));
        assert_eq!(program.line(), "listening");
        Some(program)
    }

    /// Leaves the requests from this one on without a reply, so that they have none when a side is killed.
    fn hold(&mut self, request: u64) {
        self.program.tell(&format!("hold {request}"));
        let holds = self.seen.holds + 1;
        self.wait_for(|seen| seen.holds == holds);
    }

    fn restart(&mut self) {
        self.program.kill().iter().for_each(|line| self.seen.take(line));
        self.program = Self::listen(self.port.address()).expect("an installed program");
    }

    /// Waits until the server has said that it received these requests, and that each deliver_sm for them was confirmed.
    /// Then waits until heartbeats of both sides were answered.
    fn wait_for_silence(&mut self, requests: Range<u64>) {
        let confirmed = |seen: &Seen| {
            requests.clone().all(|request| {
                let sequences = seen.submits.get(&request);
                sequences.is_some_and(|all| !request.is_multiple_of(7) || seen.confirmed.contains(&all[0]))
            })
        };
        self.wait_for(confirmed);
        let (enquiries, alive) = (self.seen.enquiries + 2, self.seen.alive + 2);
        self.wait_for(|seen| seen.enquiries >= enquiries && seen.alive >= alive);
    }

    /// Reads what the server says until this is so.
    fn wait_for(&mut self, is_so: impl Fn(&Seen) -> bool) {
        self.program.lines_until(&mut self.seen, Seen::take, is_so);
    }
}

/// What the server has said.
#[derive(Default)]
struct Seen {
    /// The sequence numbers of the client's requests. None repeats.
    numbers: BTreeSet<u32>,
    /// The sequence numbers of each submit_sm.
    submits: BTreeMap<u64, Vec<u32>>,
    binds: usize,
    enquiries: usize,
    unbinds: usize,
    holds: usize,
    /// How many of the server's enquire_link were answered.
    alive: usize,
    delivered: BTreeSet<u32>,
    confirmed: BTreeSet<u32>,
}

impl Seen {
    fn take(&mut self, line: &str) {
        let words: Vec<_> = line.split(' ').collect();
        let sequence = || words.last().unwrap().parse::<u32>().expect(line);
        match words[0] {
            "holding" => self.holds += 1,
            "alive" => self.alive += 1,
            "delivered" => drop(self.delivered.insert(sequence())),
            "confirmed" => drop(self.confirmed.insert(sequence())),
            request => {
                assert!((1..=LAST_NUMBER).contains(&sequence()), "{line}");
                assert!(self.numbers.insert(sequence()), "a sequence number repeats: {line}");
                match request {
                    "bind" => self.binds += 1,
                    "enquire" => self.enquiries += 1,
                    "unbind" => self.unbinds += 1,
                    "submit" => self.submits.entry(words[1].parse().expect(line)).or_default().push(sequence()),
                    _ => panic!("what is this: {line}"),
                }
            }
        }
    }

    /// Compares with the deliver_sm that our side received.
    fn check_deliveries(&self, received: &[u32]) {
        let distinct: BTreeSet<_> = received.iter().copied().collect();
        assert_eq!(distinct.len(), received.len(), "a deliver_sm was received twice");
        assert!(distinct.is_subset(&self.delivered), "a deliver_sm was received that was never sent");
        assert!(self.confirmed.is_subset(&distinct), "a deliver_sm was confirmed that was never received");
    }

    fn counts(&self) -> String {
        let Self { binds, enquiries, alive, .. } = self;
        let (delivered, confirmed) = (self.delivered.len(), self.confirmed.len());
        format!(
            "{binds} binds, {enquiries} and {alive} enquire_link, {delivered} deliver_sm with our numbers, \
             {confirmed} of them confirmed"
        )
    }
}

/// The last sequence number of SMPP. After it comes 1.
const LAST_NUMBER: u32 = 0x7fff_ffff;

/// A folder with the file of a client's numbers, which are soon at their end. It is removed when the test ends.
struct Numbers(PathBuf);

impl Numbers {
    fn new(name: &str) -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("smpp-{name}-{}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        let numbers = Self(folder);
        let reserved = LAST_NUMBER - u32::try_from(REQUESTS / 2).unwrap();
        fs::write(numbers.file(), format!("framelink numbers 1\nreserved {reserved}\n")).unwrap();
        numbers
    }

    fn file(&self) -> PathBuf {
        self.0.join("sequence.numbers")
    }
}

impl Drop for Numbers {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
