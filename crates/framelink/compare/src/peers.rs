//! The peers that need more than cargo: whether they are there, how they are built, and how they are started.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::load::output;
use crate::process::has;

/// The modules of Netty that are used. The last two have the native transport, whose library Debian leaves out.
const NETTY: [&str; 8] = [
    "common",
    "buffer",
    "codec",
    "handler",
    "resolver",
    "transport",
    "transport-native-unix-common",
    "transport-native-epoll",
];

/// What Netty need not check.
const NETTY_FAST: [&str; 3] = [
    "-Dio.netty.leakDetection.level=disabled",
    "-Dio.netty.buffer.checkBounds=false",
    "-Dio.netty.buffer.checkAccessible=false",
];

/// Where the peers' sources are, and where they are built.
#[derive(Debug)]
pub(crate) struct Peers {
    pub(crate) sources: PathBuf,
    pub(crate) built: PathBuf,
}

impl Peers {
    pub(crate) fn build_go(&self) -> Result<(), String> {
        needs(has("go"), "go", "golang-go")?;
        let mut go = Command::new("go");
        self.build(go.arg("build").arg("-o").arg(self.go()).arg(self.sources.join("go/echo.go")))
    }

    pub(crate) fn go(&self) -> PathBuf {
        self.built.join("go-echo")
    }

    pub(crate) fn build_netty(&self) -> Result<(), String> {
        needs(has("javac"), "javac", "default-jdk-headless")?;
        let jars = netty_jars();
        needs(jars.iter().all(|jar| jar.exists()), "Netty", "libnetty-java")?;
        let mut javac = Command::new("javac");
        javac.args(["-cp", &class_path(&jars), "-d"]).arg(&self.built);
        self.build(javac.arg(self.sources.join("netty/Echo.java")))
    }

    /// Returns the arguments of java that run the server.
    pub(crate) fn netty(&self, form: &str) -> Vec<String> {
        let path = format!("{}:{}", self.built.display(), class_path(&netty_jars()));
        let fast = NETTY_FAST.iter().filter(|_| form == "fast").copied();
        fast.chain(["-cp", &path, "Echo"]).map(str::to_owned).collect()
    }

    pub(crate) fn build_erlang(&self) -> Result<(), String> {
        needs(has("erl") && has("erlc"), "Erlang", "erlang-base")?;
        let mut erlc = Command::new("erlc");
        self.build(erlc.arg("-o").arg(&self.built).arg(self.sources.join("erlang/echo.erl")))
    }

    pub(crate) fn has_haproxy() -> Result<(), String> {
        needs(has("haproxy"), "haproxy", "haproxy")
    }

    pub(crate) fn haproxy_config(&self) -> PathBuf {
        self.sources.join("haproxy/tcp.cfg")
    }

    fn build(&self, command: &mut Command) -> Result<(), String> {
        fs::create_dir_all(&self.built).map_err(|error| format!("{}: {error}", self.built.display()))?;
        output(command).map(drop)
    }
}

fn needs(is_there: bool, name: &str, package: &str) -> Result<(), String> {
    if is_there { Ok(()) } else { Err(format!("{name} is not installed: apt-get install {package}")) }
}

fn netty_jars() -> Vec<PathBuf> {
    let folder = std::env::var_os("NETTY_JARS").map_or_else(|| Path::new("/usr/share/java").to_owned(), PathBuf::from);
    NETTY.iter().map(|module| folder.join(format!("netty-{module}.jar"))).collect()
}

fn class_path(jars: &[PathBuf]) -> String {
    jars.iter().map(|jar| jar.display().to_string()).collect::<Vec<_>>().join(":")
}
