//! Explanations of profiles in plain words.

mod exchange;
mod replies;
mod signing;
mod tls;

use std::fmt;
use std::time::Duration;

use framelink_codec::notation::{ShowDuration, ShowSize};
use framelink_codec::{Decode, Ends};

use super::words::Words;
use super::{
    ConnectionKind, ExchangeKind, Limits, Network, Policy, Pooled, Profile, Reconnect, Short, Side, WhenFull, liveness,
};
use crate::framing::Framing;
use crate::socket::SocketOptions;

/// The meaning of a profile in plain words, with a line for each setting.
///
/// ```
/// use framelink_profile::{Framing, Profile};
///
/// let explanation = Profile::template("short-sync", "ascii:4".parse::<Framing>()?)?.explain();
/// let lines: Vec<_> = explanation.lines().collect();
/// assert_eq!(lines[0], ("connection", "short: connect, one exchange, close; the client closes first"));
/// println!("{explanation}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Explanation {
    lines: Vec<(&'static str, String)>,
}

impl Explanation {
    pub(super) fn of(profile: &Profile) -> Self {
        let mut this = Self { lines: Vec::new() };
        this.say("connection", connection(profile));
        this.addresses(profile);
        this.exchange(profile);
        this.framing(profile);
        this.preamble(profile);
        signing::explain(profile, |label, text| this.say(label, text));
        replies::explain(profile, |label, text| this.say(label, text));
        this.reconnect(&profile.reconnect);
        this.timeouts(profile);
        this.limits(profile);
        this.as_server(profile);
        this.socket(&profile.socket);
        liveness::explain(profile, |label, text| this.say(label, text));
        tls::explain(profile, |label, text| this.say(label, text));
        this.cautions(profile);
        replies::cautions(profile, |label, text| this.say(label, text));
        this
    }

    /// Returns the lines, each with its label. An operator must read the lines with the label `careful`.
    pub fn lines(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.lines.iter().map(|(label, text)| (*label, &**text))
    }

    fn say(&mut self, label: &'static str, text: impl Into<String>) {
        self.lines.push((label, text.into()));
    }

    fn addresses(&mut self, profile: &Profile) {
        let addresses: Vec<_> = profile.addresses().iter().map(|address| address.as_str()).collect();
        match (&*addresses, profile.reconnect.policy) {
            ([], _) => {}
            ([primary, backups @ ..], Policy::PrimaryBackup) if !backups.is_empty() => {
                self.say("addresses", format!("{primary}, and as backup {}", backups.join(", then ")));
            }
            _ => self.say("addresses", addresses.join(", ")),
        }
        if let Some(listen) = profile.listen() {
            self.say("listens at", listen.as_str());
        }
    }

    fn framing(&mut self, profile: &Profile) {
        let says = |framing| {
            let framing: &Framing = framing;
            format!("{framing}: messages {}; at most {} of payload", Words(framing), ShowBytes(framing.max_payload()))
        };
        let framing = &profile.framing;
        match profile.exchange {
            _ if framing.send == framing.receive => self.say("both ways", says(&framing.send)),
            ExchangeKind::SendOnly => self.say("sends", says(&framing.send)),
            ExchangeKind::ReceiveOnly => self.say("receives", says(&framing.receive)),
            ExchangeKind::Sync | ExchangeKind::Duplex(_) | ExchangeKind::Simplex(_) => {
                self.say("sends", says(&framing.send));
                self.say("receives", says(&framing.receive));
            }
        }
    }

    fn preamble(&mut self, profile: &Profile) {
        // Only the lengths, because a preamble may be a password.
        let (sent, expected) = (profile.preamble.send().len(), profile.preamble.expect().len());
        let (send, expect) = (ShowBytes(sent), ShowBytes(expected));
        match (sent == 0, expected == 0) {
            (true, true) => {}
            (false, true) => self.say("preamble", format!("once connected, sends {send}")),
            (true, false) => self.say("preamble", format!("once connected, expects {expect}")),
            (false, false) => self.say("preamble", format!("once connected, sends {send} and expects {expect}")),
        }
    }

    fn reconnect(&mut self, reconnect: &Reconnect) {
        let Reconnect { first, cap, eject_after, fail_back, .. } = reconnect;
        let (first, cap) = (ShowDuration(*first), ShowDuration(*cap));
        self.say(
            "reconnecting",
            format!("within {first} of the first failure, then within twice that, and so on up to {cap}, at random"),
        );
        let fail_back = ShowDuration(*fail_back);
        let policy = match reconnect.policy {
            Policy::PrimaryBackup => {
                format!("the first healthy address; back to an earlier one when it is healthy, tried every {fail_back}")
            }
            Policy::RoundRobin => "one address after the other".to_owned(),
            Policy::LeastInFlight => "the address with the fewest exchanges in progress".to_owned(),
            Policy::Sticky => "any address, kept while it works".to_owned(),
        };
        let failures = if *eject_after == 1 { "failure" } else { "failures in a row" };
        self.say("of several", format!("{policy}; an address is skipped for a while after {eject_after} {failures}"));
    }

