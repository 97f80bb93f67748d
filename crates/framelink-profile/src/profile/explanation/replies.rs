//! How a server answers, in words.

use framelink_codec::notation::ShowDuration;
use framelink_session::{ReplyFault, ReplyRule, ReplyRules};
use framelink_template::Template;

use crate::profile::Profile;

pub(super) fn explain(profile: &Profile, mut say: impl FnMut(&'static str, String)) {
    for rule in profile.server_replies() {
        say("reply", sentence(rule));
    }
    if let Some(header) = profile.reply_header() {
        let (len, example) = (header.len(), header.header().example());
        say("reply", format!("a bridge keeps the first {len} bytes of a request, and a reply begins with {example}"));
    }
}

/// Rules that never answer.
pub(super) fn cautions(profile: &Profile, mut say: impl FnMut(&'static str, String)) {
    for (rule, before) in ReplyRules::unreachable(profile.server_replies()) {
        let (rule, before) = (rule + 1, before + 1);
        say(
            "careful",
            format!(
                "rule {rule} of [[reply]] is never used: rule {before} takes all its requests; give that one `times`, or change their order"
            ),
        );
    }
}

fn sentence(rule: &ReplyRule) -> String {
    let which = match (rule.limit(), rule.when().is_any()) {
        (None, true) => "any message".to_owned(),
        (None, false) => format!("a message with {}", rule.when()),
        (Some(1), true) => "the first message of a connection".to_owned(),
        (Some(1), false) => format!("the first message of a connection with {}", rule.when()),
        (Some(most), true) => format!("each of the first {most} messages of a connection"),
        (Some(most), false) => format!("each of the first {most} messages of a connection with {}", rule.when()),
    };
    let after = match rule.delay() {
        delay if delay.is_zero() => String::new(),
        delay => format!(" after {}", ShowDuration(delay)),
    };
    let answers = |reply: &Template| format!("a server answers {which}{after} by one like {}", reply.example());
    match (rule.reply(), rule.reply_fault()) {
        (None, None) => format!("a server does not answer {which}{after}"),
        (Some(reply), None) => answers(reply),
        (None, Some(ReplyFault::CutReset)) => {
            format!("a server resets the connection{after} instead of answering {which}")
        }
        (None, Some(_)) => format!("a server closes the connection{after} instead of answering {which}"),
        (Some(reply), Some(fault)) => format!("{}, but {}", answers(reply), fault.help()),
    }
}
