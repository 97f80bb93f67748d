//! The rows: what happens to the network or a process, and how the cells must react.

use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::thread::sleep;
use std::time::Duration;

use framelink_transport::heartbeat;

use crate::cell::{Done, Role};
use crate::dies::{Dies, Doing, Verdict};
use crate::goes_on::GoesOn;
use crate::host::on_all;
use crate::namespace::{FAR, Lost, Namespace, Network, drop_rule};
use crate::stage::{NoticeStage, Part};
use crate::{killed, ports, servers, stopped};

/// A row of the table.
pub(crate) struct Row {
    pub(crate) number: u8,
    pub(crate) fault: &'static str,
    /// The number of cells.
    pub(crate) cells: usize,
    /// Returns what the system lacks for this row, or `None`.
    pub(crate) lacks: fn() -> Option<String>,
    pub(crate) run: fn() -> Vec<Done>,
}

/// Framings × drivers.
const ONE_ROLE: usize = 9;
const BOTH_ROLES: usize = 18;

/// Checks for `nft`, with a rule that drops packets at random.
fn nft() -> Option<String> {
    let network = Network::new();
    network.and_then(|network| network.near.shell(&drop_rule(5))).err()
}

/// Checks for a queue that delays packets.
fn tbf() -> Option<String> {
    Network::new().and_then(|network| network.near.shell(SLOW)).err()
}

/// Checks for network namespaces.
fn ip() -> Option<String> {
    Network::new().err()
}

/// Checks that sockets can be killed: there may be no `ss`, or a system that kills none, which `ss` does not report.
fn ss() -> Option<String> {
    let killed = Namespace::new().and_then(|host| {
        let (_listener, mut stream) = host.run(|| {
            let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
            let stream = TcpStream::connect(listener.local_addr().expect("an address")).expect("dialling");
            (listener, stream)
        });
        host.shell("ss -K state established dst 127.0.0.1")?;
        stream.set_nonblocking(true).expect("a stream that does not wait");
        match stream.read(&mut [0]) {
            // The error is of the socket itself, or from the other end, which was killed too.
            Err(error) if matches!(error.kind(), ErrorKind::ConnectionAborted | ErrorKind::ConnectionReset) => Ok(()),
            other => Err(format!("ss -K kills no socket: {other:?}")),
        }
    });
    killed.err()
}

/// 256 kbit/s, with a queue of 200 kB, which is 6 s.
const SLOW: &str = "tc qdisc add dev wire root tbf rate 256kbit burst 3000 limit 200000";

pub(crate) fn an_idle_link_that_is_cut() -> Row {
    let run = || dies(Doing::Nothing, |network| network.cut(Lost::Everything));
    Row { number: 12, fault: "an idle link is cut", cells: BOTH_ROLES, lacks: nft, run }
}

pub(crate) fn a_link_that_is_cut_with_data_unacknowledged() -> Row {
    let run = || dies(Doing::Sending, |network| network.cut(Lost::Everything));
    Row { number: 13, fault: "a link is cut, and data waits to be acknowledged", cells: BOTH_ROLES, lacks: nft, run }
}

pub(crate) fn a_link_that_loses_the_packets_that_we_send() -> Row {
    let run = || dies(Doing::Nothing, |network| network.cut(Lost::Ours));
    Row { number: 14, fault: "what we send is lost", cells: BOTH_ROLES, lacks: nft, run }
}

pub(crate) fn a_link_that_loses_the_packets_of_the_peer() -> Row {
    let run = || dies(Doing::Nothing, |network| network.cut(Lost::Theirs));
    Row { number: 14, fault: "what the peer sends is lost", cells: BOTH_ROLES, lacks: nft, run }
}

pub(crate) fn a_cut_that_heals_in_time() -> Row {
    let run = || {
        goes_on(GoesOn::of(100), |network, parts| {
            network.cut(Lost::Everything);
            sleep(Duration::from_millis(300));
            network.heal();
            NoticeStage::wait_for_steps(parts, 10);
        })
    };
    Row { number: 15, fault: "a link is cut, and heals in time", cells: BOTH_ROLES, lacks: nft, run }
}

/// Loses packets for a second. The system sends lost segments again soon after that.
fn loses(percent: u32) -> Vec<Done> {
    goes_on(GoesOn::of(600), |network, parts| {
        // Smaller packets, so that there are more of them to lose.
        network.on_both("ip link set wire mtu 576");
        network.drop_share(Lost::Everything, percent);
        sleep(Duration::from_secs(1));
        assert!(network.have_lost() > 0, "no packet was lost");
        network.heal();
        NoticeStage::wait_for_steps(parts, 1);
    })
}

pub(crate) fn a_link_that_loses_one_packet_in_twenty() -> Row {
    Row { number: 37, fault: "5 % of the packets are lost", cells: BOTH_ROLES, lacks: nft, run: || loses(5) }
}

pub(crate) fn a_link_that_loses_one_packet_in_five() -> Row {
    Row { number: 37, fault: "20 % of the packets are lost", cells: BOTH_ROLES, lacks: nft, run: || loses(20) }
}

pub(crate) fn a_link_that_loses_every_second_packet() -> Row {
    Row { number: 37, fault: "50 % of the packets are lost", cells: BOTH_ROLES, lacks: nft, run: || loses(50) }
}