    fn timeouts(&mut self, profile: &Profile) {
        let timeouts = &profile.timeouts;
        self.say("connecting", format!("at most {}", ShowDuration(timeouts.connect)));
        if let Some(reply) = timeouts.reply {
            let whole = match profile.exchange {
                ExchangeKind::SendOnly => "waiting for a connection, connecting and writing",
                _ => "waiting for a connection, connecting, writing and the reply",
            };
            self.say("a call", format!("at most {}: {whole}", ShowDuration(reply)));
        }
        self.say("writing", format!("at most {} a message", ShowDuration(timeouts.write)));
        let close = ShowDuration(timeouts.close);
        self.say("closing", format!("waits up to {close} for the other side to close too"));
    }

    fn as_server(&mut self, profile: &Profile) {
        let Profile { timeouts, limits, access, .. } = profile;
        let mut say = |text: String| self.say("as a server", text);
        let full = match limits.when_full {
            WhenFull::RefuseNewest => "refuses more",
            WhenFull::DropOldest => "closes the oldest for another",
        };
        let (most, of_one) = (limits.connections, limits.per_client.min(limits.connections));
        say(format!("holds up to {most} connections, {of_one} of one client, and {full}"));
        let (first, frame) = (ShowDuration(timeouts.first_message), ShowDuration(timeouts.frame));
        say(format!("a client has {first} to begin its first message, and {frame} to complete each message"));
        if profile.heartbeat.is_some() && timeouts.first_request > timeouts.first_message {
            let longer = ShowDuration(timeouts.first_request);
            say(format!("a client that sends only heartbeats has {longer} to begin its first message"));
        }
        let (idle, lifetime) = (ShowDuration(timeouts.idle), ShowDuration(timeouts.lifetime));
        say(format!("closes a connection without messages for {idle}, and any connection after {lifetime}"));
        let (memory, share) = (ShowBytes(limits.memory), ShowBytes(limits.memory_per_client));
        let largest = "beyond that, the client that holds most is closed";
        say(format!("holds up to {memory} for all connections, {share} for one client; {largest}"));
        if profile.heartbeat.as_ref().is_some_and(|heartbeat| heartbeat.form().recognise(b"").is_some()) {
            say(format!("takes up to {} empty heartbeats a second", limits.empty_messages));
        } else if limits.empty_messages != Limits::EMPTY_MESSAGES {
            say("answers empty messages like any other: limits.empty-messages is for empty heartbeats".to_owned());
        }
        for (who, networks) in [("only", &access.allow), ("not", &access.deny)] {
            if !networks.is_empty() {
                say(format!("admits {who} {}", Listed(networks)));
            }
        }
    }

    fn limits(&mut self, profile: &Profile) {
        let (queue, messages) = (ShowBytes(profile.limits.write_queue), profile.limits.queued_messages);
        self.say("queue", format!("up to {queue} in {messages} messages wait to be written, then the sender waits"));
    }

    /// Only settings that differ from the defaults.
    fn socket(&mut self, socket: &SocketOptions) {
        let mut say = |text: String| self.say("socket", text);
        if let Some(source) = socket.source {
            say(format!("dials from {source}"));
        }
        if let Some(interface) = &socket.interface {
            say(format!("dials through the interface {interface}"));
        }
        if !socket.nodelay {
            say("small writes may wait to be sent together (no TCP_NODELAY)".to_owned());
        }
        for (name, size) in [("receive", socket.receive_buffer), ("send", socket.send_buffer)] {
            if let Some(size) = size {
                say(format!("asks the system for a {name} buffer of {}", ShowBytes(size)));
            }
        }
        match socket.linger {
            None => {}
            Some(Duration::ZERO) => say("closing resets the connection (linger 0)".to_owned()),
            Some(linger) => say(format!("closing waits up to {} for what is unsent", ShowDuration(linger))),
        }
        if socket.backlog != SocketOptions::new().backlog {
            say(format!("up to {} connections wait to be accepted", socket.backlog));
        }
        if !socket.reuse_address {
            say("an address on which old connections linger cannot be listened on".to_owned());
        }
    }

