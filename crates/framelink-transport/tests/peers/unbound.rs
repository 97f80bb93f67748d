//! The resolver `unbound`, asked over TCP for names for which it is authoritative, and for others that it forwards to
//! our server.

use std::collections::BTreeMap;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::DEADLINE;
use crate::delivery::{Delivery, Door, Ours};
use crate::dns_message::{A, Records, largest, zone};
use crate::driver::{Driver, framing, on_every_driver};
use crate::installed;
use crate::program::Program;

on_every_driver!(authoritative, forwarding);

/// The number of questions for each name in a burst.
const ROUNDS: usize = 5;

fn authoritative<D: Driver>() {
    let Some(unbound) = installed::find("unbound", installed::program("unbound")) else { return };
    let zone = zone();
    let closed_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let resolver = Resolver::start(&unbound, &zone, closed_port);
    let mut count = 0;
    for &delivery in Delivery::ALL {
        let mut ours = Ours::<D>::connect(resolver.address, framing("dns"), delivery);
        count += match delivery {
            Delivery::Whole | Delivery::Bytes => one_by_one(&mut ours, &zone),
            Delivery::Burst => together(&mut ours, &zone),
        };
        ours.close();
    }
    println!("unbound on {} sockets: {count} exchanges", D::NAME);
}

/// The resolver forwards unknown names to a server of ours, and answers known names meanwhile.
fn forwarding<D: Driver>() {
    let Some(unbound) = installed::find("unbound", installed::program("unbound")) else { return };
    let known = zone().remove(0);
    let asked_of_us = [
        Records { name: "host.elsewhere".into(), kind: A, data: vec![vec![192, 0, 2, 1]] },
        largest("largest.elsewhere"),
    ];
    for delivery in [Delivery::Whole, Delivery::Bytes] {
        let (mut door, forwarder) = Door::<D>::open(framing("dns"), delivery);
        let resolver = Resolver::start(&unbound, std::slice::from_ref(&known), forwarder);
        let mut ours = Ours::<D>::connect(resolver.address, framing("dns"), Delivery::Burst);
        let mut asking = None;
        for records in &asked_of_us {
            ours.burst(&[records.query(1), known.query(2)]);
            // The resolver uses one connection for all its questions.
            let asking = asking.get_or_insert_with(|| door.accept());
            let query = asking.recv();
            assert!(records.are_asked_by(&query), "{}: unbound does not ask for {}", D::NAME, records.name);
            assert!(ours.recv()[..] == known.answer(2), "{}: the answer for a known name comes first", D::NAME);
            asking.send(&records.answer(u16::from_be_bytes([query[0], query[1]])));
            assert!(ours.recv()[..] == without_authority(records.answer(1)), "{}: {}", D::NAME, records.name);
        }
        ours.close();
    }
    println!("unbound as client on {} sockets: {} exchanges", D::NAME, 2 * 3 * asked_of_us.len());
}

/// Returns the answer without the flag of an authoritative server.
fn without_authority(mut answer: Vec<u8>) -> Vec<u8> {
    const IS_RESPONSIBLE: u8 = 0x04;
    answer[2] &= !IS_RESPONSIBLE;
    answer
}

fn one_by_one<D: Driver>(ours: &mut Ours<D>, zone: &[Records]) -> usize {
    for (id, records) in (0x4000..).zip(zone) {
        let came = ours.call(&records.query(id));
        assert!(came == records.answer(id), "{}: another answer for {}", D::NAME, records.name);
    }
    zone.len()
}

/// Answers may arrive in another order than the questions, so each is found by its id.
fn together<D: Driver>(ours: &mut Ours<D>, zone: &[Records]) -> usize {
    let mut asked: BTreeMap<u16, &Records> = (0x8000..).zip((0..ROUNDS).flat_map(|_| zone)).collect();
    let queries: Vec<_> = asked.iter().map(|(&id, records)| records.query(id)).collect();
    ours.burst(&queries);
    while !asked.is_empty() {
        let came = ours.recv();
        let id = u16::from_be_bytes([came[0], came[1]]);
        let records = asked.remove(&id).unwrap_or_else(|| panic!("{}: no question has id {id:#x}", D::NAME));
        assert!(came[..] == records.answer(id), "{}: another answer for {}", D::NAME, records.name);
    }
    queries.len()
}

