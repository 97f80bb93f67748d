//! The messages from the command line.

use framelink_template::{ComposeError, Inputs, NumberRange, Numbers, Template};
use framelink_transport::tokio::Upstream;

use super::{Which, to_message};
use crate::arguments::values::{is_template, template};
use crate::failure::Failure;

/// The given messages, repeated for a number of rounds.
#[derive(Clone, Debug)]
pub(super) struct Given {
    messages: Vec<Source>,
    /// The numbers of the templates.
    numbers: Numbers,
    rounds: u64,
    next: usize,
    /// How many messages have been taken.
    count: u64,
}

/// What a message is made of.
#[derive(Clone, Debug)]
enum Source {
    Literal(Vec<u8>),
    Template(Template),
}

impl Given {
    /// Reads the messages. The connections of `upstream` get their numbers from the same source as the messages.
    pub(super) fn read(texts: &[String], hex: bool, upstream: Option<&Upstream>, rounds: u64) -> Result<Self, Failure> {
        let read = |(number, text): (u64, &String)| Source::read(text, hex).map_err(|error| refused(number, &error));
        let messages = (1..).zip(texts).map(read).collect::<Result<Vec<_>, _>>()?;
        let most = messages.iter().filter_map(Source::most_number).min();
        let of_profile = match (most, upstream) {
            (Some(_), Some(upstream)) => upstream.numbers().map_err(Failure::usage)?,
            _ => None,
        };
        let from_1 = || Numbers::over(NumberRange::from_1_to(most.unwrap_or(u64::MAX)));
        Ok(Self { messages, numbers: of_profile.unwrap_or_else(from_1), rounds, next: 0, count: 0 })
    }

    /// Takes the numbers from this source.
    pub(super) fn set_numbers(&mut self, numbers: Numbers) {
        self.numbers = numbers;
    }

    /// Returns the messages of one round with the largest number, and takes no number. Refuses templates that cannot be
    /// composed.
    pub(super) fn examples(&self) -> Result<Vec<Vec<u8>>, Failure> {
        let last = self.numbers.range().last();
        let largest = Numbers::over(NumberRange::new(last, last).unwrap_or(self.numbers.range()));
        let example = |(number, source): (u64, &Source)| {
            source.check(last).map_err(|error| refused(number, &error))?;
            source.compose(&largest).map_err(|error| refused(number, &error.to_string()))
        };
        (1..).zip(&self.messages).map(example).collect()
    }

    /// Returns the number of messages in one round.
    pub(super) const fn len(&self) -> usize {
        self.messages.len()
    }

    /// Returns the number of rounds that are left.
    pub(super) const fn rounds(&self) -> u64 {
        self.rounds
    }
}

impl Iterator for Given {
    type Item = Result<Vec<u8>, Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rounds == 0 {
            return None;
        }
        let composed = self.messages.get(self.next)?.compose(&self.numbers);
        (self.next, self.count) = (self.next + 1, self.count + 1);
        if self.next == self.messages.len() {
            (self.next, self.rounds) = (0, self.rounds - 1);
        }
        Some(composed.map_err(|error| Which::Message(self.count).failed(&format!("{error} (not sent)"))))
    }
}

impl Source {
    fn read(text: &str, hex: bool) -> Result<Self, String> {
        match is_template(text) {
            true => template(text).map(Self::Template),
            false => to_message(text.as_bytes().to_vec(), hex).map(Self::Literal),
        }
    }

    /// Returns the largest number that a template has room for, if it has numbers.
    fn most_number(&self) -> Option<u64> {
        match self {
            Self::Literal(_) => None,
            Self::Template(template) => template.most_number(),
        }
    }

    /// Refuses fields that a message of this command cannot have, and numbers that do not fit.
    fn check(&self, last: u64) -> Result<(), String> {
        let Self::Template(template) = self else { return Ok(()) };
        if template.needs_request() {
            return Err("`{request}` is for replies, and send sends requests".to_owned());
        }
        template.check_sources(|_| false).map_err(|error| error.to_string())?;
        match template.most_number() {
            Some(most) if most < last => Err(format!(
                "the numbers of the profile go up to {last}, and {{number}} holds at most {most}: set numbers.range"
            )),
            _ => Ok(()),
        }
    }

    fn compose(&self, numbers: &Numbers) -> Result<Vec<u8>, ComposeError> {
        match self {
            Self::Literal(message) => Ok(message.clone()),
            Self::Template(template) => template.compose(&Inputs::system(numbers)),
        }
    }
}

fn refused(number: u64, error: &str) -> Failure {
    Failure::usage(format!("message {number}: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_message_comes_in_every_round() {
        let all = |round: &[&str], rounds| {
            let texts: Vec<_> = round.iter().map(|text| (*text).to_owned()).collect();
            let given = Given::read(&texts, false, None, rounds).unwrap_or_else(|_| panic!("{round:?}"));
            given.map(|message| String::from_utf8(message.unwrap_or_default()).unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(all(&["a", "b"], 2), ["a", "b", "a", "b"]);
        assert_eq!(all(&["a"], 1), ["a"]);
        assert_eq!(all(&["text:{number:1}", "a"], 2), ["1", "a", "2", "a"]);
        assert!(all(&[], 3).is_empty() && all(&["a"], 0).is_empty());
    }
}
