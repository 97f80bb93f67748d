//! Exchanges, keys and numbers in plain words.

use std::fmt;

use super::Explanation;
use crate::profile::{Duplex, ExchangeKind, Profile, Reach};
use framelink_session::{Encoding, KeyPlaces, Place};

impl Explanation {
    pub(super) fn exchange(&mut self, profile: &Profile) {
        self.say("exchange", exchange(profile.exchange));
        if let Some(duplex) = profile.exchange.duplex() {
            self.say("in flight", in_flight(duplex, profile.key_rule().is_some()));
        }
        if let Some(rule) = profile.reply_rule() {
            self.say("replies", format!("only messages that match {rule}; others are unsolicited, whatever their key"));
        }
        self.numbers(profile);
    }

    fn numbers(&mut self, profile: &Profile) {
        if !profile.uses_numbers() {
            if profile.numbers().is_some() {
                self.say(
                    "numbers",
                    "[numbers] is not used: no template has {number:N}, and no key is assigned".to_owned(),
                );
            }
            return;
        }
        let range = profile.number_range();
        let kept = match profile.numbers().and_then(|numbers| numbers.file.as_deref()) {
            None => "; they begin anew when the program starts".to_owned(),
            Some(file) => format!(
                "; the file {}, which one program uses at a time, keeps them over restarts",
                file.to_string_lossy().escape_debug()
            ),
        };
        let (first, last) = (range.first(), range.last());
        self.say("numbers", format!("{first} to {last}, then again from {first}, over all connections{kept}"));
    }

    /// What a key cannot tell.
    pub(super) fn keys(&mut self, profile: &Profile) {
        let places = profile.exchange.duplex().and_then(|duplex| duplex.key);
        if profile.reply_rule().is_none() && (places.is_some() || profile.key_rule().is_some()) {
            self.say(
                "careful",
                "each message with the key of a request in flight is taken for its reply, also a request of the peer's own with an \
                 equal number; say which messages are replies (exchange.reply), such as reply = \"0:4=map:0200>0210|0800>0810\"",
            );
        }
        // The type of a message, or a command, may stand before a key. Behind that are fields.
        if let Some(place) = places.and_then(|places| places.iter().find(|place| place.offset() > 4)) {
            let offset = place.offset();
            self.say(
                "careful",
                format!(
                    "the key at {place} is found only if all {offset} bytes before it are fixed fields in each message: behind a field \
                     of variable length, such as the card number of ISO 8583, another part of the message would be the key; then use \
                     a function in code (ProfileBuilder::key_rule)"
                ),
            );
        }
    }
}

fn exchange(exchange: ExchangeKind) -> String {
    let dials = |reach| if reach == Reach::Dial { "we dial" } else { "the peer dials" };
    match exchange {
        ExchangeKind::Sync => "sync: a message, then its reply, then the next".to_owned(),
        ExchangeKind::SendOnly => "send-only: messages are sent, none are expected back".to_owned(),
        ExchangeKind::ReceiveOnly => "receive-only: messages are received, none are sent".to_owned(),
        ExchangeKind::Duplex(_) => "duplex: both sides send when they like".to_owned(),
        ExchangeKind::Simplex(simplex) => format!(
            "simplex: one connection only to send, which {}, and one only to receive, which {}",
            dials(simplex.send),
            dials(simplex.receive)
        ),
    }
}

fn in_flight(duplex: Duplex, by_function: bool) -> String {
    let most = format!("up to {} requests", duplex.in_flight);
    let by = match duplex.key {
        Some(places) => by_places(places, duplex.assigned),
        None if by_function => "a key that a function finds".to_owned(),
        None => {
            return format!(
                "{most}, answered in order; if a reply does not arrive in time, the connection is given up"
            );
        }
    };
    let same = if duplex.serialized {
        "requests with one key run one after the other"
    } else {
        "a request whose key is in flight is refused"
    };
    format!("{most}, answered in any order by {by}; {same}")
}

fn by_places(places: KeyPlaces, assigned: Option<Encoding>) -> String {
    let places: Vec<_> = places.iter().map(|place| ShowPlace(place).to_string()).collect();
    let which = if places.len() == 1 { "which" } else { "the first of which" };
    let chosen = match assigned.map(written) {
        None => String::new(),
        Some(written) => format!(", {which} framelink chooses and counts in {written}"),
    };
    format!("{}{chosen}", places.join(" and "))
}

fn written(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Ascii => "ASCII digits",
        Encoding::Binary => "network order",
        Encoding::BinaryLe => "binary, the lowest byte first",
        Encoding::Bcd => "packed BCD",
        Encoding::Ebcdic => "EBCDIC digits",
        Encoding::Hex => "ASCII hex digits",
        other => other.name(),
    }
}

struct ShowPlace(Place);

impl fmt::Display for ShowPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (offset, len) = (self.0.offset(), self.0.len());
        write!(f, "the {len} {} at offset {offset}", if len == 1 { "byte" } else { "bytes" })
    }
}
