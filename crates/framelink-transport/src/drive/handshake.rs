//! The TLS handshake, before anything else is sent or received.

use std::io;

use framelink_codec::{Decode, Encode};

use super::reading::Read;
use super::send::fail;
use super::{Clock, Input, Open, Output, Port, Turn, Wants, is_wait};
use crate::error::Cause;
use crate::session::Sending;

impl<D: Decode, E: Encode, P: Port, K: Clock> Open<'_, D, E, P, K> {
    /// Advances the handshake as far as the socket allows, if there is one. Returns what to wait for.
    #[inline]
    pub(crate) fn shake_hands(&mut self) -> Result<Result<(), Wants>, Cause<D::Error, E::Error>> {
        match self.port.input().handshake_until() {
            None => Ok(Ok(())),
            Some(_) => self.advance_handshake(),
        }
    }

    /// The limits of the session hold too, such as that of the first message.
    #[cold]
    #[inline(never)]
    fn advance_handshake(&mut self) -> Result<Result<(), Wants>, Cause<D::Error, E::Error>> {
        let mut turn = Turn::default();
        loop {
            let is_out = push(self.sending, self.port.output())?;
            let Some(until) = self.port.input().handshake_until() else {
                // The preamble, and what was sent meanwhile. The rest is written with the first message.
                self.flush()?;
                return Ok(Ok(()));
            };
            let read = self.inbound(is_out).read_in(&mut turn, Some(until));
            if read.is_err() {
                // Tells the peer what is wrong, if the socket takes it.
                let _ = self.port.output().flush();
            }
            let is_tls = self.port.input().is_tls_handshake();
            let read = read.map_err(|cause| if is_tls { cause.in_handshake() } else { cause })?;
            if self.clock.now() >= until && self.port.input().handshake_until().is_some() {
                return Err(Cause::of_io(self.port.input().handshake_timed_out(until)));
            }
            if let Read::Wait(until) = read {
                return Ok(Err(if is_out { Wants::Read(until) } else { Wants::Both(until) }));
            }
        }
    }
}

/// Writes what the handshake has to send. Returns whether all of it is written.
fn push<D, E: Encode>(sending: &mut Sending<E>, output: &mut impl Output) -> Result<bool, Cause<D, E::Error>> {
    loop {
        let pushed = output.flush();
        sending.on_flush(pushed.is_ok());
        return match pushed {
            Ok(()) => Ok(true),
            Err(error) if is_wait(&error) => Ok(false),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => Err(fail(sending, error)),
        };
    }
}
