//! The servers that are measured, in the order of the table.

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
    /// Not in this version of framelink.
    Later,
}

const fn rust(name: &'static str, title: &'static str, program: &'static str, form: &'static str) -> Server {
    of(name, title, Program::Rust(program), form)
}

const fn of(name: &'static str, title: &'static str, program: Program, form: &'static str) -> Server {
    Server { name, title, program, form, framing: "net:4", warm_up_secs: 0.3, most_connections: usize::MAX }
}

/// The first is the reference.
pub(crate) const SERVERS: &[Server] = &[
    rust("raw-echo", "raw byte echo, no frames", "raw_echo", ""),
    rust("floor", "a bare loop over `Frames` (the floor)", "floor", ""),
    of("in-place", "ours: in-place server", Program::Later, ""),
    of("recv-ref", "ours: `recv_ref` and `feed`", Program::Later, ""),
    rust("feed", "ours: `recv` and `feed`, `flush` when dry", "ours_tokio", "feed"),
    rust("send", "ours: `recv`, then `send`", "ours_tokio", "send"),
    rust("server", "ours: `Server`, one at a time", "ours_tokio", "server"),
    rust("server-16", "ours: `Server`, 16 at a time", "ours_tokio", "server-16"),
    of("blocking", "ours: blocking, in place", Program::Later, ""),
    of("nonblocking", "ours: nonblocking, in place", Program::Later, ""),
    rust("tokio-util", "tokio-util, flush when dry", "tokio_util", "default"),
    rust("tokio-util-64k", "tokio-util, 64 KiB buffers", "tokio_util", "64k"),
    rust("tokio-util-send", "tokio-util, `send` each", "tokio_util", "send"),
];

/// The first is the reference.
pub(crate) const BRIDGES: &[Server] = &[];

/// Returns the servers with these names, after the reference; all of them without names.
pub(crate) fn chosen(all: &[Server], names: &[String]) -> Result<Vec<Server>, String> {
    if let Some(unknown) = names.iter().find(|name| all.iter().all(|server| server.name != **name)) {
        let known: Vec<_> = all.iter().map(|server| server.name).collect();
        return Err(format!("no row {unknown}; there are {}", known.join(", ")));
    }
    let is_chosen = |server: &Server| names.is_empty() || names.iter().any(|name| name == server.name);
    Ok(all.iter().enumerate().filter(|(at, server)| *at == 0 || is_chosen(server)).map(|(_, server)| *server).collect())
}
