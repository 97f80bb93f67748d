//! The servers that are measured, in the order of the table.

use crate::arguments::{Column, What};

/// A server, or a bridge, and how it is run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) program: Program,
    /// The second argument of the program.
    pub(crate) form: &'static str,
    /// How the client frames messages.
    pub(crate) framing: &'static str,
    pub(crate) warm_up_secs: f64,
    /// A server with a thread for each connection has a limit.
    pub(crate) most_connections: usize,
    pub(crate) most_bytes: usize,
    /// Only what is measured without the client.
    pub(crate) only_connections: bool,
}

impl Server {
    pub(crate) const fn takes(&self, column: &Column) -> bool {
        column.connections <= self.most_connections && column.size <= self.most_bytes
    }
}

/// What has to be there to run a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    /// A program of this package.
    Rust(&'static str),
    Go,
    Netty,
    Erlang,
    Haproxy,
    /// `framelink bridge`.
    Bridge,
}

const fn rust(name: &'static str, title: &'static str, program: &'static str, form: &'static str) -> Server {
    of(name, title, Program::Rust(program), form)
}

const fn of(name: &'static str, title: &'static str, program: Program, form: &'static str) -> Server {
    Server {
        name,
        title,
        program,
        form,
        framing: "net:4",
        warm_up_secs: 0.3,
        most_connections: usize::MAX,
        most_bytes: usize::MAX,
        only_connections: false,
    }
}

/// A server that compiles itself while it runs.
const fn compiling(server: Server) -> Server {
    Server { warm_up_secs: 3.0, ..server }
}

/// A server that is only measured with many connections at a time.
const fn held(server: Server) -> Server {
    Server { only_connections: true, ..server }
}

/// A server with a thread for each connection.
const fn with_threads(server: Server) -> Server {
    Server { most_connections: 256, ..server }
}

/// The first is the reference.
const SERVERS: &[Server] = &[
    rust("raw-echo", "raw byte echo, no frames", "raw_echo", ""),
    rust("floor", "a bare loop over `Frames` (the floor)", "floor", ""),
    rust("in-place", "ours: `Server`, in place", "ours_tokio", "in-place"),
    rust("recv-ref", "ours: `recv_with_sender` and `feed`", "ours_tokio", "recv-ref"),
    rust("feed", "ours: `recv` and `feed`", "ours_tokio", "feed"),
    rust("send", "ours: `recv`, then `send`", "ours_tokio", "send"),
    rust("server", "ours: `Server`, one at a time", "ours_tokio", "server"),
    rust("server-16", "ours: `Server`, 16 at a time", "ours_tokio", "server-16"),
    held(rust("beats", "ours: `recv`, with heartbeats", "ours_tokio", "beats")),
    held(rust("server-beats", "ours: `Server`, with heartbeats", "ours_tokio", "server-beats")),
    with_threads(rust("blocking", "ours: blocking `Server`, in place", "ours_blocking", "")),
    with_threads(rust("nonblocking", "ours: nonblocking, in place", "ours_nonblocking", "")),
    rust("tokio-util", "tokio-util, flush when dry", "tokio_util", "default"),
    rust("tokio-util-64k", "tokio-util, 64 KiB buffers", "tokio_util", "64k"),
    rust("tokio-util-send", "tokio-util, `send` each", "tokio_util", "send"),
    with_threads(rust("net-io", "net-io", "net_io", "default")),
    with_threads(rust("net-io-fast", "net-io, 64 KiB buffers, no wiping", "net_io", "fast")),
    Server { framing: "varint", ..rust("message-io", "message-io (its header is a varint)", "message_io", "") },
    of("go", "Go, bufio", Program::Go, "4096"),
    of("go-64k", "Go, bufio, 64 KiB buffers", Program::Go, "65536"),
    compiling(of("netty", "Netty", Program::Netty, "nio")),
    compiling(of("netty-fast", "Netty, 64 KiB buffers, no checks", Program::Netty, "fast")),
    compiling(of("erlang", "Erlang, `{active, once}`", Program::Erlang, "once")),
    compiling(of("erlang-fast", "Erlang, `{active, true}`, `delay_send`", Program::Erlang, "true")),
];

/// The server behind a bridge.
pub(crate) const RAW_ECHO: Server = SERVERS[0];

/// The first is the reference.
const BRIDGES: &[Server] = &[
    of("haproxy", "haproxy, TCP mode", Program::Haproxy, "16384"),
    of("haproxy-64k", "haproxy, TCP mode, 64 KiB buffers", Program::Haproxy, "65536"),
    rust("raw-proxy", "raw byte proxy", "raw_proxy", ""),
    of("net-net", "ours: net:4 to net:4", Program::Bridge, "net:4"),
    Server {
        framing: "ascii:4",
        most_bytes: 9999,
        ..of("ascii-bcd", "ours: ascii:4 to bcd:2", Program::Bridge, "bcd:2")
    },
];

/// The rows of `flat` by default: ten million messages take others minutes.
const FLAT: [&str; 5] = ["in-place", "recv-ref", "feed", "server", "tokio-util-64k"];

/// The rows that a plot shows: with all of them it could not be read.
const PLOTTED: [&str; 10] = [
    "raw-echo",
    "in-place",
    "feed",
    "server",
    "tokio-util-64k",
    "net-io",
    "message-io",
    "go-64k",
    "netty-fast",
    "erlang-fast",
];

impl Server {
    pub(crate) fn is_plotted(&self) -> bool {
        PLOTTED.contains(&self.name)
    }
}

/// Returns the rows with these names, after the reference; without names those of the default.
pub(crate) fn chosen(what: What, names: &[String]) -> Result<Vec<Server>, String> {
    let of_connections = matches!(what, What::Idle | What::Accept);
    let all: Vec<_> = match what {
        What::Bridge => BRIDGES.to_vec(),
        _ => SERVERS.iter().copied().filter(|server| of_connections || !server.only_connections).collect(),
    };
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|server| server.name != **name)) {
        let known: Vec<_> = all.iter().map(|server| server.name).collect();
        return Err(format!("no row {unknown}; there are {}", known.join(", ")));
    }
    let is_default = |server: &Server| what != What::Flat || FLAT.contains(&server.name);
    let is_chosen = |server: &Server| match names {
        [] => is_default(server),
        names => names.iter().any(|name| name == server.name),
    };
    Ok(all.iter().enumerate().filter(|(at, server)| *at == 0 || is_chosen(server)).map(|(_, server)| *server).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reference_is_always_measured() {
        let names = |what, only: &[&str]| {
            let only: Vec<_> = only.iter().map(|name| (*name).to_owned()).collect();
            chosen(what, &only).map(|rows| rows.iter().map(|row| row.name).collect::<Vec<_>>())
        };
        assert_eq!(names(What::Table, &["go"]), Ok(vec!["raw-echo", "go"]));
        assert_eq!(names(What::Bridge, &["net-net"]), Ok(vec!["haproxy", "net-net"]));
        assert!(names(What::Table, &["gone"]).unwrap_err().starts_with("no row gone; there are raw-echo, floor, "));
    }

    #[test]
    fn names_of_rows_are_those_of_servers() {
        let is_known = |name: &&str| SERVERS.iter().any(|server| server.name == *name);
        assert!(FLAT.iter().chain(&PLOTTED).all(is_known));
    }
}
