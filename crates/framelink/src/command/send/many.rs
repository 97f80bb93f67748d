//! Many messages in flight, whose replies are printed in the order of the messages.

use std::collections::VecDeque;

use framelink_transport::profile::ExchangeKind;
use framelink_transport::tokio::{CallError, Inbox, Link, News};
use framelink_transport::{Incoming, Message, Profile};
use tokio::task::JoinHandle;

use super::stdin::Stdin;
use crate::arguments::Send;
use crate::bytes_text::{Line, to_hex};
use crate::failure::Failure;
use crate::output::{Count, say};

pub(super) async fn run(profile: Profile, send: &Send, messages: Option<Vec<Vec<u8>>>) -> Result<(), Failure> {
    let most = in_flight(&profile);
    let close = profile.timeouts().close;
    let (link, inbox) = link(profile, send).await?;
    let source = match messages {
        Some(messages) => Source::Given(messages.into_iter()),
        None => Source::Stdin(Stdin::new(send.hex)),
    };
    let no_reply = send.no_reply;
    let mut many = Many { link, calls: VecDeque::new(), most, sent: 0, failed: 0, hex: send.hex, no_reply };
    many.exchange(source, inbox).await?;
    many.link.close(close).await;
    match many.failed {
        0 => Ok(()),
        failed => Err(Failure::fault(format!("{} of {} failed", failed, Count(many.sent, "message")))),
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
            Link::simplex(profile, &send.address, receive).await.map_err(Failure::fault)
        }
        _ => Link::new(profile, &*send.address).map_err(Failure::usage),
    }
}

/// Where messages come from.
enum Source {
    Given(std::vec::IntoIter<Vec<u8>>),
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

/// What came of one message.
type Called = Result<Option<Message>, CallError>;

struct Many {
    link: Link,
    /// In the order of the messages, each with its number.
    calls: VecDeque<(u64, JoinHandle<Called>)>,
    most: usize,
    sent: u64,
    failed: u64,
    hex: bool,
    no_reply: bool,
}

impl Many {
    async fn exchange(&mut self, mut source: Source, mut inbox: Inbox) -> Result<(), Failure> {
        let mut is_over = false;
        while !is_over || !self.calls.is_empty() {
            let may_begin = !is_over && self.calls.len() < self.most;
            tokio::select! {
                biased;
                Some(news) = inbox.recv() => self.tell(news)?,
                (number, called) = next_reply(&mut self.calls) => self.end(number, called)?,
                message = source.next(), if may_begin => match message? {
                    Some(message) => self.begin(message),
                    None => is_over = true,
                },
            }
        }
        Ok(())
    }

    fn begin(&mut self, message: Vec<u8>) {
        self.sent += 1;
        let (link, no_reply) = (self.link.clone(), self.no_reply);
        let call = tokio::spawn(async move {
            if no_reply {
                return link.send(&message).await.map(|()| None);
            }
            link.call(&message).await.map(Some)
        });
        self.calls.push_back((self.sent, call));
    }

    fn end(&mut self, number: u64, called: Called) -> Result<(), Failure> {
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

/// What came of the first message in line; never, where there is none.
async fn next_reply(calls: &mut VecDeque<(u64, JoinHandle<Called>)>) -> (u64, Called) {
    let Some((number, call)) = calls.front_mut() else { return std::future::pending().await };
    let (number, called) = (*number, call.await);
    calls.pop_front();
    match called {
        Ok(called) => (number, called),
        // A call of ours does not panic, and is not cancelled.
        Err(error) => std::panic::resume_unwind(error.into_panic()),
    }
}
