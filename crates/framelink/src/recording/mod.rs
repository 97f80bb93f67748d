//! Records the answers of a real peer as reply rules, by which `framelink serve` answers like the peer.
//!
//! ```text
//! exchanges ─► kinds: which requests have replies of one form ─► rules ─► a profile in a file
//!                └─ fields: which bytes of a reply are copied, times, or numbers
//! ```
//!
//! Recognising is a pure function of the exchanges. Only this file has a lock and a file.

mod card_numbers;
mod clock;
mod exchange;
mod fields;
mod file;
mod kinds;
mod notation;
mod numbers;
#[cfg(test)]
mod tests;
mod times;

pub(crate) use self::file::RecordingFile;

use std::fmt::Write as _;

use framelink_transport::Profile;
use framelink_transport::session::{Inputs, Place, ReplyRules};

use self::exchange::Exchange;
use self::fields::Part;
use crate::failure::Failure;
use crate::output::Count;

/// The most exchanges of a recording, and the most bytes of a message.
const MOST_EXCHANGES: usize = 512;
const MOST_LEN: usize = 2048;

/// Exchanges with a peer.
#[derive(Default)]
pub(crate) struct Recording {
    exchanges: Vec<Exchange>,
    /// Exchanges that are too many, or too long.
    left_out: u64,
}

/// A recording as a profile, and what was recorded.
pub(crate) struct Recorded {
    pub(crate) toml: String,
    pub(crate) exchanges: usize,
    pub(crate) rules: usize,
}

impl Recording {
    /// Adds an exchange whose reply has arrived now.
    pub(crate) fn add(&mut self, request: &[u8], reply: &[u8], now: &Inputs<'_>) {
        if self.exchanges.len() >= MOST_EXCHANGES || request.len().max(reply.len()) > MOST_LEN {
            self.left_out += 1;
            return;
        }
        self.exchanges.push(Exchange::new(request, reply, now.now, now.local_offset));
    }

    /// Returns the profile of a server that answers like the peer. `clients` is the profile of those who sent the
    /// requests, `keys` are the places of their keys. `None`: there is no exchange.
    pub(crate) fn as_profile(
        &self,
        clients: &Profile,
        keys: &[Place],
        peer: &str,
    ) -> Result<Option<Recorded>, Failure> {
        let mut recorded = kinds::rules_of(&self.exchanges, keys);
        let more: usize = recorded.iter().skip(ReplyRules::MOST).map(|rule| rule.exchanges).sum();
        recorded.truncate(ReplyRules::MOST);
        let answered: usize = recorded.iter().map(|rule| rule.exchanges).sum();
        if answered == 0 {
            return Ok(None);
        }
        let in_turn = recorded.iter().any(|rule| rule.times.is_some());
        let masked = recorded.iter().flat_map(|rule| &rule.say).map(Part::masked).sum();
        let rules: Result<Vec<_>, _> = recorded.into_iter().map(notation::rule_of).collect();
        let rules = rules.map_err(Failure::fault)?;
        let count = rules.len();
        let profile = Profile::builder(clients.framing())
            .exchange(clients.exchange())
            .connection(clients.connection())
            .server_replies(rules)
            .build();
        let profile = profile.map_err(|error| Failure::fault(format!("the recording is no profile: {error}")))?;
        let notes = Notes {
            in_turn,
            masked,
            left_out: self.left_out + (self.exchanges.len() - answered) as u64,
            has_too_many_kinds: more > 0,
        };
        let toml = format!("{}{}", notes.comment(peer, answered), profile.to_toml());
        Ok(Some(Recorded { toml, exchanges: answered, rules: count }))
    }
}

/// What a reader of the file should know.
struct Notes {
    in_turn: bool,
    masked: usize,
    left_out: u64,
    has_too_many_kinds: bool,
}

impl Notes {
    fn comment(&self, peer: &str, exchanges: usize) -> String {
        let exchanges = Count(exchanges as u64, "exchange");
        let mut text = format!("# The answers of {}, from {exchanges}.", peer.escape_debug());
        text.push_str(" `framelink serve --profile FILE` answers like it.\n");
        if self.masked > 0 {
            let masked = Count(self.masked as u64, "character");
            let _ = writeln!(
                text,
                "# Masked: {masked} of card numbers and card tracks. The first 6 and the last 4 digits of a number are left."
            );
        }
        if self.in_turn {
            text.push_str("# Replies to requests of one kind differ: a rule with `times` answers the first requests of a connection.\n");
        }
        if self.left_out > 0 {
            let (left_out, most) = (Count(self.left_out, "exchange"), ReplyRules::MOST);
            let why = if self.has_too_many_kinds {
                format!("a profile has up to {most} rules")
            } else {
                format!("up to {MOST_EXCHANGES} of up to {MOST_LEN} bytes a message are recorded")
            };
            let _ = writeln!(
                text,
                "# Left out: {left_out}, as {why}, and replies to one kind of request that differ too often."
            );
        }
        text
    }
}
