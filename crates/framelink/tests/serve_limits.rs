//! The limits of `framelink serve`: its options, descriptors that run out, and ends under load.

#![cfg(target_os = "linux")]

mod common;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use common::{DEADLINE, DeadPort, Running, Task, Wire, dial, framelink, is_closed, read_exactly, read_to_end};

fn serve(arguments: &[&str]) -> (Running, SocketAddr) {
    Running::listen(&mut framelink([&["serve", "--listen", "127.0.0.1:0", "--framing", "ascii:4"], arguments].concat()))
}

fn is_answered(mut client: &TcpStream) -> bool {
    client.write_all(b"0002hi").is_ok() && read_exactly(client, 6) == b"0002hi"
}

/// Returns whether the server closes the connection, properly or by a reset.
fn is_refused(mut client: TcpStream) -> bool {
    !matches!(client.read(&mut [0]), Ok(1..))
}

#[test]
fn the_number_of_connections_is_limited_in_all_and_by_client() {
    for flags in [["--max-connections", "1"], ["--max-per-client", "1"]] {
        let (_server, address) = serve(&flags);
        let first = dial(address);
        assert!(is_answered(&first), "{flags:?}");
        assert!(is_refused(dial(address)), "{flags:?}");
        assert!(is_answered(&first), "{flags:?}");
    }
}

#[test]
fn drop_oldest_makes_room_for_a_new_connection() {
    let (mut server, address) = serve(&["--max-connections", "1", "--when-full", "drop-oldest"]);
    let first = dial(address);
    assert!(is_answered(&first));
    let second = dial(address);
    assert!(is_answered(&second));
    assert!(is_refused(first));
    server.log_line("dropped to make room for a newer one, after 1 message");
}

#[test]
fn only_allowed_clients_are_accepted() {
    let (_server, address) = serve(&["--deny", "127.0.0.1"]);
    assert!(is_refused(dial(address)));
    let (_server, address) = serve(&["--allow", "10.0.0.0/8", "--allow", "127.0.0.0/8"]);
    assert!(is_answered(&dial(address)));
}

#[test]
fn limits_of_time_and_of_empty_messages() {
    for (flags, sent, told) in [
        (["--idle", "200ms"], &b"0002hi"[..], "it had no messages for 200ms"),
        (["--lifetime", "200ms"], b"0002hi", "the connection reached its lifetime of 200ms"),
        (["--first-message", "200ms"], b"", "nothing came within 200ms"),
        (["--frame-timeout", "200ms"], b"0002h", "no whole message within 200ms"),
        (["--heartbeat=empty", "--max-empty=2"], b"000000000000", "more than 2 empty messages came within a second"),
        // A heartbeat is not a message.
        (
            ["--heartbeat=empty", "--first-message=200ms"],
            b"0000",
            "no whole message within 200ms: only heartbeats came",
        ),
    ] {
        let (mut server, address) = serve(&flags);
        let mut client = dial(address);
        client.write_all(sent).unwrap();
        read_to_end(&client);
        drop(client);
        server.log_line(told);
    }
}

#[test]
fn wrong_values_are_bad_usage() {
    for (flags, told) in [
        (["--when-full", "drop-newest"], "expected refuse-newest or drop-oldest"),
        (["--allow", "10.0.0.1/8"], "`10.0.0.0/8`"),
        (["--max-connections", "0"], "limits.connections"),
        (["--idle", "25h"], "expected"),
    ] {
        let arguments = [&["serve", "--listen", "127.0.0.1:0", "--framing", "line"][..], &flags].concat();
        let done = Running::run(&mut framelink(arguments));
        assert_eq!(done.code, Some(2), "{flags:?}: {}", done.stderr);
        assert!(done.stderr.contains(told), "{flags:?}: {}", done.stderr);
    }
}

