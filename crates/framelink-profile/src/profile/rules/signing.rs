//! What is exchanged before the first message and before the close.

use framelink_codec::{Decode, Encode, Ends};
use framelink_template::{Match, Template};

use super::{Checked, ends_by_close, receive_key, send_key};
use crate::framing::Framing;
use crate::profile::first::{FirstCut, FirstMessage};
use crate::profile::signing::Keys;
use crate::profile::{ConnectionKind, ExchangeKind, FirstStep, Profile, ProfileError, Side, Sign};

pub(super) fn check(profile: &Profile) -> Checked {
    for (key, template) in [Side::Client, Side::Server].into_iter().flat_map(|side| profile.templates(side)) {
        template
            .check_sources(|_| false)
            .map_err(|error| ProfileError::combination(key, "numbers", error.to_string()))?;
    }
    profile.first().iter().enumerate().try_for_each(|(at, step)| check_step(profile, step, at))?;
    check_greeting(profile)?;
    let has_greeting = profile.greeting().is_some_and(|greeting| greeting.expected().is_some());
    let is_answered = has_greeting || !profile.first().is_empty();
    signing_is_an_exchange(profile, "sign-on", profile.sign_on())?;
    if let Some(sign) = profile.sign_on() {
        check_request("sign-on.send", sign.send(), is_answered, "a greeting or a first step")?;
    }
    signing_is_an_exchange(profile, "sign-off", profile.sign_off())?;
    if let Some(sign) = profile.sign_off() {
        check_request("sign-off.send", sign.send(), false, "nothing")?;
    }
    meanwhile_is_while_something_is_awaited(profile, has_greeting)
}

/// A side can use what tells it which message to send and where the other side's message ends.
pub(super) fn check_for(profile: &Profile, side: Side) -> Checked {
    for (at, step) in profile.first().iter().enumerate() {
        match (step.message(), side) {
            (FirstMessage::Received { say: None, .. }, Side::Server) => {
                let reason = "a server sends this message, and the profile does not say it";
                return Err(ProfileError::combination(Keys::FIRST_EXPECT.at(at), Keys::FIRST_SAY.at(at), reason));
            }
            (FirstMessage::Relayed, Side::Client) => {
                let reason = "its message is that of another client, and only a bridge relays it";
                return Err(ProfileError::combination(Keys::FIRST_SEND.at(at), "the client", reason));
            }
            (FirstMessage::Sent(message), Side::Server) if step.cut.is_none() && message.fixed_len().is_none() => {
                let reason = "a server receives this message, and it has no fixed length; set bytes or framing";
                return Err(ProfileError::combination(Keys::FIRST_SEND.at(at), Keys::FIRST_BYTES.at(at), reason));
            }
            _ => {}
        }
    }
    check_greeting_for(profile, side)
}

/// A bridge needs a message for each step in which it relays one to the host, and a step for each such message.
pub(super) fn check_bridge(host: &Profile, clients: Option<&Profile>) -> Checked {
    let (to_host, of_clients) = (host.relayed_steps(), clients.map_or(0, Profile::relayed_steps));
    let at = host.relayed().next().or(clients.and_then(|clients| clients.relayed().next()));
    if to_host != of_clients
        && let Some(at) = at
    {
        let reason = format!(
            "a bridge relays as many messages as it receives: {of_clients} of a client, and {to_host} to the host"
        );
        return Err(ProfileError::combination(Keys::FIRST_SEND.at(at), "the bridge", reason));
    }
    check_greeting_for(host, Side::Client)
}

fn check_greeting_for(profile: &Profile, side: Side) -> Checked {
    let Some(greeting) = profile.greeting() else { return Ok(()) };
    match side {
        Side::Client if greeting.expected().is_none() => {
            let reason = "a server sends it, and the profile does not say what a client expects";
            Err(ProfileError::combination("greeting", "greeting.expect", reason))
        }
        Side::Server if greeting.sent().is_none() => {
            let reason = "a client expects it, and the profile does not say what a server sends";
            Err(ProfileError::combination("greeting", "greeting.send", reason))
        }
        _ => Ok(()),
    }
}

fn check_step(profile: &Profile, step: &FirstStep, at: usize) -> Checked {
    let key = match step.message() {
        FirstMessage::Sent(_) | FirstMessage::Relayed => Keys::FIRST_SEND.at(at),
        FirstMessage::Received { .. } => Keys::FIRST_EXPECT.at(at),
    };
    not_over_a_pair(profile, key)?;
    check_optional(profile, step, at)?;
    if matches!(step.message(), FirstMessage::Relayed) && profile.connection != ConnectionKind::Long {
        let reason =
            "a bridge relays the message of one client, and the connection is not for one client alone; use long";
        return Err(ProfileError::combination(key, "connection", reason));
    }
    match step.cut {
        None if !matches!(step.message(), FirstMessage::Sent(_)) => {
            let reason = "the profile does not say where the message ends; set bytes or framing";
            return Err(ProfileError::combination(key, Keys::FIRST_BYTES.at(at), reason));
        }
        Some(FirstCut::Framing(framing)) if framing.ends() != Ends::Itself => {
            let reason = "its messages do not end by their own bytes, so the next step could not begin";
            return Err(ProfileError::combination(Keys::FIRST_FRAMING.at(at), key, reason));
        }
        _ => {}
    }
    let Some(template) = step.sent() else { return Ok(()) };
    check_request(key, template, at > 0, "an earlier step")?;
    match step.cut {
        Some(FirstCut::Bytes(count)) => match template.fixed_len() {
            Some(len) if len != count => {
                let reason = format!("the message has {len} bytes, and the step {count}");
                Err(ProfileError::combination(Keys::FIRST_BYTES.at(at), key, reason))
            }
            _ => Ok(()),
        },
        Some(FirstCut::Framing(framing)) => fits(key, Keys::FIRST_FRAMING.at(at), template, &framing),
        None => Ok(()),
    }
}

