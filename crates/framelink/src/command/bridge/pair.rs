//! An accepted connection and its connection to the host.

use std::fmt;
use std::future::ready;
use std::pin::pin;
use std::time::Duration;

use framelink_transport::FramingPair;
use framelink_transport::session::ByteCount;
use framelink_transport::tokio::{Cause, Connection, Error};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{sleep, timeout};

use super::relay::{Relay, Tally};
use crate::output::Count;
use crate::server::drain::{Drain, DrainStage};
use crate::server::woken::WhenWoken;

/// After one side has ended, the pair is closed when no byte has moved the other way for this time. Linux keeps a
/// half-closed connection without an owner for as long.
const HALF_CLOSED: Duration = Duration::from_secs(60);
/// After the client's direction has failed, how long the host has for replies to earlier messages.
const REPLIES: Duration = Duration::from_secs(5);
/// If a pair ends before its peers, how long the peers have to close too.
pub(super) const LINGER: Duration = Duration::from_secs(1);
/// How long to count messages that arrive and cannot go out any more.
const LAST_LOOK: Duration = Duration::from_millis(100);

/// The connection of a client, and the connection to the host.
pub(crate) struct Pair<A, B, C, D> {
    up: Relay<A, D>,
    down: Relay<C, B>,
}

/// The messages that a pair has passed on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Passed {
    pub(super) to_host: u64,
    pub(crate) to_client: u64,
    /// Messages that arrived, wholly or in part, and did not go out.
    pub(crate) cut: u64,
}

impl Passed {
    /// Returns whether no message arrived from either side, wholly or in part.
    pub(crate) const fn is_nothing(self) -> bool {
        self.to_host == 0 && self.to_client == 0 && self.cut == 0
    }
}

impl<A, B, C, D> Pair<A, B, C, D>
where
    A: AsyncRead + Unpin,
    B: AsyncWrite + Unpin,
    C: AsyncRead + Unpin,
    D: AsyncWrite + Unpin,
{
    pub(crate) fn new(client: Connection<FramingPair, A, B>, host: Connection<FramingPair, C, D>) -> Self {
        let (from_client, to_client) = client.split();
        let (from_host, to_host) = host.split();
        Self { up: Relay::new(from_client, to_host), down: Relay::new(from_host, to_client) }
    }

    /// Passes messages both ways until both sides have ended, one has failed, or the drain is over.
    pub(crate) async fn run(mut self, mut drain: Drain) -> (Passed, Result<(), Error>) {
        let ended = {
            let (passing, over) = (self.pass_both_ways(drain.clone()), pin!(drain.over()));
            // The drain is polled first: a direction that always has work would use up the turn of the task.
            tokio::select! {
                biased;
                () = WhenWoken::new(over) => Ok(()),
                ended = passing => ended,
            }
        };
        // After an abrupt end there is no wait: other clients may need the memory or the place of this one.
        let is_abrupt =
            matches!(&ended, Err(error) if matches!(error.cause(), Cause::Ended(ending) if ending.is_abrupt()));
        if is_abrupt {
            self.up.leave_what_has_begun();
        } else {
            tokio::select! {
                biased;
                () = self.part(LINGER) => {}
                () = drain.over() => {}
            }
        }
        if drain.stage() == DrainStage::Closing && !drain.was_forced() {
            // Messages that have arrived may still lie in buffers of the system.
            self.part(LAST_LOOK).await;
        }
        self.up.take_what_was_read();
        self.down.take_what_was_read();
        let cut = self.up.cut() + self.down.cut();
        (Passed { to_host: self.up.written(), to_client: self.down.written(), cut }, ended)
    }

    async fn pass_both_ways(&mut self, drain: Drain) -> Result<(), Error> {
        let (up, down) = (&Tally::default(), &Tally::default());
        let [up_bytes, down_bytes] = [self.up.byte_counts(), self.down.byte_counts()];
        // Many hosts drop their work when their client's side ends. So the end is passed on only after as many messages
        // came back as went out.
        let replied = || down.reaches(up.get());
        let upwards = pin!(self.up.run(up, drain, replied));
        let downwards = pin!(self.down.run(down, Drain::never(), || ready(())));
        let (mut upwards, mut downwards) = (WhenWoken::new(upwards), WhenWoken::new(downwards));
        tokio::select! {
            ended = &mut upwards => match ended {
                Ok(()) => while_it_moves(downwards, &down_bytes).await,
                // The client is dead and takes no replies, or it has sent no request.
                Err(error) if matches!(error.cause(), Cause::Dead(_) | Cause::Proxy(_) | Cause::ProxyHeader(_)) => Err(error),
                Err(error) => {
                    let _ = timeout(REPLIES, downwards).await;
                    Err(error)
                }
            },
            ended = &mut downwards => match ended {
                Ok(()) => while_it_moves(upwards, &up_bytes).await,
                // No reply can come back, so no more requests are sent.
                Err(error) => Err(error),
            },
        }
    }

    /// Writes the messages that were taken, and gives both peers time to read them: a socket that is closed with unread
    /// bytes resets its connection.
    async fn part(&mut self, within: Duration) {
        let _ = timeout(within, async { tokio::join!(self.up.part(), self.down.part()) }).await;
    }
}

/// Runs the direction that has not ended, while bytes move.
async fn while_it_moves(
    direction: impl Future<Output = Result<(), Error>>,
    bytes: &[ByteCount; 2],
) -> Result<(), Error> {
    const LOOKS: u32 = 4;
    let count = || bytes.each_ref().map(ByteCount::get);
    let stillness = async {
        let (mut before, mut still) = (count(), 0);
        while still < LOOKS {
            sleep(HALF_CLOSED / LOOKS).await;
            let now = count();
            still = if now == before { still + 1 } else { 0 };
            before = now;
        }
    };
    tokio::select! {
        biased;
        ended = direction => ended,
        () = stillness => Ok(()),
    }
}

