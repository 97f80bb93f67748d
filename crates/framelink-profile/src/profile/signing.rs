//! What is exchanged before the first message and before the close.

use std::sync::Arc;

use framelink_heartbeat::{Form, Role};
use framelink_session::{Dialogue, DialogueRules};
use framelink_template::{Numbers, Template};

use super::first::FirstMessage;
use super::replies::ReplyKeys;
use super::{FirstStep, Greeting, Meanwhile, Profile, ProfileError, Side, Sign};

/// What is exchanged before the first message and before the close.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Signing {
    pub(super) first: Vec<FirstStep>,
    pub(super) greeting: Option<Greeting>,
    pub(super) sign_on: Option<Sign>,
    pub(super) meanwhile: Vec<Meanwhile>,
    pub(super) sign_off: Option<Sign>,
}

/// The most rules for other messages.
pub(super) const MOST_MEANWHILE: usize = 16;

/// Keys with the number of a step or rule, from 1.
macro_rules! numbered {
    ($table:literal, $field:literal) => {
        [
            concat!($table, ".1.", $field),
            concat!($table, ".2.", $field),
            concat!($table, ".3.", $field),
            concat!($table, ".4.", $field),
            concat!($table, ".5.", $field),
            concat!($table, ".6.", $field),
            concat!($table, ".7.", $field),
            concat!($table, ".8.", $field),
            concat!($table, ".9.", $field),
            concat!($table, ".10.", $field),
            concat!($table, ".11.", $field),
            concat!($table, ".12.", $field),
            concat!($table, ".13.", $field),
            concat!($table, ".14.", $field),
            concat!($table, ".15.", $field),
            concat!($table, ".16.", $field),
        ]
    };
}

