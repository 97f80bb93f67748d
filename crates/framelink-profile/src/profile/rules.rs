//! Rules: settings that cannot work together, and why.
//!
//! A rule refuses only settings that work for neither side of a connection. [`Profile::check_for`] checks one side. A
//! timeout that only one side uses (reply, frame) is judged for that side: a longer one does not harm the other side.

mod replies;
mod signing;
mod tls;

use std::time::Duration;

use super::{
    ConnectionKind, Duplex, ExchangeKind, Pooled, Profile, ProfileError, Side, Simplex, Timeouts, liveness, numbering,
};
use crate::framing::{Framing, FramingPair};
use framelink_codec::notation::ShowDuration;
use framelink_codec::{Decode, Ends};

type Checked = Result<(), ProfileError>;

pub(super) fn check(profile: &Profile) -> Checked {
    until_close_needs_short(profile)?;
    until_close_needs_an_end(profile)?;
    unmarked_messages_need_a_pause(profile)?;
    many_in_flight_need_a_connection_that_stays(profile)?;
    many_in_flight_are_what_is_shared(profile)?;
    what_is_kept_up_stays(profile)?;
    a_key_is_inside_every_message_that_has_one(profile)?;
    what_is_about_keys_has_a_key(profile)?;
    a_reply_rule_tells_replies_apart(profile)?;
    numbering::check(profile)?;
    silence_fits_into_a_call(profile)?;
    silence_fits_into_a_frame(profile)?;
    connecting_fits_into_a_short_call(profile)?;
    a_reset_destroys_what_was_sent(profile)?;
    signing::check(profile)?;
    replies::check(profile)?;
    tls::check(profile)?;
    liveness::check(profile)
}

/// A reply timeout without requests shows that another exchange was meant.
pub(super) fn reply_without_request() -> ProfileError {
    let reason = "a receive-only exchange sends no requests, so there are no replies";
    ProfileError::combination("timeouts.reply", "exchange", reason)
}

/// Who can use a profile.
impl Profile {
    /// Checks whether this side of a connection can use the profile.
    ///
    /// Nearly all profiles fit both sides. If a message ends with the close, the closing order matters: a client whose
    /// request ends that way must half-close, and a server whose reply ends that way must close first.
    ///
    /// ```
    /// use framelink_profile::{FramingPair, Profile, Short, Side};
    ///
    /// // A request line, and a reply that ends with the close.
    /// let framing = FramingPair { send: "line".parse()?, receive: "until-close".parse()? };
    /// let profile = Profile::builder(framing).connection(Short::new().closes(Side::Server)).build()?;
    /// assert!(profile.check_for(Side::Client).is_ok());
    /// assert!(profile.check_for(Side::Server).is_err(), "a server could not see the end of its message");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Returns the reason why it cannot.
    pub fn check_for(&self, side: Side) -> Result<(), ProfileError> {
        self.check_ends(side)?;
        signing::check_for(self, side)
    }

    /// Checks whether a bridge can use this profile for connections to a host, one for each client of the profile
    /// `clients`. Unlike other clients, it can [relay](super::FirstStep::relay) first messages.
    ///
    /// # Errors
    /// Returns the reason why it cannot.
    pub fn check_bridge(&self, clients: Option<&Self>) -> Result<(), ProfileError> {
        self.check_ends(Side::Client)?;
        signing::check_bridge(self, clients)
    }

    fn check_ends(&self, side: Side) -> Result<(), ProfileError> {
        let other = match side {
            Side::Client => Side::Server,
            Side::Server => Side::Client,
        };
        if self.exchange.sends() && ends_by_close(&self.framing.send) {
            can_end(self, side, send_key(&self.framing))?;
        }
        if self.exchange.receives() && ends_by_close(&self.framing.receive) {
            can_end(self, other, receive_key(&self.framing))?;
        }
        tls::check_for(self, side)
    }

    /// Returns the pool settings if a pool can use this profile.
    ///
    /// # Errors
    /// Returns the reason why it cannot.
    pub fn check_pool(&self) -> Result<Pooled, ProfileError> {
        self.check_for(Side::Client)?;
        self.check_variables(Side::Client)?;
        self.connection.pooled().ok_or_else(|| {
            let reason = "it lends connections, which only pooled has; use a Client, or a Link";
            ProfileError::combination("connection", "the pool", reason)
        })
    }

