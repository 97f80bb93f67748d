//! Kannel's bearerbox. It accepts the connection of our box, and dials our message centre with SMPP.

use std::net::{SocketAddr, TcpStream};

use framelink_testkit::ReservedPort;

use crate::hosts::daemon::Daemon;
use crate::installed;

/// How many messages the bearerbox submits before it waits for a reply.
pub(crate) const WINDOW: usize = 10;

pub(crate) struct Bearerbox {
    pub(crate) daemon: Daemon,
    boxes: ReservedPort,
    _administration: ReservedPort,
}

impl Bearerbox {
    /// Starts the daemon, and waits until it listens. Returns `None` if it is not installed.
    pub(crate) fn start(name: &str, centre: SocketAddr) -> Option<Self> {
        let program = installed::find("Kannel", installed::program("bearerbox"))?;
        let [boxes, administration] = [ReservedPort::new().unwrap(), ReservedPort::new().unwrap()];
        let files =
            [("bearerbox.conf", configuration(&boxes, &administration, centre)), ("store/.keep", String::new())];
        let arguments = ["-v", "2", "bearerbox.conf"];
        let daemon = Daemon::start(&format!("kannel-{name}"), &program, &arguments, &files);
        let mut bearerbox = Self { daemon, boxes, _administration: administration };
        bearerbox.until_it_listens();
        Some(bearerbox)
    }

    pub(crate) fn start_again(&mut self) {
        self.daemon.start_again();
        self.until_it_listens();
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.boxes.address()
    }

    fn until_it_listens(&mut self) {
        let address = self.address();
        self.daemon.wait_for("the bearerbox to listen", || TcpStream::connect(address).is_ok());
    }
}

/// The store keeps messages over a restart.
fn configuration(boxes: &ReservedPort, administration: &ReservedPort, centre: SocketAddr) -> String {
    let [boxes, administration, centre] =
        [boxes.address(), administration.address(), centre].map(|address| address.port());
    format!(
        "group = core
admin-port = {administration}
admin-interface = 127.0.0.1
admin-password = secret
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
box-allow-ip = 127.0.0.1
store-type = spool
store-location = store
sms-resend-freq = 1

group = smsc
smsc = smpp
smsc-id = centre
host = 127.0.0.1
port = {centre}
transceiver-mode = true
smsc-username = esme
smsc-password = secret
system-type = none
enquire-link-interval = 1
reconnect-delay = 1
max-pending-submits = {WINDOW}

group = smsbox
bearerbox-host = 127.0.0.1
"
    )
}
