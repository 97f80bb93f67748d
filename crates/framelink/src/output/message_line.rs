//! Prints a message, or the outcome of a message, as a line of stdout.

use std::fmt::Display;
use std::time::Duration;

use serde::Serialize;

use crate::failure::Failure;
use crate::output::bytes_text::{Json, Line, to_hex};
use crate::output::say;

/// How messages are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// As text, with control characters escaped.
    Text,
    Hex,
    /// One JSON object per line.
    Json,
}

/// The fields of one printed message. As text and as hex digits, only the prefix and the payload are printed.
#[derive(Debug, Default, Serialize)]
pub(crate) struct MessageLine<'a> {
    kind: &'static str,
    /// The number of the message, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<u64>,
    /// The line of stdin that was the message, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    peer: Option<String>,
    /// Milliseconds since 1970.
    time_ms: u64,
    /// The time from the start of the exchange to its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    elapsed_ms: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    payload_len: Option<usize>,
    /// As hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    /// The payload as text, if it is UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'a str>,
    /// What the peer may have seen of a message that failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip)]
    bytes: Option<&'a [u8]>,
    #[serde(skip)]
    prefix: &'static str,
}

/// Returns the time of day. The time is only printed, so it may jump.
#[expect(clippy::disallowed_types, reason = "no decision depends on it")]
fn milliseconds_since_1970() -> u64 {
    use std::time::{SystemTime, UNIX_EPOCH};
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl<'a> MessageLine<'a> {
    pub(crate) fn new(kind: &'static str, peer: Option<String>) -> Self {
        Self { kind, peer, time_ms: milliseconds_since_1970(), ..Self::default() }
    }

    /// Sets a text that is printed before the payload, except in JSON.
    pub(crate) fn prefix(self, prefix: &'static str) -> Self {
        Self { prefix, ..self }
    }

    pub(crate) fn payload(self, bytes: &'a [u8]) -> Self {
        Self { bytes: Some(bytes), ..self }
    }

    /// Sets the number of the message.
    pub(crate) fn message(self, number: u64) -> Self {
        Self { message: Some(number), ..self }
    }

    /// Sets the line of stdin that was the message.
    pub(crate) fn line(self, number: u64) -> Self {
        Self { line: Some(number), ..self }
    }

    /// Sets why the message failed, and what the peer may have seen of it.
    pub(crate) fn failed(self, outcome: impl Display, error: impl Display) -> Self {
        Self { outcome: Some(outcome.to_string()), error: Some(error.to_string()), ..self }
    }

    pub(crate) fn took(self, time: Duration) -> Self {
        // Digits below a microsecond have no meaning.
        let micros = (time.as_secs_f64() * 1e6).round();
        Self { elapsed_ms: Some(micros / 1000.0), ..self }
    }

    /// Prints the line. A line without a payload is printed only as JSON.
    pub(crate) fn print(mut self, style: Style) -> Result<(), Failure> {
        let printed = match (style, self.bytes) {
            (Style::Json, bytes) => {
                self.payload_len = bytes.map(<[u8]>::len);
                self.payload = bytes.map(to_hex);
                self.text = bytes.and_then(|bytes| str::from_utf8(bytes).ok());
                say(Json(&serde_json::to_string(&self).map_err(Failure::fault)?))
            }
            (Style::Text, Some(bytes)) => say(format_args!("{}{}", self.prefix, Line(bytes))),
            (Style::Hex, Some(bytes)) => say(format_args!("{}{}", self.prefix, to_hex(bytes))),
            (_, None) => Ok(()),
        };
        printed.map_err(|failure| match failure {
            // The message is received but not printed: it is lost.
            Failure::OutputClosed => Failure::fault("writing to stdout: no program reads it any more (broken pipe)"),
            other => other,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_printed_in_full_and_to_the_microsecond() {
        for (time, printed) in [
            (Duration::from_nanos(412_499), 0.412),
            (Duration::from_secs(86_400), 86_400_000.0),
            (Duration::new(7200, 1_000), 7_200_000.001),
        ] {
            assert_eq!(MessageLine::new("reply", None).took(time).elapsed_ms, Some(printed), "{time:?}");
        }
    }
}
