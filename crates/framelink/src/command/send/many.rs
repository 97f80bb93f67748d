//! Many messages in flight, whose replies are printed in the order of the messages.

use std::pin::Pin;

use framelink_transport::profile::ExchangeKind;
use framelink_transport::tokio::{CallError, Inbox, Link, News};
use framelink_transport::{Incoming, Message, Profile};
use futures_util::stream::{FuturesOrdered, StreamExt};

use super::given::Given;
use super::stdin::Stdin;
use crate::arguments::Send;
use crate::bytes_text::{Line, to_hex};
use crate::failure::Failure;
use crate::output::{Count, say};

pub(super) async fn run(profile: Profile, send: &Send, messages: Option<Given>) -> Result<(), Failure> {
    let most = in_flight(&profile);
    let close = profile.timeouts().close;
    let (link, inbox) = link(profile, send).await?;
    // First, so that no message overtakes those that wait for the connection.
    link.connect().await.map_err(Failure::fault)?;
    let source = match messages {
        Some(messages) => Source::Given(messages),
        None => Source::Stdin(Stdin::new(send.hex)),
    };
    let no_reply = send.no_reply;
    let mut many = Many { link, calls: FuturesOrdered::new(), most, sent: 0, failed: 0, hex: send.hex, no_reply };
    let bad_message = many.exchange(source, inbox).await?;
    many.link.close(close).await;
    match (many.failed, bad_message) {
        (_, Some(failure)) => Err(failure),
        (0, None) => Ok(()),
        (failed, None) => Err(Failure::fault(format!("{} of {} failed", failed, Count(many.sent, "message")))),
    }
}

/// As many as all connections together may have.
fn in_flight(profile: &Profile) -> usize {
    let each = profile.exchange().duplex().unwrap_or_default().in_flight;
    usize::try_from(each.saturating_mul(profile.connection().count())).unwrap_or(usize::MAX)
}

async fn link(profile: Profile, send: &Send) -> Result<(Link, Inbox), Failure> {
    let receive = send.calls.receive_at.as_ref().or(send.calls.receive_from.as_ref());
    match (profile.exchange(), receive) {
        (ExchangeKind::Simplex(_), Some(receive)) => {
            let failed = |error| Failure::fault(format!("with {} and {receive}: {error}", send.addresses.0[0]));
            Link::simplex(profile, &send.addresses.0[0], receive).await.map_err(failed)
        }
        _ => Link::new(profile, &*send.addresses.0[0]).map_err(Failure::usage),
    }
}

/// Where messages come from.
enum Source {
    Given(Given),
    Stdin(Stdin),
}

impl Source {
    /// The next message, `None` at the end. Dropping the future loses none.
    async fn next(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        match self {
            Self::Given(messages) => Ok(messages.next()),
            Self::Stdin(stdin) => stdin.next().await,
        }
    }
}

/// What came of one message, which has this number.
type Called = (u64, Result<Option<Message>, CallError>);

struct Many {
    link: Link,
    /// In the order of the messages. They are begun in this order too, which tasks of their own would not be.
    calls: FuturesOrdered<Pin<Box<dyn Future<Output = Called>>>>,
    most: usize,
    sent: u64,
    failed: u64,
    hex: bool,
    no_reply: bool,
}

impl Many {
    /// Until all messages have ended. The failure is a message that is none: those before it are finished first.
    async fn exchange(&mut self, mut source: Source, mut inbox: Inbox) -> Result<Option<Failure>, Failure> {
        let (mut is_over, mut bad_message) = (false, None);
        while !is_over || !self.calls.is_empty() {
            let may_begin = !is_over && self.calls.len() < self.most;
            tokio::select! {
                Some(news) = inbox.recv() => self.tell(news)?,
                Some((number, called)) = self.calls.next() => self.end(number, called)?,
                message = source.next(), if may_begin => match message {
                    Ok(Some(message)) => self.begin(message),
                    Ok(None) => is_over = true,
                    Err(failure) => (is_over, bad_message) = (true, Some(failure)),
                },
            }
        }
        Ok(bad_message)
    }

    fn begin(&mut self, message: Vec<u8>) {
        self.sent += 1;
        let (link, no_reply, number) = (self.link.clone(), self.no_reply, self.sent);
        self.calls.push_back(Box::pin(async move {
            let called = match no_reply {
                true => link.send(&message).await.map(|()| None),
                false => link.call(&message).await.map(Some),
            };
            (number, called)
        }));
    }

    fn end(&mut self, number: u64, called: Result<Option<Message>, CallError>) -> Result<(), Failure> {
        match called {
            Ok(Some(reply)) => self.print("", &reply),
            Ok(None) => Ok(()),
            Err(error) => {
                self.failed += 1;
                tracing::error!("message {number}: {error}");
                Ok(())
            }
        }
    }

    fn tell(&self, news: News) -> Result<(), Failure> {
        match news {
            News::Incoming(Incoming::Message(message)) => self.print("unasked: ", &message),
            News::Incoming(Incoming::Late(late)) => self.print("late: ", late.message()),
            News::Lost(Some(error)) => {
                tracing::info!("{error}");
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn print(&self, what: &str, message: &[u8]) -> Result<(), Failure> {
        if self.hex {
            say(format_args!("{what}{}", to_hex(message)))
        } else {
            say(format_args!("{what}{}", Line(message)))
        }
    }
}
