//! `framelink send`: sends messages and prints the replies.

mod conversation;
mod every;
mod given;
mod many;
mod one_way;
mod out;
mod peer;
mod stdin;

use std::fmt::Display;
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::profile::{ExchangeKind, Side, Timeouts};
use framelink_transport::tokio::{Client, ConnectError, Connection, Connector, Upstream};
use framelink_transport::{Encode, FramingPair, Profile, SocketOptions};
use tokio::time::Instant;

use self::conversation::Conversation;
use self::given::Given;
use self::out::Out;
use self::stdin::Stdin;
use super::connect_failed;
use crate::arguments::Send;
use crate::arguments::profile::{Overrides, fits, load};
use crate::arguments::values::with_zone;
use crate::failure::Failure;
use crate::output::Count;
use crate::output::bytes_text::from_hex;
use crate::output::message_line::Style;
use crate::server::certificates;

/// How long to look for further messages after the last reply.
const LAST_LOOK: Duration = Duration::from_millis(100);
/// Stands before a message that answers no request.
const UNSOLICITED: &str = "unasked: ";

pub(crate) async fn run(mut send: Send) -> Result<(), Failure> {
    send.take_address()?;
    let settings = Settings::of(&send)?;
    send.take_profile(settings.profile.as_ref())?;
    let out = Out::new(send.style(), send.addresses.to_string());
    let sent = send_all(&send, settings, &out).await;
    // All connections are closed, and their messages are printed.
    sent.and_then(|()| out.check_printed())
}

async fn send_all(send: &Send, settings: Settings, out: &Out) -> Result<(), Failure> {
    let upstream = settings.profile.as_ref().map(|profile| send.upstream(profile.clone(), out));
    let messages = given(send, &settings, upstream.as_ref())?;
    if let (Some(every), Some(upstream)) = (send.every, &upstream) {
        let messages = repeated(messages, upstream.profile())?;
        return every::run(upstream.clone(), send, messages, every, out).await;
    }
    let is_many = |upstream: &&Upstream| {
        let profile = upstream.profile();
        profile.exchange().duplex().is_some() || profile.connection().pooled().is_some()
    };
    if let Some(upstream) = upstream.as_ref().filter(is_many) {
        return many::run(upstream.clone(), send, messages, out).await;
    }
    let way = match settings.dial(send, upstream, out).await {
        Ok(way) => way,
        Err(failure) => {
            if let Failure::Fault(error) = &failure {
                out.not_connected(error)?;
            }
            return Err(failure);
        }
    };
    match (settings.no_reply, way) {
        (true, SendRoute::Plain(connection)) => one_way::run(*connection, messages, send, settings.timeout, out).await,
        (true, SendRoute::Profile(client)) => send_each(*client, messages, send, out).await,
        (false, way) => Conversation { way, timeout: settings.timeout, out: out.clone() }.run(messages, send).await,
    }
}

impl Send {
    /// Returns the upstream that dials the addresses. Messages that no operation receives are printed.
    fn upstream(&self, profile: Profile, out: &Out) -> Upstream {
        let addresses = self.addresses.0.iter().map(String::as_str);
        certificates::warn(&profile);
        Upstream::new(&Arc::new(profile), addresses).on_unread(out.unread())
    }

    /// Returns how replies are printed.
    const fn style(&self) -> Style {
        match (self.json, self.hex) {
            (true, _) => Style::Json,
            (false, true) => Style::Hex,
            (false, false) => Style::Text,
        }
    }
}

/// The settings from options and profile together.
struct Settings {
    framing: FramingPair,
    timeout: Duration,
    no_reply: bool,
    /// Options of the socket if there is no profile.
    socket: SocketOptions,
    profile: Option<Profile>,
}

/// The connections to the peer.
enum SendRoute {
    /// One connection for all messages.
    Plain(Box<Connection>),
    /// One connection for each exchange.
    Profile(Box<Client>),
}

