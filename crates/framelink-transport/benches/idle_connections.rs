//! Measures what ten thousand connections cost on which only heartbeats pass: never used, used once, and after a burst of
//! 256 KiB in each direction. Their peers are in another process.
//!
//! `cargo bench -p framelink-transport --bench idle_connections [-- INTERVAL [COUNT [KIND]]]`, where the interval is 30s by
//! default. The connections are tasks that receive and send (`tasks`, the default), or those of a `tokio::Server` (`server`).

use std::fs;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use framelink_transport::heartbeat::{Form, Heartbeat, Role};
use framelink_transport::tokio::{Connection, Connector, Listener, Server};
use framelink_transport::{Framing, NotationError, Profile};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{ChildStdout, Command};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

const COUNT: usize = 10_000;
/// The states after the first, with the size of the message that leads to each.
const STATES: [(&str, usize); 2] = [("used once", 16), ("after a burst", 256 * 1024)];
/// How many connections have a message in flight.
const AT_A_TIME: usize = 8;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let interval = arguments.next().unwrap_or_else(|| "30s".to_owned());
    let count = arguments.next().and_then(|count| count.parse().ok()).unwrap_or(COUNT);
    let count = count.min(descriptors().saturating_sub(100));
    let kind = arguments.next().unwrap_or_else(|| "tasks".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match arguments.next() {
        Some(address) => runtime.block_on(be_the_peers(&interval, count, &address)),
        None => runtime.block_on(hold(&interval, count, &kind)),
    }
}

/// Holds the connections, and measures their cost.
async fn hold(interval: &str, count: usize, kind: &str) {
    let heartbeat = heartbeat(interval).expect("an interval");
    let every = heartbeat.times().0;
    let address = if kind == "server" { serve(heartbeat).await } else { accept(heartbeat).await };
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args([interval, &count.to_string(), kind, &address]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut peers = command.kill_on_drop(true).spawn().expect("the peers");
    let mut orders = peers.stdin.take().expect("piped");
    let mut answers = BufReader::new(peers.stdout.take().expect("piped")).lines();
    answered(&mut answers, "begins").await;
    let (began, before, used) = (Instant::now(), memory(), cpu());
    answered(&mut answers, "connected").await;
    println!("{count} connections ({kind}) with a beat each way every {every:?}:");
    println!("  accepted within {:.2?}, with {:.2?} of CPU time", began.elapsed(), cpu() - used);
    // By now each connection has sent a heartbeat, so that the first-time costs are over.
    sleep(every).await;
    let (cpu_before, window) = (cpu(), every.max(Duration::from_secs(6)));
    sleep(window).await;
    let used = (cpu() - cpu_before).as_secs_f64() / window.as_secs_f64() * 100.0;
    let at_30s = used * every.as_secs_f64() / 30.0;
    println!("  {used:.1} % of one core; {at_30s:.1} % with a beat every 30 s");
    let report = |state| {
        println!("  {:.0} bytes of resident memory a connection, {state}", (memory() - before) as f64 / count as f64);
    };
    report("never used");
    for (state, bytes) in STATES {
        orders.write_all(format!("{bytes}\n").as_bytes()).await.expect("an order");
        answered(&mut answers, "used").await;
        sleep(every).await;
        report(state);
    }
}

/// Waits for a line of the peers.
async fn answered(answers: &mut Lines<BufReader<ChildStdout>>, expected: &str) {
    let answer = answers.next_line().await.expect("the peers run").expect("the peers run");
    assert_eq!(answer, expected, "a connection was lost");
}

/// Accepts connections, each with a task that answers every message with a copy. Returns the address.
async fn accept(heartbeat: Arc<Heartbeat>) -> String {
    let mut listener = Listener::bind("127.0.0.1:0", framing()).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        loop {
            let mut connection = listener.accept().await.expect("a connection");
            connection.watch(Arc::clone(&heartbeat), Role::Server);
            tokio::spawn(echo(connection));
        }
    });
    address.to_string()
}

