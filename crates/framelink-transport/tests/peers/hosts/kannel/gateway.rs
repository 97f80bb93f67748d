//! Our box, the bearerbox, our centre, and the connections between them.

use std::mem;
use std::sync::Mutex;

use super::arrived::{Arrived, Kills};
use super::bearerbox::Bearerbox;
use super::message::HEARTBEAT;
use crate::hosts::clients::Client;
use crate::hosts::ledger::{Ledger, Outcome};
use crate::hosts::load::{Restart, Sides};
use crate::hosts::servers::Server;
use crate::hosts::smpp::pdu::ENQUIRE_LINK_RESP;
use crate::hosts::tap::{From, Tap};

pub(super) struct Gateway<'a, C, S, F> {
    pub(super) client: &'a C,
    pub(super) boxes: Tap,
    pub(super) bearerbox: Bearerbox,
    pub(super) smpp: Tap,
    pub(super) centre: Option<S>,
    pub(super) start: F,
    pub(super) arrived: &'a Mutex<Arrived>,
    pub(super) kills: Kills,
}

impl<C: Client, S: Server, F: Fn() -> S> Sides for Gateway<'_, C, S, F> {
    fn quiet(&mut self) {
        let beats = || [self.boxes.count(From::Client, HEARTBEAT), self.smpp.count(From::Client, ENQUIRE_LINK_RESP)];
        let before = beats();
        self.bearerbox.daemon.wait_for("heartbeats of our box and of our centre", || {
            beats().iter().zip(&before).all(|(now, before)| now > before)
        });
    }

    fn restart(&mut self, restart: Restart) {
        match restart {
            Restart::DaemonKilled => {
                self.kills.of_bearerbox += 1;
                self.bearerbox.daemon.kill();
            }
            Restart::DaemonStopped => self.stop(),
            Restart::ClientDisconnects => return self.client.disconnect(),
            Restart::ServerKilled => {
                self.kills.of_centre += 1;
                self.centre.take().expect("a centre").kill();
                self.centre = Some((self.start)());
                return;
            }
        }
        self.bearerbox.start_again();
    }
}

impl<C: Client, S, F> Gateway<'_, C, S, F> {
    /// Asks the bearerbox to end. It tells its boxes, and waits until they have left.
    fn stop(&mut self) {
        self.bearerbox.daemon.stop(|| {
            if mem::take(&mut self.arrived.lock().unwrap().end) {
                self.client.disconnect();
            }
        });
    }

    /// Waits until all acknowledged messages have arrived, and their reports. A bearerbox that is killed after the reply to
    /// a message, and before it has stored the report, loses the report.
    pub(super) fn wait_for_all(&mut self, ledger: &Mutex<Ledger>) {
        let (arrived, lost) = (self.arrived, self.kills.of_bearerbox);
        self.bearerbox.daemon.wait_for("all messages and reports", || {
            let (ledger, arrived) = (ledger.lock().unwrap(), arrived.lock().unwrap());
            arrived.submitted.len() <= arrived.reported.len() + lost
                && ledger.with(Outcome::Answered).all(|number| arrived.submitted.contains_key(&number))
        });
    }
}