impl fmt::Display for Passed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} to the host and {} to the client", Count(self.to_host, "message"), self.to_client)?;
        if self.cut > 0 {
            write!(f, ", {} cut", self.cut)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use framelink_transport::Framing;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadHalf, WriteHalf, duplex, split};
    use tokio::task::JoinHandle;
    use tokio::time::Instant;

    use super::*;

    type Leg = Connection<FramingPair, ReadHalf<DuplexStream>, WriteHalf<DuplexStream>>;
    type Ended = (Passed, Result<(), Error>);

    /// Returns the two ends of a pipe in memory that holds `capacity` bytes: the bridge's end and the peer's.
    fn leg(capacity: usize) -> (Leg, DuplexStream) {
        let framing: Framing = "net:2".parse().unwrap();
        let (ours, theirs) = duplex(capacity);
        let (reader, writer) = split(ours);
        (Connection::from_parts(reader, writer, FramingPair::from(framing)), theirs)
    }

    /// Starts a pair, and returns it with its client and its host.
    fn start(capacity: usize) -> (JoinHandle<Ended>, DuplexStream, DuplexStream) {
        let ((client_leg, client), (host_leg, host)) = (leg(capacity), leg(capacity));
        (tokio::spawn(Pair::new(client_leg, host_leg).run(Drain::never())), client, host)
    }

    async fn read(stream: &mut DuplexStream, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        stream.read_exact(&mut bytes).await.unwrap();
        bytes
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_says_nothing_after_its_client_has_gone_does_not_hold_the_pair() {
        let (pair, mut client, mut host) = start(1024);
        let began = Instant::now();
        client.write_all(b"\0\x02hi").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(read(&mut host, 4).await, b"\0\x02hi");
        let (passed, ended) = pair.await.unwrap();
        assert!(ended.is_ok());
        assert_eq!((passed.to_host, passed.cut), (1, 0));
        let took = began.elapsed();
        assert!(took >= HALF_CLOSED && took < HALF_CLOSED + Duration::from_secs(3), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_reply_that_takes_its_time_is_not_cut_while_it_moves() {
        let (pair, mut client, mut host) = start(1024);
        client.write_all(b"\0\x02hi").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(read(&mut host, 4).await, b"\0\x02hi");
        let reply = [&[0, 10][..], b"0123456789"].concat();
        for byte in &reply {
            tokio::time::sleep(HALF_CLOSED - Duration::from_secs(20)).await;
            host.write_all(&[*byte]).await.unwrap();
        }
        host.shutdown().await.unwrap();
        assert_eq!(read(&mut client, 12).await, reply);
        drop(client);
        let (passed, ended) = pair.await.unwrap();
        assert!(ended.is_ok());
        assert_eq!((passed.to_client, passed.cut), (1, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn garbage_from_the_client_costs_no_reply_to_earlier_messages() {
        let (pair, mut client, mut host) = start(1024);
        // The second message is garbage because the close cuts it.
        client.write_all(b"\0\x02hi\0\x05hel").await.unwrap();
        client.shutdown().await.unwrap();
        assert_eq!(read(&mut host, 4).await, b"\0\x02hi");
        tokio::time::sleep(REPLIES / 2).await;
        host.write_all(b"\0\x02ok").await.unwrap();
        assert_eq!(read(&mut client, 4).await, b"\0\x02ok");
        drop((client, host));
        let (passed, ended) = pair.await.unwrap();
        assert!(ended.unwrap_err().to_string().contains("stream ended inside a frame"));
        assert_eq!(
            (passed.to_host, passed.to_client, passed.cut),
            (1, 1, 0),
            "half a message of a client that has closed does not count as cut"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn messages_taken_for_a_host_that_is_gone_are_counted() {
        let (pair, mut client, host) = start(16);
        let sending = tokio::spawn(async move {
            for _ in 0..10 {
                let _ = client.write_all(b"\0\x08a client").await;
            }
            client.shutdown().await.unwrap();
            // Waits for the end, so that the bridge takes all messages.
            let _ = client.read(&mut [0]).await;
        });
        tokio::time::sleep(Duration::from_millis(10)).await;
        drop(host);
        let (passed, ended) = pair.await.unwrap();
        sending.await.unwrap();
        assert!(ended.is_err());
        assert_eq!(passed.to_host + passed.cut, 10, "{passed}");
        assert!(passed.cut > 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_host_that_sends_garbage_receives_no_more_messages() {
        let (client_leg, mut client) = leg(1024);
        let framing: Framing = "ascii:4".parse().unwrap();
        let (ours, mut host) = duplex(1024);
        let (reader, writer) = split(ours);
        let host_leg = Connection::from_parts(reader, writer, FramingPair::from(framing));
        let pair = tokio::spawn(Pair::new(client_leg, host_leg).run(Drain::never()));
        host.write_all(b"GET /").await.unwrap();
        let mut to_host = Vec::new();
        host.read_to_end(&mut to_host).await.unwrap();
        client.write_all(b"\0\x02hi").await.unwrap();
        client.shutdown().await.unwrap();
        let (passed, ended) = pair.await.unwrap();
        assert!(ended.unwrap_err().to_string().contains("HTTP"));
        assert_eq!((to_host.len(), passed.to_host, passed.cut), (0, 0, 1), "the message arrived, and did not go out");
    }
}