impl Settings {
    fn of(send: &Send) -> Result<Self, Failure> {
        let mut calls = send.calls.clone();
        if send.every.is_some() && send.no_reply && calls.exchange.is_none() {
            calls.exchange = Some(ExchangeKind::SendOnly);
        }
        // With a profile, `--framing` also replaces both directions.
        let mut overrides = Overrides {
            send: send.protocol.framing,
            receive: send.reply_framing.or(send.protocol.framing),
            reply_within: send.timeout,
            // Without a profile the default of `--timeout` is for connecting too.
            connect_within: send.timeout.or(send.protocol.profile.is_none().then_some(Timeouts::REPLY)),
            calls,
            liveness: send.liveness.clone(),
            sets: send.protocol.sets.clone(),
            ..Overrides::default()
        };
        let key_flags = [
            (send.calls.key.is_some(), "--key"),
            (send.calls.assign.is_some(), "--assign"),
            (send.calls.reply_rule.is_some(), "--reply-rule"),
        ];
        if send.no_reply
            && let Some((_, flag)) = key_flags.into_iter().find(|(is_said, _)| *is_said)
        {
            return Err(Failure::usage(format!(
                "{flag} finds the message that a reply answers, and --no-reply waits for no reply: leave one of them out"
            )));
        }
        let needs_profile = send.addresses.0.len() > 1
            || send.calls.are_said()
            || send.protocol.sets.are_said()
            || send.liveness.heartbeat.is_some()
            || send.every.is_some();
        let profile = |overrides: &Overrides| match &send.protocol.profile {
            Some(name) => load(name, overrides).map(Some),
            None if needs_profile => overrides.profile().map(Some),
            None => Ok(None),
        };
        let mut said = profile(&overrides)?;
        // A pool closes a connection on which a reply may still arrive, and loses messages that have arrived.
        let is_cut = |profile: &Profile| profile.connection().pooled().is_some() && profile.exchange().receives();
        if send.no_reply && said.as_ref().is_some_and(is_cut) {
            overrides.calls.exchange = Some(ExchangeKind::SendOnly);
            // If the profile has a sign-on with a reply, `send-only` is refused, and the profile stays as it is.
            said = profile(&overrides).unwrap_or(said);
        }
        let profile = said;
        match (profile, overrides.send, overrides.receive) {
            (Some(profile), _, _) => {
                fits(&profile, Side::Client)?;
                send.calls.check(profile.exchange())?;
                Ok(Self {
                    framing: profile.framing(),
                    timeout: profile.timeouts().reply.unwrap_or(Timeouts::REPLY),
                    no_reply: send.no_reply || profile.exchange() == ExchangeKind::SendOnly,
                    socket: profile.socket().clone(),
                    profile: Some(profile),
                })
            }
            (None, Some(framing), Some(receive)) => Ok(Self {
                framing: FramingPair { send: framing, receive },
                timeout: send.timeout.unwrap_or(Timeouts::REPLY),
                no_reply: send.no_reply,
                socket: send.liveness.socket(),
                profile: None,
            }),
            (None, _, _) => Err(Failure::usage("--framing or --profile is needed")),
        }
    }

    fn is_short(&self) -> bool {
        self.profile.as_ref().is_some_and(|profile| profile.connection().short().is_some())
    }

    /// Connects, unless each exchange has its own connection.
    async fn dial(&self, send: &Send, upstream: Option<Upstream>, out: &Out) -> Result<SendRoute, Failure> {
        let address = send.addresses.to_string();
        let connected = match upstream {
            Some(upstream) if self.is_short() => {
                return Client::over(upstream).map(Box::new).map(SendRoute::Profile).map_err(Failure::usage);
            }
            // The lease of the address is not needed: this command does not dial again.
            Some(upstream) => upstream.dial().await.map(|(connection, _)| connection),
            None => {
                let connector = Connector::new(self.framing).within(self.timeout).options(self.socket.clone());
                let connector = connector.on_unread(out.unread());
                match with_zone(&address) {
                    Ok(address) => connector.connect(&*address).await,
                    Err(error) => Err(ConnectError::Resolve(error)),
                }
            }
        };
        if let Some(peer) = connected.as_ref().ok().and_then(Connection::peer_addr) {
            out.is_with(peer.to_string());
        }
        let not_sent = |error| Failure::fault(format!("{} (not sent)", connect_failed(&address, &error)));
        connected.map(Box::new).map(SendRoute::Plain).map_err(not_sent)
    }
}