/// The keys of a field of each step or rule.
pub(super) struct Keys([&'static str; FirstStep::MOST]);

impl Keys {
    pub(super) const FIRST_SEND: Self = Self(numbered!("first", "send"));
    pub(super) const FIRST_EXPECT: Self = Self(numbered!("first", "expect"));
    pub(super) const FIRST_SAY: Self = Self(numbered!("first", "say"));
    pub(super) const FIRST_OPTIONAL: Self = Self(numbered!("first", "optional"));
    pub(super) const FIRST_BYTES: Self = Self(numbered!("first", "bytes"));
    pub(super) const FIRST_FRAMING: Self = Self(numbered!("first", "framing"));
    pub(super) const MEANWHILE_WHEN: Self = Self(numbered!("meanwhile", "when"));
    pub(super) const MEANWHILE_SAY: Self = Self(numbered!("meanwhile", "say"));

    /// Returns the key of the step or rule with this index. There are never more than the keys.
    pub(super) fn at(&self, index: usize) -> &'static str {
        self.0.get(index).or(self.0.last()).copied().unwrap_or_default()
    }
}

impl Profile {
    /// Returns the steps before the first message.
    pub fn first(&self) -> &[FirstStep] {
        self.signing.as_deref().map_or(&[], |signing| &signing.first)
    }

    /// Returns the index of each step whose message a bridge relays.
    pub(super) fn relayed(&self) -> impl Iterator<Item = usize> {
        let steps = self.first().iter().enumerate();
        steps.filter(|(_, step)| matches!(step.message(), FirstMessage::Relayed)).map(|(at, _)| at)
    }

    /// Returns how many first steps have a message that a bridge [relays](FirstStep::relay).
    #[must_use]
    pub fn relayed_steps(&self) -> usize {
        self.relayed().count()
    }

    /// Checks that the profile has this number of [relayed steps](Self::relayed_steps).
    ///
    /// # Errors
    /// Returns both numbers if not.
    pub fn check_relayed(&self, messages: usize) -> Result<(), ProfileError> {
        let steps = self.relayed_steps();
        if steps == messages {
            return Ok(());
        }
        let reason = format!("messages to relay: {messages}, steps with send = \"relay\": {steps}");
        Err(ProfileError::combination("first", "the messages", reason))
    }

    /// Returns the first message of the server.
    #[must_use]
    pub fn greeting(&self) -> Option<&Greeting> {
        self.signing.as_deref()?.greeting.as_ref()
    }

    /// Returns the exchange with which each connection of a client begins.
    #[must_use]
    pub fn sign_on(&self) -> Option<&Sign> {
        self.signing.as_deref()?.sign_on.as_ref()
    }

    /// Returns the exchange with which each connection of a client ends, if it ends cleanly.
    #[must_use]
    pub fn sign_off(&self) -> Option<&Sign> {
        self.signing.as_deref()?.sign_off.as_ref()
    }

    /// Returns how other messages are answered while a client waits for the greeting or the reply to its sign-on.
    #[must_use]
    pub fn meanwhile(&self) -> &[Meanwhile] {
        self.signing.as_deref().map_or(&[], |signing| &signing.meanwhile)
    }

    /// Returns whether this side does anything on a new connection before its first message.
    #[must_use]
    pub fn has_dialogue(&self, us: Side) -> bool {
        let Some(signing) = self.signing.as_deref() else { return false };
        let greeting = signing.greeting.as_ref();
        let has_more = match us {
            Side::Client => greeting.is_some_and(|greeting| greeting.expected().is_some()) || signing.sign_on.is_some(),
            Side::Server => greeting.is_some_and(|greeting| greeting.sent().is_some()),
        };
        has_more || !signing.first.is_empty()
    }

    /// Returns what this side does on a new connection before its first message, with numbers of this source.
    #[must_use]
    pub fn dialogue(&self, us: Side, numbers: &Numbers) -> Dialogue {
        let mut rules = DialogueRules::default();
        rules.first = self.first().iter().map(FirstStep::step).collect();
        rules.greeting = self.greeting().cloned();
        rules.sign_on = self.sign_on().cloned();
        rules.meanwhile = self.meanwhile().to_vec();
        rules.reply = self.reply_rule().cloned();
        rules.heartbeat = self.heartbeat.clone();
        rules.has_receiver = self.exchange.duplex().is_some();
        let us = match us {
            Side::Client => Role::Client,
            Side::Server => Role::Server,
        };
        Dialogue::new(Arc::new(rules), us, numbers.clone())
    }

    /// Checks that the environment variables are set that this side's messages contain. Their values are not shown.
    ///
    /// # Errors
    /// Returns the key and the name of the first that is not set.
    pub fn check_variables(&self, us: Side) -> Result<(), ProfileError> {
        let is_set = |name: &str| std::env::var_os(name).is_some();
        for (key, template) in self.templates(us) {
            if let Some(name) = template.variables().find(|name| !is_set(name)) {
                return Err(ProfileError::Unset { key, variable: name.to_owned() });
            }
        }
        Ok(())
    }

    /// Returns the templates of the messages that this side sends, each with its key.
    pub(super) fn templates(&self, us: Side) -> Vec<(&'static str, &Template)> {
        let mut templates = Vec::new();
        for (at, step) in self.first().iter().enumerate() {
            let (sender, key) = match step.message() {
                // framelink leaves out an optional step as a client.
                FirstMessage::Sent(_) if step.is_optional => continue,
                FirstMessage::Sent(_) | FirstMessage::Relayed => (Side::Client, Keys::FIRST_SEND.at(at)),
                FirstMessage::Received { .. } => (Side::Server, Keys::FIRST_SAY.at(at)),
            };
            templates.extend(step.sent().filter(|_| sender == us).map(|template| (key, template)));
        }
        if let Some(heartbeat) = self.heartbeat()
            && let Form::Pattern(pattern) = heartbeat.form()
        {
            // A side that sends no probes answers those of the other side.
            let skipped = usize::from(!heartbeat.sent_by().is(us.role()));
            templates.extend(pattern.templates().skip(skipped).map(|template| ("liveness.heartbeat", template)));
        }
        match us {
            Side::Server => {
                templates.extend(self.greeting().and_then(Greeting::sent).map(|sent| ("greeting.send", sent)));
                let rules = self.server_replies().iter().enumerate();
                templates.extend(rules.filter_map(|(at, rule)| Some((ReplyKeys::SAY.at(at), rule.reply()?))));
                templates.extend(self.reply_header().map(|header| ("replies.header", header.header())));
            }
            Side::Client => {
                let signs = [("sign-on.send", self.sign_on()), ("sign-off.send", self.sign_off())];
                templates.extend(signs.into_iter().filter_map(|(key, sign)| Some((key, sign?.send()))));
                let rules = self.meanwhile().iter().enumerate();
                templates.extend(rules.map(|(at, rule)| (Keys::MEANWHILE_SAY.at(at), rule.say())));
            }
        }
        templates
    }
}
