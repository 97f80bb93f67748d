//! A server without free file descriptors. It is this test program, started again with a low limit.

#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use framelink_transport::{ServerEvent, blocking};

use crate::dial_from;
use crate::peer::{DEADLINE, Peer};
use crate::server::profile;

/// The server process, which is killed when its test ends.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The body of the server process.
#[test]
#[ignore = "for the other process"]
fn the_other_process() {
    let server = blocking::Server::bind("127.0.0.1:0", &Arc::new(profile().build().unwrap())).unwrap();
    println!("\nlistening on {}", server.local_addr().unwrap());
    let server = server.observe(|event| match event {
        ServerEvent::AcceptFailed { .. } => println!("\naccept failed"),
        ServerEvent::AcceptingAgain => println!("\naccepting again"),
        _ => {}
    });
    let handle = server.handle();
    thread::spawn(move || {
        // The process ends by itself if its parent is gone.
        thread::sleep(2 * DEADLINE);
        handle.drain(Duration::ZERO);
    });
    server.run(|message| Some(message.to_vec()));
}

fn ticks(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.0.id())).unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    fields[11..13].iter().map(|field| field.parse::<u64>().unwrap()).sum()
}

fn is_answered(peer: &mut Peer) -> bool {
    peer.write(&[b"hello"]);
    peer.read() == b"hello"
}

#[test]
fn a_server_of_threads_without_descriptors_idles_and_accepts_again_within_a_second() {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 40; exec \"$0\" --exact exhausted::the_other_process --ignored --nocapture"]);
    command.arg(std::env::current_exe().unwrap()).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut server = Server(command.spawn().unwrap());
    let mut lines = BufReader::new(server.0.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut line = |text: &str| lines.find(|line| line.contains(text)).expect("a line");
    let address: SocketAddr = line("listening on").rsplit(' ').next().unwrap().parse().unwrap();

    let mut link = dial_from([127, 0, 0, 1], address);
    assert!(is_answered(&mut link));
    let crowd: Vec<_> = (0..60).map(|_| dial_from([127, 0, 0, 2], address)).collect();
    line("accept failed");
    let (began, before) = (Instant::now(), ticks(&server));
    while began.elapsed() < Duration::from_secs(2) {
        assert!(is_answered(&mut link), "the open connection is still served");
        thread::sleep(Duration::from_millis(50));
    }
    let used = ticks(&server) - before;
    assert!(used < 10, "{used} hundredths of a second in two");
    drop(crowd);
    let released = Instant::now();
    assert!(is_answered(&mut dial_from([127, 0, 0, 3], address)));
    // One second, and the allowance for a busy machine.
    assert!(released.elapsed() < Duration::from_secs(4), "{:?}", released.elapsed());
    line("accepting again");
}
