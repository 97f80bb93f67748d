//! DWR and DWA of both sides while there are no other messages, with the preset `diameter`.

use std::sync::Arc;

use framelink_testkit::ReservedPort;
use framelink_transport::{Profile, heartbeat};

use super::free_diameter::FreeDiameter;
use super::message::{CLIENT, Node};
use super::{FRAMING, WATCHDOG_ANSWER, WATCHDOG_REQUEST, disconnects, server_profile};
use crate::hosts::clients::{Client, OnThreads};
use crate::hosts::servers::{Server, Tokio};
use crate::hosts::tap::{From, Tap};

/// The preset. Its names are those of this node, in place of the environment's.
fn preset(node: &Node) -> String {
    let preset = heartbeat::PRESETS.iter().find(|preset| preset.name == "diameter").expect("a preset");
    let hex = |text: &str| text.bytes().map(|byte| format!("{byte:02x}")).collect::<String>();
    let names = [("{env:DIAMETER_ORIGIN_HOST}", node.host), ("{env:DIAMETER_ORIGIN_REALM}", node.realm)];
    names.iter().fold(preset.notation.to_owned(), |notation, (name, value)| notation.replace(name, &hex(value)))
}

/// The recipe's sign-on with the preset's framing, whose messages begin with version and length.
fn client_profile() -> Profile {
    let toml = format!(
        r#"
framing = "diameter"
exchange = {{ kind = "duplex", key = "12:4", assign = "binary", reply = "4:1&80=hex:00" }}
[sign-on]
send = """
  hex:01{{length:3,binary,of=all}}8000010100000000{{number:4,binary}}{{random:4,binary}}\
  000001084000001a636c69656e742e6578616d706c652e636f6d0000\
  00000128400000136578616d706c652e636f6d00\
  000001014000000e0001c000020a0000\
  0000010a4000000c00000000\
  0000010d000000116672616d656c696e6b000000\
  000001034000000c00000003"""
expect = "4:4=hex:00000101,12:8=request,20:12=hex:0000010c4000000c000007d1"
[liveness]
heartbeat = "{},interval=500ms,timeout=20s"
"#,
        preset(&CLIENT)
    );
    let toml = toml.replace("\"\"\"\n  hex", "\"\"\"hex");
    Profile::from_toml(&toml).unwrap_or_else(|error| panic!("{toml}\n{error}"))
}

/// freeDiameter sends no watchdog to a peer that sends one more often.
#[test]
fn watchdogs_of_both_sides_are_answered() {
    let port = ReservedPort::new().unwrap();
    let server = Tokio::start(&Arc::new(server_profile("1m")), port.address(), Arc::new(|_| None));
    let asked = Tap::start(FRAMING, port.address());
    let Some(mut relay) = FreeDiameter::start("watchdog", asked.address) else { return };
    let asking = Tap::start(FRAMING, relay.address());
    let client = OnThreads::start(&client_profile(), asking.address.to_string(), disconnects());
    client.connect();
    relay.daemon.wait_for("watchdogs of both sides", || {
        let ours = asking.count(From::Client, WATCHDOG_REQUEST).min(asking.count(From::Server, WATCHDOG_ANSWER));
        let theirs = asked.count(From::Client, WATCHDOG_REQUEST).min(asked.count(From::Server, WATCHDOG_ANSWER));
        ours >= 3 && theirs >= 1
    });
    assert_eq!(asking.count(From::Client, 0x8000_0101), 1, "one connection stays");
    assert_eq!(asked.count(From::Client, 0x8000_0101), 1, "one connection stays");
    client.close();
    server.kill();
}
