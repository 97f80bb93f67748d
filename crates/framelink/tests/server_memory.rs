//! Clients cannot exhaust the memory of a server of the program, and the memory that they used goes back to the system
//! when they are gone.

#![cfg(target_os = "linux")]

mod common;

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use common::{DEADLINE, Running, dial, framelink, read_exactly};

const MIB: usize = 1024 * 1024;
const KIB_OF_64_MIB: u64 = 64 * 1024;
const STRANGERS: usize = 100;
/// The default, given explicitly.
const BUDGET: &str = "limits.memory=16MiB";
const TOLD: &str = "the server's memory budget of 16MiB was used up, and this client held most of it";

fn frame(len: usize) -> Vec<u8> {
    [&u32::try_from(len).expect("a short message").to_be_bytes()[..], &vec![b'x'; len]].concat()
}

/// The longest message without its last byte.
fn half_a_message() -> Arc<[u8]> {
    let mut frame = frame(MIB);
    frame.pop();
    frame.into()
}

/// Opens connections of many clients that send `bytes` and read nothing. A client stops when its bytes are not read any
/// more or its connection has ended.
fn attack(address: SocketAddr, bytes: &Arc<[u8]>, strangers: usize) -> Vec<TcpStream> {
    let part = |part: usize| {
        let bytes = Arc::clone(bytes);
        thread::spawn(move || {
            let numbers = (0..strangers).filter(|number| number % 4 == part);
            numbers.map(|number| attacks(address, &bytes, number)).collect::<Vec<_>>()
        })
    };
    let parts: Vec<_> = (0..4).map(part).collect();
    parts.into_iter().flat_map(|part| part.join().expect("a thread that ends")).collect()
}

fn attacks(address: SocketAddr, bytes: &[u8], number: usize) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    let source = Ipv4Addr::new(127, 4, 0, u8::try_from(1 + number % 100).expect("a small number"));
    socket.bind(&SocketAddr::from((source, 0)).into()).expect("an address of this machine");
    socket.connect(&address.into()).expect("dialling");
    let mut stream = TcpStream::from(socket);
    stream.set_write_timeout(Some(Duration::from_millis(100))).expect("a deadline");
    let _ = stream.write_all(bytes);
    stream
}

fn is_answered(mut client: &TcpStream) {
    let request = frame(5);
    client.write_all(&request).expect("writing");
    assert_eq!(read_exactly(client, request.len()), request);
}

#[track_caller]
fn has_stayed_small(server: &Running) {
    let most = server.memory_kib("VmHWM");
    println!("{most} KiB at most");
    assert!(most < KIB_OF_64_MIB, "{most} KiB at most");
}

#[test]
fn a_server_stays_small_and_answers() {
    for flags in [&[][..], &["--heartbeat", "empty,interval=30s,timeout=10s"]] {
        let arguments = [&["serve", "--listen", "127.0.0.1:0", "--framing", "net:4", "--set", BUDGET], flags].concat();
        let (mut server, address) = Running::listen(&mut framelink(arguments));
        let honest = dial(address);
        is_answered(&honest);
        let strangers = attack(address, &half_a_message(), STRANGERS);
        is_answered(&honest);
        server.log_line(TOLD);
        has_stayed_small(&server);
        drop(strangers);
        is_answered(&dial(address));
    }
}

#[test]
fn a_server_whose_clients_read_no_replies_stays_small_and_answers() {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--framing", "net:4", "--set", BUDGET];
    let (mut server, address) = Running::listen(&mut framelink(arguments));
    let honest = dial(address);
    // Four times the bytes that the system buffers for a client that reads nothing.
    let requests: Arc<[u8]> = frame(MIB).repeat(16).into();
    let strangers = attack(address, &requests, 40);
    is_answered(&honest);
    server.log_line(TOLD);
    has_stayed_small(&server);
    drop(strangers);
}

#[test]
fn in_64_mib_a_server_lives_and_answers() {
    let Some(group) = Group::of(64 * MIB) else { return };
    let script = "echo $$ > \"$1/cgroup.procs\" && shift && exec \"$0\" \"$@\"";
    let mut shell = Command::new("sh");
    shell.args(["-c", script, env!("CARGO_BIN_EXE_framelink")]).arg(&group.0);
    shell.args(["serve", "--listen", "127.0.0.1:0", "--framing", "net:4"]).stdin(Stdio::null());
    let (mut server, address) = Running::listen(shell.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let honest = dial(address);
    let strangers = attack(address, &half_a_message(), STRANGERS);
    is_answered(&honest);
    server.log_line(TOLD);
    drop(strangers);
    is_answered(&honest);
}

#[test]
fn listen_stays_small_if_its_output_is_not_read() {
    let arguments = ["listen", "--listen", "127.0.0.1:0", "--framing", "net:4", "--set", BUDGET];
    let mut child = framelink(arguments).stderr(Stdio::null()).spawn().expect("starting framelink");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    let address = line.trim().strip_prefix("listening on ").and_then(|address| address.parse().ok());
    let whole: Arc<[u8]> = frame(MIB).repeat(2).into();
    let strangers = attack(address.expect("an address"), &whole, STRANGERS);
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).expect("it lives");
    drop(strangers);
    let _ = child.kill();
    let _ = child.wait();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the line");
    let most: u64 = most.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(most < KIB_OF_64_MIB, "{most} KiB at most");
}

