//! Advances the dialogue of a connection.

use std::time::Duration;

use framelink_codec::{Decode, Encode, Fault};
use framelink_template::Inputs;

use crate::dialogue::{Ask, Dialogue, DialogueError, Heard};
use crate::receiving::{EarlyFrame, Receiving, WrongPreamble};
use crate::sending::{SendRefused, Sending};
use crate::session::watch;

/// What a driver does for the start of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Opening {
    /// Read once, and advance the dialogue again. Silence ends a message at this time.
    Read(Option<Duration>),
    /// Write what is queued, and advance the dialogue again.
    Write,
    /// The connection is ready for messages.
    Over,
}

/// Why a connection could not be opened for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpeningFault<D, E> {
    /// The peer did not begin with the expected preamble.
    Preamble(WrongPreamble),
    /// The received bytes are no frame.
    Frame(Fault<D>),
    /// A message of this side was not accepted for sending.
    Refused(SendRefused<E>),
    /// The dialogue failed.
    Dialogue(DialogueError),
}

/// Advances the dialogue of a connection as far as its received bytes allow, and queues what is to be sent.
///
/// Does nothing on a connection without a dialogue. At the end, messages that are kept for the application are the next
/// ones that the receiving half returns, and heartbeats begin. `jitter` is as for [`watch`].
///
/// # Errors
/// After an error the connection can no longer be used. Messages that were kept are handed over as unread.
pub fn advance_dialogue<D: Decode, E: Encode>(
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    inputs: &Inputs<'_>,
    jitter: impl FnOnce() -> u32,
    now: Duration,
) -> Result<Opening, OpeningFault<D::Error, E::Error>> {
    if !receiving.poll_before_dialogue().map_err(OpeningFault::Preamble)? {
        return Ok(Opening::Read(receiving.kept_until()));
    }
    let Some(mut dialogue) = receiving.take_dialogue() else { return Ok(Opening::Over) };
    match advance(&mut dialogue, receiving, sending, inputs) {
        Ok(Opening::Over) if !sending.has_output() => {
            finish(&mut dialogue, receiving, sending, jitter(), now);
            Ok(Opening::Over)
        }
        Ok(opening) => {
            receiving.set_dialogue(dialogue);
            Ok(if opening == Opening::Over { Opening::Write } else { opening })
        }
        Err(fault) => {
            let kept = dialogue.kept();
            receiving.put_back(&dialogue.take_kept());
            receiving.give_first_unread(kept);
            // No operation may take what else arrived for a message.
            receiving.set_dialogue(dialogue);
            Err(fault)
        }
    }
}

fn advance<D: Decode, E: Encode>(
    dialogue: &mut Dialogue,
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    inputs: &Inputs<'_>,
) -> Result<Opening, OpeningFault<D::Error, E::Error>> {
    loop {
        if !sending.has_room() {
            return Ok(Opening::Write);
        }
        match dialogue.poll(inputs).map_err(OpeningFault::Dialogue)? {
            Ask::SendBytes(bytes) => sending.queue_preamble(&bytes),
            Ask::SendMessage(message) => {
                sending.queue(&message).map_err(OpeningFault::Refused)?;
                sending.on_queued();
            }
            Ask::Bytes => {
                let is_closed = receiving.is_closed();
                let taken = dialogue.on_bytes(receiving.early_bytes(), is_closed).map_err(OpeningFault::Dialogue)?;
                if taken == 0 {
                    return Ok(if sending.has_output() { Opening::Write } else { Opening::Read(None) });
                }
                receiving.take_early(taken);
            }
            Ask::Message => match receiving.poll_frame().map_err(OpeningFault::Frame)? {
                EarlyFrame::Whole { message, frame } => {
                    let heard = dialogue.on_message(&message, &frame, inputs).map_err(OpeningFault::Dialogue)?;
                    if heard == Heard::Unread {
                        receiving.on_unread(message);
                    }
                }
                EarlyFrame::Closed => {
                    return Err(OpeningFault::Dialogue(dialogue.closed()));
                }
                EarlyFrame::Wait(until) => {
                    return Ok(if sending.has_output() { Opening::Write } else { Opening::Read(until) });
                }
            },
            Ask::Over => return Ok(Opening::Over),
        }
    }
}

/// Hands over the connection to the application.
fn finish<D: Decode, E: Encode>(
    dialogue: &mut Dialogue,
    receiving: &mut Receiving<D>,
    sending: &mut Sending<E>,
    jitter: u32,
    now: Duration,
) {
    receiving.set_relayed(dialogue.take_relayed());
    if dialogue.kept() > 0 {
        receiving.put_back(&dialogue.take_kept());
    }
    if let Some(heartbeat) = dialogue.rules().heartbeat.clone() {
        let liveness = watch(receiving, sending, heartbeat, dialogue.us(), jitter, now);
        // A verdict says when the last bytes came and went, and those of the dialogue count.
        if receiving.byte_count().get() > 0 {
            liveness.on_heard(now);
        }
        if sending.byte_count().get() > 0 {
            liveness.on_sent(now, false);
        }
    }
}
