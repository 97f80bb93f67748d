//! Writes how a server answers.

use framelink_session::{ReplyHeader, ReplyRule};
use std::time::Duration;

use super::super::scalar::Number;
use super::super::{RepliesTable, ReplyTable};
use super::{count, text, time, unless};

pub(super) fn rule(rule: &ReplyRule) -> ReplyTable {
    ReplyTable {
        when: (!rule.when().is_any()).then(|| text(rule.when())),
        say: rule.reply().map(text),
        after: unless(rule.delay(), Duration::ZERO, time),
        fault: rule.reply_fault().map(|fault| text(fault.name())),
        times: rule.limit().map(count),
    }
}

pub(super) fn header(header: Option<&ReplyHeader>) -> RepliesTable {
    let Some(header) = header else { return RepliesTable::default() };
    RepliesTable { request_header: Some(Number(header.len().to_string())), header: Some(text(header.header())) }
}
