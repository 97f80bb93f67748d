//! Makes one exchange with the host for each message, over connections that all clients share.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::profile::ConnectionKind;
use framelink_transport::session::{Inputs, Numbers, Place, ReplyHeader};
use framelink_transport::tokio::{Client, Inbox, Link, LinkEvent, Pool, Upstream};
use framelink_transport::{DrainReport, Incoming, Message, Profile, ServerCounts};

use super::recorder::Recorder;
use crate::arguments::profile::warn_of_mismatch;
use crate::arguments::values::Addresses;
use crate::failure::Failure;
use crate::output::Count;
use crate::recording::RecordingFile;
use crate::server::certificates;
use crate::server::drain::Drain;
use crate::server::serving::{Refused, concurrency, end_with, listen};

pub(super) async fn run(
    address: &str,
    to: &Addresses,
    clients: Arc<Profile>,
    outgoing: Profile,
    recording: Option<RecordingFile>,
    mut drain: Drain,
) -> Result<(), Failure> {
    let close = outgoing.timeouts().close;
    let recorder = recording.map(|file| Recorder::new(file, &clients, &outgoing));
    warn_of_mismatch(&outgoing);
    let host = Arc::new(Host::new(outgoing, &to.0)?);
    let server = listen(address, &clients).await?.concurrency(concurrency(&clients));
    end_with(drain.clone(), server.handle());
    let asked = Arc::clone(&host);
    let headers = clients.reply_header().map(|header| Arc::new((header.clone(), server.numbers())));
    let recording = recorder.as_ref().map(|recorder| (Arc::clone(&recorder.file), server.numbers()));
    let handle = server.handle();
    let report = server
        .run(move |message| {
            let (host, headers, recording) = (Arc::clone(&asked), headers.clone(), recording.clone());
            async move {
                let record = |request: &[u8], reply: &[u8]| {
                    if let Some((file, numbers)) = &recording {
                        file.add(request, reply, numbers);
                    }
                };
                match headers.as_deref() {
                    None => host.exchange(&message, record).await,
                    Some((header, numbers)) => host.exchange_behind(header, numbers, &message, record).await,
                }
            }
        })
        .await;
    if let Some(host) = Arc::into_inner(host) {
        // Nothing is in flight. The wait for the host to close ends with the drain.
        tokio::select! {
            () = host.close(close) => {}
            () = drain.over() => {}
        }
    }
    let written = match recorder {
        Some(recorder) => recorder.finish(to.to_string(), drain.clone()).await,
        None => Ok(()),
    };
    outcome(&report, handle.counts(), &drain).and(written)
}

/// Logs the result of the drain, and returns it. A message is cut if it arrived and its reply did not go out.
fn outcome(report: &DrainReport, counts: ServerCounts, drain: &Drain) -> Result<(), Failure> {
    let all_cut = report.cut + report.discarded;
    let were = if all_cut == 1 { "was" } else { "were" };
    let (cut, connections) = (Count(all_cut, "message"), Count(report.connections_cut, "connection"));
    let before = (counts.lost + counts.discarded + counts.in_flight).saturating_sub(all_cut);
    let refused = Refused::from(report);
    tracing::info!(
        "drained: {} answered, {cut} and {connections} cut{refused}; before: {} answered, {before} not",
        Count(report.answered, "message"),
        Count(counts.answered.saturating_sub(report.answered), "message"),
    );
    match drain.was_forced() {
        true => Err(Failure::fault(format!("ended by a second signal, {cut} {were} cut"))),
        false if all_cut > 0 => Err(Failure::fault(format!("{cut} {were} cut"))),
        false if report.is_clean() => Ok(()),
        false => Err(Failure::fault(format!("cut {connections} that had not finished"))),
    }
}

type Failed = Box<dyn Error + Send + Sync>;

/// The host, and the connections to it.
struct Host {
    way: HostConnections,
    /// Where a request has its own number, if the bridge assigns another one.
    number: Option<Place>,
    no_reply: bool,
}

enum HostConnections {
    /// One connection for each exchange.
    Short(Upstream),
    Pooled(Pool),
    Shared(Link),
}

