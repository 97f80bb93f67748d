//! How a server answers.

use framelink_codec::notation::ShowDuration;
use framelink_session::{ReplyFault, ReplyRule, ReplyRules};

use super::signing::fits;
use super::{Checked, receive_key, send_key};
use crate::profile::replies::ReplyKeys;
use crate::profile::{ExchangeKind, Profile, ProfileError};

pub(super) fn check(profile: &Profile) -> Checked {
    let count = profile.server_replies().len();
    if count > ReplyRules::MOST {
        return Err(ProfileError::out_of_bounds(
            "reply",
            format!("{count} rules"),
            format!("up to {}", ReplyRules::MOST),
        ));
    }
    profile.server_replies().iter().enumerate().try_for_each(|(at, rule)| check_rule(profile, rule, at))?;
    let Some(header) = profile.reply_header() else { return Ok(()) };
    let longest = profile.framing.receive.max_payload();
    if header.len() > longest {
        let reason = format!("the header has {} bytes, and a request at most {longest}", header.len());
        return Err(ProfileError::combination("replies.request-header", receive_key(&profile.framing), reason));
    }
    let inside = header.header().check_places(header.len());
    inside.map_err(|error| ProfileError::combination("replies.header", "replies.request-header", error.to_string()))
}

fn check_rule(profile: &Profile, rule: &ReplyRule, at: usize) -> Checked {
    let (when, say, fault) = (ReplyKeys::WHEN.at(at), ReplyKeys::SAY.at(at), ReplyKeys::FAULT.at(at));
    if rule.when().needs_request() {
        let reason = "it has `request`, and the message that it tests is the request itself";
        return Err(ProfileError::combination(when, say, reason));
    }
    let longest = profile.framing.receive.max_payload();
    if rule.when().least_len() > longest {
        let reason = format!("its places need {} bytes, and a message has at most {longest}", rule.when().least_len());
        return Err(ProfileError::combination(when, receive_key(&profile.framing), reason));
    }
    check_bounds(rule, at)?;
    let Some(reply) = rule.reply() else { return Ok(()) };
    if profile.exchange == ExchangeKind::ReceiveOnly {
        return Err(ProfileError::combination(say, "exchange", "a receive-only exchange sends no replies"));
    }
    if rule.reply_fault() == Some(ReplyFault::Slam) {
        return Err(ProfileError::combination(say, fault, "with `slam` the connection is closed without a reply"));
    }
    if rule.reply_fault().is_some_and(|fault| !fault.fits(&profile.framing.send)) {
        let reason = "no header of this framing is wrong, so a reply cannot have this fault";
        return Err(ProfileError::combination(fault, send_key(&profile.framing), reason));
    }
    let inside = reply.check_places(longest);
    inside.map_err(|error| ProfileError::combination(say, receive_key(&profile.framing), error.to_string()))?;
    fits(say, send_key(&profile.framing), reply, &profile.framing.send)
}

fn check_bounds(rule: &ReplyRule, at: usize) -> Checked {
    let (delay, longest, most) = (rule.delay(), ReplyRule::LONGEST_DELAY, ReplyRule::MOST_TIMES);
    if delay > longest {
        let allowed = format!("at most {}", ShowDuration(longest));
        return Err(ProfileError::out_of_bounds(ReplyKeys::AFTER.at(at), ShowDuration(delay), allowed));
    }
    match rule.limit() {
        Some(times) if !(1..=most).contains(&times) => {
            let allowed = format!("1 to {most} requests");
            Err(ProfileError::out_of_bounds(ReplyKeys::TIMES.at(at), times, allowed))
        }
        _ => Ok(()),
    }
}
