//! `framelink listen`: prints messages, and answers none.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use framelink_transport::profile::Side;
use framelink_transport::{Message, Profile};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};

use crate::arguments::Listen;
use crate::arguments::profile::{Overrides, listen_at, load};
use crate::failure::Failure;
use crate::output::Count;
use crate::output::message_line::{MessageLine, Style};
use crate::server::drain::Drain;
use crate::server::serving::{end_with, listen_and_say, outcome, profile_of_flags};

/// How long messages that arrived before the signal may take to be printed.
const DRAIN: Duration = Duration::from_secs(5);
/// How many messages wait to be printed. Then no more are read.
const WAITING: usize = 64;
/// How many bytes of messages wait to be printed, unless one message is longer.
const WAITING_BYTES: u32 = 1024 * 1024;

pub(crate) async fn run(listen: Listen) -> Result<(), Failure> {
    let profile = Arc::new(profile(&listen)?);
    let address = listen_at(listen.listen.as_ref(), Some(&profile))?;
    let mut drain = Drain::on_signals(DRAIN)?;
    let style = match (listen.json, listen.hex) {
        (true, _) => Style::Json,
        (false, true) => Style::Hex,
        (false, false) => Style::Text,
    };
    let server = listen_and_say(&address, &profile, style).await?;
    end_with(drain.clone(), server.handle());
    let (printer, mut printed) = print(style)?;
    let served = server.run_with_peer(move |message, peer| {
        let printer = printer.clone();
        async move {
            printer.print(message, peer).await;
            None::<Vec<u8>>
        }
    });
    let report = tokio::select! {
        report = served => report,
        done = &mut printed => return done.unwrap_or(Ok(())),
    };
    // If no program reads stdout, the wait ends with the drain.
    tokio::select! {
        done = printed => done.unwrap_or(Ok(())).and(outcome(&report, &drain)),
        () = drain.over() => Err(Failure::fault("not all received messages could be printed")),
    }
}

/// Returns the profile with the options applied.
fn profile(listen: &Listen) -> Result<Profile, Failure> {
    let (framing, liveness, limits) = (listen.protocol.framing, listen.liveness.clone(), listen.limits.clone());
    let sets = listen.protocol.sets.clone();
    let overrides = Overrides { send: framing, receive: framing, liveness, limits, sets, ..Overrides::default() };
    let Some(name) = &listen.protocol.profile else { return profile_of_flags(overrides) };
    let profile = load(name, &overrides)?;
    if !profile.exchange().receives() {
        return Err(Failure::usage("the profile only sends, so there is nothing to print"));
    }
    profile.check_for(Side::Server).map_err(Failure::usage)?;
    Ok(profile)
}

/// A message that waits to be printed, its sender, and the room that it takes.
type Waiting = (Message, Option<SocketAddr>, OwnedSemaphorePermit);

/// Hands messages to the thread that prints.
#[derive(Clone)]
struct Printer {
    messages: mpsc::Sender<Waiting>,
    room: Arc<Semaphore>,
}

impl Printer {
    /// Waits until there is room for the message. If printing has failed, the program ends.
    async fn print(&self, message: Message, peer: Option<SocketAddr>) {
        let bytes = u32::try_from(message.len()).unwrap_or(u32::MAX).min(WAITING_BYTES);
        if let Ok(place) = Arc::clone(&self.room).acquire_many_owned(bytes).await {
            let _ = self.messages.send((message, peer, place)).await;
        }
    }
}

/// The result of printing.
type Printed = oneshot::Receiver<Result<(), Failure>>;

/// Prints on a thread of its own: a stdout that no program reads blocks. Ends when all is printed or stdout fails.
fn print(style: Style) -> Result<(Printer, Printed), Failure> {
    let (messages, mut waiting) = mpsc::channel::<Waiting>(WAITING);
    let printer = Printer { messages, room: Arc::new(Semaphore::new(WAITING_BYTES as usize)) };
    let (done, printed) = oneshot::channel();
    let begun = Builder::new().name("framelink-print".to_owned()).spawn(move || {
        let mut print = || {
            let mut number = 0;
            while let Some((message, peer, _place)) = waiting.blocking_recv() {
                number += 1;
                let peer = peer.map(|peer| peer.to_string());
                let printed = MessageLine::new("message", peer).message(number).payload(&message).print(style);
                printed.map_err(|failure| lost(&failure, &mut waiting))?;
            }
            Ok(())
        };
        // The receiver may be gone.
        let _ = done.send(print());
    });
    begun.map_err(|error| Failure::fault(format!("no thread to print with: {error}")))?;
    Ok((printer, printed))
}

/// Returns the failure after a message could not be printed. It counts the messages that wait too.
fn lost(failure: &Failure, waiting: &mut mpsc::Receiver<Waiting>) -> Failure {
    let mut count = 1;
    while waiting.try_recv().is_ok() {
        count += 1;
    }
    let (why, count) = (failure.message().unwrap_or("stdout failed"), Count(count, "received message"));
    Failure::fault(format!("{why}; {count} could not be printed"))
}
