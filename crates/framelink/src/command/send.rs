//! `framelink send`: sends messages and prints the replies.

use std::io::{BufRead, IsTerminal, Write};

use framelink_transport::tokio::{Connection, Connector};
use framelink_transport::{Directions, Encode, Framing};
use tokio::sync::mpsc;

use crate::arguments::Send;
use crate::bytes_text::{Line, from_hex, to_hex};
use crate::failure::Failure;
use crate::output::say;

pub(crate) async fn run(send: Send) -> Result<(), Failure> {
    let messages = given(&send)?;
    let framing = Directions { receive: send.reply_framing.unwrap_or(send.framing), send: send.framing };
    let connector = Connector::new(framing).within(send.timeout);
    let connection = connector.connect(&*send.address).await.map_err(Failure::fault)?;
    let mut conversation = Conversation { connection, send };
    match messages {
        Some(messages) => {
            for message in &messages {
                conversation.exchange(message).await?;
            }
        }
        None => conversation.with_stdin().await?,
    }
    conversation.close().await
}

/// The messages of the command line, `None` if they are to be read from stdin.
fn given(send: &Send) -> Result<Option<Vec<Vec<u8>>>, Failure> {
    if send.messages.is_empty() || send.messages == ["-"] {
        return Ok(None);
    }
    let read = |(i, text): (usize, &String)| {
        to_message(text, send.hex).map_err(|error| Failure::usage(format!("message {}: {error}", i + 1)))
    };
    let messages = send.messages.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    check(&messages, send.framing)?;
    Ok(Some(messages))
}

/// Refuses messages that cannot be sent before any of them is.
fn check(messages: &[Vec<u8>], framing: Framing) -> Result<(), Failure> {
    for (number, message) in (1..).zip(messages) {
        let envelope =
            framing.envelope(message).map_err(|error| Failure::fault(format!("message {number}: {error}")))?;
        if envelope.ends_stream && number < messages.len() {
            return Err(Failure::usage(format!(
                "--framing {framing} takes one message, {} were given",
                messages.len()
            )));
        }
    }
    Ok(())
}

fn to_message(text: &str, hex: bool) -> Result<Vec<u8>, String> {
    if hex { from_hex(text) } else { Ok(text.as_bytes().to_vec()) }
}

struct Conversation {
    connection: Connection,
    send: Send,
}

impl Conversation {
    /// Sends one message and prints its reply.
    async fn exchange(&mut self, message: &[u8]) -> Result<(), Failure> {
        if !self.send.no_reply {
            let reply = self.connection.call(message, self.send.timeout).await.map_err(Failure::fault)?;
            return self.print(&reply);
        }
        match tokio::time::timeout(self.send.timeout, self.connection.send(message)).await {
            Ok(sent) => sent.map_err(Failure::fault),
            Err(_) => Err(Failure::fault(format!("the peer did not take the message within {:?}", self.send.timeout))),
        }
    }

    /// Sends what is typed or piped, a line a message. What comes in between, and the peer's end, is shown too.
    async fn with_stdin(&mut self) -> Result<(), Failure> {
        let on_terminal = std::io::stdin().is_terminal();
        let mut lines = lines_of_stdin();
        let mut number = 0_u64;
        let mut peer_ended = false;
        loop {
            if on_terminal {
                let _ = write!(std::io::stderr(), "> ");
            }
            let line = tokio::select! {
                biased;
                line = lines.recv() => line,
                unasked = self.connection.recv(), if !peer_ended => match unasked.map_err(Failure::fault)? {
                    Some(message) => { self.print(&message)?; continue }
                    None if on_terminal => return Err(Failure::fault("the peer closed the connection")),
                    // It may have taken and said all that it wanted: only another line would be in vain.
                    None => { peer_ended = true; continue }
                },
            };
            let Some(line) = line else { return Ok(()) };
            number += 1;
            let line = line.map_err(|error| Failure::fault(format!("reading stdin: {error}")))?;
            let message = if self.send.hex { decode_hex_line(&line) } else { Ok(line) };
            let message = message.map_err(|error| Failure::usage(format!("line {number} of stdin: {error}")))?;
            self.exchange(&message).await?;
        }
    }

    /// Sees to it that what was sent is on its way before the socket goes.
    async fn close(self) -> Result<(), Failure> {
        let mut connection = self.connection;
        if !self.send.no_reply {
            return connection.finish().await.map_err(Failure::fault);
        }
        let report = connection.close(self.send.timeout).await.map_err(Failure::fault)?;
        if !report.peer_closed {
            tracing::info!("the peer has not closed its side, so it is not known whether it took everything");
        }
        Ok(())
    }

    fn print(&self, reply: &[u8]) -> Result<(), Failure> {
        if self.send.hex { say(to_hex(reply)) } else { say(Line(reply)) }
    }
}

fn decode_hex_line(line: &[u8]) -> Result<Vec<u8>, String> {
    from_hex(std::str::from_utf8(line).map_err(|_| "expected pairs of hex digits, found bytes that are no text")?)
}

/// Reads stdin on a thread of its own, for a terminal cannot be waited on together with a socket.
fn lines_of_stdin() -> mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (sender, lines) = mpsc::channel(1);
    std::thread::spawn(move || {
        let mut stdin = std::io::stdin().lock();
        loop {
            let mut line = Vec::new();
            let read = match stdin.read_until(b'\n', &mut line) {
                Ok(0) => return,
                Ok(_) => {
                    let end = line.strip_suffix(b"\n").map_or(line.len(), |l| l.strip_suffix(b"\r").unwrap_or(l).len());
                    line.truncate(end);
                    Ok(line)
                }
                Err(error) => Err(error),
            };
            if sender.blocking_send(read).is_err() {
                return;
            }
        }
    });
    lines
}
