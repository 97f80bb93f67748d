//! Answers in any order, some late, some twice, some after an unsolicited message: a test for a client that finds
//! replies by key.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use framelink_codec::{Decode, Encode};

use super::talk::{Next, Received, Talk};

/// The answers that are held back by default. The next one is chosen at random from them.
const HELD: usize = 32;
/// After this time without a message, all held answers are sent.
const QUIET: Duration = Duration::from_millis(2);

/// Of a hundred messages, this many are answered late. Others are answered twice, or after an unsolicited message.
const LATE: usize = 2;
const TWICE: usize = 1;
const UNSOLICITED: usize = 1;

pub(super) fn shuffle<F: Decode + Encode>(talk: &mut Talk<F>) -> io::Result<Next> {
    let plan = Arc::clone(&talk.plan);
    let most = plan.count.unwrap_or(HELD);
    let mut held = Vec::new();
    let mut late: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    loop {
        let wait = match late.front() {
            _ if !held.is_empty() => Some(QUIET),
            Some((at, _)) => Some(at.saturating_duration_since(Instant::now()).max(QUIET)),
            None => None,
        };
        let keep = match talk.receive(wait) {
            Received::Message(message) => {
                hold(talk, message, plan.delay, &mut held, &mut late)?;
                most
            }
            Received::Nothing => 0,
            Received::Ended(why) => {
                held.extend(late.drain(..).map(|(_, message)| message));
                release(talk, &mut held, 0)?;
                return Ok(Next::Over(why));
            }
        };
        while late.front().is_some_and(|(at, _)| *at <= Instant::now()) {
            held.extend(late.pop_front().map(|(_, message)| message));
        }
        release(talk, &mut held, keep)?;
    }
}

/// Decides what happens to the answer to a message.
fn hold<F: Decode + Encode>(
    talk: &mut Talk<F>,
    message: Vec<u8>,
    delay: Duration,
    held: &mut Vec<Vec<u8>>,
    late: &mut VecDeque<(Instant, Vec<u8>)>,
) -> io::Result<()> {
    let dice = talk.random.below(100);
    if dice < LATE {
        talk.did("holds an answer back");
        late.push_back((Instant::now() + delay, message));
        return Ok(());
    }
    if dice < LATE + TWICE {
        talk.did("will answer twice");
        held.push(message.clone());
    } else if dice < LATE + TWICE + UNSOLICITED {
        let plan = Arc::clone(&talk.plan);
        talk.did("sends an unsolicited message");
        plan.messages.first().map_or(Ok(()), |news| talk.send(news))?;
    }
    held.push(message);
    Ok(())
}

/// Sends answers in random order until at most `keep` are held.
fn release<F: Decode + Encode>(talk: &mut Talk<F>, held: &mut Vec<Vec<u8>>, keep: usize) -> io::Result<()> {
    while held.len() > keep {
        let next = held.swap_remove(talk.random.below(held.len()));
        talk.send(&next)?;
    }
    Ok(())
}
