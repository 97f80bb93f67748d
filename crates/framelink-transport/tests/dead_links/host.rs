//! A host at the other end of a wire that can be cut.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// Our side of the network. A test makes one.
pub(crate) struct Network;

/// The other host, in a network namespace.
pub(crate) struct Host {
    /// The process that keeps the namespace alive.
    holder: Child,
    programs: Vec<Child>,
}

/// A program on the other host.
pub(crate) struct Program {
    pub(crate) address: SocketAddr,
    pub(crate) pid: u32,
}

const ADDRESS: &str = "10.213.7.2";
const HARDWARE: &str = "02:00:00:00:07:02";

impl Network {
    pub(crate) fn start() -> Self {
        run("ip link set lo up");
        run("ip link add br0 type bridge");
        run("ip addr add 10.213.7.1/24 dev br0");
        // Keeps a carrier on the bridge when the wire is cut.
        run("ip link add idle type veth peer name nowhere");
        run("ip link set nowhere up");
        run("ip link set idle master br0 up");
        run("ip link set br0 up");
        // A permanent entry: address resolution would otherwise report that the host is gone.
        run(&format!("ip neigh replace {ADDRESS} lladdr {HARDWARE} dev br0 nud permanent"));
        Self
    }

    /// Cuts the wire: nothing passes in either direction, and neither side is told.
    pub(crate) fn cut(&self) {
        run("ip link set wire nomaster");
    }

    pub(crate) fn heal(&self) {
        run("ip link set wire master br0");
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        run("ip link del br0");
        run("ip link del idle");
    }
}

impl Host {
    pub(crate) fn boot(network: &Network) -> Self {
        let mut holder = Command::new("unshare");
        let mut holder =
            holder.args(["--net", "sh", "-c", "echo; exec sleep 600"]).stdout(Stdio::piped()).spawn().unwrap();
        // The process prints a line when it is in its namespace.
        BufReader::new(holder.stdout.take().unwrap()).read_line(&mut String::new()).unwrap();
        let this = Self { holder, programs: Vec::new() };
        run("ip link add wire type veth peer name far");
        run(&format!("ip link set far netns {}", this.holder.id()));
        this.run("ip link set lo up");
        this.run(&format!("ip link set far address {HARDWARE}"));
        this.run(&format!("ip addr add {ADDRESS}/24 dev far"));
        this.run("ip link set far up");
        run("ip link set wire up");
        network.heal();
        this
    }

    /// Starts a program with this behaviour. The program reports its address.
    pub(crate) fn start(&mut self, manner: &str) -> Program {
        let mut command = Command::new("nsenter");
        command.args(["--net", "--target", &self.holder.id().to_string()]);
        command.arg(std::env::current_exe().unwrap()).args(["--ignored", "--exact", "program::program", "--nocapture"]);
        command.env("PEER_MANNER", manner).env("PEER_ADDRESS", format!("{ADDRESS}:0")).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = lines.map_while(Result::ok).find_map(|line| line.strip_prefix("listening on ")?.parse().ok());
        let program = Program { address: address.expect("an address"), pid: child.id() };
        self.programs.push(child);
        program
    }

    fn run(&self, command: &str) {
        run(&format!("nsenter --net --target {} {command}", self.holder.id()));
    }
}

/// Cuts the power of the host: its state is gone, and no packet tells of it.
impl Drop for Host {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["link", "del", "wire"]).status();
        for child in self.programs.iter_mut().chain([&mut self.holder]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

pub(crate) fn signal(program: &Program, signal: &str) {
    run(&format!("kill -{signal} {}", program.pid));
}

#[track_caller]
fn run(command: &str) {
    let mut words = command.split(' ');
    let output = Command::new(words.next().unwrap()).args(words).output().unwrap();
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}
