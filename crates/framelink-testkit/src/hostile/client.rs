//! The client: sends messages and reads a reply to each.

use std::io;
use std::sync::Arc;

use framelink_codec::{Decode, Encode};

use super::talk::{Next, Received, Talk};
use crate::Fault;

pub(super) fn ask<F: Decode + Encode>(talk: &mut Talk<F>) -> io::Result<Next> {
    let plan = Arc::clone(&talk.plan);
    let all = plan.messages.len();
    let went = match plan.fault {
        Fault::Slam => {
            talk.did("closed at once");
            return Ok(Next::Over("closed".to_owned()));
        }
        Fault::Deaf => {
            for message in plan.messages.iter().cycle().take(plan.count.unwrap_or(usize::MAX)) {
                talk.send(message)?;
            }
            return talk.hold();
        }
        Fault::Silent => return talk.drain(None),
        Fault::Coalesce => {
            let together = plan.messages.iter().cycle().take(plan.count.unwrap_or(all)).cloned().collect::<Vec<_>>();
            talk.send_together(&together)?;
            replies(talk, together.len())?
        }
        Fault::OutOfOrder => swapped(talk, &plan.messages)?,
        Fault::Shuffled => shuffled(talk, &plan.messages)?,
        Fault::Stops => {
            let first = plan.messages.iter().cycle().take(plan.count.unwrap_or(3));
            match each(talk, first)? {
                Next::GoOn => return talk.hold(),
                over => over,
            }
        }
        Fault::EmptyFlood => {
            talk.flood()?;
            each(talk, plan.messages.iter())?
        }
        Fault::Unsolicited => {
            talk.unsolicited()?;
            each(talk, plan.messages.iter())?
        }
        // The good messages that were asked for, then the bad one.
        Fault::CutFin | Fault::CutReset | Fault::GarbageLength | Fault::Oversize => {
            let messages = plan.messages.iter().cycle().take(plan.count.unwrap_or(0).saturating_add(1));
            each(talk, messages)?
        }
        _ => each(talk, plan.messages.iter())?,
    };
    match went {
        Next::GoOn => {
            talk.finish();
            talk.drain(Some(plan.patience)).map(|_| Next::Over("done".to_owned()))
        }
        Next::Broken => talk.drain(Some(plan.patience)),
        over @ Next::Over(_) => Ok(over),
    }
}

/// Sends the messages one by one, and waits for a reply to each.
fn each<'a, F: Decode + Encode>(talk: &mut Talk<F>, messages: impl Iterator<Item = &'a Vec<u8>>) -> io::Result<Next> {
    for message in messages {
        let expected = match talk.plan.fault {
            Fault::Twice => 2,
            _ => 1,
        };
        match talk.deliver(message)? {
            Next::GoOn => {}
            over => return Ok(over),
        }
        if let over @ Next::Over(_) = replies(talk, expected)? {
            return Ok(over);
        }
    }
    Ok(Next::GoOn)
}

/// Sends each two messages in swapped order; a last one without a partner alone.
fn swapped<F: Decode + Encode>(talk: &mut Talk<F>, messages: &[Vec<u8>]) -> io::Result<Next> {
    for pair in messages.chunks(2) {
        for message in pair.iter().rev() {
            talk.send(message)?;
        }
        talk.did(format_args!("sent {} messages in swapped order", pair.len()));
        if let over @ Next::Over(_) = replies(talk, pair.len())? {
            return Ok(over);
        }
    }
    Ok(Next::GoOn)
}

/// Sends all messages in any order before it reads a reply.
fn shuffled<F: Decode + Encode>(talk: &mut Talk<F>, messages: &[Vec<u8>]) -> io::Result<Next> {
    let mut left = messages.to_vec();
    while !left.is_empty() {
        let next = left.swap_remove(talk.random.below(left.len()));
        talk.send(&next)?;
    }
    talk.did(format_args!("sent {} messages in any order", messages.len()));
    replies(talk, messages.len())
}

/// Waits for this many messages, and stops at the first that does not arrive in time.
fn replies<F: Decode + Encode>(talk: &mut Talk<F>, count: usize) -> io::Result<Next> {
    let patience = talk.plan.patience;
    for _ in 0..count {
        match talk.receive(Some(patience)) {
            Received::Message(message) => {
                if talk.plan.fault == Fault::HeartbeatStorm {
                    answer_with_storm(talk, &message)?;
                }
            }
            Received::Nothing => return Ok(Next::GoOn),
            Received::Ended(why) => return Ok(Next::Over(why)),
        }
    }
    Ok(Next::GoOn)
}

/// Answers a message with several empty frames, and an empty message with one more.
fn answer_with_storm<F: Decode + Encode>(talk: &mut Talk<F>, message: &[u8]) -> io::Result<()> {
    if message.is_empty() {
        talk.send(b"")?;
    }
    talk.burst()
}
