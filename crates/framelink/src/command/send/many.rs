//! Sends with many messages in flight, on shared or pooled connections. Replies are printed in the order of messages.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::profile::ExchangeKind;
use framelink_transport::tokio::{CallError, Inbox, Link, LinkEvent, Pool, Upstream};
use framelink_transport::{Incoming, Message, Profile};
use futures_util::stream::{FuturesOrdered, StreamExt};
use tokio::time::{Instant, timeout_at};

use super::given::Given;
use super::out::Out;
use super::stdin::Stdin;
use super::{LAST_LOOK, Which};
use crate::arguments::Send;
use crate::arguments::profile::warn_of_mismatch;
use crate::failure::Failure;
use crate::output::Count;

pub(super) async fn run(upstream: Upstream, send: &Send, messages: Option<Given>, out: &Out) -> Result<(), Failure> {
    let profile = Arc::clone(upstream.profile());
    let is_stdin = messages.is_none();
    let most = in_flight(&profile);
    let (close, receives) = (profile.timeouts().close, profile.exchange().receives());
    let mut source = match messages {
        Some(messages) => Source::Given(messages),
        None => Source::Stdin(Stdin::new(send.hex)?),
    };
    let no_reply = send.no_reply || !receives;
    if !no_reply {
        warn_of_mismatch(&profile);
    }
    let (way, mut inbox) = way(upstream, send, out).await?;
    source.use_numbers_of(&way);
    let mut many = Many { way, calls: FuturesOrdered::new(), most, sent: 0, failed: 0, out, is_stdin, no_reply };
    let bad_message = many.exchange(source, &mut inbox).await?;
    let Many { way, failed, sent, calls, .. } = many;
    // Finished calls still hold connections.
    drop(calls);
    end(way, inbox, close, out).await?;
    match (failed, bad_message) {
        (_, Some(failure)) => Err(failure),
        (0, None) => Ok(()),
        (failed, None) => Err(Failure::fault(format!("{} of {} failed", failed, Count(sent, "message")))),
    }
}

/// Closes the connections, and prints messages that arrive until then.
async fn end(way: SharedRoute, inbox: Option<Inbox>, within: Duration, out: &Out) -> Result<(), Failure> {
    let Some(mut inbox) = inbox else {
        way.close(within).await;
        return Ok(());
    };
    let mut closing = pin!(way.close(within));
    loop {
        tokio::select! {
            () = &mut closing => break,
            Some(news) = inbox.recv() => tell(news, out)?,
        }
    }
    // A task that has just received a message may still deliver it. The inbox ends with the last of these tasks.
    let deadline = Instant::now() + LAST_LOOK;
    while let Ok(Some(news)) = timeout_at(deadline, inbox.recv()).await {
        tell(news, out)?;
    }
    Ok(())
}

fn tell(news: LinkEvent, out: &Out) -> Result<(), Failure> {
    match news {
        LinkEvent::Incoming(Incoming::Message(message)) => out.unsolicited(&message),
        LinkEvent::Incoming(Incoming::Late(late)) => out.late(late.message()),
        LinkEvent::Lost(Some(error)) => {
            tracing::info!("{error}");
            Ok(())
        }
        _ => Ok(()),
    }
}

/// Returns how many messages all connections together may have in flight.
fn in_flight(profile: &Profile) -> usize {
    let each = profile.exchange().duplex().unwrap_or_default().in_flight;
    usize::try_from(each.saturating_mul(profile.connection().count())).unwrap_or(usize::MAX)
}

/// The connections that carry the messages.
#[derive(Clone)]
enum SharedRoute {
    Link(Link),
    Pool(Pool),
}

impl SharedRoute {
    async fn exchange(&self, message: &[u8], no_reply: bool) -> Result<Option<Message>, CallError> {
        match (self, no_reply) {
            (Self::Link(link), true) => link.send(message).await.map(|()| None),
            (Self::Link(link), false) => link.call(message).await.map(Some),
            (Self::Pool(pool), true) => pool.send(message).await.map(|()| None),
            (Self::Pool(pool), false) => pool.call(message).await.map(Some),
        }
    }

    async fn close(self, within: Duration) {
        match self {
            Self::Link(link) => link.close(within).await,
            Self::Pool(pool) => drop(pool.close(within).await),
        }
    }
}

