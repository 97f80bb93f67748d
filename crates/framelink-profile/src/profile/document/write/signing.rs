//! Writes what is exchanged before the first message and before the close.

use framelink_codec::notation::ShowSize;

use super::super::scalar::{Number, TextOr};
use super::super::{FirstTable, GreetingTable, MeanwhileTable, SignTable};
use super::{text, unless};
use crate::profile::first::{FirstCut, FirstMessage, RELAY};
use crate::profile::{FirstStep, Greeting, Meanwhile, OnRefusal, Sign};

pub(super) fn sign(sign: &Sign) -> TextOr<SignTable> {
    let send = text(sign.send());
    match sign.expected() {
        None => TextOr::Text(send),
        Some(expected) => TextOr::Table(SignTable {
            send: Some(send),
            expect: Some(text(expected)),
            reply: sign.rule().map(text),
            refused: unless(sign.on_refusal(), OnRefusal::default(), |then| text(then.name())),
        }),
    }
}

pub(super) fn greeting(greeting: &Greeting) -> TextOr<GreetingTable> {
    match (greeting.expected(), greeting.sent()) {
        (Some(expected), None) => TextOr::Text(text(expected)),
        (expected, sent) => TextOr::Table(GreetingTable { expect: expected.map(text), send: sent.map(text) }),
    }
}

pub(super) fn first(step: &FirstStep) -> FirstTable {
    let mut said = FirstTable::default();
    match step.message() {
        FirstMessage::Sent(message) => said.send = Some(text(message)),
        FirstMessage::Relayed => said.send = Some(text(RELAY)),
        FirstMessage::Received { expect, say } => {
            (said.expect, said.say) = (Some(text(expect)), say.as_ref().map(text));
        }
    }
    said.optional = step.is_optional.then_some(true);
    match step.cut {
        Some(FirstCut::Bytes(count)) => said.bytes = Some(Number(ShowSize(count).to_string())),
        Some(FirstCut::Framing(framing)) => said.framing = Some(text(framing)),
        None => {}
    }
    said
}

pub(super) fn meanwhile(rule: &Meanwhile) -> MeanwhileTable {
    MeanwhileTable { when: Some(text(rule.when())), say: Some(text(rule.say())) }
}
