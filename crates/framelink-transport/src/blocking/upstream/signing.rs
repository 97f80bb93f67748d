//! Signing on and off, on connections of this driver.

use std::net::SocketAddr;
use std::time::Duration;

use crate::blocking::Connection;
use crate::error::{CallError, Error};
use crate::upstream::Waits;
use crate::{CloseReport, Message};

impl Waits for Connection {
    fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer_addr()
    }

    fn call(&mut self, request: &[u8], within: Duration) -> Result<Message, CallError> {
        self.call(request, within)
    }

    fn send_within(&mut self, payload: &[u8], limit: Duration) -> Result<(), Error> {
        self.send_within(payload, limit)
    }

    fn close(self, within: Duration) -> Result<CloseReport, Error> {
        self.close(within)
    }
}