/// Returns the CPU time of a process in hundredths of a second.
fn ticks(server: &Running) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).expect("a process that lives");
    let after_name = stat.rsplit(')').next().expect("fields");
    let fields: Vec<&str> = after_name.split_whitespace().collect();
    fields[11..13].iter().map(|field| field.parse::<u64>().expect("a number")).sum()
}

#[test]
fn without_descriptors_the_server_is_idle_keeps_its_links_and_recovers_within_a_second() {
    let command = "ulimit -n 32; exec \"$0\" serve --listen 127.0.0.1:0 --framing ascii:4";
    let mut shell = Command::new("sh");
    shell.args(["-c", command, env!("CARGO_BIN_EXE_framelink")]).stdin(Stdio::null());
    let (mut server, address) = Running::listen(shell.stdout(Stdio::piped()).stderr(Stdio::piped()));
    let link = dial(address);
    assert!(is_answered(&link));
    let crowd: Vec<_> = (0..60).map(|_| dial(address)).collect();
    server.log_line("trying again");

    let (began, before) = (Instant::now(), ticks(&server));
    while began.elapsed() < Duration::from_secs(2) {
        assert!(is_answered(&link), "the connection still works");
        thread::sleep(Duration::from_millis(50));
    }
    let (used, took) = (ticks(&server) - before, began.elapsed());
    assert!(used * 10 < u64::try_from(took.as_millis()).expect("a short time") / 20, "{used} ticks in {took:?}");

    drop(crowd);
    let released = Instant::now();
    assert!(is_answered(&dial(address)));
    // A second, and extra time for a busy machine.
    assert!(released.elapsed() < Duration::from_secs(4), "{:?}", released.elapsed());
    server.log_line("accepting again");
    assert!(is_answered(&link));
}

/// Sends requests until the server ends its side, and returns the numbers of requests and of replies.
fn ask(mut client: TcpStream, at_a_time: usize) -> (u64, u64) {
    let (mut sent, mut replied) = (0, 0);
    loop {
        if client.write_all(&Wire::Net2.frame(b"hello").repeat(at_a_time)).is_err() {
            return (sent, replied);
        }
        sent += at_a_time as u64;
        for _ in 0..at_a_time {
            if client.read_exact(&mut [0; 7]).is_err() {
                return (sent, replied);
            }
            replied += 1;
        }
    }
}

/// Returns the number before this text.
fn number_before(line: &str, text: &str) -> u64 {
    let before = line.split(text).next().expect("a part");
    before
        .rsplit(' ')
        .next()
        .and_then(|word| word.parse().ok())
        .unwrap_or_else(|| panic!("a number before {text}: {line}"))
}

#[test]
fn fifty_ends_under_load_lose_nothing() {
    for round in 0..50_u64 {
        let arguments = ["serve", "--listen", "127.0.0.1:0", "--framing", "net:2", "--drain", "4s"];
        let (mut server, address) = Running::listen(&mut framelink(arguments));
        let clients: Vec<_> = (1..=3)
            .map(|at_a_time| {
                let client = dial(address);
                Task::start(move || ask(client, at_a_time))
            })
            .collect();
        // A client that the system has accepted and the server has not is not counted.
        (0..3).for_each(|_| drop(server.log_line(": connected")));
        // The moment differs in each round.
        thread::sleep(Duration::from_micros(round * 700));
        server.signal("TERM");
        let (mut sent, mut replied) = (0, 0);
        for client in clients {
            let seen = client.join();
            (sent, replied) = (sent + seen.0, replied + seen.1);
        }
        let done = server.finish();
        assert_eq!(done.code, Some(0), "{}", done.stderr);
        let report = done.stderr.lines().find(|line| line.contains("drained: ")).expect("a report");
        let (cut, late) = (number_before(report, " cut, "), number_before(report, " came too late"));
        let ended = done.stderr.lines().filter_map(|line| line.rsplit_once("after ").map(|(_, rest)| rest));
        let answered: u64 = ended.filter_map(|rest| rest.split(' ').next()?.parse::<u64>().ok()).sum();
        assert_eq!((cut, answered), (0, replied), "round {round}: {}", done.stderr);
        assert_eq!(sent, replied + late, "round {round}: {}", done.stderr);
    }
}