    /// Settings that work, but not always as expected.
    fn cautions(&mut self, profile: &Profile) {
        for (side, other) in [("client", Side::Server), ("server", Side::Client)] {
            if let Err(error) = profile.check_for(other) {
                self.say("careful", format!("only a {side} can use it, because for a {} {error}", other.name()));
            }
        }
        for side in [Side::Client, Side::Server] {
            if let Err(error) = profile.check_variables(side) {
                self.say("careful", format!("a {} does not start here: {error}", side.name()));
            }
        }
        if let Some(caution) = profile.mismatch_caution() {
            self.say("careful", caution);
        }
        self.keys(profile);
        let receives = profile.exchange.receives().then(|| profile.framing.receive.ends());
        match receives {
            Some(Ends::Quiet(silence)) if profile.connection.short().is_none() => {
                self.say("careful", format!("two messages less than {} apart are taken for one", ShowDuration(silence)))
            }
            Some(Ends::Read(_)) => {
                self.say("careful", "TCP may deliver one message in two reads, or two messages in one");
            }
            _ => {}
        }
        self.free_bytes(profile);
        let is_port_fixed = profile.socket.source.is_some_and(|source| source.port() != 0);
        if is_port_fixed && profile.connection.short().is_some() {
            let text =
                "a fixed source port cannot be dialled from again for a minute or so after a connection was closed";
            self.say("careful", text);
        }
    }

    fn free_bytes(&mut self, profile: &Profile) {
        let Framing::Length(length) = &profile.framing.send else { return };
        if profile.exchange == ExchangeKind::ReceiveOnly || length.keeps_header() {
            return;
        }
        let places = [
            ("before the length field (at)", "prefix"),
            ("behind it (gap)", "infix"),
            ("at the end of a frame (tail)", "suffix"),
        ];
        let free = length.free_bytes().into_iter().zip(places).filter(|(count, _)| *count > 0);
        let (counts, options): (Vec<_>, Vec<_>) =
            free.map(|(count, (place, option))| (format!("{count} {place}"), option)).unzip();
        if counts.is_empty() {
            return;
        }
        let (counts, options) = (counts.join(", "), options.join(" and "));
        let change = format!("say {options} if they must differ, or keep if messages contain them");
        self.say("careful", format!("free bytes are written as zeros: {counts}; {change}"));
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (label, text)) in self.lines.iter().enumerate() {
            write!(f, "{}{label:<12} {text}", if i == 0 { "" } else { "\n" })?;
        }
        Ok(())
    }
}

fn connection(profile: &Profile) -> String {
    let kept_up = if profile.keep_up { "; kept up: dialled at the start, and again when lost" } else { "" };
    let Short { half_close, closes } = match profile.connection {
        ConnectionKind::Long => return format!("long: stays open for many messages{kept_up}"),
        ConnectionKind::Shared(shared) => {
            let most = shared.connections;
            return format!("shared: up to {most} that stay open, each request over the least busy one{kept_up}");
        }
        ConnectionKind::Pooled(pooled) => return lent(&pooled),
        ConnectionKind::Short(short) => short,
    };
    let half = if half_close { "; the client half-closes when it has sent" } else { "" };
    let closes = match closes {
        Side::Client => "the client closes first",
        Side::Server => "the server closes first",
    };
    format!("short: connect, one exchange, close{half}; {closes}")
}

fn lent(pooled: &Pooled) -> String {
    let Pooled { min, max, max_idle, wait, idle, lifetime, uses, replace } = *pooled;
    let wait = wait.map_or("not at all".to_owned(), |wait| format!("up to {}", ShowDuration(wait)));
    let uses = uses.map_or(String::new(), |uses| format!(", used {uses} times"));
    let end = if replace {
        "each is closed after its exchange and another one opened".to_owned()
    } else {
        let (idle, lifetime) = (ShowDuration(idle), ShowDuration(lifetime));
        format!(
            "a connection is closed when it was idle for {idle}, when it is {lifetime} old{uses}, or when {max_idle} others are idle"
        )
    };
    format!("pooled: {min} to {max} that stay open, each used for one exchange at a time; a caller waits {wait}; {end}")
}

/// The first few of many networks.
struct Listed<'a>(&'a [Network]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 8;
        for (i, network) in self.0.iter().take(SHOWN).enumerate() {
            write!(f, "{}{network}", if i == 0 { "" } else { ", " })?;
        }
        let more = self.0.len().saturating_sub(SHOWN);
        if more > 0 { write!(f, " and {more} more") } else { Ok(()) }
    }
}

/// A size with its unit, or in bytes.
struct ShowBytes(usize);

impl fmt::Display for ShowBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let size = ShowSize(self.0).to_string();
        let unit = match size.ends_with('B') {
            true => "",
            false if self.0 == 1 => " byte",
            false => " bytes",
        };
        write!(f, "{size}{unit}")
    }
}
