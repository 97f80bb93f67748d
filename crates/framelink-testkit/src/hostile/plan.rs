//! The checked settings of a peer.

use std::ops::Deref;
use std::time::Duration;

use framelink_codec::{Decode, Encode, EndedBy};

use super::error::Unfit;
use super::settings::Settings;
use crate::bad_frames::BadFrames;
use crate::fault::Fault;
use crate::sample;

/// The number of messages of a client, if none are given.
const MESSAGES: usize = 3;

/// The checked settings of a peer. Its fields replace the settings of the same name, which may be absent.
pub(super) struct Plan<F> {
    settings: Settings<F>,
    pub(super) delay: Duration,
    /// Not empty. All of them can be sent.
    pub(super) messages: Vec<Vec<u8>>,
    /// Frames that a decoder must refuse; not empty if the fault sends one.
    pub(super) bad_frames: Vec<Vec<u8>>,
}

impl<F> Deref for Plan<F> {
    type Target = Settings<F>;

    fn deref(&self) -> &Settings<F> {
        &self.settings
    }
}

impl<F: Decode + Encode> Plan<F> {
    pub(super) fn new(mut settings: Settings<F>) -> Result<Self, Unfit> {
        let given = settings.messages.take();
        let (framing, fault) = (&settings.framing, settings.fault);
        let unfit = |reason: String| Unfit { fault, reason };
        let messages = match given {
            Some(given) if given.is_empty() => return Err(unfit("a peer needs a message".to_owned())),
            Some(given) => given,
            None => {
                samples(framing).ok_or_else(|| unfit("no message is known that this framing can send".to_owned()))?
            }
        };
        if let Some((_, heartbeat)) = &settings.beat {
            framing.envelope(heartbeat).map_err(|error| unfit(format!("the heartbeat: {error}")))?;
        }
        let mut ends_stream = false;
        for (number, message) in (1..).zip(&messages) {
            let envelope = framing.envelope(message).map_err(|error| unfit(format!("message {number}: {error}")))?;
            ends_stream |= envelope.ends_stream;
        }
        if ends_stream && (messages.len() > 1 || needs_several(fault)) {
            return Err(unfit("with this framing a connection is one message".to_owned()));
        }
        if needs_empty_frames(fault) && !has_empty_frames(framing) {
            return Err(unfit("this framing has no empty frames".to_owned()));
        }
        let bad_frames = match fault {
            Fault::GarbageLength | Fault::Oversize => bad_frames(framing, fault, &messages).map_err(unfit)?,
            _ => Vec::new(),
        };
        let delay = settings.delay.unwrap_or_else(|| default_delay(fault));
        Ok(Self { settings, delay, messages, bad_frames })
    }
}

/// Messages that the framing can send; one, if a connection carries only one message.
fn samples<F: Decode + Encode>(framing: &F) -> Option<Vec<Vec<u8>>> {
    let first = sample::payload(framing, 1)?;
    let count = if framing.envelope(&first).ok()?.ends_stream { 1 } else { MESSAGES };
    (1..=count).map(|number| sample::payload(framing, number)).collect()
}

const fn needs_several(fault: Fault) -> bool {
    matches!(
        fault,
        Fault::Coalesce
            | Fault::EmptyFlood
            | Fault::Twice
            | Fault::OutOfOrder
            | Fault::Shuffled
            | Fault::Unsolicited
            | Fault::Stops
            | Fault::HeartbeatStorm
    )
}

const fn needs_empty_frames(fault: Fault) -> bool {
    matches!(fault, Fault::EmptyFlood | Fault::HeartbeatStorm)
}

fn has_empty_frames<F: Decode + Encode>(framing: &F) -> bool {
    sample::frame(framing, b"").is_some_and(|(_, frame)| frame.payload_len() == 0)
}

fn bad_frames<F: Decode + Encode>(framing: &F, fault: Fault, messages: &[Vec<u8>]) -> Result<Vec<Vec<u8>>, String> {
    let good = messages.first().map(Vec::as_slice).unwrap_or_default();
    let bad = BadFrames::new(framing, good);
    let has_length = sample::frame(framing, good).is_some_and(|(_, frame)| frame.ended_by == EndedBy::Count);
    let (frames, none) = match fault {
        Fault::Oversize => (bad.oversize(), "this framing can announce no more than it allows"),
        // If every header is a number, the only bad header is one that is too large.
        _ if bad.garbage().is_empty() && has_length => (bad.oversize(), "this framing takes every header"),
        _ => (bad.garbage(), "this framing has no header"),
    };
    if frames.is_empty() { Err(none.to_owned()) } else { Ok(frames.to_vec()) }
}

const fn default_delay(fault: Fault) -> Duration {
    Duration::from_millis(match fault {
        Fault::Dribble => 1,
        Fault::SplitHeader => 50,
        Fault::Coalesce => 20,
        Fault::OutOfOrder => 100,
        _ => 1000,
    })
}
