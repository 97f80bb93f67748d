//! Measures what ten thousand connections cost on which only heartbeats pass. Their peers are in another process.
//!
//! `cargo bench -p framelink-transport --bench idle_connections [-- INTERVAL [COUNT]]`, where the interval is 30s by default.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use framelink_transport::heartbeat::{Form, Heartbeat, Role};
use framelink_transport::tokio::{Connection, Connector, Listener};
use framelink_transport::{Framing, NotationError};
use tokio::task::JoinSet;
use tokio::time::sleep;

const COUNT: usize = 10_000;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let interval = arguments.next().unwrap_or_else(|| "30s".to_owned());
    let (count, peers) = (arguments.next(), arguments.next());
    let count = count.and_then(|count| count.parse().ok()).unwrap_or(COUNT).min(descriptors().saturating_sub(100));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    match peers {
        Some(address) => runtime.block_on(be_the_peers(&interval, count, &address)),
        None => runtime.block_on(hold(&interval, count)),
    }
}

/// Holds the connections, and measures their cost.
async fn hold(interval: &str, count: usize) {
    let heartbeat = heartbeat(interval).expect("an interval");
    let every = heartbeat.times().0;
    let framing: Framing = "ascii:4".parse().expect("a notation");
    let mut listener = Listener::bind("127.0.0.1:0", framing).await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    let command = command.args([interval, &count.to_string(), &address]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut peers = command.spawn().expect("the peers");
    let before = memory();
    let mut connections = JoinSet::new();
    while connections.len() < count {
        let connection = listener.accept().await.expect("a connection");
        connections.spawn(wait(connection, &heartbeat, Role::Server));
    }
    let mut lines = BufReader::new(peers.stdout.take().expect("piped"));
    lines.read_line(&mut String::new()).expect("all are there");
    // By now each connection has sent a heartbeat, so that the first-time costs are over.
    sleep(every).await;
    let (cpu_before, window) = (cpu(), every.max(Duration::from_secs(6)));
    sleep(window).await;
    let cpu = (cpu() - cpu_before).as_secs_f64() / window.as_secs_f64() * 100.0;
    let bytes = (memory() - before) as f64 / count as f64;
    let at_30s = cpu * every.as_secs_f64() / 30.0;
    println!("{count} connections with a beat each way every {every:?}, for {window:?}:");
    println!("  {bytes:.0} bytes of resident memory a connection");
    println!("  {cpu:.1} % of one core; {at_30s:.1} % with a beat every 30 s");
    if connections.try_join_next().is_some() {
        println!("  a connection was lost");
    }
    let _ = peers.kill();
    let _ = peers.wait();
}

async fn be_the_peers(interval: &str, count: usize, address: &str) {
    let heartbeat = heartbeat(interval).expect("an interval");
    let framing: Framing = "ascii:4".parse().expect("a notation");
    let connector = Connector::new(framing);
    let mut connections = JoinSet::new();
    for _ in 0..count {
        let connection = connector.connect(address).await.expect("a connection");
        connections.spawn(wait(connection, &heartbeat, Role::Client));
    }
    println!("all are there");
    // Waits until a connection ends, which none should.
    connections.join_next().await;
}

/// Waits for messages. Only heartbeats arrive, as long as both sides live.
fn wait(mut connection: Connection, heartbeat: &Arc<Heartbeat>, role: Role) -> impl Future<Output = ()> + use<> {
    connection.watch(Arc::clone(heartbeat), role);
    // The future of an `async fn` would hold the connection twice.
    async move {
        match connection.recv().await {
            Ok(Some(_)) => println!("a heartbeat was delivered"),
            Ok(None) => {}
            Err(error) => println!("{error}"),
        }
    }
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
