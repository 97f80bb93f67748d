//! Gives each accepted connection its own connection to the host, and passes messages both ways unchanged.

use std::sync::Arc;
use std::time::Duration;

use framelink_transport::heartbeat::Role;
use framelink_transport::proxy_protocol::ProxyInfo;
use framelink_transport::session::{DialogueError, Lifetime, Relayed};
use framelink_transport::tokio::{Cause, ConnectError, Connection, Connector, Error, Upstream};
use framelink_transport::upstream::AddressLease;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use super::pair::{LINGER, Pair, Passed};
use super::relay::Relay;
use crate::arguments::liveness::Liveness;
use crate::arguments::values::with_zone;
use crate::command::connect_failed;
use crate::failure::Failure;
use crate::output::Count;
use crate::server::accepting::{self, Accepting, Kind};
use crate::server::drain::{Drain, DrainStage};
use crate::server::probes::{self, FIRST_BYTE};
use crate::server::strangers::{self, Kind as Line};

/// How many file descriptors the process itself needs: standard streams, the listener, the event queue, the resolver.
const OWN_FILES: usize = 16;
/// How long to count messages of a client that has no host.
const LAST_LOOK: Duration = Duration::from_millis(100);

pub(super) async fn run(listen: &str, clients: &Kind, outgoing: Route, mut drain: Drain) -> Result<(), Failure> {
    let mut accepting = Accepting::start(listen, clients).await?;
    let outgoing = Arc::new(outgoing);
    let mut room = Room::new();
    let mut pairs = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            () = drain.begun() => break,
            // The exit status counts only messages that the drain cuts.
            Some(ended) = pairs.join_next() => { cut_of(ended); }
            (client, place) = room.accept(&mut accepting) => {
                let carried = carry(client, Arc::clone(&outgoing), drain.clone());
                pairs.spawn(async move { (carried.await, place).0 });
            }
        }
    }
    // Clients that wait to be accepted see a connection, and may have sent messages.
    while let Some(client) = accepting.next_waiting(&mut drain).await {
        let place = room.place(&mut drain).await;
        let carried = carry(client, Arc::clone(&outgoing), drain.clone());
        pairs.spawn(async move { (carried.await, place).0 });
    }
    let refused = accepting.refused();
    drop(accepting);
    // Each pair ends at the deadline by itself, and returns how many messages it cut.
    let mut cut = 0;
    while let Some(ended) = pairs.join_next().await {
        cut += cut_of(ended);
    }
    let were = if cut == 1 { "was" } else { "were" };
    let cut = Count(cut, "message");
    tracing::info!("drained: {cut} cut{refused}");
    match cut.0 {
        _ if drain.was_forced() => Err(Failure::fault(format!("ended by a second signal, {cut} {were} cut"))),
        0 => Ok(()),
        _ => Err(Failure::fault(format!("{cut} {were} cut"))),
    }
}

/// Limits pairs to the file descriptors of the process: each accepted client needs another one for its host.
struct Room {
    places: Arc<Semaphore>,
    size: usize,
    was_full: bool,
}

impl Room {
    fn new() -> Self {
        let size = (free_files() / 2).clamp(1, Semaphore::MAX_PERMITS);
        Self { places: Arc::new(Semaphore::new(size)), size, was_full: false }
    }

    /// Returns the next client and its place. Dropping the future loses neither.
    async fn accept(&mut self, accepting: &mut Accepting) -> (Connection, Option<OwnedSemaphorePermit>) {
        if self.places.available_permits() == 0 && !self.was_full {
            self.was_full = true;
            tracing::warn!(
                "the limit of open files allows {}; further clients wait",
                Count(self.size as u64, "client")
            );
        }
        // The semaphore is never closed, so every client gets a place in the end.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        (accepting.next().await, place)
    }

    /// Returns a place for a client that was accepted in a drain, or `None` when half of the drain's time is over. The
    /// client is then turned away, and its messages are counted.
    async fn place(&self, drain: &mut Drain) -> Option<OwnedSemaphorePermit> {
        tokio::select! {
            biased;
            place = Arc::clone(&self.places).acquire_owned() => place.ok(),
            () = drain.half_over() => None,
        }
    }
}

/// Returns how many file descriptors are left for connections.
pub(super) fn free_files() -> usize {
    file_descriptors().saturating_sub(OWN_FILES)
}

