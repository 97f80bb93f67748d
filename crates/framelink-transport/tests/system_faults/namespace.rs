//! Network namespaces: one for each host, which the system removes when no process holds it, even if the test is
//! killed.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::process::Command;
use std::thread;

use nix::sched::{CloneFlags, setns, unshare};

/// A network of its own that contains only the loopback interface. It has no name, so that tests that run at one time
/// do not collide. The system removes it when its last descriptor is closed, also if the process was killed.
#[derive(Debug)]
pub(crate) struct Namespace(File);

impl Namespace {
    pub(crate) fn new() -> Result<Self, String> {
        let made = thread::spawn(|| {
            unshare(CloneFlags::CLONE_NEWNET).map_err(|error| format!("unshare: {error}"))?;
            File::open("/proc/thread-self/ns/net").map_err(|error| format!("/proc/thread-self/ns/net: {error}"))
        });
        let this = Self(made.join().expect("a thread that does not panic")?);
        this.shell("ip link set lo up")?;
        Ok(this)
    }

    /// Moves this thread into the namespace. Threads and processes that it starts are there too.
    pub(crate) fn enter(&self) {
        setns(&self.0, CloneFlags::CLONE_NEWNET).expect("entering a namespace");
    }

    /// Runs `work` in the namespace, on a thread of its own.
    pub(crate) fn run<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            self.enter();
            work()
        };
        thread::scope(|scope| match scope.spawn(inside).join() {
            Ok(value) => value,
            Err(panic) => std::panic::resume_unwind(panic),
        })
    }

    /// Runs a shell script in the namespace, up to the first command that fails.
    pub(crate) fn shell(&self, script: &str) -> Result<(), String> {
        self.output(script).map(|_| ())
    }

    /// Runs a shell script in the namespace, and returns its output.
    fn output(&self, script: &str) -> Result<String, String> {
        let output = self.run(|| Command::new("sh").args(["-ec", script]).output());
        match output {
            Ok(output) if output.status.success() => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
            Ok(output) => Err(format!("{script}: {}", String::from_utf8_lossy(&output.stderr).trim())),
            Err(error) => Err(format!("sh: {error}")),
        }
    }

    /// Returns the path under which `ip` finds the namespace.
    fn path(&self) -> String {
        format!("/proc/{}/fd/{}", std::process::id(), self.0.as_raw_fd())
    }
}

/// Two hosts, and the wire between them.
#[derive(Debug)]
pub(crate) struct Network {
    /// Our host.
    pub(crate) near: Namespace,
    /// The peer's host.
    pub(crate) far: Namespace,
}

/// The packets that are lost on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lost {
    Everything,
    /// The packets that we send.
    Ours,
    /// The packets that the peer sends.
    Theirs,
}

pub(crate) const NEAR: &str = "10.213.9.1";
pub(crate) const FAR: &str = "10.213.9.2";

impl Network {
    pub(crate) fn new() -> Result<Self, String> {
        let (near, far) = (Namespace::new()?, Namespace::new()?);
        near.shell(&format!(
            "ip link add wire type veth peer name wire netns {}
             ip addr add {NEAR}/24 dev wire
             ip link set wire up",
            far.path()
        ))?;
        far.shell(&format!("ip addr add {FAR}/24 dev wire; ip link set wire up"))?;
        // Lost segments are sent again after 20 ms instead of 200 ms, so that a test with losses is soon over.
        for host in [&near, &far] {
            host.shell("ip route change 10.213.9.0/24 dev wire rto_min 20ms")?;
        }
        Ok(Self { near, far })
    }

    /// Loses all packets from now on. No program is told.
    pub(crate) fn cut(&self, lost: Lost) {
        self.drop_share(lost, 100);
    }

    /// Drops this percentage of the packets, chosen at random.
    pub(crate) fn drop_share(&self, lost: Lost, percent: u32) {
        let script = drop_rule(percent);
        if lost != Lost::Ours {
            self.near.shell(&script).expect("dropping what arrives");
        }
        if lost != Lost::Theirs {
            self.far.shell(&script).expect("dropping what arrives");
        }
    }

    /// Returns how many packets to our host were dropped.
    pub(crate) fn have_lost(&self) -> u64 {
        let rules = self.near.output("nft list table inet faults").expect("nft");
        let mut words = rules.split_whitespace().skip_while(|word| *word != "packets").skip(1);
        words.next().and_then(|count| count.parse().ok()).expect("a counter")
    }

    /// Stops all losses.
    pub(crate) fn heal(&self) {
        for host in [&self.near, &self.far] {
            host.shell("nft delete table inet faults 2>/dev/null || true").expect("nft");
        }
    }

    /// Runs a script on both hosts.
    pub(crate) fn on_both(&self, script: &str) {
        for host in [&self.near, &self.far] {
            host.shell(script).expect("a command of both hosts");
        }
    }
}

/// Returns a rule that drops this percentage of the packets that arrive from the wire.
pub(crate) fn drop_rule(percent: u32) -> String {
    let chance = match percent {
        100 => String::new(),
        _ => format!("numgen random mod 100 < {percent}"),
    };
    format!(
        "nft 'add table inet faults; add chain inet faults arriving {{ type filter hook input priority 0; }}; \
         add rule inet faults arriving iifname wire {chance} counter drop'"
    )
}