    /// Checks whether a client with one exchange at a time can use this profile.
    ///
    /// # Errors
    /// Returns the reason why it cannot.
    pub fn check_one_at_a_time(&self) -> Result<(), ProfileError> {
        self.check_for(Side::Client)?;
        self.check_variables(Side::Client)?;
        if self.exchange.duplex().is_none() {
            return Ok(());
        }
        let reason =
            "it carries one exchange at a time; for many requests in flight, use a Link, or a connection's `duplex`";
        Err(ProfileError::combination("exchange", "the client", reason))
    }

    /// Checks whether a client with many requests in flight on each connection can use this profile.
    ///
    /// # Errors
    /// Returns the reason why it cannot.
    pub fn check_duplex(&self) -> Result<(), ProfileError> {
        self.check_for(Side::Client)?;
        self.check_variables(Side::Client)?;
        let reason = match self.exchange {
            ExchangeKind::Duplex(_) => return Ok(()),
            ExchangeKind::Simplex(_) => {
                "a pair of connections has two addresses; use Link::simplex, or a connection's `simplex`"
            }
            _ => "it has many requests in flight, which only duplex and simplex allow; use a Client",
        };
        Err(ProfileError::combination("exchange", "the link", reason))
    }

    /// Returns the settings of the pair if a client with a pair of connections can use this profile.
    ///
    /// # Errors
    /// Returns the reason why it cannot.
    pub fn check_simplex(&self) -> Result<Simplex, ProfileError> {
        self.check_for(Side::Client)?;
        self.check_variables(Side::Client)?;
        let ExchangeKind::Simplex(simplex) = self.exchange else {
            let reason = "it is a pair of connections, which only simplex has";
            return Err(ProfileError::combination("exchange", "the link", reason));
        };
        Ok(simplex)
    }
}

fn until_close_needs_short(profile: &Profile) -> Checked {
    let Profile { framing, exchange, .. } = profile;
    let is_sent = exchange.sends() && ends_by_close(&framing.send);
    let is_received = exchange.receives() && ends_by_close(&framing.receive);
    if profile.connection.short().is_some() || !(is_sent || is_received) {
        return Ok(());
    }
    let key = if is_sent { send_key(framing) } else { receive_key(framing) };
    let reason = "an `until-close` message ends with the connection, so a long connection could carry only one; use a short \
                  connection";
    Err(ProfileError::combination(key, "connection", reason))
}

/// At least one side must be able to use the profile.
fn until_close_needs_an_end(profile: &Profile) -> Checked {
    let is_for_a_bridge = profile.relayed_steps() > 0;
    let as_client =
        || if is_for_a_bridge { profile.check_bridge(Some(profile)) } else { profile.check_for(Side::Client) };
    as_client().or_else(|as_client| profile.check_for(Side::Server).map_err(|_| as_client))
}

fn can_end(profile: &Profile, sender: Side, key: &'static str) -> Checked {
    if profile.connection.short().is_none() || ends_its_side(profile, sender) {
        return Ok(());
    }
    let (with, reason) = match sender {
        Side::Client => (
            "connection.half-close",
            "an `until-close` message of the client ends when it half-closes; set half-close = true, as the template \
             short-until-close has it",
        ),
        Side::Server => (
            "connection.closes",
            "an `until-close` message of the server ends when it closes, so the client cannot close first; set closes = \
             \"server\", as the template short-until-close has it",
        ),
    };
    Err(ProfileError::combination(key, with, reason))
}

/// Returns whether a side closes, half or completely, right after its message. A request ends before its reply, so a
/// complete close by the client comes too late.
fn ends_its_side(profile: &Profile, sender: Side) -> bool {
    let Some(short) = profile.connection.short() else { return false };
    match sender {
        Side::Client => short.half_close || (!is_sync(profile) && short.closes == Side::Client),
        Side::Server => short.closes == Side::Server,
    }
}

/// Only a pause separates such messages, and messages in a row have none. With `sync`, the reply separates them.
fn unmarked_messages_need_a_pause(profile: &Profile) -> Checked {
    let Profile { framing, exchange, .. } = profile;
    let is_in_a_row = match exchange {
        ExchangeKind::Sync | ExchangeKind::ReceiveOnly => false,
        ExchangeKind::SendOnly => profile.connection.short().is_none(),
        ExchangeKind::Duplex(_) | ExchangeKind::Simplex(_) => true,
    };
    if !is_in_a_row {
        return Ok(());
    }
    unmarked(&framing.send, send_key(framing))?;
    // If replies follow one another, the peer sends messages in a row too.
    if exchange.duplex().is_some() { unmarked(&framing.receive, receive_key(framing)) } else { Ok(()) }
}

