//! HAProxy and nginx in front of a server, and openssl on both sides. `.ci/peers` installs them. A missing one is left out, with
//! a message; with `FRAMELINK_PEERS_REQUIRED=1` it is an error.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![cfg(target_os = "linux")]

use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::common::{DEADLINE, Running, TempFile, dial, framelink, half_close, read_exactly, read_to_end};
use crate::tls::Files;

/// Returns the program if it is installed. Daemons are not on the PATH of each user.
fn installed(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin".into()]);
    let found = folders.map(|folder| folder.join(name)).find(|program| program.exists());
    let is_required = std::env::var_os("FRAMELINK_PEERS_REQUIRED").is_some_and(|value| value == "1");
    if found.is_none() {
        println!("left out: {name} (.ci/peers installs it)");
        assert!(!is_required, "{name} is missing");
    }
    found
}

/// A program that ends with the test.
struct Daemon(Child);

impl Daemon {
    /// Starts a program, and waits until it listens at this address.
    fn start(command: &mut Command, address: SocketAddr) -> Self {
        let daemon = Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            assert!(began.elapsed() < DEADLINE, "{command:?} does not listen");
            thread::sleep(Duration::from_millis(10));
        }
        daemon
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Starts a server that requires headers and has one place for each client.
fn server() -> (Running, SocketAddr) {
    Running::listen(&mut framelink([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--framing",
        "ascii:4",
        "--proxy",
        "accept",
        "--max-per-client",
        "1",
    ]))
}

/// Dials from this address of loopback.
fn dial_from(client: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((client, 0)).into()).unwrap();
    socket.connect(&to.into()).unwrap();
    let stream = TcpStream::from(socket);
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream
}

/// The limit counts the clients of the proxy, and the log has their addresses.
fn assert_counts_clients(server: &mut Running, proxy: SocketAddr) {
    let ask = |mut client: TcpStream| {
        client.write_all(b"0002hi").unwrap();
        client
    };
    let first = ask(dial_from([127, 0, 0, 2], proxy));
    assert_eq!(read_exactly(&first, 6), b"0002hi");
    server.log_line(&format!("{}: connected", first.local_addr().unwrap()));
    let other = ask(dial_from([127, 0, 0, 3], proxy));
    assert_eq!(read_exactly(&other, 6), b"0002hi", "another client");
    let second = ask(dial_from([127, 0, 0, 2], proxy));
    server.log_line("limits.connections-per-client");
    drop((first, second, other));
}

#[test]
fn haproxy_in_front_tells_who_the_clients_are() {
    let Some(program) = installed("haproxy") else { return };
    for word in ["send-proxy", "send-proxy-v2"] {
        let ((mut server, address), proxy) = (server(), free_address());
        let config = TempFile::with(
            format!(
                "defaults\n mode tcp\n timeout connect 5s\n timeout client 30s\n timeout server 30s\nfrontend f\n bind {proxy}\n \
                 default_backend b\nbackend b\n server s {address} {word}\n"
            )
            .as_bytes(),
        );
        let _haproxy = Daemon::start(Command::new(&program).args(["-db", "-f", config.path()]), proxy);
        assert_counts_clients(&mut server, proxy);
    }
}

#[test]
fn nginx_in_front_tells_who_the_clients_are() {
    let Some(program) = installed("nginx") else { return };
    let ((mut server, address), proxy) = (server(), free_address());
    let module = "/usr/lib/nginx/modules/ngx_stream_module.so";
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("nginx-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let load = if PathBuf::from(module).exists() { format!("load_module {module};\n") } else { String::new() };
    let config = format!(
        "{load}daemon off;\nmaster_process off;\npid {0}/pid;\nerror_log {0}/log;\nevents {{}}\nstream {{\n server {{ listen {proxy}; \
         proxy_pass {address}; proxy_protocol on; }}\n}}\n",
        folder.display()
    );
    let file = TempFile::with(config.as_bytes());
    let nginx = Daemon::start(Command::new(program).args(["-c", file.path()]), proxy);
    assert_counts_clients(&mut server, proxy);
    drop(nginx);
    let _ = fs::remove_dir_all(folder);
}

#[test]
fn openssl_is_a_client_of_each_version() {
    let Some(program) = installed("openssl") else { return };
    let files = Files::new();
    let (_server, address) = Running::listen(&mut framelink([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--framing",
        "line",
        "--tls",
        &files.server(),
    ]));
    for version in ["-tls1_2", "-tls1_3"] {
        let arguments =
            ["s_client", "-quiet", "-connect", &address.to_string(), "-servername", "switch.example", version];
        let more = ["-CAfile", files.root(), "-verify_return_error", "-verify_hostname", "switch.example"];
        let mut client = Command::new(&program);
        let client =
            client.args(arguments).args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut client = client.spawn().unwrap();
        client.stdin.as_mut().unwrap().write_all(b"hello\n").unwrap();
        assert_eq!(read_exactly(client.stdout.as_mut().unwrap(), 7), b"hello\r\n", "{version}");
        let _ = client.kill();
        let _ = client.wait();
    }
}

#[test]
fn openssl_is_a_server_of_each_version() {
    let Some(program) = installed("openssl") else { return };
    let files = Files::new();
    for version in ["-tls1_2", "-tls1_3"] {
        let address = free_address();
        let (certificate, key) = files.server_paths();
        let arguments = ["s_server", "-quiet", "-rev", "-accept", &address.port().to_string(), "-cert", certificate];
        let _openssl = Daemon::start(Command::new(&program).args(arguments).args(["-key", key, version]), address);
        let tls = files.client();
        let to = address.to_string();
        let done =
            framelink(["send", &to, "hello", "--framing", "line,lf", "--tls", &tls]).stdin(Stdio::null()).output();
        let done = done.unwrap();
        assert_eq!(String::from_utf8_lossy(&done.stdout), "olleh\n", "{}", String::from_utf8_lossy(&done.stderr));
    }
}

/// A header of a proxy that is not listed is refused with a word in the log.
#[test]
fn a_header_from_another_network_is_refused() {
    let (mut server, address) = Running::listen(&mut framelink([
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--framing",
        "ascii:4",
        "--proxy",
        "accept=10.0.0.0/8",
    ]));
    let mut proxy = dial(address);
    proxy.write_all(b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 7000\r\n0002hi").unwrap();
    half_close(&proxy);
    assert_eq!(read_to_end(&proxy), b"");
    server.log_line("which is not accepted from this address: add its network to proxy-protocol.accept-from");
}
