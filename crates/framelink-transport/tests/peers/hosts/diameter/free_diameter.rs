//! The daemon of freeDiameter, as a relay. It accepts the connection of our client, and dials our server.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;

use framelink_testkit::ReservedPort;

use super::message::{CLIENT, SERVER};
use crate::hosts::daemon::Daemon;
use crate::installed;

/// The extension that accepts clients by their names.
const ACCEPTS: &str = "/usr/lib/freeDiameter/acl_wl.fdx";

pub(crate) struct FreeDiameter {
    pub(crate) daemon: Daemon,
    port: ReservedPort,
}

impl FreeDiameter {
    /// Starts the daemon, and waits until it listens. Returns `None` if it is not installed.
    pub(crate) fn start(name: &str, server: SocketAddr) -> Option<Self> {
        let extension = Path::new(ACCEPTS);
        let found = if extension.is_file() { installed::program("freeDiameterd") } else { Err(ACCEPTS.to_owned()) };
        let program = installed::find("freeDiameter", found)?;
        let port = ReservedPort::new().unwrap();
        let accepted = format!("ALLOW_IPSEC {}\n", CLIENT.host);
        let files = [("peer.conf", configuration(&port, server)), ("accepted.conf", accepted)];
        let daemon = Daemon::start(&format!("diameter-{name}"), &program, &["-c", "peer.conf"], &files);
        let mut peer = Self { daemon, port };
        peer.until_it_listens();
        Some(peer)
    }

    pub(crate) fn start_again(&mut self) {
        self.daemon.start_again();
        self.until_it_listens();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.port.address()
    }

    fn until_it_listens(&mut self) {
        let address = self.address();
        self.daemon.wait_for("freeDiameter to listen", || TcpStream::connect(address).is_ok());
    }
}

/// TwTimer is the interval of its watchdog in seconds, at least 6. TcTimer is the time after which it dials again.
/// Without SecPort it needs no certificate.
fn configuration(port: &ReservedPort, server: SocketAddr) -> String {
    let (port, server_port) = (port.address().port(), server.port());
    format!(
        r#"Identity = "relay.example.com";
Realm = "example.com";
Port = {port};
SecPort = 0;
ListenOn = "127.0.0.1";
No_SCTP;
No_IPv6;
TwTimer = 6;
TcTimer = 1;
LoadExtension = "{ACCEPTS}" : "accepted.conf";
ConnectPeer = "{}" {{ ConnectTo = "127.0.0.1"; Port = {server_port}; No_TLS; }};
"#,
        SERVER.host
    )
}
