//! `framelink send`: sends messages and prints the replies.

mod every;
mod given;
mod many;
mod stdin;

use std::fmt::Display;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::profile::{ExchangeKind, Side, Timeouts};
use framelink_transport::tokio::{Cause, Client, Connection, Connector, Error, RecvHalf, Upstream};
use framelink_transport::{Directions, Encode, Message, Profile, SocketOptions, TryRecv};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use self::given::Given;
use self::stdin::Stdin;
use super::connect_failed;
use crate::arguments::Send;
use crate::bytes_text::{Line, from_hex, to_hex};
use crate::failure::Failure;
use crate::output::{Count, say};
use crate::profile::{Overrides, fits, load};

/// How long to look for replies that are left over.
const LAST_LOOK: Duration = Duration::from_millis(100);
/// How long the peer's end, which has come, may take to be noticed by a program that is busy.
const NOTICED: Duration = Duration::from_millis(10);
/// Marks a message that is not the reply to a message.
const UNASKED: &str = "unasked: ";

pub(crate) async fn run(send: Send) -> Result<(), Failure> {
    let settings = Settings::of(&send)?;
    let messages = given(&send, &settings)?;
    if let (Some(every), Some(profile)) = (send.every, &settings.profile) {
        return every::run(profile.clone(), &send, repeated(messages, profile)?, every).await;
    }
    let is_many = |profile: &&Profile| profile.exchange().duplex().is_some() || profile.connection().pooled().is_some();
    if let Some(profile) = settings.profile.as_ref().filter(is_many) {
        return many::run(profile.clone(), &send, messages).await;
    }
    let way = settings.dial(&send).await?;
    if settings.no_reply {
        return match way {
            Way::Plain(connection) => send_only(*connection, messages, &send, settings.timeout).await,
            Way::Profile(client) => send_each(*client, messages, &send).await,
        };
    }
    let mut conversation = Conversation { way, timeout: settings.timeout, hex: send.hex };
    match messages {
        Some(messages) => {
            for (number, message) in (1..).zip(messages) {
                conversation.exchange(&message, Which::Message(number)).await?;
            }
        }
        None => conversation.with_stdin(Stdin::new(send.hex)?).await?,
    }
    conversation.end().await
}

impl Send {
    /// What dials the addresses.
    fn upstream(&self, profile: Profile) -> Upstream {
        Upstream::new(&Arc::new(profile), self.addresses.0.iter().map(String::as_str))
    }
}

/// What flags and profile say together.
struct Settings {
    framing: Directions,
    timeout: Duration,
    no_reply: bool,
    /// What the socket is told where there is no profile.
    socket: SocketOptions,
    profile: Option<Profile>,
}

/// The way to the peer.
enum Way {
    /// One connection for everything.
    Plain(Box<Connection>),
    /// One for each exchange.
    Profile(Box<Client>),
}