fn unmarked(framing: &Framing, key: &'static str) -> Checked {
    let end = match framing.ends() {
        Ends::Quiet(_) => "silence",
        Ends::Read(_) => "the end of a read",
        _ => return Ok(()),
    };
    let reason = format!(
        "only {end} ends a message, so two that are sent one after the other would run together; use a short connection, \
         or sync, where the reply comes between"
    );
    Err(ProfileError::combination(key, "exchange", reason))
}

fn many_in_flight_need_a_connection_that_stays(profile: &Profile) -> Checked {
    if profile.exchange.duplex().is_none() || profile.connection.short().is_none() {
        return Ok(());
    }
    let reason = "a short connection has one exchange, so no other request can be in flight; use a long one";
    Err(ProfileError::combination("exchange", "connection", reason))
}

fn many_in_flight_are_what_is_shared(profile: &Profile) -> Checked {
    let reason = match (profile.connection, profile.exchange) {
        (ConnectionKind::Long | ConnectionKind::Short(_), _)
        | (ConnectionKind::Shared(_), ExchangeKind::Duplex(_))
        | (ConnectionKind::Pooled(_), ExchangeKind::Sync | ExchangeKind::SendOnly) => return Ok(()),
        (ConnectionKind::Pooled(_), ExchangeKind::Duplex(_)) => {
            "a pooled connection carries one exchange at a time, which is sync; for many requests in flight, use shared"
        }
        (ConnectionKind::Pooled(_), _) => {
            "a pooled connection carries one exchange of one caller at a time; use sync, or a long connection"
        }
        (ConnectionKind::Shared(_), ExchangeKind::Simplex(_)) => {
            "a simplex pair is one link of two connections, so there is nothing to share; use a long connection"
        }
        (ConnectionKind::Shared(_), _) => {
            "connections are shared by many requests in flight, which only a duplex exchange has; use duplex, or a long \
             connection"
        }
    };
    Err(ProfileError::combination("connection", "exchange", reason))
}

/// A message that is too short has no key. If every message is too short, that is an error.
fn a_key_is_inside_every_message_that_has_one(profile: &Profile) -> Checked {
    let Some(places) = profile.exchange.duplex().and_then(|duplex| duplex.key) else { return Ok(()) };
    let framing = &profile.framing;
    let longest = framing.send.max_payload().min(framing.receive.max_payload());
    let end = places.end();
    if end <= longest {
        return Ok(());
    }
    let reason = format!("the key ends {end} bytes into a message, and messages have at most {longest}");
    Err(ProfileError::combination("exchange.key", "framing", reason))
}

fn what_is_about_keys_has_a_key(profile: &Profile) -> Checked {
    let refused = |key, with, reason: &str| Err(ProfileError::combination(key, with, reason.to_owned()));
    let has_rule = profile.key_rule().is_some();
    match profile.exchange.duplex() {
        None if has_rule => {
            let reason = "a key tells many requests in flight apart, which only duplex and simplex have";
            refused("exchange.key", "exchange.kind", reason)
        }
        Some(Duplex { key: Some(_), .. }) if has_rule => {
            let reason = "the builder has a key rule as well, and either says where keys are";
            refused("exchange.key", "exchange", reason)
        }
        Some(Duplex { assigned: Some(_), .. }) if has_rule => {
            let reason = "a function finds the key, so there is no place to which a number could be written";
            refused("exchange.assign", "exchange.key", reason)
        }
        Some(Duplex { key: None, assigned: Some(_), .. }) => refused("exchange.assign", "exchange.key", NO_KEY),
        Some(Duplex { key: None, serialized: true, .. }) if !has_rule => {
            refused("exchange.serialize", "exchange.key", NO_KEY)
        }
        _ => Ok(()),
    }
}

const NO_KEY: &str =
    "it is about keys, and without a key replies come in order; set exchange.key, such as key = \"4:6\"";

/// A message that is too short for a place of the rule is no reply. If every message is too short, that is an error.
fn a_reply_rule_tells_replies_apart(profile: &Profile) -> Checked {
    let Some(rule) = profile.reply_rule() else { return Ok(()) };
    if profile.exchange.duplex().is_none() {
        let reason = format!(
            "it tells replies from other messages while many requests are in flight, which duplex and simplex have, and this \
             one is {}",
            profile.exchange.name()
        );
        return Err(ProfileError::combination("exchange.reply", "exchange.kind", reason));
    }
    let framing = &profile.framing;
    let ends = [("a message", rule.least_len(), &framing.receive), ("a request", rule.request_len(), &framing.send)];
    for (what, end, framing) in ends {
        if end != usize::MAX && end > framing.max_payload() {
            let most = framing.max_payload();
            let reason = format!("it compares {end} bytes of {what}, which has at most {most}");
            return Err(ProfileError::combination("exchange.reply", "framing", reason));
        }
    }
    Ok(())
}

