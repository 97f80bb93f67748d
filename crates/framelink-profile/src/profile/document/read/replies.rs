//! Reads how a server answers.

use framelink_session::{ReplyFault, ReplyHeader, ReplyRule};
use framelink_template::{Match, Template};

use super::super::scalar::Number;
use super::super::{RepliesTable, ReplyTable};
use super::{Read, Word, parsed, time, token, unreadable, word};
use crate::profile::ProfileError;
use crate::profile::replies::ReplyKeys;

impl Word for ReplyFault {
    const ALL: &'static [Self] = &Self::ALL;
    fn word(self) -> &'static str {
        self.name()
    }
}

pub(super) fn rules_of(said: Vec<ReplyTable>) -> Read<Vec<ReplyRule>> {
    said.into_iter().enumerate().map(|(at, table)| rule_of(table, at)).collect()
}

fn rule_of(said: ReplyTable, at: usize) -> Read<ReplyRule> {
    let mut rule = ReplyRule::new(parsed::<Match>(ReplyKeys::WHEN.at(at), said.when)?.unwrap_or_else(Match::any));
    if let Some(reply) = parsed::<Template>(ReplyKeys::SAY.at(at), said.say)? {
        rule = rule.say(reply);
    }
    if let Some(delay) = time(ReplyKeys::AFTER.at(at), said.after)? {
        rule = rule.after(delay);
    }
    if let Some(text) = said.fault {
        rule = rule.fault(word(ReplyKeys::FAULT.at(at), &text)?);
    }
    if let Some(Number(text)) = said.times {
        let (key, most) = (ReplyKeys::TIMES.at(at), ReplyRule::MOST_TIMES as usize);
        let times = token(&text).number(1..=most, "requests").map_err(unreadable(key))?;
        rule = rule.times(u32::try_from(times).unwrap_or(ReplyRule::MOST_TIMES));
    }
    Ok(rule)
}

pub(super) fn header_of(said: RepliesTable) -> Read<Option<ReplyHeader>> {
    const LEN: &str = "replies.request-header";
    const HEADER: &str = "replies.header";
    let header = parsed::<Template>(HEADER, said.header)?;
    let len = |Number(text): Number| token(&text).number(1..=ReplyHeader::MOST_LEN, "bytes").map_err(unreadable(LEN));
    match (said.request_header.map(len).transpose()?, header) {
        (None, None) => Ok(None),
        (Some(len), Some(header)) => Ok(Some(ReplyHeader::new(len, header))),
        (None, Some(_)) => {
            let reason = "how many bytes a request's header has must be said, and it is not";
            Err(ProfileError::combination(HEADER, LEN, reason))
        }
        (Some(_), None) => {
            let reason = "what a reply's header is must be said, and it is not; \"text:\" is no header";
            Err(ProfileError::combination(LEN, HEADER, reason))
        }
    }
}