impl Settings {
    fn of(send: &Send) -> Result<Self, Failure> {
        let mut calls = send.calls.clone();
        if send.every.is_some() && send.no_reply && calls.exchange.is_none() {
            calls.exchange = Some(ExchangeKind::SendOnly);
        }
        // With a profile `--framing` says both directions too.
        let overrides = Overrides {
            send: send.framing,
            receive: send.reply_framing.or(send.framing),
            reply_within: send.timeout,
            // Without a profile it is said by the flag's default too.
            connect_within: send.timeout.or(send.profile.is_none().then_some(Timeouts::REPLY)),
            calls,
            liveness: send.liveness.clone(),
            sets: send.sets.clone(),
            ..Overrides::default()
        };
        if send.no_reply && (send.calls.key.is_some() || send.calls.assign.is_some()) {
            let flag = if send.calls.key.is_some() { "--key" } else { "--assign" };
            return Err(Failure::usage(format!(
                "{flag} finds the message that a reply answers, and --no-reply waits for no reply: leave one of them out"
            )));
        }
        let needs_profile = send.addresses.0.len() > 1
            || send.calls.are_said()
            || send.sets.are_said()
            || send.liveness.heartbeat.is_some()
            || send.every.is_some();
        let profile = match &send.profile {
            Some(name) => Some(load(name, &overrides)?),
            None if needs_profile => Some(overrides.profile()?),
            None => None,
        };
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
                framing: Directions { send: framing, receive },
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

    /// Connects, where one connection serves for everything.
    async fn dial(&self, send: &Send) -> Result<Way, Failure> {
        let address = send.addresses.to_string();
        let connected = match &self.profile {
            Some(profile) if self.is_short() => {
                let client = Client::over(send.upstream(profile.clone()));
                return client.map(Box::new).map(Way::Profile).map_err(Failure::usage);
            }
            // It is of use when a message went and came, and then nobody dials again.
            Some(profile) => send.upstream(profile.clone()).dial().await.map(|(connection, _)| connection),
            None => {
                let connector = Connector::new(self.framing).within(self.timeout).options(self.socket.clone());
                connector.connect(&*address).await
            }
        };
        let not_sent = |error| Failure::fault(format!("{} (not sent)", connect_failed(&address, &error)));
        connected.map(Box::new).map(Way::Plain).map_err(not_sent)
    }
}

/// Sends each message over a connection of its own.
async fn send_each(mut client: Client, messages: Option<Given>, send: &Send) -> Result<(), Failure> {
    let Some(messages) = messages else {
        let mut stdin = Stdin::new(send.hex)?;
        loop {
            stdin.prompt();
            let Some(message) = stdin.next().await? else { return Ok(()) };
            client.send(&message).await.map_err(|error| Which::Line(stdin.number()).failed(&error))?;
        }
    };
    for (number, message) in (1..).zip(messages) {
        client.send(&message).await.map_err(|error| Which::Message(number).failed(&error))?;
    }
    Ok(())
}

/// Sends, and drops what comes all the while: a peer that answers and is not read stops reading. At the end the peer's own end
/// is waited for, which shows that it has taken everything.
async fn send_only(
    connection: Connection,
    messages: Option<Given>,
    send: &Send,
    within: Duration,
) -> Result<(), Failure> {
    let (receiver, mut sender) = connection.split();
    let (death, mut dead) = mpsc::unbounded_channel();
    let mut peer_end = tokio::spawn(until_end(receiver, death));
    let mut given = messages;
    let mut count = 0;
    let mut stdin = if given.is_none() { Some(Stdin::new(send.hex)?) } else { None };
    loop {
        let message = match (&mut given, &mut stdin) {
            (Some(given), _) => given.next(),
            (None, Some(stdin)) => {
                stdin.prompt();
                tokio::select! {
                    biased;
                    message = stdin.next() => message?,
                    Some(error) = dead.recv() => return Err(all_failed(count, &error)),
                    error = sender.keep() => return Err(all_failed(count, &error)),
                }
            }
            (None, None) => None,
        };
        let Some(message) = message else { break };
        count += 1;
        let which = stdin.as_ref().map_or(Which::Message(count), |stdin| Which::Line(stdin.number()));
        sender.send_with_outcome(&message, within).await.map_err(|error| which.failed(&error))?;
    }
    // Only an end that comes after ours shows anything. One that came before may still have to be noticed.
    let early_end = tokio::time::timeout(NOTICED, &mut peer_end).await.ok();
    let ended_early = early_end.is_some();
    match tokio::time::timeout(within, sender.finish()).await {
        Ok(finished) => finished.map_err(|error| all_failed(count, &error))?,
        Err(_) => {
            let (unwritten, to) = (Count(sender.unwritten_bytes() as u64, "byte"), &send.addresses);
            return Err(all_failed(
                count,
                &format!("sending to {to}: {unwritten} could not be written within {within:?}"),
            ));
        }
    }
    let end = match early_end {
        Some(end) => Some(end),
        None => tokio::time::timeout(within, peer_end).await.ok(),
    };
    match end {
        Some(end) => end.map_err(Failure::fault)?.map_err(|error| all_failed(count, &error))?,
        None => tracing::warn!("the peer has not closed its side, so it is not known whether it took everything"),
    }
    if let Ok(error) = dead.try_recv() {
        return Err(all_failed(count, &error));
    }
    if ended_early {
        tracing::warn!("the peer closed its side before we did, so it is not known whether it took everything");
    }
    Ok(())
}

/// Takes and drops what comes until the peer ends. Where there are heartbeats they are dealt with, and a peer that is dead is told of.
async fn until_end(mut receiver: RecvHalf, death: mpsc::UnboundedSender<Error>) -> Result<(), Error> {
    while receiver.standing().is_some() {
        match receiver.recv().await {
            Ok(Some(_)) => {}
            Err(error) if matches!(error.cause(), Cause::Dead(_)) => {
                // Whoever would like to know may be done.
                let _ = death.send(error);
                return Ok(());
            }
            // What is no message is dropped too.
            Ok(None) | Err(_) => break,
        }
    }
    receiver.discard().await
}

/// The messages that are to be sent again and again, one at a time.
fn repeated(messages: Option<Given>, profile: &Profile) -> Result<Given, Failure> {
    if profile.exchange().duplex().is_some() {
        let exchange = profile.exchange().name();
        return Err(Failure::usage(format!("--every sends one message at a time, and the exchange is {exchange}")));
    }
    messages.ok_or_else(|| Failure::usage("--every repeats messages, and those of stdin come only once"))
}

fn print(message: &[u8], hex: bool) -> Result<(), Failure> {
    print_as("", message, hex)
}

/// Prints a message behind a word that says what it is.
fn print_as(what: &str, message: &[u8], hex: bool) -> Result<(), Failure> {
    if hex { say(format_args!("{what}{}", to_hex(message))) } else { say(format_args!("{what}{}", Line(message))) }
}

fn check_left_over(count: u64) -> Result<(), Failure> {
    match count {
        0 => Ok(()),
        count => Err(Failure::fault(format!(
            "{} came that no message had asked for, so replies may have been printed for the wrong messages",
            Count(count, "message")
        ))),
    }
}

/// Bytes behind the last reply that are no message harm nothing.
fn after_last(error: &Error) -> Result<(), Failure> {
    if matches!(error.cause(), Cause::Fault(_)) { Ok(()) } else { Err(Failure::fault(error)) }
}

/// Which message a failure is about.
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

/// The connection failed after so many messages were handed to the socket.
fn all_failed(count: u64, error: &impl Display) -> Failure {
    match count {
        0 => Failure::fault(error),
        1 => Failure::fault(format!("message 1: {error} (perhaps sent)")),
        count => Failure::fault(format!("messages 1 to {count}: {error} (perhaps sent)")),
    }
}

/// The messages of the command line, `None` if they are to be read from stdin.
fn given(send: &Send, settings: &Settings) -> Result<Option<Given>, Failure> {
    if send.messages.is_empty() || send.messages == ["-"] {
        if send.repeat.is_some() {
            return Err(Failure::usage("--repeat repeats messages, and those of stdin come only once"));
        }
        return Ok(None);
    }
    let read = |(i, text): (usize, &String)| {
        to_message(text.as_bytes().to_vec(), send.hex)
            .map_err(|error| Failure::usage(format!("message {}: {error}", i + 1)))
    };
    let messages = send.messages.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    let given = Given::new(messages, send.repeat.unwrap_or(if send.every.is_some() { u64::MAX } else { 1 }));
    check(&given, send, settings)?;
    Ok(Some(given))
}

/// Refuses messages that cannot be sent before any of them is.
fn check(given: &Given, send: &Send, settings: &Settings) -> Result<(), Failure> {
    let framing = settings.framing.send;
    let (messages, is_repeated) = (given.round(), given.rounds() > 1 && send.every.is_none());
    for (number, message) in (1..).zip(messages) {
        let envelope =
            framing.envelope(message).map_err(|error| Which::Message(number).failed(&format!("{error} (not sent)")))?;
        if envelope.ends_stream && !settings.is_short() && (number < messages.len() as u64 || is_repeated) {
            let count = u64::try_from(messages.len()).unwrap_or(u64::MAX).saturating_mul(given.rounds());
            return Err(Failure::usage(format!("--framing {framing} takes one message, {count} were given")));
        }
    }
    Ok(())
}

/// A message as it was written: as it is, or as hex digits.
fn to_message(text: Vec<u8>, hex: bool) -> Result<Vec<u8>, String> {
    if !hex {
        return Ok(text);
    }
    let digits = str::from_utf8(&text).map_err(|_| "expected pairs of hex digits, found bytes that are no text")?;
    from_hex(digits)
}

struct Conversation {
    way: Way,
    timeout: Duration,
    hex: bool,
}

impl Conversation {
    /// Sends one message and prints its reply.
    async fn exchange(&mut self, message: &[u8], which: Which) -> Result<(), Failure> {
        let called = match &mut self.way {
            Way::Plain(connection) => connection.call(message, self.timeout).await,
            Way::Profile(client) => client.call(message).await,
        };
        let reply = called.map_err(|error| which.failed(&error))?;
        print(&reply, self.hex)
    }