/// A client or a link keeps up only connections that it dials.
fn what_is_kept_up_stays(profile: &Profile) -> Checked {
    if !profile.keep_up {
        return Ok(());
    }
    let (with, reason) = match (profile.connection, profile.exchange) {
        (_, ExchangeKind::Simplex(_)) => ("exchange", "a pair of connections is made by both sides"),
        (ConnectionKind::Short(_), _) => ("connection.kind", "a short connection ends with its exchange"),
        (ConnectionKind::Pooled(_), _) => {
            ("connection.kind", "a pool opens `min` connections in advance, and again where one is lost")
        }
        (ConnectionKind::Long | ConnectionKind::Shared(_), _) => return Ok(()),
    };
    Err(ProfileError::combination("connection.keep-up", with, reason))
}

/// If silence ends the request, the peer answers only after the silence. If silence ends the reply, the reply is
/// complete only after the silence. A close ends either at once.
fn silence_fits_into_a_call(profile: &Profile) -> Checked {
    let Some(reply) = profile.timeouts.reply.filter(|_| is_sync(profile)) else { return Ok(()) };
    let framing = &profile.framing;
    let request = silence_of(&framing.send).filter(|_| !ends_its_side(profile, Side::Client));
    let answer = silence_of(&framing.receive).filter(|_| !ends_its_side(profile, Side::Server));
    let silences = request.unwrap_or_default().saturating_add(answer.unwrap_or_default());
    if reply > silences {
        return Ok(());
    }
    let key = if answer.is_some() { receive_key(framing) } else { send_key(framing) };
    let reason = format!(
        "silence ends the messages, so a call takes more than {} even when the peer answers at once; {} is too short",
        ShowDuration(silences),
        ShowDuration(reply)
    );
    Err(ProfileError::combination("timeouts.reply", key, reason))
}

/// Applies to messages that a server receives.
fn silence_fits_into_a_frame(profile: &Profile) -> Checked {
    let silence = silence_of(&profile.framing.receive).filter(|_| !ends_its_side(profile, Side::Client));
    let frame = profile.timeouts.frame;
    let Some(silence) = silence.filter(|silence| profile.exchange.receives() && frame <= *silence) else {
        return Ok(());
    };
    let reason = format!(
        "a message is complete only after {} of silence, and {} is too short for that",
        ShowDuration(silence),
        ShowDuration(frame)
    );
    Err(ProfileError::combination("timeouts.frame", receive_key(&profile.framing), reason))
}

fn connecting_fits_into_a_short_call(profile: &Profile) -> Checked {
    let Timeouts { connect, reply: Some(reply), .. } = profile.timeouts else { return Ok(()) };
    if profile.connection.short().is_none() || connect <= reply {
        return Ok(());
    }
    let reason = format!(
        "on a short connection the whole call has {}, including connecting, so a limit of {} for connecting alone would never be reached",
        ShowDuration(reply),
        ShowDuration(connect)
    );
    Err(ProfileError::combination("timeouts.connect", "timeouts.reply", reason))
}

fn a_reset_destroys_what_was_sent(profile: &Profile) -> Checked {
    let is_last_word = profile.exchange == ExchangeKind::SendOnly && profile.connection.short().is_some();
    if !is_last_word || profile.socket.linger != Some(Duration::ZERO) {
        return Ok(());
    }
    let reason = "each message is followed by the close, and a reset destroys bytes that are not delivered by then";
    Err(ProfileError::combination("socket.linger", "exchange", reason))
}

fn is_sync(profile: &Profile) -> bool {
    profile.exchange == ExchangeKind::Sync
}

fn ends_by_close(framing: &Framing) -> bool {
    framing.ends() == Ends::Close
}

fn silence_of(framing: &Framing) -> Option<Duration> {
    match framing.ends() {
        Ends::Quiet(silence) => Some(silence),
        _ => None,
    }
}

fn send_key(framing: &FramingPair) -> &'static str {
    if framing.send == framing.receive { "framing" } else { "framing.send" }
}

fn receive_key(framing: &FramingPair) -> &'static str {
    if framing.send == framing.receive { "framing" } else { "framing.receive" }
}
