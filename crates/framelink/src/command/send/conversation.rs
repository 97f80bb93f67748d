//! Sends one message after the other, and receives each reply.

use std::future::pending;
use std::time::Duration;

use framelink_transport::tokio::{Cause, Connection, Error};
use framelink_transport::{Message, TryRecv};
use tokio::time::{Instant, timeout_at};

use super::given::Given;
use super::out::Out;
use super::stdin::{AtPeerEnd, Stdin};
use super::{LAST_LOOK, SendRoute, Which, check_left_over};
use crate::arguments::Send;
use crate::failure::Failure;

pub(super) struct Conversation {
    pub(super) way: SendRoute,
    pub(super) timeout: Duration,
    pub(super) out: Out,
}

impl Conversation {
    pub(super) async fn run(mut self, messages: Option<Given>, send: &Send) -> Result<(), Failure> {
        match messages {
            Some(messages) => {
                for (number, message) in (1..).zip(messages) {
                    self.exchange(&message?, Which::Message(number)).await?;
                }
            }
            None => self.with_stdin(Stdin::new(send.hex)?).await?,
        }
        self.end().await
    }

    /// Sends one message and prints its reply.
    async fn exchange(&mut self, message: &[u8], which: Which) -> Result<(), Failure> {
        self.out.check()?;
        let began = Instant::now();
        let called = match &mut self.way {
            SendRoute::Plain(connection) => connection.call(message, self.timeout).await,
            SendRoute::Profile(client) => client.call(message).await,
        };
        match called {
            Ok(reply) => self.out.reply(which, &reply, began.elapsed()),
            Err(error) => {
                self.out.failed(which, &error, began.elapsed())?;
                Err(which.failed(&error))
            }
        }
    }

    /// Receives an unsolicited message, or `None` at the peer's end. Short connections have none.
    async fn unsolicited(&mut self) -> Result<Option<Message>, Failure> {
        match &mut self.way {
            SendRoute::Plain(connection) => connection.recv().await.map_err(Failure::fault),
            SendRoute::Profile(_) => pending().await,
        }
    }

    /// Sends lines of stdin. Prints messages that arrive between replies, and notices the peer's end.
    async fn with_stdin(&mut self, mut stdin: Stdin) -> Result<(), Failure> {
        loop {
            stdin.prompt();
            let message = tokio::select! {
                biased;
                message = stdin.next() => message?,
                unsolicited = self.unsolicited() => match unsolicited? {
                    Some(message) => { self.out.in_between(&message)?; continue }
                    None => self.at_peer_end(&mut stdin).await?,
                },
            };
            match message {
                Some(message) => self.exchange(&message, Which::Line(stdin.number())).await?,
                None => return Ok(()),
            }
        }
    }

    /// Handles the peer's end. It is no failure if stdin has ended too; a further line could not be sent.
    async fn at_peer_end(&self, stdin: &mut Stdin) -> Result<Option<Vec<u8>>, Failure> {
        const CLOSED: &str = "the peer closed the connection";
        match stdin.at_peer_end().await? {
            AtPeerEnd::Next(message) => Ok(message),
            AtPeerEnd::Waiting if stdin.is_terminal => Err(Failure::fault(CLOSED)),
            AtPeerEnd::Waiting => Err(Failure::fault(format!("{CLOSED}, and stdin has not ended"))),
        }
    }

    /// Closes the connection. A further message is printed, and is a failure: replies may belong to other messages.
    async fn end(self) -> Result<(), Failure> {
        let SendRoute::Plain(connection) = self.way else { return Ok(()) };
        end(*connection, &self.out).await
    }
}

/// Prints messages that arrive after the last reply, and closes the connection.
pub(super) async fn end(mut connection: Connection, out: &Out) -> Result<(), Failure> {
    let deadline = Instant::now() + LAST_LOOK;
    // The close reports an error of this too.
    let _ = timeout_at(deadline, connection.finish()).await;
    while Instant::now() < deadline {
        match connection.recv_within(deadline.saturating_duration_since(Instant::now())).await {
            Ok(TryRecv::Message(message)) => out.unsolicited(&message)?,
            Ok(_) => break,
            Err(error) => return check_left_over(out.count_unsolicited()).and_then(|()| after_last(&error)),
        }
    }
    let closed = connection.close(deadline.saturating_duration_since(Instant::now())).await;
    closed.map_err(Failure::fault)?;
    check_left_over(out.count_unsolicited())
}

/// Returns the result of an error after the last reply. Bytes that are no message are only a warning.
fn after_last(error: &Error) -> Result<(), Failure> {
    match error.cause() {
        Cause::Fault(_) => {
            tracing::warn!("the bytes after the last reply are not a whole message: {error}");
            Ok(())
        }
        _ => Err(Failure::fault(error)),
    }
}