/// Sends each message over a connection of its own.
async fn send_each(mut client: Client, messages: Option<Given>, send: &Send, out: &Out) -> Result<(), Failure> {
    let mut stdin = if messages.is_none() { Some(Stdin::new(send.hex)?) } else { None };
    let mut given = (1..).zip(messages.into_iter().flatten());
    loop {
        let (which, message) = match &mut stdin {
            Some(stdin) => {
                stdin.prompt();
                let Some(message) = stdin.next().await? else { return Ok(()) };
                (Which::Line(stdin.number()), message)
            }
            None => match given.next() {
                Some((number, message)) => (Which::Message(number), message?),
                None => return Ok(()),
            },
        };
        let began = Instant::now();
        match client.send(&message).await {
            Ok(()) => out.sent(which, began.elapsed())?,
            Err(error) => {
                out.failed(which, &error, began.elapsed())?;
                return Err(which.failed(&error));
            }
        }
    }
}

/// Returns the messages that `--every` repeats, one at a time.
fn repeated(messages: Option<Given>, profile: &Profile) -> Result<Given, Failure> {
    if profile.exchange().duplex().is_some() {
        let exchange = profile.exchange().name();
        return Err(Failure::usage(format!("--every sends one message at a time, and the exchange is {exchange}")));
    }
    messages.ok_or_else(|| Failure::usage("--every repeats messages, and messages from stdin cannot be repeated"))
}

fn check_left_over(count: u64) -> Result<(), Failure> {
    match count {
        0 => Ok(()),
        count => Err(Failure::fault(format!(
            "received {} that no request waits for, so replies may have been printed for the wrong messages",
            Count(count, "message")
        ))),
    }
}

/// The message that a failure is about.
#[derive(Clone, Copy)]
enum Which {
    Message(u64),
    /// A line of stdin.
    Line(u64),
}

impl Which {
    fn failed(self, error: &impl Display) -> Failure {
        match self {
            Self::Message(number) => Failure::fault(format!("message {number}: {error}")),
            Self::Line(number) => Failure::fault(format!("line {number} of stdin: {error}")),
        }
    }
}

/// Returns the failure of a connection after `count` messages were handed to the socket.
fn all_failed(count: u64, error: &impl Display) -> Failure {
    match count {
        0 => Failure::fault(error),
        1 => Failure::fault(format!("message 1: {error} (perhaps sent)")),
        count => Failure::fault(format!("messages 1 to {count}: {error} (perhaps sent)")),
    }
}

/// Returns the messages of the command line, or `None` if messages are read from stdin.
fn given(send: &Send, settings: &Settings, upstream: Option<&Upstream>) -> Result<Option<Given>, Failure> {
    if send.messages.is_empty() || send.messages == ["-"] {
        if send.repeat.is_some() {
            return Err(Failure::usage("--repeat repeats messages, and messages from stdin cannot be repeated"));
        }
        return Ok(None);
    }
    let rounds = send.repeat.unwrap_or(if send.every.is_some() { u64::MAX } else { 1 });
    let given = Given::read(&send.messages, send.hex, upstream, rounds)?;
    check(&given, send, settings)?;
    Ok(Some(given))
}

/// Refuses messages that cannot be sent, before the first one is sent.
fn check(given: &Given, send: &Send, settings: &Settings) -> Result<(), Failure> {
    let framing = settings.framing.send;
    let (messages, is_repeated) = (given.examples()?, given.rounds() > 1 && send.every.is_none());
    for (number, message) in (1..).zip(&messages) {
        let envelope =
            framing.envelope(message).map_err(|error| Which::Message(number).failed(&format!("{error} (not sent)")))?;
        if envelope.ends_stream && !settings.is_short() && (number < messages.len() as u64 || is_repeated) {
            let count = u64::try_from(messages.len()).unwrap_or(u64::MAX).saturating_mul(given.rounds());
            return Err(Failure::usage(format!("--framing {framing} takes one message, {count} were given")));
        }
    }
    Ok(())
}

/// Reads a message: as text, or as hex digits.
fn to_message(text: Vec<u8>, hex: bool) -> Result<Vec<u8>, String> {
    if !hex {
        return Ok(text);
    }
    let digits = str::from_utf8(&text).map_err(|_| "expected pairs of hex digits, found bytes that are no text")?;
    from_hex(digits)
}