pub(crate) fn a_slow_link_with_a_long_queue() -> Row {
    let run = || {
        goes_on(GoesOn::of(600), |network, parts| {
            network.on_both(SLOW);
            NoticeStage::wait_for_steps(parts, 1);
            network.on_both("tc qdisc del dev wire root");
            NoticeStage::wait_for_steps(parts, 1);
        })
    };
    Row { number: 38, fault: "a link of 256 kbit/s with a queue of 6 s", cells: BOTH_ROLES, lacks: tbf, run }
}

pub(crate) fn an_interface_that_goes_down_for_long() -> Row {
    let run = || dies(Doing::Nothing, |network| network.near.shell("ip link set wire down").expect("ip"));
    Row { number: 39, fault: "the interface goes down", cells: BOTH_ROLES, lacks: ip, run }
}

pub(crate) fn an_interface_that_goes_down_and_up() -> Row {
    let run = || {
        goes_on(GoesOn::of(100), |network, parts| {
            for _ in 0..3 {
                network.near.shell("ip link set wire down; sleep 0.1; ip link set wire up").expect("ip");
                NoticeStage::wait_for_steps(parts, 3);
            }
        })
    };
    Row { number: 39, fault: "the interface goes down and up again", cells: BOTH_ROLES, lacks: ip, run }
}

pub(crate) fn a_path_that_takes_smaller_packets_than_before() -> Row {
    let run = || {
        goes_on(GoesOn::of(9000), |network, parts| {
            for mtu in [576, 1500, 576] {
                network.on_both(&format!("ip link set wire mtu {mtu}"));
                NoticeStage::wait_for_steps(parts, 5);
            }
        })
    };
    Row { number: 40, fault: "the MTU changes", cells: BOTH_ROLES, lacks: ip, run }
}

pub(crate) fn a_socket_that_an_administrator_kills() -> Row {
    let run = || {
        let play = Dies { doing: Doing::Nothing, verdict: Verdict::FailedFlag };
        on_all(&play, |network, stage, parts| {
            stage.wait_until_ready(parts);
            network.near.shell(&format!("ss -K state established dst {FAR}")).expect("ss");
            stage.strike();
            stage.wait_until_ended(parts);
            stage.end();
        })
    };
    Row { number: 47, fault: "an administrator kills the socket", cells: BOTH_ROLES, lacks: ss, run }
}

pub(crate) fn no_local_port_is_left() -> Row {
    Row { number: 28, fault: "no local port is left", cells: ONE_ROLE, lacks: ip, run: ports::exhausted }
}

pub(crate) fn many_addresses_of_one_client() -> Row {
    let fault = "one client with many addresses: as IPv4 and as IPv6, and of one /64";
    Row { number: 42, fault, cells: ONE_ROLE, lacks: ip, run: ports::many_addresses }
}

/// The row needs only processes.
const fn nothing() -> Option<String> {
    None
}

pub(crate) fn an_idle_peer_that_is_killed() -> Row {
    let run = || killed::killed(killed::Doing::Nothing);
    Row { number: 31, fault: "the peer is killed, idle", cells: BOTH_ROLES, lacks: nothing, run }
}

pub(crate) fn a_peer_that_is_killed_inside_a_frame() -> Row {
    let run = || killed::killed(killed::Doing::Frame);
    Row { number: 31, fault: "the peer is killed inside a frame", cells: BOTH_ROLES, lacks: nothing, run }
}

pub(crate) fn a_peer_that_is_killed_inside_an_exchange() -> Row {
    let run = || killed::killed(killed::Doing::Exchange);
    Row { number: 31, fault: "the peer is killed inside an exchange", cells: BOTH_ROLES, lacks: nothing, run }
}

pub(crate) fn a_server_that_is_told_to_end_under_load() -> Row {
    let fault = "a server is told to end (SIGTERM) under load";
    Row { number: 33, fault, cells: ONE_ROLE, lacks: nothing, run: servers::told_to_end }
}

pub(crate) fn a_process_that_is_stopped_and_goes_on() -> Row {
    let fault = "our process is stopped (SIGSTOP), and goes on";
    Row { number: 34, fault, cells: BOTH_ROLES, lacks: nothing, run: stopped::ours }
}

pub(crate) fn a_server_that_is_short_of_memory() -> Row {
    let fault = "150 strangers each leave the longest message unfinished at a server with 64 MiB";
    Row { number: 36, fault, cells: ONE_ROLE, lacks: nothing, run: servers::short_of_memory }
}

/// The link dies while it is idle, or with data in transit. Each end notices within its bound.
fn dies(doing: Doing, strike: impl FnOnce(&Network)) -> Vec<Done> {
    let play = Dies { doing, verdict: Verdict::Dead };
    on_all(&play, |network, stage, parts| {
        stage.wait_until_ready(parts);
        strike(network);
        stage.strike();
        stage.wait_until_ended(parts);
        stage.end();
    })
}

/// Messages are exchanged all the time. A fault happens, and the connection survives it.
fn goes_on(play: GoesOn, strike: impl FnOnce(&Network, &[Part])) -> Vec<Done> {
    on_all(&play, |network, stage, parts| {
        stage.wait_until_ready(parts);
        strike(network, parts);
        stage.end();
    })
}

/// Returns the heartbeat role of a cell's role.
pub(crate) const fn of(role: Role) -> heartbeat::Role {
    match role {
        Role::Client => heartbeat::Role::Client,
        Role::Server => heartbeat::Role::Server,
    }
}

/// Returns the side that sends probes: ours.
pub(crate) const fn by(role: Role) -> heartbeat::By {
    match role {
        Role::Client => heartbeat::By::Client,
        Role::Server => heartbeat::By::Server,
    }
}
