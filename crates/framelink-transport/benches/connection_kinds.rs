//! Compares long, short, pooled and shared connections: some callers send small requests one after the other to a
//! server in another process.
//!
//! `cargo bench -p framelink-transport --bench connection_kinds [-- CALLERS [CALLS]]`, 8 callers and 20000 calls by default.

use std::collections::HashSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use framelink_transport::profile::{ConnectionKind, Duplex, ExchangeKind, Pooled, Shared, Short};
use framelink_transport::tokio::{Client, Link, Listener, Pool};
use framelink_transport::{Framing, Profile};
use tokio::sync::Mutex;

const CALLERS: usize = 8;
const CALLS: usize = 20_000;
/// How many connections the pool and the shared link have.
const CONNECTIONS: u32 = 4;
/// The length of a request, which begins with its number.
const REQUEST_LEN: usize = 100;

fn main() {
    let mut arguments = std::env::args().skip(1).filter(|argument| !argument.starts_with("--"));
    let first = arguments.next();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    if first.as_deref() == Some("serve") {
        return runtime.block_on(serve());
    }
    let callers = first.and_then(|first| first.parse().ok()).unwrap_or(CALLERS);
    let calls = arguments.next().and_then(|calls| calls.parse().ok()).unwrap_or(CALLS);
    runtime.block_on(compare(callers, calls));
}

async fn compare(callers: usize, calls: usize) {
    println!("{calls} requests of {REQUEST_LEN} bytes by {callers} callers, each waits for its reply:\n");
    println!("| connection | requests a second | CPU a request | local ports used |");
    println!("| --- | --- | --- | --- |");
    for kind in ["long", "short", "pooled", "shared"] {
        // Each kind has a server of its own, so that it finds no connections of another kind.
        let mut server = Server::start();
        let (began, cpu_before) = (Instant::now(), cpu());
        let work = Work { address: server.address.clone(), callers, calls };
        match kind {
            "long" => work.over_client(ConnectionKind::Long).await,
            "short" => work.over_client(Short::new().into()).await,
            "pooled" => work.over_pool().await,
            _ => work.over_link().await,
        }
        let (took, cpu) = (began.elapsed(), cpu() - cpu_before);
        let per_second = calls as f64 / took.as_secs_f64();
        let micros = cpu.as_secs_f64() * 1e6 / calls as f64;
        let name = match kind {
            "long" | "short" => kind.to_owned(),
            kind => format!("{kind}, {CONNECTIONS}"),
        };
        println!("| {name} | {per_second:.0} | {micros:.0} µs | {} |", server.ports());
    }
}

/// The calls to make.
struct Work {
    address: String,
    callers: usize,
    calls: usize,
}

impl Work {
    /// Uses one client that all callers share. It has one exchange at a time.
    async fn over_client(self, connection: ConnectionKind) {
        let profile = profile(connection, ExchangeKind::Sync);
        let client = Client::new(profile, self.address.clone()).expect("a client");
        let client = Arc::new(Mutex::new(client));
        self.run(|request| {
            let client = Arc::clone(&client);
            async move { client.lock().await.call(&request).await.expect("a reply").to_vec() }
        })
        .await;
    }

    async fn over_pool(self) {
        let profile = profile(Pooled::new(CONNECTIONS).into(), ExchangeKind::Sync);
        let pool = Pool::new(profile, [self.address.as_str()]).expect("a pool");
        self.run(|request| {
            let pool = pool.clone();
            async move { pool.call(&request).await.expect("a reply").to_vec() }
        })
        .await;
    }

    async fn over_link(self) {
        let duplex = Duplex::new().key("0:8".parse().expect("a place"));
        let profile = profile(Shared::new(CONNECTIONS).into(), duplex.into());
        let (link, _) = Link::new(profile, self.address.clone()).expect("a link");
        self.run(|request| {
            let link = link.clone();
            async move { link.call(&request).await.expect("a reply").to_vec() }
        })
        .await;
    }

    async fn run<F: Future<Output = Vec<u8>> + Send + 'static>(&self, call: impl Fn(Vec<u8>) -> F) {
        let calls = (0..self.callers).map(|caller| {
            let requests = (caller..self.calls).step_by(self.callers).map(|number| {
                let mut request = (number as u64).to_be_bytes().to_vec();
                request.resize(REQUEST_LEN, b'.');
                request
            });
            let calls: Vec<_> = requests.map(|request| (request.clone(), call(request))).collect();
            tokio::spawn(async move {
                for (request, reply) in calls {
                    assert_eq!(reply.await, request, "its own reply");
                }
            })
        });
        for caller in calls.collect::<Vec<_>>() {
            caller.await.expect("a caller that ends well");
        }
    }
}

fn profile(connection: ConnectionKind, exchange: ExchangeKind) -> Profile {
    let framing: Framing = "net:2".parse().expect("a notation");
    let profile = Profile::builder(framing).connection(connection).exchange(exchange);
    profile.reply_timeout(Duration::from_secs(30)).build().expect("a profile")
}

/// A server in another process. When it ends it prints from how many ports it was dialled.
struct Server {
    process: std::process::Child,
    lines: BufReader<std::process::ChildStdout>,
    address: String,
}

impl Server {
    fn start() -> Self {
        let mut command = Command::new(std::env::current_exe().expect("this program"));
        let command = command.arg("serve").stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().expect("a server");
        let mut lines = BufReader::new(process.stdout.take().expect("piped"));
        let mut address = String::new();
        lines.read_line(&mut address).expect("its address");
        Self { process, lines, address: address.trim().to_owned() }
    }

    fn ports(&mut self) -> String {
        // The server ends when its input is closed.
        drop(self.process.stdin.take());
        let mut ports = String::new();
        self.lines.read_line(&mut ports).expect("its count");
        let _ = self.process.wait();
        ports.trim().to_owned()
    }
}

async fn serve() {
    let framing: Framing = "net:2".parse().expect("a notation");
    let mut listener = Listener::bind("127.0.0.1:0", framing).await.expect("a port");
    println!("{}", listener.local_addr().expect("an address"));
    let ports = Arc::new(std::sync::Mutex::new(HashSet::<SocketAddr>::new()));
    let dialled = Arc::clone(&ports);
    let serving = tokio::spawn(async move {
        while let Ok(mut connection) = listener.accept().await {
            dialled.lock().expect("no thread panics").extend(connection.peer_addr());
            tokio::spawn(async move {
                while let Ok(Some(message)) = connection.recv().await {
                    if connection.send(&message).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    let told = tokio::task::spawn_blocking(|| std::io::stdin().read_line(&mut String::new()));
    let _ = told.await;
    serving.abort();
    println!("{}", ports.lock().expect("no thread panics").len());
}

/// Returns the CPU time of this process, in ticks of 10 ms.
fn cpu() -> Duration {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<_> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<u64>().ok()).unwrap_or(0);
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}
