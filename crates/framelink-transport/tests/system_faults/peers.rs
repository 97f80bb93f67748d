//! The peers of a row, in one process that is killed or stopped. The process accepts and dials connections of each
//! framing.
//!
//! It echoes messages. The answer to `half` is the first half of a frame, and `nothing` has no answer. Each message is
//! reported.

use std::io::{BufRead, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use crate::cell::WIRES;
use crate::plain::{Plain, Seen};
use crate::program::say;
use crate::stage::NoticeStage;
use crate::wire::Wire;

/// Runs the peers at these ports, or at any, one for each framing.
pub(crate) fn program(ports: &[&str]) {
    let ports = ports.iter().map(|port| port.parse().expect("a port")).chain(std::iter::repeat(0_u16));
    let mut addresses = Vec::new();
    for (wire, port) in WIRES.into_iter().zip(ports) {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("a port");
        addresses.push(listener.local_addr().expect("an address").to_string());
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                thread::spawn(move || talk(Plain::new(stream, wire)));
            }
        });
    }
    say(&format!("listening on {}", addresses.join(" ")));
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let [wire, address, message] = &words[..] else { panic!("{line}") };
        let wire = wire_of(wire);
        let (address, message): (SocketAddr, _) = (address.parse().expect("an address"), message.clone());
        thread::spawn(move || ask(address, wire, &message));
    }
}

pub(crate) fn wire_of(notation: &str) -> Wire {
    WIRES.into_iter().find(|wire| wire.notation() == notation).expect("a framing of the table")
}

fn talk(mut peer: Plain) {
    loop {
        match peer.read() {
            Ok(Seen::Message(message)) => {
                say(&format!("got {}", String::from_utf8_lossy(&message)));
                let _ = match &message[..] {
                    b"half" => peer.write_half(b"the first half of this"),
                    b"nothing" => Ok(()),
                    _ => peer.write(&message),
                };
            }
            Ok(Seen::Nothing) => {}
            Ok(Seen::End) | Err(_) => return,
        }
    }
}

/// Makes one exchange, and then sends half a frame or another request, or is silent.
fn ask(address: SocketAddr, wire: Wire, message: &str) {
    let mut peer = Plain::dial(address, wire);
    let part = Arc::new(NoticeStage::default()).part();
    assert_eq!(peer.call(b"hi", &part), b"hi");
    let _ = match message {
        "silence" => Ok(()),
        "half" => peer.write_half(b"the first half of this"),
        other => peer.write(other.as_bytes()),
    };
    say("asked");
    while !matches!(peer.read(), Ok(Seen::End) | Err(_)) {}
}

impl Plain {
    fn write_half(&mut self, message: &[u8]) -> std::io::Result<()> {
        let frame = self.frame(message);
        self.stream().write_all(&frame[..frame.len() / 2])
    }
}
