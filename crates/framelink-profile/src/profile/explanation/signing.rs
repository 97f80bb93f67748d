//! What is exchanged before the first message and before the close, in words.

use crate::profile::first::FirstMessage;
use crate::profile::{OnRefusal, Profile};

pub(super) fn explain(profile: &Profile, mut say: impl FnMut(&'static str, String)) {
    first(profile, &mut say);
    greeting(profile, &mut say);
    for (label, when, sign) in
        [("sign-on", "once connected", profile.sign_on()), ("sign-off", "before closing", profile.sign_off())]
    {
        let Some(sign) = sign else { continue };
        let reply = match sign.expected() {
            None => String::new(),
            Some(expected) if expected.is_any() => " and waits for a reply".to_owned(),
            Some(expected) => format!(" and waits for a reply with {expected}"),
        };
        let then = match sign.on_refusal() {
            OnRefusal::Retry => "",
            OnRefusal::Stop => "; if the peer refuses, the address is not dialled again",
        };
        say(label, format!("{when}, a client sends a message like {}{reply}{then}", sign.send().example()));
        if let Some(rule) = sign.rule() {
            say(label, format!("a message can be the reply only with {rule}; others are kept for the application"));
        }
    }
    for rule in profile.meanwhile() {
        let (when, answer) = (rule.when(), rule.say().example());
        say("meanwhile", format!("until then, a client answers a message with {when} by one like {answer}"));
    }
}

fn first(profile: &Profile, say: &mut impl FnMut(&'static str, String)) {
    for step in profile.first() {
        let cut = step.cut.map_or_else(|| "a message".to_owned(), |cut| cut.to_string());
        let may = if step.is_optional { " (optional; framelink's client leaves it out)" } else { "" };
        let said = match step.message() {
            FirstMessage::Relayed => {
                format!("a client sends {cut}; a bridge relays it to the host, other servers take any")
            }
            FirstMessage::Sent(message) => format!("a client sends {cut} like {}{may}", message.example()),
            FirstMessage::Received { expect, say: None } => format!("a client expects {cut} with {expect}"),
            FirstMessage::Received { expect, say: Some(message) } => {
                format!("a client expects {cut} with {expect}; a server sends one like {}", message.example())
            }
        };
        say("first", format!("before all messages, {said}"));
    }
}

fn greeting(profile: &Profile, say: &mut impl FnMut(&'static str, String)) {
    let Some(greeting) = profile.greeting() else { return };
    if let Some(expected) = greeting.expected() {
        say("greeting", format!("once connected, a client first waits for a message with {expected}"));
    }
    if let Some(sent) = greeting.sent() {
        say("greeting", format!("once connected, a server first sends a message like {}", sent.example()));
    }
}