#[expect(clippy::manual_async_fn, reason = "the future of an `async fn` would hold the connection twice")]
fn echo(mut connection: Connection) -> impl Future<Output = ()> {
    async move {
        loop {
            let Ok(Some(message)) = connection.recv().await else { return };
            // A connection that waits for a message needs no memory for sending.
            let Ok(()) = Box::pin(connection.send(&message)).await else { return };
        }
    }
}

/// Runs a server that answers every message with a copy. Returns the address.
async fn serve(heartbeat: Arc<Heartbeat>) -> String {
    let profile = Profile::builder(framing()).heartbeat(Heartbeat::clone(&heartbeat));
    let profile = profile.connections(1_000_000).connections_per_client(1_000_000).build().expect("a profile");
    let server = Server::bind("127.0.0.1:0", &Arc::new(profile)).await.expect("a port");
    let address = server.local_addr().expect("an address");
    tokio::spawn(server.run(|request| async move { Some(request.to_vec()) }));
    address.to_string()
}

async fn be_the_peers(interval: &str, count: usize, address: &str) {
    let heartbeat = heartbeat(interval).expect("an interval");
    let connector = Connector::new(framing());
    let (order, ordered) = watch::channel(0);
    let turns = Arc::new(Semaphore::new(AT_A_TIME));
    let mut connections = JoinSet::new();
    // The first use of each function loads a part of the program, which is no cost of a connection.
    let mut first = connector.connect(address).await.expect("a connection");
    first.call(&vec![7; STATES[1].1], Duration::from_secs(60)).await.expect("a reply");
    println!("begins");
    for _ in 0..count {
        let mut connection = connector.connect(address).await.expect("a connection");
        connection.watch(Arc::clone(&heartbeat), Role::Client);
        connections.spawn(ask(connection, ordered.clone(), Arc::clone(&turns)));
    }
    println!("connected");
    let mut orders = BufReader::new(tokio::io::stdin()).lines();
    while let Ok(Some(bytes)) = orders.next_line().await {
        order.send_replace(bytes.parse().expect("a number"));
        for _ in 0..count {
            match connections.join_next().await.expect("a connection").expect("no panic") {
                Some(connection) => connections.spawn(ask(connection, ordered.clone(), Arc::clone(&turns))),
                None => return println!("a connection was lost"),
            };
        }
        println!("used");
    }
}

/// Waits for an order and makes a call of that many bytes. Returns the connection, or `None` if it was lost.
async fn ask(
    mut connection: Connection,
    mut ordered: watch::Receiver<usize>,
    turns: Arc<Semaphore>,
) -> Option<Connection> {
    ordered.borrow_and_update();
    let turn = async {
        ordered.changed().await.ok()?;
        turns.acquire().await.ok()
    };
    let turn = tokio::select! {
        _ = connection.recv() => return None,
        turn = turn => turn,
    };
    let _turn = turn?;
    let request = vec![7; *ordered.borrow()];
    let reply = connection.call(&request, Duration::from_secs(60)).await.ok()?;
    (reply[..] == request[..]).then_some(connection)
}

fn framing() -> Framing {
    "net:4".parse().expect("a notation")
}

fn heartbeat(interval: &str) -> Result<Arc<Heartbeat>, NotationError> {
    let heartbeat: Heartbeat = format!("empty,interval={interval},timeout={interval}").parse()?;
    assert!(heartbeat.form() == &Form::empty());
    Ok(Arc::new(heartbeat))
}

/// Returns the resident memory in bytes.
fn memory() -> usize {
    let statm = fs::read_to_string("/proc/self/statm").expect("Linux");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).expect("pages") * 4096
}

/// Returns the CPU time of this process.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").expect("Linux");
    let fields: Vec<_> = stat.rsplit(')').next().expect("a name").split(' ').collect();
    let ticks: u64 = [12, 13].iter().filter_map(|&at| fields.get(at)?.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

fn descriptors() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").expect("Linux");
    let line = limits.lines().find(|line| line.starts_with("Max open files")).expect("a limit");
    line.split_whitespace().nth(3).and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX)
}