impl Host {
    fn new(profile: Profile, addresses: &[String]) -> Result<Self, Failure> {
        let no_reply = !profile.exchange().receives();
        let assigning = profile.exchange().duplex().filter(|duplex| duplex.assigned.is_some());
        let number = assigning.and_then(|duplex| duplex.key?.iter().next());
        let kind = profile.connection();
        let upstream = Upstream::new(&Arc::new(profile.clone()), addresses.iter().map(String::as_str));
        let upstream = certificates::of_client(upstream, &profile)?;
        let way = match kind {
            ConnectionKind::Pooled(_) => HostConnections::Pooled(Pool::over(upstream).map_err(Failure::usage)?),
            ConnectionKind::Shared(_) => {
                let (link, inbox) = Link::over(upstream).map_err(Failure::usage)?;
                tokio::spawn(tell(inbox));
                HostConnections::Shared(link)
            }
            _ => {
                // Reports a profile that does not work before the first message arrives.
                Client::over(upstream.clone()).map_err(Failure::usage)?;
                HostConnections::Short(upstream)
            }
        };
        Ok(Self { way, number, no_reply })
    }

    /// Returns the host's reply, with the number of the client's message. An error ends the client's connection.
    async fn exchange(&self, message: &[u8], record: impl Fn(&[u8], &[u8])) -> Result<Option<Message>, Failed> {
        if self.no_reply {
            return self.send(message).await.map(|()| None);
        }
        let reply = match &self.way {
            HostConnections::Short(upstream) => Client::over(upstream.clone())?.call(message).await,
            HostConnections::Pooled(pool) => pool.call(message).await,
            HostConnections::Shared(link) => link.call(message).await,
        };
        let reply = reply?;
        let reply = match self.number.and_then(|place| Some((place, place.of(message)?))) {
            Some((place, number)) => with_number(reply, place, number),
            None => reply,
        };
        record(message, &reply);
        Ok(Some(reply))
    }

    /// Like `exchange`, but the host sees the message without its header, and the reply carries the header back.
    async fn exchange_behind(
        &self,
        header: &ReplyHeader,
        numbers: &Numbers,
        message: &[u8],
        record: impl Fn(&[u8], &[u8]),
    ) -> Result<Option<Message>, Failed> {
        let Some((kept, rest)) = header.split(message) else {
            let (found, needed) = (message.len(), header.len());
            let error = format!("a message of {found} bytes has no header of {needed} bytes (replies.request-header)");
            return Err(error.into());
        };
        let Some(reply) = self.exchange(rest, record).await? else { return Ok(None) };
        let joined = header.join(kept, &reply, &Inputs::system(numbers))?;
        Ok(Some(Message::new(joined.into(), reply.ended_by())))
    }

    async fn send(&self, message: &[u8]) -> Result<(), Failed> {
        match &self.way {
            HostConnections::Short(upstream) => Client::over(upstream.clone())?.send(message).await?,
            HostConnections::Pooled(pool) => pool.send(message).await?,
            HostConnections::Shared(link) => link.send(message).await?,
        }
        Ok(())
    }

    async fn close(self, within: Duration) {
        match self.way {
            HostConnections::Short(_) => {}
            HostConnections::Pooled(pool) => drop(pool.close(within).await),
            HostConnections::Shared(link) => link.close(within).await,
        }
    }
}

/// Puts the number of the client's message into a reply. A long reply is changed where it lies.
fn with_number(reply: Message, place: Place, number: &[u8]) -> Message {
    let ended_by = reply.ended_by();
    let mut bytes = Vec::from(reply.into_bytes());
    if let Some(assigned) = place.of_mut(&mut bytes) {
        assigned.copy_from_slice(number);
    }
    Message::new(bytes.into(), ended_by)
}

/// Logs messages of the host that answer no request. They belong to no client, and are dropped.
async fn tell(mut inbox: Inbox) {
    while let Some(news) = inbox.recv().await {
        match news {
            LinkEvent::Incoming(Incoming::Late(late)) => {
                tracing::warn!("dropped a late reply, which arrived {:?} after its message", late.delay());
            }
            LinkEvent::Incoming(Incoming::Message(message)) => {
                tracing::warn!(
                    "dropped an unsolicited message of {} from the host",
                    Count(message.len() as u64, "byte")
                );
            }
            LinkEvent::Lost(Some(error)) => tracing::warn!("{error}"),
            _ => {}
        }
    }
}
