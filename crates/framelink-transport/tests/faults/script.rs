//! Each driver over a stream that plays a script.

use framelink_testkit::{Calls, ReadStep, Script, ScriptedStream, WriteStep};
use framelink_transport::{FramingPair, TryRecv, blocking, nonblocking, tokio};

use crate::support::waiting::Waiting;

use crate::driver::{Blocking, NonBlocking, Tokio};

/// What a driver received until the end or an error.
pub(crate) struct Received {
    pub(crate) messages: Vec<Vec<u8>>,
    pub(crate) error: Option<String>,
    pub(crate) calls: Calls,
}

/// The outcome of sending some messages.
pub(crate) struct Sent {
    pub(crate) written: Vec<u8>,
    pub(crate) error: Option<String>,
    pub(crate) calls: Calls,
}

pub(crate) trait OverScript {
    /// Whether the driver's streams ever return `WouldBlock`. A blocking socket does not.
    const WOULD_BLOCK: bool = true;

    fn receive(framing: FramingPair, reads: Vec<ReadStep>) -> Received;
    fn send(framing: FramingPair, messages: &[&[u8]], writes: Vec<WriteStep>) -> Sent;
}

fn scripted(reads: Vec<ReadStep>, writes: Vec<WriteStep>) -> (Waiting, Script) {
    let (stream, script) = ScriptedStream::new(reads, writes);
    (Waiting(stream), script)
}

/// The next message, or `None` at the end, or the error.
type Next = Result<Option<Vec<u8>>, String>;

fn collect(script: &Script, mut next: impl FnMut() -> Next) -> Received {
    let (mut messages, mut error) = (Vec::new(), None);
    loop {
        match next() {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => break,
            Err(text) => {
                error = Some(text);
                break;
            }
        }
    }
    Received { messages, error, calls: script.calls() }
}

fn sent(script: &Script, outcome: Result<(), String>) -> Sent {
    Sent { written: script.written(), error: outcome.err(), calls: script.calls() }
}

impl OverScript for Blocking {
    const WOULD_BLOCK: bool = false;

    fn receive(framing: FramingPair, reads: Vec<ReadStep>) -> Received {
        let (stream, script) = scripted(reads, vec![]);
        let mut receiver = blocking::RecvHalf::new(stream, framing);
        collect(&script, || match receiver.recv() {
            Ok(message) => Ok(message.map(|message| message.to_vec())),
            Err(error) => Err(error.to_string()),
        })
    }

    fn send(framing: FramingPair, messages: &[&[u8]], writes: Vec<WriteStep>) -> Sent {
        let (stream, script) = scripted(vec![], writes);
        let mut sender = blocking::SendHalf::new(stream, framing);
        let outcome = messages.iter().try_for_each(|message| sender.send(message));
        sent(&script, outcome.map_err(|error| error.to_string()))
    }
}

impl OverScript for NonBlocking {
    fn receive(framing: FramingPair, reads: Vec<ReadStep>) -> Received {
        let (stream, script) = scripted(reads, vec![]);
        let mut receiver = nonblocking::RecvHalf::new(stream, framing);
        collect(&script, || {
            loop {
                match receiver.try_recv().map_err(|error| error.to_string())? {
                    TryRecv::Message(message) => return Ok(Some(message.to_vec())),
                    TryRecv::Nothing => {}
                    TryRecv::Closed => return Ok(None),
                }
            }
        })
    }

    fn send(framing: FramingPair, messages: &[&[u8]], writes: Vec<WriteStep>) -> Sent {
        let (stream, script) = scripted(vec![], writes);
        let mut sender = nonblocking::SendHalf::new(stream, framing);
        let mut send = || {
            for message in messages {
                let _ = sender.try_send(message)?;
                while !sender.try_flush()? {}
            }
            Ok(())
        };
        let outcome: Result<(), framelink_transport::Error> = send();
        sent(&script, outcome.map_err(|error| error.to_string()))
    }
}

impl Tokio {
    fn over(
        framing: FramingPair,
        reads: Vec<ReadStep>,
        writes: Vec<WriteStep>,
    ) -> (
        tokio::Connection<FramingPair, ::tokio::io::ReadHalf<ScriptedStream>, ::tokio::io::WriteHalf<ScriptedStream>>,
        Script,
    ) {
        let (stream, script) = ScriptedStream::new(reads, writes);
        let (reader, writer) = ::tokio::io::split(stream);
        (tokio::Connection::from_parts(reader, writer, framing), script)
    }
}

impl OverScript for Tokio {
    fn receive(framing: FramingPair, reads: Vec<ReadStep>) -> Received {
        let (mut connection, script) = Self::over(framing, reads, vec![]);
        let runtime = Self::runtime();
        collect(&script, || match runtime.block_on(connection.recv()) {
            Ok(message) => Ok(message.map(|message| message.to_vec())),
            Err(error) => Err(error.to_string()),
        })
    }

    fn send(framing: FramingPair, messages: &[&[u8]], writes: Vec<WriteStep>) -> Sent {
        let (mut connection, script) = Self::over(framing, vec![], writes);
        let outcome = Self::runtime().block_on(async {
            for message in messages {
                connection.send(message).await?;
            }
            Ok(())
        });
        sent(&script, outcome.map_err(|error: framelink_transport::Error| error.to_string()))
    }
}
