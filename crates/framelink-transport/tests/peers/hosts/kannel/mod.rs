//! Kannel: its bearerbox between our box and our message centre. It accepts our box's connection, dials our centre with SMPP,
//! passes short messages on, and reports to our box that the centre has accepted them.

mod arrived;
mod bearerbox;
mod beats;
mod gateway;
mod message;

use std::sync::{Arc, Mutex};

use framelink_testkit::ReservedPort;
use framelink_transport::{Incoming, Profile};

use self::arrived::{Arrived, Kills};
use self::bearerbox::Bearerbox;
use self::gateway::Gateway;
use self::message::{ACCEPTED, Received, ack, id, read, sms};
use super::clients::{self, Answer, Client};
use super::ledger::{Ledger, Outcome};
use super::load::Load;
use super::servers::{self, Server, Submit};
use super::smpp::pdu::{Head, SUBMIT_SM, SUBMIT_SM_RESP, text_of_submit_sm};
use super::tap::Tap;
use super::{client_loop, server_loop};

const BOX: &str = "framelink";

/// A box. It signs on with its name, and its messages are acknowledged in their order.
const BOX_PROFILE: &str = r#"
framing = "net:4"
exchange = { kind = "duplex", in-flight = 16, reply = "0:4=hex:00000003" }

[sign-on]                 # admin, identify
send = 'text:\x00\x00\x00\x01\x00\x00\x00\x03{length:4,binary,of=name}{part:name}framelink{end}'

[liveness]
heartbeat = "kannel,interval=100ms"

[reconnect]
first = "10ms"
cap = "50ms"

[timeouts]
reply = "20s"
"#;

/// The example of a message centre that the command line has, with heartbeats.
const CENTRE: &str = concat!(
    include_str!("../../../../../framelink/hosts/smpp.toml"),
    r#"
[liveness]
heartbeat = """\
  pattern:'hex:0000001500000000{number:4,binary}',probe='0:4=hex:00000015',answer='hex:8000001500000000{request:8:4}',\
  answered-by='0:4=hex:80000015|hex:80000000,8:4=request',by=both,interval=100ms,timeout=20s"""
"#
);

#[test]
fn tokio() {
    passed_on::<clients::OnTasks, servers::Tokio>();
}

#[test]
fn blocking() {
    passed_on::<clients::OnThreads, servers::Blocking>();
}

#[test]
fn nonblocking() {
    passed_on::<client_loop::InALoop, server_loop::InALoop>();
}

fn profile(toml: &str) -> Profile {
    Profile::from_toml(toml).unwrap_or_else(|error| panic!("{toml}\n{error}"))
}

fn passed_on<C: Client, S: Server>() {
    let (port, profile_of_centre) = (ReservedPort::new().unwrap(), Arc::new(profile(CENTRE)));
    let (ledger, arrived) = (Mutex::new(Ledger::default()), Arc::new(Mutex::new(Arrived::default())));
    let start = || S::start(&profile_of_centre, port.address(), submits(&arrived));
    let centre = Some(start());
    let smpp = Tap::start("net:4,counts=frame", port.address());
    let Some(bearerbox) = Bearerbox::start(C::NAME, smpp.address) else { return };
    let boxes = Tap::start("net:4", bearerbox.address());
    let client = C::start(&profile(BOX_PROFILE), boxes.address.to_string(), reports(&arrived));
    let kills = Kills::default();
    let mut sides = Gateway { client: &client, boxes, bearerbox, smpp, centre, start, arrived: &arrived, kills };
    Load::new(&ledger, |number| outcome(&client, number)).run(&mut sides);
    sides.wait_for_all(&ledger);
    let Gateway { mut bearerbox, centre, kills, .. } = sides;
    client.close();
    bearerbox.daemon.stop(|| {});
    centre.expect("a centre").kill();
    let (mut ledger, arrived) = (ledger.into_inner().unwrap(), arrived.lock().unwrap());
    arrived.submitted.keys().for_each(|&number| ledger.received(number));
    let (sums, again) = (ledger.settle(), arrived.check(&kills));
    println!("Kannel between our {} box and our {} centre: {sums}; {again} submitted again", C::NAME, S::NAME);
}

/// Sends a short message. A message that the bearerbox refuses may not arrive.
fn outcome<C: Client>(client: &C, number: u64) -> Outcome {
    match client.call(&sms(number)) {
        Err(failure) => failure.outcome,
        Ok(reply) => {
            let Received::Ack { result, id: acknowledged } = read(&reply) else { panic!("not an ack: {reply:?}") };
            assert_eq!(acknowledged, id(number), "the ack of another message");
            if ACCEPTED.contains(&result) { Outcome::Answered } else { Outcome::NotSent }
        }
    }
}

/// Stores the number of each submit_sm, and accepts it.
fn submits(arrived: &Arc<Mutex<Arrived>>) -> Submit {
    let arrived = Arc::clone(arrived);
    Arc::new(move |request| {
        let pdu = Head::WithoutLength.read(request);
        if pdu.command != SUBMIT_SM {
            return None;
        }
        let text = text_of_submit_sm(pdu.body);
        *arrived.lock().unwrap().submitted.entry(text.parse().expect("a number")).or_default() += 1;
        Some(Head::WithoutLength.write(SUBMIT_SM_RESP, pdu.sequence, format!("{text}\0").as_bytes()))
    })
}

/// Acknowledges each report, and stores its number.
fn reports(arrived: &Arc<Mutex<Arrived>>) -> Answer {
    let arrived = Arc::clone(arrived);
    Arc::new(move |incoming| {
        let Incoming::Message(message) = incoming else { panic!("no request was given up: {incoming:?}") };
        let mut arrived = arrived.lock().unwrap();
        match read(message) {
            Received::Report { id, number } => {
                *arrived.reported.entry(number).or_default() += 1;
                return Some(ack(id));
            }
            Received::Admin => arrived.end = true,
            Received::Ack { id, .. } => panic!("an ack without a message: {id}"),
        }
        None
    })
}