#[cfg(unix)]
fn file_descriptors() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|limit| usize::try_from(limit).ok()).unwrap_or(usize::MAX)
}

#[cfg(not(unix))]
const fn file_descriptors() -> usize {
    usize::MAX
}

/// The host of a bridge.
pub(super) struct Route {
    pub(super) way: RouteKind,
    pub(super) to: String,
}

/// How the host is dialled.
pub(super) enum RouteKind {
    /// With a framing and options alone.
    Plain(Box<Connector>, Liveness),
    /// With a profile.
    Profile(Upstream),
}

impl Route {
    /// Dials the host. If the process has no file descriptor left, it waits for one, and so does the client. `relayed` are
    /// the first messages of the client that the profile relays.
    async fn dial(
        &self,
        client: &ProxyInfo,
        relayed: &Relayed,
    ) -> Result<(Connection, Option<AddressLease>), ConnectError> {
        loop {
            match self.way.dial(&self.to, client, relayed).await {
                Err(error) if is_out_of_files(&error) => tokio::time::sleep(accepting::PAUSE).await,
                dialled => return dialled,
            }
        }
    }
}

impl RouteKind {
    async fn dial(
        &self,
        to: &str,
        client: &ProxyInfo,
        relayed: &Relayed,
    ) -> Result<(Connection, Option<AddressLease>), ConnectError> {
        match self {
            Self::Plain(connector, liveness) => {
                let to = with_zone(to).map_err(ConnectError::Resolve)?;
                let mut host = connector.connect(&*to).await?;
                liveness.watch(&mut host, Role::Client);
                Ok((host, None))
            }
            Self::Profile(upstream) => {
                upstream.dial_on_behalf_of(client, relayed.clone()).await.map(|(host, lease)| (host, Some(lease)))
            }
        }
    }
}

/// Returns whether the error is `EMFILE` or `ENFILE`.
fn is_out_of_files(error: &ConnectError) -> bool {
    let (ConnectError::Dial { error, .. } | ConnectError::Resolve(error)) = error else { return false };
    cfg!(unix) && matches!(error.raw_os_error(), Some(23 | 24))
}

/// Dials the host for one accepted connection, and passes messages until one side or the program ends. Returns how many
/// messages a drain cut. Messages that were cut earlier are only logged.
async fn carry(mut client: Connection, outgoing: Arc<Route>, mut drain: Drain) -> u64 {
    let begun = begun(&mut client, &mut drain).await;
    // The address of a proxy's client is known now.
    let client_name = name(&client);
    let relayed = match begun {
        Some(Ok(Some(relayed))) => relayed,
        Some(Ok(None)) => {
            probes::tell(client.peer_addr());
            return 0;
        }
        Some(Err(error)) => {
            let has_gone = matches!(error.cause(), Cause::Reset(_) | Cause::Dialogue(DialogueError::Closed { .. }));
            match has_gone && client.byte_count().get() == 0 {
                true => probes::tell(client.peer_addr()),
                false => tell_end(&client_name, Passed::default(), &Err(error)),
            }
            return 0;
        }
        None => {
            // Messages that arrive now are counted, as by a server of the library.
            let cut = turn_away(client, async { drop(timeout(LINGER, drain.over()).await) }).await;
            tell_end(&client_name, Passed { cut, ..Passed::default() }, &Ok(()));
            return cut;
        }
    };
    let about = about(&client);
    let dialled = tokio::select! {
        biased;
        dialled = outgoing.dial(&about, &relayed) => dialled.map_err(|error| connect_failed(&outgoing.to, &error)),
        () = drain.half_over() => Err(format!("connecting to {}: not done when the drain was half over", outgoing.to)),
    };
    let (mut host, lease) = match dialled {
        Ok(host) => host,
        Err(error) => {
            let cut = turn_away(client, sleep(LAST_LOOK)).await;
            let tell = || tracing::error!("{client_name}: closed with {} cut: {error}", Count(cut, "message"));
            if cut > 0 {
                tell()
            } else {
                strangers::line(Line::Unserved, tell)
            }
            return cut;
        }
    };
    let names = format!("{client_name} <-> {}", name(&host));
    strangers::line(Line::Connected, || tracing::info!("{names}: connected"));
    // Messages of the host that wait for a client count as memory of that client.
    host.share_memory_of(&client);
    let host_address = host.peer_addr();
    let (passed, ended) = Pair::new(client, host).run(drain.clone()).await;
    let is_draining = drain.stage() != DrainStage::Open;
    if let Some(lease) = lease {
        match &ended {
            _ if passed.to_client > 0 => lease.proved(),
            Err(error) if error.peer() == host_address => lease.lost(&error.to_string()),
            _ => lease.leave(),
        }
    }
    tell_end(&names, passed, &ended);
    if is_draining { passed.cut } else { 0 }
}

