//! The server: echoes each message.

use std::io;

use framelink_codec::{Decode, Encode};

use super::shuffle::shuffle;
use super::talk::{Next, Received, Talk};
use crate::Fault;

pub(super) fn serve<F: Decode + Encode>(talk: &mut Talk<F>) -> io::Result<Next> {
    match talk.plan.fault {
        Fault::Slam => {
            talk.did("closed at once");
            return Ok(Next::Over("closed".to_owned()));
        }
        Fault::Deaf => return talk.hold(),
        Fault::Silent => return talk.drain(None),
        Fault::Coalesce => return gather(talk),
        Fault::OutOfOrder => return swap(talk),
        Fault::Shuffled => return shuffle(talk),
        Fault::EmptyFlood => talk.flood()?,
        Fault::Unsolicited => talk.unsolicited()?,
        _ => {}
    }
    let stops_after = (talk.plan.fault == Fault::Stops).then(|| talk.plan.count.unwrap_or(3));
    let mut answered = 0;
    loop {
        if stops_after == Some(answered) {
            return talk.hold();
        }
        match talk.receive(None) {
            Received::Message(message) => match talk.deliver(&message)? {
                Next::GoOn => answered += 1,
                Next::Broken => return talk.drain(None),
                over @ Next::Over(_) => return Ok(over),
            },
            Received::Nothing => {}
            Received::Ended(why) => return Ok(Next::Over(why)),
        }
    }
}

/// Answers the messages that arrive within a pause with one write.
fn gather<F: Decode + Encode>(talk: &mut Talk<F>) -> io::Result<Next> {
    let pause = talk.plan.delay;
    let mut gathered = Vec::new();
    loop {
        let received = talk.receive(if gathered.is_empty() { None } else { Some(pause) });
        if let Received::Message(message) = received {
            gathered.push(message);
            continue;
        }
        if !gathered.is_empty() {
            talk.send_together(&gathered)?;
            gathered.clear();
        }
        if let Received::Ended(why) = received {
            return Ok(Next::Over(why));
        }
    }
}

/// Answers two messages in swapped order; a message alone, if no other arrives within a pause.
fn swap<F: Decode + Encode>(talk: &mut Talk<F>) -> io::Result<Next> {
    let pause = talk.plan.delay;
    loop {
        let first = match talk.receive(None) {
            Received::Message(first) => first,
            Received::Nothing => continue,
            Received::Ended(why) => return Ok(Next::Over(why)),
        };
        match talk.receive(Some(pause)) {
            Received::Message(second) => {
                talk.send(&second)?;
                talk.send(&first)?;
                talk.did("answered two messages in swapped order");
            }
            Received::Nothing => talk.send(&first)?,
            Received::Ended(why) => {
                talk.send(&first)?;
                return Ok(Next::Over(why));
            }
        }
    }
}