/// A server tells by its constant bytes whether an optional message comes, and waits for the next one if not.
fn check_optional(profile: &Profile, step: &FirstStep, at: usize) -> Checked {
    if !step.is_optional {
        return Ok(());
    }
    let is_constant = matches!(step.message(), FirstMessage::Sent(message) if message.as_literal().is_some());
    let is_required =
        |step: &FirstStep| !step.is_optional && matches!(step.message(), FirstMessage::Sent(_) | FirstMessage::Relayed);
    let reason = match () {
        () if !is_constant => "a client may leave out only a constant message, by which a server recognises it",
        () if !profile.first().iter().skip(at).any(is_required) => {
            "a client that leaves it out must send a later step, by which a server sees that"
        }
        () => return Ok(()),
    };
    Err(ProfileError::combination(Keys::FIRST_OPTIONAL.at(at), "the step", reason))
}

fn check_greeting(profile: &Profile) -> Checked {
    let Some(greeting) = profile.greeting() else { return Ok(()) };
    not_over_a_pair(profile, "greeting")?;
    not_until_close(profile, "greeting")?;
    if profile.exchange == ExchangeKind::SendOnly && greeting.expected().is_some() {
        let reason = "a send-only exchange receives no message";
        return Err(ProfileError::combination("greeting", "exchange", reason));
    }
    if greeting.expected().is_some_and(Match::needs_request) {
        let reason = "it has `request`, and the greeting answers nothing";
        return Err(ProfileError::combination("greeting.expect", "greeting", reason));
    }
    let Some(sent) = greeting.sent() else { return Ok(()) };
    check_request("greeting.send", sent, !profile.first().is_empty(), "a first step")?;
    fits("greeting.send", send_key(&profile.framing), sent, &profile.framing.send)
}

fn signing_is_an_exchange(profile: &Profile, key: &'static str, sign: Option<&Sign>) -> Checked {
    let Some(sign) = sign else { return Ok(()) };
    let reason = match profile.exchange {
        ExchangeKind::ReceiveOnly => "it is a message, and a receive-only exchange sends none",
        ExchangeKind::SendOnly if sign.expected().is_some() => "a send-only exchange receives no reply to it",
        ExchangeKind::Simplex(_) => {
            "a pair of connections is joined before any message is sent; sign on in the application"
        }
        _ => {
            not_until_close(profile, key)?;
            return fits(key, send_key(&profile.framing), sign.send(), &profile.framing.send);
        }
    };
    Err(ProfileError::combination(key, "exchange", reason))
}

fn not_over_a_pair(profile: &Profile, key: &'static str) -> Checked {
    match profile.exchange {
        ExchangeKind::Simplex(_) => {
            let reason = "a pair of connections is joined before any message is sent";
            Err(ProfileError::combination(key, "exchange", reason))
        }
        _ => Ok(()),
    }
}

fn not_until_close(profile: &Profile, key: &'static str) -> Checked {
    if !(ends_by_close(&profile.framing.send) || ends_by_close(&profile.framing.receive)) {
        return Ok(());
    }
    let reason = "an `until-close` message ends with the connection, so nothing could follow it";
    Err(ProfileError::combination(key, "framing", reason))
}

/// Checks that a message can be framed, as far as the template shows it.
pub(super) fn fits(key: &'static str, with: &'static str, template: &Template, framing: &Framing) -> Checked {
    let zeros;
    let message = match (template.as_literal(), template.fixed_len()) {
        (Some(message), _) => message,
        // The length in a header that the message has itself is a field of it.
        (None, Some(_)) if matches!(framing, Framing::Length(length) if length.keeps_header()) => return Ok(()),
        (None, Some(len)) => {
            zeros = vec![b'0'; len];
            &zeros
        }
        (None, None) => return Ok(()),
    };
    framing.envelope(message).map(|_| ()).map_err(|error| {
        let reason = format!("it cannot be framed: {error}");
        ProfileError::combination(key, with, reason)
    })
}

/// A message that copies bytes of another one needs that one.
fn check_request(key: &'static str, template: &Template, is_answer: bool, of: &str) -> Checked {
    if is_answer || !template.needs_request() {
        return Ok(());
    }
    let what = if of == "nothing" {
        "it answers no message".to_owned()
    } else {
        format!("there is no message that it answers, such as {of}")
    };
    Err(ProfileError::combination(key, "request", format!("its template has {{request}}, and {what}")))
}

fn meanwhile_is_while_something_is_awaited(profile: &Profile, has_greeting: bool) -> Checked {
    let is_awaited = has_greeting || profile.sign_on().is_some_and(|sign| sign.expected().is_some());
    if profile.meanwhile().is_empty() {
        return Ok(());
    }
    if !is_awaited {
        let reason = "no greeting and no reply to a sign-on is awaited, so there is no meanwhile";
        return Err(ProfileError::combination("meanwhile", "sign-on.expect", reason));
    }
    for (at, rule) in profile.meanwhile().iter().enumerate() {
        if rule.when().needs_request() {
            let reason = "it has `request`, and the message answers nothing";
            return Err(ProfileError::combination(Keys::MEANWHILE_WHEN.at(at), "meanwhile", reason));
        }
        let key = Keys::MEANWHILE_SAY.at(at);
        let longest = profile.framing.receive.max_payload();
        rule.say()
            .check_places(longest)
            .map_err(|error| ProfileError::combination(key, receive_key(&profile.framing), error.to_string()))?;
        fits(key, send_key(&profile.framing), rule.say(), &profile.framing.send)?;
    }
    Ok(())
}