/// A running resolver, with a folder that is removed when it ends.
struct Resolver {
    program: Program,
    folder: PathBuf,
    address: SocketAddr,
}

impl Resolver {
    /// Starts the resolver, and waits until it listens.
    fn start(unbound: &Path, zone: &[Records], forwarder: SocketAddr) -> Self {
        let address = unused_address();
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("unbound-{}", address.ip()));
        fs::create_dir_all(&folder).expect("a folder");
        let options = known_lines(unbound, &PATIENT);
        fs::write(folder.join("unbound.conf"), configuration(address, &folder, zone, forwarder, &options))
            .expect("a file");
        let mut command = Command::new("/bin/sh");
        command.args(["-c", UNTIL_STDIN_ENDS, "sh"]).args([unbound, &folder]);
        let mut resolver = Self { program: Program::start(&mut command), folder, address };
        let began = Instant::now();
        while TcpStream::connect(address).is_err() {
            let waiting = !resolver.program.has_exited() && began.elapsed() < DEADLINE;
            assert!(waiting, "unbound does not listen: {:?}", fs::read_to_string(resolver.folder.join("unbound.log")));
            thread::sleep(Duration::from_millis(10));
        }
        resolver
    }
}

impl Drop for Resolver {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Runs a copy of the program, because a system may confine the installed one to certain folders. Ends the program when
/// stdin ends, and ends itself when the program does. A background process of `sh` has no stdin of its own.
const UNTIL_STDIN_ENDS: &str = r#"
/bin/cp "$1" "$2/unbound" || exit
exec 3<&0
"$2/unbound" -dp -c "$2/unbound.conf" & program=$!
(while read -r _; do :; done <&3; kill $program) & watcher=$!
wait $program
kill $watcher 2>/dev/null
"#;

/// Unbound cannot choose a free port, so each process and start has an address of its own on the loopback interface.
fn unused_address() -> SocketAddr {
    static STARTS: AtomicU8 = AtomicU8::new(2);
    let [.., second, third] = std::process::id().to_be_bytes();
    SocketAddr::from(([127, second, third, STARTS.fetch_add(1, Ordering::Relaxed)], 20053))
}

/// Options for a busy machine, where an answer that arrives byte by byte takes more than 1.9 s. Their defaults, in
/// milliseconds, are 3000 for the connection to us, and 1900 for a question, which is then dropped.
const PATIENT: [(&str, u32); 2] = [("tcp-auth-query-timeout", 60_000), ("discard-timeout", 0)];

/// Returns the lines of these options for the configuration, without the options that this unbound does not know: the
/// name is not in the program's file. The version number does not tell, because distributions add options to old versions.
fn known_lines(unbound: &Path, options: &[(&str, u32)]) -> String {
    let program = fs::read(unbound).expect("the program's file");
    let knows = |name: &str| program.windows(name.len()).any(|bytes| bytes == name.as_bytes());
    let known = options.iter().filter(|(name, _)| knows(name));
    known.map(|(name, value)| format!("  {name}: {value}\n")).collect()
}

/// A least retransmit timeout of 20 s (`infra-cache-min-rtt`) keeps unbound from giving up a connection whose answer is
/// late on a busy machine.
fn configuration(address: SocketAddr, folder: &Path, zone: &[Records], forwarder: SocketAddr, options: &str) -> String {
    let records: String = zone.iter().map(Records::configuration).collect();
    let [listens, forwards] = [address, forwarder].map(|address| format!("{}@{}", address.ip(), address.port()));
    let folder = folder.display();
    format!(
        "server:
  interface: {listens}
  do-udp: no
  do-daemonize: no
  use-syslog: no
  logfile: unbound.log
  username: \"\"
  chroot: \"\"
  directory: {folder}
  module-config: iterator
  rrset-roundrobin: no
  qname-minimisation: no
  do-not-query-localhost: no
  infra-cache-min-rtt: 20000
{options}  local-zone: example static
{records}forward-zone:
  name: elsewhere
  forward-addr: {forwards}
remote-control:
  control-enable: no
"
    )
}
