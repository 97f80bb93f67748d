//! The resolver `unbound`, asked over TCP for names that it is responsible for, and for others that it asks us for.

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

on_every_driver!(responsible, forwarding);

/// Each name is asked for so often in a burst.
const ROUNDS: usize = 5;

fn responsible<D: Driver>() {
    let Some(unbound) = installed::find("unbound", installed::program("unbound")) else { return };
    let zone = zone();
    let nobody = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    let resolver = Resolver::start(&unbound, &zone, nobody);
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

/// It asks a server of ours for what it does not know, and answers what it knows meanwhile.
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
            // It keeps one connection for all that it asks.
            let asking = asking.get_or_insert_with(|| door.accept());
            let query = asking.recv();
            assert!(records.are_asked_by(&query), "{}: it does not ask for {}", D::NAME, records.name);
            assert!(ours.recv()[..] == known.answer(2), "{}: what it knows comes first", D::NAME);
            asking.send(&records.answer(u16::from_be_bytes([query[0], query[1]])));
            assert!(ours.recv()[..] == at_second_hand(records.answer(1)), "{}: {}", D::NAME, records.name);
        }
        ours.close();
    }
    println!("unbound as client on {} sockets: {} exchanges", D::NAME, 2 * 3 * asked_of_us.len());
}

/// Not by somebody who is responsible for the name.
fn at_second_hand(mut answer: Vec<u8>) -> Vec<u8> {
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

/// Answers may come in another order than questions, so each is found by its id.
fn together<D: Driver>(ours: &mut Ours<D>, zone: &[Records]) -> usize {
    let mut asked: BTreeMap<u16, &Records> = (0x8000..).zip((0..ROUNDS).flat_map(|_| zone)).collect();
    let queries: Vec<_> = asked.iter().map(|(&id, records)| records.query(id)).collect();
    ours.burst(&queries);
    while !asked.is_empty() {
        let came = ours.recv();
        let id = u16::from_be_bytes([came[0], came[1]]);
        let records = asked.remove(&id).unwrap_or_else(|| panic!("{}: nobody asked with id {id:#x}", D::NAME));
        assert!(came[..] == records.answer(id), "{}: another answer for {}", D::NAME, records.name);
    }
    queries.len()
}

/// It runs, from a folder that goes when it does.
struct Resolver {
    program: Program,
    folder: PathBuf,
    address: SocketAddr,
}

impl Resolver {
    /// Starts it, and waits until it listens.
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
            assert!(waiting, "it does not listen: {:?}", fs::read_to_string(resolver.folder.join("unbound.log")));
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

/// Runs a copy of it, for where it was installed a system may confine it to folders of its own. Ends it when stdin ends, and
/// itself when it does. What runs in the background has no stdin of its own.
const UNTIL_STDIN_ENDS: &str = r#"
/bin/cp "$1" "$2/unbound" || exit
exec 3<&0
"$2/unbound" -dp -c "$2/unbound.conf" & program=$!
(while read -r _; do :; done <&3; kill $program) & watcher=$!
wait $program
kill $watcher 2>/dev/null
"#;

/// It cannot be asked to choose a port. Of all the addresses of the loopback interface, one for each process and start.
fn unused_address() -> SocketAddr {
    static STARTS: AtomicU8 = AtomicU8::new(2);
    let [.., second, third] = std::process::id().to_be_bytes();
    SocketAddr::from(([127, second, third, STARTS.fetch_add(1, Ordering::Relaxed)], 20053))
}

/// Options for a busy machine, where an answer that arrives byte by byte takes more than 1.9 s. Their defaults, in milliseconds, are 3000 for
/// the connection to us, and 1900 for a question, which is dropped then.
const PATIENT: [(&str, u32); 2] = [("tcp-auth-query-timeout", 60_000), ("discard-timeout", 0)];

/// The lines of these options for the configuration. Leaves out an option that this version does not know: its file does not have the name.
/// The version number does not tell, as distributions add options to old versions.
fn known_lines(unbound: &Path, options: &[(&str, u32)]) -> String {
    let program = fs::read(unbound).expect("the program's file");
    let knows = |name: &str| program.windows(name.len()).any(|bytes| bytes == name.as_bytes());
    let known = options.iter().filter(|(name, _)| knows(name));
    known.map(|(name, value)| format!("  {name}: {value}\n")).collect()
}

/// With the least retransmit timeout of 20 s (`infra-cache-min-rtt`) it does not give a connection up whose answer is late on a busy machine.
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
