//! Diameter: freeDiameter between our client and our server. It accepts our client's connection, dials our server, and relays.

mod free_diameter;
mod message;
mod watchdog;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use framelink_testkit::ReservedPort;
use framelink_transport::{Incoming, Profile};

use self::free_diameter::FreeDiameter;
use self::message::{ACCOUNTING, CLIENT, DISCONNECT, Message, SERVER, SUCCESS, accounting};
use super::clients::{self, Answer, Client};
use super::ledger::{Ledger, Outcome};
use super::load::{Load, Restart, Sides};
use super::servers::{self, Server, Submit};
use super::tap::{From, Tap};
use super::{client_loop, server_loop};

/// The framing of the recipe and the host. Messages begin with flags and command.
const FRAMING: &str = "net:3,at=1,prefix=01,counts=frame";

const WATCHDOG_REQUEST: u32 = 0x8000_0118;
const WATCHDOG_ANSWER: u32 = 0x0000_0118;

/// The profile of the book's recipe.
const RECIPE: &str = include_str!("../../../../examples/recipes/diameter.toml");

/// The example of a host that the command line has.
const HOST: &str = include_str!("../../../../../framelink/hosts/diameter.toml");

#[test]
fn tokio() {
    relayed::<clients::OnTasks, servers::Tokio>();
}

#[test]
fn blocking() {
    relayed::<clients::OnThreads, servers::Blocking>();
}

#[test]
fn nonblocking() {
    relayed::<client_loop::InALoop, server_loop::InALoop>();
}

fn client_profile() -> Profile {
    let toml = RECIPE.replace("by=both", "by=both,interval=100ms,timeout=20s");
    let toml = toml + "[reconnect]\nfirst = '10ms'\ncap = '50ms'\n[timeouts]\nreply = '3s'\nclose = '20s'\n";
    Profile::from_toml(&toml).unwrap_or_else(|error| panic!("{toml}\n{error}"))
}

/// A host with heartbeats, in the framing of the example.
fn server_profile(interval: &str) -> Profile {
    let own = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let origin = format!("0000010840000010{}000001284000000b{}00", own(SERVER.host), own(SERVER.realm));
    let heartbeat = format!(
        "pattern:'hex:8000011800000000{{number:4,binary}}{{random:4,binary}}{origin}',probe='0:4&80ffffff=hex:80000118',\
         answer='hex:0000011800000000{{request:8:8}}0000010c4000000c000007d1{origin}',\
         answered-by='0:4&80ffffff=hex:00000118,8:8=request',by=both,interval={interval},timeout=20s"
    );
    let toml = format!("{HOST}\n[liveness]\nheartbeat = \"{heartbeat}\"\n");
    Profile::from_toml(&toml).unwrap_or_else(|error| panic!("{toml}\n{error}"))
}

fn relayed<C: Client, S: Server>() {
    let port = ReservedPort::new().unwrap();
    let (ledger, profile) = (Arc::new(Mutex::new(Ledger::default())), Arc::new(server_profile("100ms")));
    let start = || S::start(&profile, port.address(), records(&ledger));
    let server = Some(start());
    let asked = Tap::start(FRAMING, port.address());
    let Some(relay) = FreeDiameter::start(C::NAME, asked.address) else { return };
    let asking = Tap::start(FRAMING, relay.address());
    let client = C::start(&client_profile(), asking.address.to_string(), disconnects());
    let refused = AtomicUsize::new(0);
    let mut sides = Nodes { client: &client, asking, relay, asked, server, start };
    Load::new(&ledger, |number| outcome(&client, number, &refused)).run(&mut sides);
    let Nodes { mut relay, server, .. } = sides;
    client.close();
    relay.daemon.stop(|| {});
    server.expect("a server").kill();
    let sums = ledger.lock().unwrap().settle();
    println!(
        "freeDiameter between our {} client and our {} server: {sums}; {refused:?} answered with an error of the relay",
        C::NAME,
        S::NAME
    );
}

/// The nodes, and the connections between them.
struct Nodes<'a, C, S, F> {
    client: &'a C,
    asking: Tap,
    relay: FreeDiameter,
    asked: Tap,
    server: Option<S>,
    start: F,
}

impl<C: Client, S: Server, F: Fn() -> S> Sides for Nodes<'_, C, S, F> {
    fn quiet(&mut self) {
        let answers =
            || [self.asking.count(From::Server, WATCHDOG_ANSWER), self.asked.count(From::Client, WATCHDOG_ANSWER)];
        let before = answers();
        self.relay.daemon.wait_for("answers to the watchdogs of our client and of our server", || {
            answers().iter().zip(&before).all(|(now, before)| now > before)
        });
    }

    fn restart(&mut self, restart: Restart) {
        match restart {
            Restart::DaemonKilled => self.relay.daemon.kill(),
            Restart::DaemonStopped => self.relay.daemon.stop(|| {}),
            Restart::ClientDisconnects => return self.client.disconnect(),
            Restart::ServerKilled => {
                self.server.take().expect("a server").kill();
                self.server = Some((self.start)());
                return;
            }
        }
        self.relay.start_again();
    }
}

/// Sends an accounting request. The relay itself answers a request that it cannot deliver, or whose delivery has no answer.
fn outcome<C: Client>(client: &C, number: u64, refused: &AtomicUsize) -> Outcome {
    match client.call(&accounting(number)) {
        Err(failure) => failure.outcome,
        Ok(answer) => {
            let answer = Message::new(&answer);
            assert_eq!((answer.command(), answer.number()), (ACCOUNTING, number), "the answer to another request");
            if answer.result() == SUCCESS {
                return Outcome::Answered;
            }
            refused.fetch_add(1, Ordering::Relaxed);
            Outcome::Unknown
        }
    }
}

/// Answers accounting requests, and records them. The rules of the profile answer the others.
fn records(ledger: &Arc<Mutex<Ledger>>) -> Submit {
    let ledger = Arc::clone(ledger);
    Arc::new(move |request| {
        let request = Message::new(request);
        if request.command() != ACCOUNTING {
            return None;
        }
        ledger.lock().unwrap().received(request.number());
        Some(SERVER.accepts(&request))
    })
}

/// Confirms that the relay disconnects. It sends no other request. Requests that it lost have been given up.
fn disconnects() -> Answer {
    Arc::new(|incoming| {
        let Incoming::Message(message) = incoming else { return None };
        let request = Message::new(message);
        assert!(request.is_request() && request.command() == DISCONNECT, "an unsolicited message: {message:02x?}");
        Some(CLIENT.accepts(&request))
    })
}