#[test]
fn a_bridge_stays_small_whether_its_host_reads_or_not() {
    for (does_read, bytes) in [(true, half_a_message()), (false, frame(MIB).repeat(4).into())] {
        let host = TcpListener::bind("127.0.0.1:0").expect("listening");
        let to = host.local_addr().expect("an address").to_string();
        thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in host.incoming().map_while(Result::ok) {
                if does_read {
                    thread::spawn(move || std::io::copy(&mut &stream, &mut &stream));
                } else {
                    kept.push(stream);
                }
            }
        });
        let mut arguments = vec!["bridge", "--listen", "127.0.0.1:0", "--framing", "net:4", "--set", BUDGET];
        arguments.extend(["--to", &to, "--to-framing", "net:4"]);
        // Small buffers of the system, so that the bridge holds the bytes.
        arguments.extend(["--set", "socket.receive-buffer=64KiB", "--to-set", "socket.send-buffer=64KiB"]);
        let (mut bridge, address) = Running::listen(&mut framelink(arguments));
        let honest = dial(address);
        let strangers = attack(address, &bytes, 40);
        bridge.log_line(TOLD);
        if does_read {
            is_answered(&honest);
        }
        has_stayed_small(&bridge);
        drop((strangers, honest));
        if does_read {
            // No whole message was lost: these lines are about clients without a message, so their number is limited.
            bridge.signal("TERM");
            let log = bridge.finish().stderr;
            let loud: Vec<_> = log.lines().filter(|line| line.contains(TOLD) && line.contains(" cut")).collect();
            assert!(loud.is_empty(), "{loud:#?}");
        }
    }
}

#[cfg(target_env = "gnu")]
#[test]
fn memory_of_closed_connections_goes_back_to_the_system() {
    const LONGEST: usize = 4 * MIB;
    const CLIENTS: usize = 40;
    let arguments =
        ["serve", "--listen", "127.0.0.1:0", "--framing", "net:4,max=4MiB", "--set", "limits.memory=1000MiB"];
    let (server, address) = Running::listen(&mut framelink(arguments));
    let mut half = frame(LONGEST);
    half.pop();
    let half: Arc<[u8]> = half.into();
    for _ in 0..3 {
        // The server gets enough time to read.
        let strangers: Vec<_> = (0..CLIENTS)
            .map(|_| {
                let mut stream = dial(address);
                stream.write_all(&half).expect("it is read");
                stream
            })
            .collect();
        is_answered(&dial(address));
        let held = server.memory_kib("VmRSS");
        assert!(
            held > u64::try_from(CLIENTS * LONGEST / 2 / 1024).expect("a number"),
            "{held} KiB, and all of it had come"
        );
        drop(strangers);
    }
    let began = Instant::now();
    loop {
        let kept = server.memory_kib("VmRSS");
        if kept < 24 * 1024 {
            return;
        }
        assert!(began.elapsed() < DEADLINE, "{kept} KiB are kept");
        thread::sleep(Duration::from_millis(10));
    }
}

/// A control group of the kernel with a memory limit. It is removed when this value is dropped, after its processes.
struct Group(PathBuf);

impl Group {
    /// Returns `None` if no group can be made here, and prints that.
    fn of(bytes: usize) -> Option<Self> {
        let name = format!("framelink-test-{}", std::process::id());
        for (parent, limit) in [("/sys/fs/cgroup/memory", "memory.limit_in_bytes"), ("/sys/fs/cgroup", "memory.max")] {
            let group = Path::new(parent).join(&name);
            if fs::create_dir(&group).is_err() {
                continue;
            }
            let group = Self(group);
            if fs::write(group.0.join(limit), bytes.to_string()).is_ok() {
                return Some(group);
            }
        }
        eprintln!(
            "left out: no control group can be made here, so that only the largest size of the process is looked at"
        );
        None
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // The process has ended, and leaves the group in a moment.
        let began = Instant::now();
        while fs::remove_dir(&self.0).is_err() && began.elapsed() < DEADLINE {
            thread::sleep(Duration::from_millis(10));
        }
    }
}
