//! Row 26: a process without free file descriptors. The process is this test program, started again with a low limit.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::session::Sent;
use framelink_transport::{Profile, ServerEvent, blocking, nonblocking, tokio};

use crate::cell::{Cell, Role, WIRES};
use crate::driver::{Blocking, DEADLINE, Driver, NonBlocking, Tokio};
use crate::ends::Ends;
use crate::peer::ready;

/// The variable that tells the other process which cell to run.
const CELL: &str = "FRAMELINK_CELL";
const DESCRIPTORS: usize = 40;

/// A server of this driver: the driver's own, or a loop as an application would write it.
pub(crate) trait Serves: Ends {
    /// Serves without end. Prints the address, and each time that accepting fails and works again.
    fn serve(profile: &Arc<Profile>);
}

fn told(event: &ServerEvent<'_>) {
    match event {
        ServerEvent::AcceptFailed { .. } => println!("\naccept failed"),
        ServerEvent::AcceptingAgain => println!("\naccepting again"),
        _ => {}
    }
}

fn listening(address: std::io::Result<SocketAddr>) {
    println!("\nlistening on {}", address.unwrap());
}

impl Serves for Blocking {
    fn serve(profile: &Arc<Profile>) {
        let server = blocking::Server::bind("127.0.0.1:0", profile).unwrap().observe(told);
        listening(server.local_addr());
        server.run(|message| Some(message.to_vec()));
    }
}

impl Serves for Tokio {
    fn serve(profile: &Arc<Profile>) {
        Self::runtime().block_on(async {
            let server = tokio::Server::bind("127.0.0.1:0", profile).await.unwrap().observe(told);
            listening(server.local_addr());
            server.run(|message| async move { Some(message.to_vec()) }).await
        });
    }
}

impl Serves for NonBlocking {
    /// This driver has no server: this is a loop that pauses, as the listener's documentation says.
    fn serve(profile: &Arc<Profile>) {
        let mut listener = nonblocking::Listener::bind_profile("127.0.0.1:0", profile).unwrap();
        listening(listener.local_addr());
        let mut has_failed = false;
        loop {
            match listener.try_accept() {
                Ok(Some(connection)) => {
                    if std::mem::take(&mut has_failed) {
                        println!("\naccepting again");
                    }
                    let profile = Arc::clone(profile);
                    thread::spawn(move || connection.serve(&profile, |message| Some(message.to_vec())));
                }
                Ok(None) => thread::sleep(Duration::from_millis(5)),
                Err(_) => {
                    if !std::mem::replace(&mut has_failed, true) {
                        println!("\naccept failed");
                    }
                    thread::sleep(Duration::from_millis(50));
                }
            }
        }
    }
}

pub(crate) fn exhausted<D: Serves>(cell: Cell) {
    let mut process = Process::start::<D>(cell);
    match cell.role {
        Role::Client => drop(process.line("it is answered again")),
        Role::Server => server(cell, &mut process),
    };
}

/// The body of the other process.
pub(crate) fn the_other_process() {
    let Ok(said) = std::env::var(CELL) else { return };
    // The process ends also when its parent process is gone.
    thread::spawn(|| {
        thread::sleep(3 * DEADLINE);
        std::process::exit(1);
    });
    let roles = [Role::Client, Role::Server];
    let mut cells = WIRES.iter().flat_map(|&wire| roles.map(|role| Cell { wire, role }));
    let cell = cells.find(|cell| said.ends_with(&cell.to_string())).unwrap();
    match said.split(':').next().unwrap() {
        Blocking::NAME => run::<Blocking>(cell),
        NonBlocking::NAME => run::<NonBlocking>(cell),
        _ => run::<Tokio>(cell),
    }
}

fn run<D: Serves>(cell: Cell) {
    match cell.role {
        Role::Client => client::<D>(cell),
        Role::Server => D::serve(&Arc::new(cell.profile().build().unwrap())),
    }
}

/// Without a free descriptor a call is not sent. With one it is answered.
fn client<D: Serves>(cell: Cell) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut client = D::client(cell.profile().build().unwrap(), listener.local_addr().unwrap());
    let mut taken = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        taken.push(file);
    }
    for _ in 0..2 {
        let error = client.call(b"hello").unwrap_err();
        assert_eq!(error.sent(), Sent::Not, "{error}");
        assert!(error.to_string().contains("Too many open files"), "{error}");
    }
    drop(taken);
    let echoing = thread::spawn(move || {
        let stream = ready(listener.accept().unwrap().0);
        let request = cell.read(&stream);
        cell.write(&stream, &request);
    });
    let began = Instant::now();
    while client.call(b"hello").is_err() {
        assert!(began.elapsed() < DEADLINE);
    }
    echoing.join().unwrap();
    println!("\nit is answered again");
}

/// Without free descriptors the server idles and answers its connected clients. It accepts again when some are free.
fn server(cell: Cell, process: &mut Process) {
    let address: SocketAddr = process.line("listening on ").rsplit(' ').next().unwrap().parse().unwrap();
    let dial = || ready(TcpStream::connect(address).unwrap());
    let is_answered = |peer: &TcpStream| {
        cell.write(peer, b"hello");
        assert_eq!(cell.read(peer), b"hello");
    };
    let link = dial();
    is_answered(&link);
    let crowd: Vec<_> = (0..DESCRIPTORS + 10).map(|_| dial()).collect();
    process.line("accept failed");
    let before = process.ticks();
    for _ in 0..10 {
        is_answered(&link);
        thread::sleep(Duration::from_millis(50));
    }
    let used = process.ticks() - before;
    assert!(used < 15, "{used} hundredths of a second in half a second");
    drop(crowd);
    let released = Instant::now();
    is_answered(&dial());
    assert!(released.elapsed() < DEADLINE, "{:?}", released.elapsed());
    process.line("accepting again");
}

/// The other process, which is killed at the end of its cell, whatever the outcome.
struct Process {
    child: Child,
    lines: std::io::Lines<BufReader<ChildStdout>>,
}

impl Process {
    fn start<D: Driver>(cell: Cell) -> Self {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            &format!("ulimit -n {DESCRIPTORS}; exec \"$0\" --exact the_other_process --ignored --nocapture"),
        ]);
        command.arg(std::env::current_exe().unwrap()).env(CELL, format!("{}: {cell}", D::NAME));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// Waits for the next line with this text.
    #[track_caller]
    fn line(&mut self, text: &str) -> String {
        let mut seen = Vec::new();
        for line in self.lines.by_ref().map_while(Result::ok) {
            if line.contains(text) {
                return line;
            }
            seen.push(line);
        }
        panic!("no line `{text}`, but {seen:?}");
    }

    /// Returns the CPU time of the process in hundredths of a second.
    fn ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap();
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
        fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
