//! Parses the values of options.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use framelink_codec::notation::{NotationError, Token};
use framelink_testkit::{Fault, UnknownFault};
use framelink_transport::profile::{
    Address, ConnectionKind, Duplex, ExchangeKind, Network, Pooled, Shared, Short, Simplex, WhenFull,
};
use framelink_transport::session::{Encoding, KeyPlaces, Match, Template};
use framelink_transport::{Framing, Heartbeat, Keepalive, Profile, zoned_address};

use crate::output::bytes_text::is_invisible;

/// The reply of a server to each message.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Echo,
    Nothing,
    Say(Template),
}

pub(crate) fn fault(name: &str) -> Result<Fault, String> {
    name.parse().map_err(|error: UnknownFault| error.to_string())
}

pub(crate) fn framing(text: &str) -> Result<Framing, String> {
    text.parse().map_err(|error| point_at(text, &error))
}

pub(crate) fn heartbeat(text: &str) -> Result<Arc<Heartbeat>, String> {
    text.parse().map(Arc::new).map_err(|error| point_at(text, &error))
}

pub(crate) fn keepalive(text: &str) -> Result<Keepalive, String> {
    text.parse().map_err(|error| point_at(text, &error))
}

/// Checks the form of an address. The name is looked up later.
pub(crate) fn address(text: &str) -> Result<String, String> {
    if text.parse::<SocketAddr>().is_ok() {
        // A link-local address without a zone is refused, with the zones of this machine.
        return with_zone(text).map(Cow::into_owned).map_err(|error| error.to_string());
    }
    let address = text.parse::<Address>();
    address.map(|address| address.to_string()).map_err(|error| error.message().to_owned())
}

/// Replaces the name of a network interface in an address with its number: std does not read names.
pub(crate) fn with_zone(address: &str) -> io::Result<Cow<'_, str>> {
    match zoned_address(address) {
        Some(zoned) => zoned.map(|zoned| zoned.to_string().into()),
        None => Ok(address.into()),
    }
}

/// The addresses of a peer. Empty only until the profile is loaded that has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Addresses(pub(crate) Vec<String>);

impl Addresses {
    /// Returns the addresses of a profile.
    pub(crate) fn of(profile: &Profile) -> Self {
        Self(profile.addresses().iter().map(ToString::to_string).collect())
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

pub(crate) fn addresses(text: &str) -> Result<Addresses, String> {
    text.split(',').map(address).collect::<Result<_, _>>().map(Addresses)
}

pub(crate) fn exchange(text: &str) -> Result<ExchangeKind, String> {
    match text {
        "sync" => Ok(ExchangeKind::Sync),
        "send-only" => Ok(ExchangeKind::SendOnly),
        "duplex" => Ok(Duplex::new().into()),
        "simplex" => Ok(Simplex::new(Duplex::new()).into()),
        _ => Err("expected sync, duplex, simplex or send-only".to_owned()),
    }
}

pub(crate) fn connection(text: &str) -> Result<ConnectionKind, String> {
    let (kind, count_text) = text.split_once(':').unwrap_or((text, ""));
    let count = |most: u32| {
        let count = Token { text: count_text, column: 1 }.number(1..=most as usize, "connections");
        count
            .map(|count| u32::try_from(count).unwrap_or(most))
            .map_err(|error| format!("{kind}:N: {}", error.message()))
    };
    match (kind, count_text) {
        ("long", "") => Ok(ConnectionKind::Long),
        ("short", "") => Ok(Short::new().into()),
        ("pooled", "") => Ok(Pooled::default().into()),
        ("shared", _) => count(Shared::MOST).map(|count| Shared::new(count).into()),
        ("pooled", _) => count(Pooled::MOST).map(|count| Pooled::new(count).into()),
        _ => Err("expected long, short, shared:N or pooled:N".to_owned()),
    }
}

pub(crate) fn key(text: &str) -> Result<KeyPlaces, String> {
    text.parse().map_err(|error: NotationError| error.message().to_owned())
}

/// `digits` is the old word for ascii.
pub(crate) fn assigned(text: &str) -> Result<Encoding, String> {
    match text {
        "digits" => Ok(Encoding::Ascii),
        _ => text.parse().map_err(|error: NotationError| error.message().to_owned()),
    }
}

pub(crate) fn reply_rule(text: &str) -> Result<Match, String> {
    text.parse().map_err(|error| point_at(text, &error))
}

pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    Token { text, column: 1 }.duration().map_err(|error| error.message().to_owned())
}

/// Parses a number of bytes, as sizes are written in the notation.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let size = Token { text, column: 1 }.size().map_err(|error| error.message().to_owned())?;
    Ok(size as u64)
}

/// Parses a decimal number.
pub(crate) fn number(text: &str) -> Result<usize, String> {
    let error = |_| Token { text, column: 1 }.mismatch("a decimal number").message().to_owned();
    Token { text, column: 1 }.number(0..=usize::MAX, "").map_err(error)
}

pub(crate) fn network(text: &str) -> Result<Network, String> {
    text.parse().map_err(|error| point_at(text, &error))
}

pub(crate) fn when_full(text: &str) -> Result<WhenFull, String> {
    let rules = [WhenFull::RefuseNewest, WhenFull::DropOldest];
    rules.into_iter().find(|rule| rule.name() == text).ok_or_else(|| "expected refuse-newest or drop-oldest".to_owned())
}

pub(crate) fn reply(text: &str) -> Result<Reply, String> {
    match text {
        "echo" => Ok(Reply::Echo),
        "none" => Ok(Reply::Nothing),
        _ if is_template(text) => template(text).map(Reply::Say),
        _ => Err("expected echo, none, text:T or hex:H".to_owned()),
    }
}

/// Returns whether a text is a template, and not a message that is sent as it stands.
pub(crate) fn is_template(text: &str) -> bool {
    text.starts_with("text:") || text.starts_with("hex:")
}

pub(crate) fn template(text: &str) -> Result<Template, String> {
    text.parse().map_err(|error| point_at(text, &error))
}

/// Returns the error, and below it the notation with a mark under the wrong part.
fn point_at(text: &str, error: &NotationError) -> String {
    let indent = " ".repeat(error.column().saturating_sub(1));
    let mark = "^".repeat(error.len().max(1));
    // Each character keeps its width, so that the mark stands below the wrong part.
    let text: String = text.chars().map(|c| if is_invisible(c) { char::REPLACEMENT_CHARACTER } else { c }).collect();
    format!("{error}\n    {text}\n    {indent}{mark}")
}