/// Waits for the client's first steps and its first byte, and returns the messages to relay; none if the client has ended
/// before a byte. In a drain no host is dialled for a client that sends nothing: `None` when its time is over.
async fn begun(client: &mut Connection, drain: &mut Drain) -> Option<Result<Option<Relayed>, Error>> {
    // The profile limits the time of the first steps and of the greeting like that of the first message.
    tokio::select! {
        biased;
        opened = client.finish_opening(Duration::MAX) => if let Err(error) = opened {
            return Some(Err(error));
        },
        () = drain.half_over() => return None,
    }
    let relayed = client.take_relayed();
    if !relayed.is_empty() {
        // The client waits for the host's answer.
        return Some(Ok(Some(relayed)));
    }
    has_byte(client, drain).await.map(|begun| begun.map(|has_byte| has_byte.then_some(relayed)))
}

/// Waits for the client's first byte, and returns whether one came before the client's end. The wait is short, because
/// some hosts speak first.
async fn has_byte(client: &mut Connection, drain: &mut Drain) -> Option<Result<bool, Error>> {
    if let Ok(begun) = timeout(FIRST_BYTE, client.begun()).await {
        return Some(begun);
    }
    if drain.stage() == DrainStage::Open || client.byte_count().get() > 0 {
        return Some(Ok(true));
    }
    tokio::select! {
        biased;
        begun = client.begun() => return Some(begun),
        () = sleep(Lifetime::CONNECT_GRACE.saturating_sub(FIRST_BYTE)) => {}
        () = drain.half_over() => {}
    }
    (client.byte_count().get() > 0).then_some(Ok(true))
}

fn tell_end(names: &str, passed: Passed, ended: &Result<(), Error>) {
    let is_in_order = ended.as_ref().err().is_none_or(|error| matches!(error.cause(), Cause::Ended(_)));
    let tell = || match ended {
        Ok(()) if passed.cut == 0 => tracing::info!("{names}: closed after {passed}"),
        Ok(()) => tracing::warn!("{names}: closed after {passed}"),
        Err(error) if passed.cut == 0 && is_in_order => tracing::info!("{names}: closed after {passed}: {error}"),
        Err(error) => tracing::error!("{names}: closed after {passed}: {error}"),
    };
    match passed.is_nothing() {
        true => strangers::line(if is_in_order { Line::Closed } else { Line::Ended }, tell),
        false => tell(),
    }
}

/// Returns what a PROXY protocol header tells the host about a client.
fn about(client: &Connection) -> ProxyInfo {
    let server = client.stream().and_then(|stream| stream.local_addr().ok());
    let addresses = client.peer_addr().zip(server);
    let info = addresses.map_or_else(ProxyInfo::default, |(client, server)| ProxyInfo::new(client, server));
    #[cfg(feature = "tls")]
    if let Some(facts) = client.tls() {
        return info.with_tls(&facts);
    }
    info
}

fn name(connection: &Connection) -> String {
    connection.peer_addr().map_or_else(|| "?".to_owned(), |peer| peer.to_string())
}

/// Counts the messages, whole or begun, of a client without a host, until the client ends or `until` completes.
async fn turn_away(client: Connection, until: impl Future<Output = ()>) -> u64 {
    let (from, to) = client.split();
    let mut unserved = Relay::new(from, to);
    tokio::select! {
        biased;
        () = unserved.part() => {}
        () = until => {}
    }
    unserved.take_what_was_read();
    unserved.cut()
}

fn cut_of(ended: Result<u64, JoinError>) -> u64 {
    ended.unwrap_or_else(|error| {
        tracing::error!("a pair of connections was lost: {error}");
        1
    })
}
