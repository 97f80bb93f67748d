//! Reads what is exchanged before the first message and before the close.

use framelink_template::{Match, Template};

use super::super::scalar::{Number, TextOr};
use super::super::{FirstTable, GreetingTable, MeanwhileTable, SignTable};
use super::{Read, parsed, refuse, token, unreadable, word};
use crate::profile::first::RELAY;
use crate::profile::signing::{Keys, MOST_MEANWHILE};
use crate::profile::{FirstStep, Greeting, Meanwhile, ProfileError, Sign};

/// The keys of an exchange: itself, `send`, `expect`, `reply`, `refused`.
type SignKeys = [&'static str; 5];

pub(super) const SIGN_ON: SignKeys = ["sign-on", "sign-on.send", "sign-on.expect", "sign-on.reply", "sign-on.refused"];
pub(super) const SIGN_OFF: SignKeys =
    ["sign-off", "sign-off.send", "sign-off.expect", "sign-off.reply", "sign-off.refused"];

/// A text is a message without a reply.
pub(super) fn sign_of(said: TextOr<SignTable>, keys: &SignKeys) -> Read<Sign> {
    let [key, send, expect, reply, refused] = *keys;
    let table = match said {
        TextOr::Text(text) => return Ok(Sign::new(required::<Template>(key, parsed(key, Some(text))?, key)?)),
        TextOr::Table(table) => table,
    };
    let mut sign = Sign::new(required::<Template>(key, parsed(send, table.send)?, send)?);
    if let Some(expected) = parsed::<Match>(expect, table.expect)? {
        sign = sign.expect(expected);
    }
    let needs_expect = |key, is_said: bool| {
        let reason = "it is about the reply, and no reply is expected; set expect, such as expect = \"any\"";
        if is_said && sign.expected().is_none() { Err(ProfileError::combination(key, expect, reason)) } else { Ok(()) }
    };
    needs_expect(reply, table.reply.is_some())?;
    needs_expect(refused, table.refused.is_some())?;
    if let Some(rule) = parsed::<Match>(reply, table.reply)? {
        sign = sign.reply_rule(rule);
    }
    Ok(match table.refused {
        Some(text) => sign.refused(word(refused, &text)?),
        None => sign,
    })
}

/// A text is what a client expects.
pub(super) fn greeting_of(said: TextOr<GreetingTable>) -> Read<Greeting> {
    let table = match said {
        TextOr::Text(text) => {
            return Ok(Greeting::new().expect(required("greeting", parsed("greeting", Some(text))?, "greeting")?));
        }
        TextOr::Table(table) => table,
    };
    let mut greeting = Greeting::new();
    if let Some(expect) = parsed("greeting.expect", table.expect)? {
        greeting = greeting.expect(expect);
    }
    if let Some(send) = parsed("greeting.send", table.send)? {
        greeting = greeting.send(send);
    }
    match greeting == Greeting::new() {
        true => Err(ProfileError::combination(
            "greeting",
            "greeting.expect",
            "a match or a message is required, and none is given",
        )),
        false => Ok(greeting),
    }
}

pub(super) fn first_of(said: Vec<FirstTable>) -> Read<Vec<FirstStep>> {
    check_count("first", said.len(), FirstStep::MOST, "steps")?;
    said.into_iter().enumerate().map(|(at, table)| step_of(table, at)).collect()
}

fn step_of(said: FirstTable, at: usize) -> Read<FirstStep> {
    let (send, expect, say) = (Keys::FIRST_SEND.at(at), Keys::FIRST_EXPECT.at(at), Keys::FIRST_SAY.at(at));
    let is_received = said.expect.is_some();
    if said.send.is_some() && is_received {
        return Err(ProfileError::combination(expect, send, "a step has one direction: `send` or `expect`"));
    }
    let of_server = (is_received, "it is what a server sends where a client has `expect`");
    refuse(&[(say, said.say.is_some(), of_server)], send, "a step with `send`")?;
    let step = match (parsed::<Match>(expect, said.expect)?, said.send) {
        (Some(what), _) => FirstStep::expect(what),
        (None, Some(message)) if message.0 == RELAY => FirstStep::relay(),
        (None, Some(message)) => FirstStep::send(required::<Template>("first", parsed(send, Some(message))?, send)?),
        (None, None) => {
            return Err(ProfileError::combination("first", send, "a step has `send` or `expect`, and none is given"));
        }
    };
    let step = if said.optional == Some(true) { step.optional() } else { step };
    let step = match parsed(say, said.say)? {
        Some(message) => step.say(message),
        None => step,
    };
    let (bytes, framing) = (Keys::FIRST_BYTES.at(at), Keys::FIRST_FRAMING.at(at));
    match (said.bytes, parsed(framing, said.framing)?) {
        (Some(_), Some(_)) => Err(ProfileError::combination(framing, bytes, "both say where the message ends")),
        (Some(Number(text)), None) => {
            let count = token(&text).number(1..=FirstStep::MOST_BYTES, "bytes").map_err(unreadable(bytes))?;
            Ok(step.bytes(count))
        }
        (None, Some(framing)) => Ok(step.framing(framing)),
        (None, None) => Ok(step),
    }
}

pub(super) fn meanwhile_of(said: Vec<MeanwhileTable>) -> Read<Vec<Meanwhile>> {
    check_count("meanwhile", said.len(), MOST_MEANWHILE, "rules")?;
    let rule = |(at, table): (usize, MeanwhileTable)| {
        let (when, say) = (Keys::MEANWHILE_WHEN.at(at), Keys::MEANWHILE_SAY.at(at));
        let rule = required("meanwhile", parsed(when, table.when)?, when)?;
        Ok(Meanwhile::new(rule, required("meanwhile", parsed(say, table.say)?, say)?))
    };
    said.into_iter().enumerate().map(rule).collect()
}

fn check_count(key: &'static str, count: usize, most: usize, what: &str) -> Read<()> {
    if count <= most {
        Ok(())
    } else {
        Err(ProfileError::out_of_bounds(key, format!("{count} {what}"), format!("up to {most}")))
    }
}

fn required<T>(key: &'static str, value: Option<T>, missing: &'static str) -> Read<T> {
    let reason = || match missing.ends_with("when") {
        true => "a match is required, and none is given",
        false => "a message is required, and none is given",
    };
    value.ok_or_else(|| ProfileError::combination(key, missing, reason()))
}
