//! The second part of the demo: a host goes silent while its socket stays open, and the bridge notices.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::heartbeat::Role;
use framelink_transport::session::LivenessHandle;
use framelink_transport::tokio::{Cause, Connection, Connector, Error, Listener};
use framelink_transport::{Framing, Heartbeat, TryRecv};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::{CLIENT_FRAMING, HOST_FRAMING, PATIENCE, Pair, answer, reply_to};
use crate::command::bridge::Passed;
use crate::failure::Failure;
use crate::output::Output;
use crate::server::drain::Drain;

const HEARTBEAT: &str = "numbered,interval=40ms,timeout=500ms";
const QUESTION: &str = "are you there?";
/// How long only heartbeats are sent.
const IDLE: Duration = Duration::from_millis(150);
/// How much later than the bound a busy machine may be.
const ALLOWANCE: Duration = Duration::from_secs(1);

/// Runs the scene, and returns whether everything happened as expected.
pub(super) async fn run(output: &mut Output) -> Result<bool, Failure> {
    let heartbeat: Arc<Heartbeat> = HEARTBEAT.parse().map(Arc::new).map_err(Failure::fault)?;
    let bound = heartbeat.detection_bound(Role::Client).unwrap_or_default();
    let (hush, hushed) = oneshot::channel();
    let mut bridge = Bridge::start(&heartbeat, hushed).await?;
    output.line(format_args!("\nHeartbeats between bridge and host: {HEARTBEAT}\n"))?;

    let (mut client, liveness, pair) = bridge.client().await?;
    let reply = client.call(QUESTION.as_bytes(), PATIENCE).await.map_err(Failure::fault)?;
    let mut is_right = show_reply(output, "the host is there", &reply)?;
    sleep(IDLE).await;
    let (sent, _) = liveness.counts();
    is_right &= sent > 0;
    output.line(step(format_args!("no request for {IDLE:?}"), format_args!("{sent} heartbeats were sent")))?;

    let _ = hush.send(());
    let since = Instant::now();
    output.line(step("the host goes silent", "it neither reads nor answers, and its socket stays open"))?;
    output.flush()?;
    let closed = client.recv_within(PATIENCE).await.map_err(Failure::fault)?;
    let took = since.elapsed();
    drop(client);
    is_right &= matches!(closed, TryRecv::Closed) && took <= bound + ALLOWANCE;
    is_right &= show_verdict(output, took, bound, pair).await?;

    let (mut client, ..) = bridge.client().await?;
    let reply = client.call(QUESTION.as_bytes(), PATIENCE).await.map_err(Failure::fault)?;
    is_right &= show_reply(output, "the host is back", &reply)?;
    output.line(match is_right {
        true => "the silence was noticed in time, and the bridge went on",
        false => "the demo failed",
    })?;
    Ok(is_right)
}

/// Returns a line: what happens, and what can be observed.
fn step(what: impl std::fmt::Display, seen: impl std::fmt::Display) -> String {
    format!("{:<26}{seen}", what.to_string())
}

fn show_reply(output: &mut Output, when: &str, reply: &[u8]) -> Result<bool, Failure> {
    let seen = format!("a client asks `{QUESTION}`, and receives `{}`", String::from_utf8_lossy(reply));
    output.line(step(when, seen))?;
    output.flush()?;
    Ok(*reply == *reply_to(QUESTION.as_bytes()))
}

type Ended = (Passed, Result<(), Error>);

/// Shows why the bridge ended the pair, and returns whether it detected the silence.
async fn show_verdict(
    output: &mut Output,
    took: Duration,
    bound: Duration,
    pair: JoinHandle<Ended>,
) -> Result<bool, Failure> {
    let Ok(ended) = timeout(PATIENCE, pair).await else {
        output.line("  the bridge did not notice the silence in time")?;
        return Ok(false);
    };
    let (_, ended) = ended.map_err(Failure::fault)?;
    let noticed = format!("after {}ms; the bound is {bound:?} from the host's last byte", took.as_millis());
    output.line(step("the bridge notices", noticed))?;
    match ended {
        Ok(()) => output.line("  the bridge reports no error")?,
        Err(error) => {
            output.line(format_args!("  {}", error.cause()))?;
            return Ok(matches!(error.cause(), Cause::Dead(_)));
        }
    }
    Ok(false)
}

/// A bridge whose outgoing connections have heartbeats.
struct Bridge {
    clients: Listener,
    heartbeat: Arc<Heartbeat>,
    client_framing: Framing,
    host_framing: Framing,
    host: SocketAddr,
}

impl Bridge {
    /// Starts the bridge and its host.
    async fn start(heartbeat: &Arc<Heartbeat>, hushed: oneshot::Receiver<()>) -> Result<Self, Failure> {
        let client_framing: Framing = CLIENT_FRAMING.parse().map_err(Failure::fault)?;
        let host_framing: Framing = HOST_FRAMING.parse().map_err(Failure::fault)?;
        let hosting = Listener::bind("127.0.0.1:0", host_framing).await.map_err(Failure::fault)?;
        let host = hosting.local_addr().map_err(Failure::fault)?;
        tokio::spawn(serve(hosting, Arc::clone(heartbeat), hushed));
        let clients = Listener::bind("127.0.0.1:0", client_framing).await.map_err(Failure::fault)?;
        Ok(Self { clients, heartbeat: Arc::clone(heartbeat), client_framing, host_framing, host })
    }

    /// Connects a client, and returns it with the pair that serves it.
    async fn client(&mut self) -> Result<(Connection, LivenessHandle, JoinHandle<Ended>), Failure> {
        let address = self.clients.local_addr().map_err(Failure::fault)?;
        let client = Connector::new(self.client_framing).connect(address).await.map_err(Failure::fault)?;
        let accepted = self.clients.accept().await.map_err(Failure::fault)?;
        let mut dialled = Connector::new(self.host_framing).connect(self.host).await.map_err(Failure::fault)?;
        let liveness = dialled.watch(Arc::clone(&self.heartbeat), Role::Client);
        Ok((client, liveness, tokio::spawn(Pair::new(accepted, dialled).run(Drain::never()))))
    }
}

/// Runs a host that answers messages and heartbeats. On `hushed` it stops reading its first connection.
async fn serve(mut listener: Listener, heartbeat: Arc<Heartbeat>, hushed: oneshot::Receiver<()>) -> Result<(), Error> {
    let Ok(mut first) = listener.accept().await else { return Ok(()) };
    first.watch(Arc::clone(&heartbeat), Role::Server);
    tokio::select! {
        biased;
        _ = hushed => {}
        ended = answer(&mut first) => return ended,
    }
    let Ok(mut second) = listener.accept().await else { return Ok(()) };
    second.watch(heartbeat, Role::Server);
    answer(&mut second).await
}