/// Receives an event of a link. A pool has no events.
async fn news_of(inbox: &mut Option<Inbox>) -> Option<LinkEvent> {
    match inbox {
        Some(inbox) => inbox.recv().await,
        None => None,
    }
}

async fn way(upstream: Upstream, send: &Send, out: &Out) -> Result<(SharedRoute, Option<Inbox>), Failure> {
    let profile = upstream.profile();
    if profile.connection().pooled().is_some() {
        return Ok((SharedRoute::Pool(Pool::over(upstream).map_err(Failure::usage)?), None));
    }
    let receive = send.calls.receive_at.as_ref().or(send.calls.receive_from.as_ref());
    let (link, inbox) = match (profile.exchange(), receive, &send.addresses.0[..]) {
        (ExchangeKind::Simplex(_), Some(receive), [address]) => {
            let failed = |error| Failure::fault(format!("with {address} and {receive}: {error}"));
            Link::simplex(Profile::clone(profile), address, receive).await.map_err(failed)?
        }
        (ExchangeKind::Simplex(_), ..) => {
            return Err(Failure::usage("a pair of connections has one address to send to, and one to receive from"));
        }
        _ => Link::over(upstream).map_err(Failure::usage)?,
    };
    // Connects first, so that no message overtakes one that waits for the connection.
    if let Err(error) = link.connect().await {
        out.not_connected(&error.error().to_string())?;
        return Err(Failure::fault(error));
    }
    Ok((SharedRoute::Link(link), Some(inbox)))
}

/// Where messages come from.
enum Source {
    Given(Given),
    Stdin(Stdin),
}

impl Source {
    /// Takes the numbers of templates from the link. A pair of connections has other numbers than the upstream.
    fn use_numbers_of(&mut self, way: &SharedRoute) {
        if let (Self::Given(given), SharedRoute::Link(link)) = (self, way)
            && let Some(numbers) = link.numbers()
        {
            given.set_numbers(numbers);
        }
    }

    /// The next message, `None` at the end. Dropping the future loses none.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        match self {
            Self::Given(messages) => messages.next().transpose(),
            Self::Stdin(stdin) => stdin.next().await,
        }
    }
}

/// The number of a message, how long its exchange took, and the result.
type Called = (u64, Duration, Result<Option<Message>, CallError>);

struct Many<'o> {
    way: SharedRoute,
    /// The calls in the order of the messages. They also start in this order; separate tasks would not.
    calls: FuturesOrdered<Pin<Box<dyn Future<Output = Called>>>>,
    most: usize,
    sent: u64,
    failed: u64,
    out: &'o Out,
    /// Whether the messages are lines of stdin.
    is_stdin: bool,
    no_reply: bool,
}

impl Many<'_> {
    /// Exchanges all messages. If a line of stdin is invalid, earlier messages finish before the failure is returned.
    async fn exchange(&mut self, mut source: Source, inbox: &mut Option<Inbox>) -> Result<Option<Failure>, Failure> {
        let (mut is_over, mut bad_message) = (false, None);
        while !is_over || !self.calls.is_empty() {
            let may_begin = !is_over && self.calls.len() < self.most;
            tokio::select! {
                Some(news) = news_of(inbox) => tell(news, self.out)?,
                Some(called) = self.calls.next() => self.end(called)?,
                message = source.next(), if may_begin => match message {
                    Ok(Some(message)) => self.begin(message)?,
                    Ok(None) => is_over = true,
                    Err(failure) => (is_over, bad_message) = (true, Some(failure)),
                },
            }
        }
        Ok(bad_message)
    }

    fn begin(&mut self, message: Vec<u8>) -> Result<(), Failure> {
        if !self.no_reply {
            self.out.check()?;
        }
        self.sent += 1;
        let (way, no_reply, number) = (self.way.clone(), self.no_reply, self.sent);
        self.calls.push_back(Box::pin(async move {
            let began = Instant::now();
            let called = way.exchange(&message, no_reply).await;
            (number, began.elapsed(), called)
        }));
        Ok(())
    }

    fn end(&mut self, (number, took, called): Called) -> Result<(), Failure> {
        let which = if self.is_stdin { Which::Line(number) } else { Which::Message(number) };
        match called {
            Ok(Some(reply)) => self.out.reply(which, &reply, took),
            Ok(None) => self.out.sent(which, took),
            Err(error) => {
                self.failed += 1;
                tracing::error!("message {number}: {error}");
                self.out.failed(which, &error, took)
            }
        }
    }
}
