//! What both sides exchange before the first message.

use framelink_codec::{Decode, Encode};
use framelink_template::Inputs;

use super::reading::Read;
use super::{Clock, Open, Port, Turn, Wants};
use crate::error::Cause;
use crate::session::{self, Opening, OpeningFault, advance_dialogue};

impl<D: Decode, E: Encode, P: Port, K: Clock> Open<'_, D, E, P, K> {
    /// Advances the TLS handshake and the dialogue before the first message, as far as the socket allows. Returns what to
    /// wait for. The session decides what is sent and what a received message means.
    pub(crate) fn advance_opening(&mut self) -> Result<Result<(), Wants>, Cause<D::Error, E::Error>> {
        if let Err(wants) = self.shake_hands()? {
            return Ok(Err(wants));
        }
        let Some(dialogue) = self.receiving.dialogue() else { return Ok(Ok(())) };
        let numbers = dialogue.numbers().clone();
        let inputs = Inputs::system(&numbers);
        let mut turn = Turn::default();
        loop {
            let now = self.clock.now();
            let opening = advance_dialogue(self.receiving, self.sending, &inputs, session::jitter, now)?;
            if let Some(header) = self.receiving.proxy_header() {
                return Err(Cause::ProxyHeader(header));
            }
            if self.sending.has_output() {
                self.flush()?;
            }
            let is_out = !self.sending.has_output();
            let until = match opening {
                Opening::Over => return Ok(Ok(())),
                Opening::Write if is_out => continue,
                Opening::Write => return Ok(Err(Wants::Write)),
                Opening::Read(until) => until,
            };
            // While something is not written, the peer may stop reading until this side has read.
            if let Read::Wait(until) = self.inbound(is_out).read_in(&mut turn, until)? {
                return Ok(Err(if is_out { Wants::Read(until) } else { Wants::Both(until) }));
            }
        }
    }
}

impl<D, E> From<OpeningFault<D, E>> for Cause<D, E> {
    fn from(fault: OpeningFault<D, E>) -> Self {
        match fault {
            OpeningFault::Preamble(wrong) => Self::Preamble(wrong),
            OpeningFault::Frame(fault) => Self::Fault(fault),
            OpeningFault::Refused(refused) => Self::Refused(refused),
            OpeningFault::Dialogue(error) => Self::Dialogue(error),
        }
    }
}