#[test]
fn what_is_cut_is_counted_and_exit_1() {
    let arguments = ["serve", "--listen", "127.0.0.1:0", "--framing", "net:2", "--drain", "300ms"];
    let (mut server, address) = Running::listen(&mut framelink(arguments));
    let mut client = dial(address);
    client.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
    // This client requests more than it reads.
    let block = Wire::Net2.frame(&[b'x'; 60_000]);
    while client.write_all(&block).is_ok() {}
    let told = Instant::now();
    server.signal("TERM");
    let report = server.log_line("drained: ");
    assert!(number_before(&report, " cut, ") >= 1, "{report}");
    assert!(report.ends_with("1 cut"), "{report}");
    assert_eq!(server.finish().code, Some(1));
    assert!(told.elapsed() < DEADLINE / 2, "{:?}", told.elapsed());
}

/// A scanner that connects thousands of times fills no disk, and lines that are left out are counted. Lines about an
/// honest client are always written.
#[test]
fn a_flood_of_strangers_has_few_lines_and_none_is_lost() {
    const STRANGERS: u64 = 3000;
    let (server, address) = serve(&["--max-per-client", "1000"]);
    let began = Instant::now();
    for _ in 0..STRANGERS {
        let mut stranger = dial(address);
        stranger.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        is_closed(&stranger);
    }
    let honest = dial(address);
    assert!(is_answered(&honest));
    (&honest).write_all(b"oops").unwrap();
    is_closed(&honest);
    drop(honest);
    server.signal("TERM");
    let log = server.finish().stderr;
    let seconds = began.elapsed().as_secs() + 1;
    for (line, count) in [
        ("after 0 messages", " more connections ended before a whole message"),
        (": connected", " more connections were accepted"),
    ] {
        let written = log.lines().filter(|said| said.contains(line)).count() as u64;
        let left_out: u64 =
            log.lines().filter(|said| said.contains(count)).map(|said| number_before(said, count)).sum();
        let all = STRANGERS + u64::from(line == ": connected");
        assert_eq!(written + left_out, all, "{written} written and {left_out} left out:\n{log}");
        assert!(left_out > 0 && written <= 20 + seconds, "{written} in {seconds} s");
    }
    assert!(log.contains("after 1 message"), "{log}");
    assert!(log.lines().count() as u64 <= 3 * (20 + seconds), "{log}");
}

/// The log of a bridge whose host is away is limited too.
#[test]
fn clients_of_a_bridge_whose_host_is_away_have_few_lines_too() {
    const CLIENTS: u64 = 300;
    let host = DeadPort::new();
    let to = host.address.to_string();
    let arguments = ["--listen", "127.0.0.1:0", "--framing", "ascii:4", "--to", &to, "--to-framing", "ascii:4"];
    let arguments = [&["bridge", "--max-per-client", "1000"][..], &arguments].concat();
    let (bridge, address) = Running::listen(&mut framelink(arguments));
    // These clients send nothing and stay connected: one that ends at once is a probe, for which no host is dialled.
    let clients: Vec<_> = (0..CLIENTS).map(|_| dial(address)).collect();
    clients.iter().for_each(|client| assert!(is_closed(client)));
    bridge.signal("TERM");
    let log = bridge.finish().stderr;
    let count = " more clients were turned away";
    let written = log.lines().filter(|said| said.contains("closed with 0 messages cut")).count() as u64;
    let left_out: u64 = log.lines().filter(|said| said.contains(count)).map(|said| number_before(said, count)).sum();
    assert_eq!(written + left_out, CLIENTS, "{log}");
    assert!(left_out > 0, "{log}");
}
