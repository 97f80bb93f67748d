//! Records the answers of a real peer as reply rules, by which `framelink serve` answers like the peer.
//!
//! ```text
//! exchanges ─► kinds: which requests have replies of one form ─► rules ─► a profile in a file
//!                ├─ fields: which bytes of a reply are copied, times, or numbers
//!                └─ masking: which of the other bytes are digits of card numbers
//! ```
//!
//! Recognising is a pure function of the exchanges. Only `file` has a lock and a file.

mod card_numbers;
mod clock;
mod exchange;
mod fields;
mod file;
mod kinds;
mod masking;
mod notation;
mod numbers;
#[cfg(test)]
mod tests;
mod times;
mod work;

pub(crate) use self::file::RecordingFile;

use std::fmt::Write as _;

use framelink_transport::profile::ProfileBuilder;
use framelink_transport::session::{Inputs, Place, ReplyRules};

use self::exchange::Exchange;
use self::kinds::{MOST_IN_TURN, RecordedRule};
use self::work::Work;
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

    /// Returns the profile of a server that answers like the peer. `server` has its framing, `keys` are the places of keys
    /// in the messages. `None`: there is no exchange.
    pub(crate) fn as_profile(
        &self,
        server: ProfileBuilder,
        keys: &[Place],
        peer: &str,
        work: &Work,
    ) -> Result<Option<Recorded>, Failure> {
        let mut recorded = kinds::rules_of(&self.exchanges, keys, work);
        let count = |rules: &[RecordedRule]| rules.iter().map(|rule| rule.exchanges).sum::<usize>();
        let in_rules = count(&recorded);
        recorded.truncate(ReplyRules::MOST);
        let answered = count(&recorded);
        if answered == 0 {
            return Ok(None);
        }
        let notes = Notes {
            in_turn: recorded.iter().any(|rule| rule.times.is_some()),
            masked: recorded.iter().map(|rule| rule.masked).sum(),
            not_kept: self.left_out,
            too_many_kinds: (in_rules - answered) as u64,
            too_different: (self.exchanges.len() - in_rules) as u64,
            is_limited: work.is_over(),
        };
        let rules: Result<Vec<_>, _> = recorded.into_iter().map(notation::rule_of).collect();
        let rules = rules.map_err(Failure::fault)?;
        let count = rules.len();
        let profile = server.server_replies(rules).build();
        let profile = profile.map_err(|error| Failure::fault(format!("the recording is no profile: {error}")))?;
        let toml = format!("{}{}", notes.comment(peer, answered), profile.to_toml());
        Ok(Some(Recorded { toml, exchanges: answered, rules: count }))
    }
}

/// What a reader of the file should know.
struct Notes {
    in_turn: bool,
    masked: usize,
    /// Exchanges that are left out, for each reason.
    not_kept: u64,
    too_many_kinds: u64,
    too_different: u64,
    /// Not all copies were looked for.
    is_limited: bool,
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
        if self.is_limited {
            text.push_str("# The messages have too many equal bytes: not all copied bytes and kinds of requests were looked for.\n");
        }
        for (count, why) in [
            (
                self.not_kept,
                format!("only {MOST_EXCHANGES} exchanges are recorded, with up to {MOST_LEN} bytes a message"),
            ),
            (self.too_many_kinds, format!("a profile has at most {} rules", ReplyRules::MOST)),
            (
                self.too_different,
                format!("replies to one kind of request have at most {MOST_IN_TURN} rules, one after the other"),
            ),
        ] {
            if count > 0 {
                let _ = writeln!(text, "# Left out: {}, because {why}.", Count(count, "exchange"));
            }
        }
        text
    }
}