    /// What comes though nobody asked, `None` at the peer's end. Between short exchanges there is nobody to say it.
    async fn unasked(&mut self) -> Result<Option<Message>, Failure> {
        match &mut self.way {
            Way::Plain(connection) => connection.recv().await.map_err(Failure::fault),
            Way::Profile(_) => pending().await,
        }
    }

    /// Closes. A message that is left over is printed, and shows that replies may belong to other messages than it seemed.
    async fn end(self) -> Result<(), Failure> {
        let Way::Plain(mut connection) = self.way else { return Ok(()) };
        let deadline = Instant::now() + LAST_LOOK;
        let mut left_over = 0;
        // Whether our side could be ended is told by the close.
        let _ = timeout_at(deadline, connection.finish()).await;
        while Instant::now() < deadline {
            match connection.recv_within(deadline.saturating_duration_since(Instant::now())).await {
                Ok(TryRecv::Message(message)) => print_as(UNASKED, &message, self.hex)?,
                Ok(_) => break,
                Err(error) => return check_left_over(left_over).and_then(|()| after_last(&error)),
            }
            left_over += 1;
        }
        let closed = connection.close(deadline.saturating_duration_since(Instant::now())).await;
        left_over += closed.map_err(Failure::fault)?.discarded as u64;
        check_left_over(left_over)
    }

    /// Sends what is typed or piped. What comes in between, and the peer's end, is shown too.
    async fn with_stdin(&mut self, mut stdin: Stdin) -> Result<(), Failure> {
        let mut peer_ended = false;
        loop {
            stdin.prompt();
            let message = tokio::select! {
                biased;
                message = stdin.next() => message?,
                unasked = self.unasked(), if !peer_ended => match unasked? {
                    Some(message) => { print(&message, self.hex)?; continue }
                    None if stdin.is_terminal => return Err(Failure::fault("the peer closed the connection")),
                    // It may have taken and said all that it wanted: only another line would be in vain.
                    None => { peer_ended = true; continue }
                },
            };
            match message {
                Some(message) => self.exchange(&message, Which::Line(stdin.number())).await?,
                None => return Ok(()),
            }
        }
    }
}
