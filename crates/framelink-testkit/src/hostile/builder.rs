//! What can be said about a peer before it starts.

use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};

use framelink_codec::{Decode, Encode};
use socket2::{Domain, Socket, Type};

use super::Hostile;
use super::error::{StartError, Unfit};
use super::event::Event;
use super::plan::Plan;
use super::settings::Settings;
use crate::fault::Fault;

/// As many connections may wait to be accepted.
const BACKLOG: i32 = 1024;
/// So many bytes wait unread where nothing is read; the system rounds it up to what it can.
const DEAF_BUFFER: usize = 1;
/// How long connecting may take.
const DIAL_TIME: Duration = Duration::from_secs(10);

/// Makes a [`Hostile`].
///
/// ```
/// use framelink_codec::example::OneByte;
/// use framelink_testkit::{Fault, Hostile};
/// use std::time::Duration;
///
/// let peer = Hostile::builder(OneByte, Fault::Late).delay(Duration::from_millis(300)).listen("127.0.0.1:0")?;
/// # Ok::<(), framelink_testkit::StartError>(())
/// ```
#[must_use = "it does nothing until it listens or dials"]
pub struct HostileBuilder<F>(Settings<F>);

impl<F> HostileBuilder<F> {
    pub(super) const fn new(framing: F, fault: Fault) -> Self {
        Self(Settings {
            framing,
            fault,
            seed: 0,
            delay: None,
            cut_at: None,
            count: None,
            messages: None,
            patience: Duration::from_secs(2),
            hear: None,
            beat: None,
            prepare: None,
            observer: None,
        })
    }

    /// Where a frame is cut or a header split, and which bad header is sent, unless given. The same seed does the same, and each
    /// connection something else. Defaults to 0.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// The time between bytes (`dribble`, defaults to 1 ms) or the two parts of a header (`split-header`, 50 ms), before a message
    /// (`late`, and those of `shuffled` that are late, 1 s), or that others have to come and be sent together (`coalesce`, 20 ms) or swapped (`out-of-order`, 100 ms).
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.0.delay = Some(delay);
        self
    }

    /// So many bytes of the frame that is cut are sent; one less than it has, if it is no longer. Defaults to somewhere inside,
    /// by the seed.
    pub const fn cut_at(mut self, byte: usize) -> Self {
        self.0.cut_at = Some(byte);
        self
    }

    /// How many: empty frames of an `empty-flood` (defaults to no end) and of each burst of a `heartbeat-storm` (3), messages
    /// at a time of `unsolicited` (1), messages before `stops` does (3) or a frame is cut or broken (0), messages that a client
    /// which does `coalesce` sends at once (all it has) or that is `deaf` (without end).
    pub const fn count(mut self, count: usize) -> Self {
        self.0.count = Some(count);
        self
    }

    /// What a client sends, and what a server sends `unsolicited`. Defaults to three messages (one, where the connection is one message) that
    /// the framing can send.
    pub fn messages<M: AsRef<[u8]>>(mut self, messages: impl IntoIterator<Item = M>) -> Self {
        self.0.messages = Some(messages.into_iter().map(|message| message.as_ref().to_vec()).collect());
        self
    }

    /// How long a client waits for each reply, and in the end for the other side to close. Defaults to 2 s.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.0.patience = patience;
        self
    }

    /// Has it know heartbeats: `hear` is given each message, and says of a heartbeat what answers it, if anything does. They are no
    /// messages otherwise, and are dealt with while the peer receives: where its fault is to stop that, it falls silent. Defaults to none.
    ///
    /// ```
    /// use framelink_codec::example::OneByte;
    /// use framelink_testkit::{Fault, Hostile};
    /// use std::io::{Read, Write};
    ///
    /// let peer = Hostile::builder(OneByte, Fault::Silent)
    ///     .heartbeats(|message| (message == b"?").then(|| Some(b"!".to_vec())))
    ///     .listen("127.0.0.1:0")?;
    /// let mut client = std::net::TcpStream::connect(peer.local_addr())?;
    /// client.write_all(b"\x02hi\x01?")?;
    /// let mut answer = [0; 2];
    /// client.read_exact(&mut answer)?;
    /// assert_eq!(&answer, b"\x01!");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn heartbeats(mut self, hear: impl Fn(&[u8]) -> Option<Option<Vec<u8>>> + Send + Sync + 'static) -> Self {
        self.0.hear = Some(Arc::new(hear));
        self
    }

    /// Has it send this by itself when it receives and has sent nothing for so long. Defaults to nothing.
    pub fn beat(mut self, every: Duration, heartbeat: &[u8]) -> Self {
        self.0.beat = Some((every, heartbeat.to_vec()));
        self
    }

    /// Is called with each connection before anything is read or written: to set options of its socket, say. An error ends the
    /// connection. Defaults to nothing.
    ///
    /// ```
    /// use framelink_codec::example::OneByte;
    /// use framelink_testkit::{Fault, Hostile};
    ///
    /// let peer = Hostile::builder(OneByte, Fault::Late).prepare(|stream| stream.set_ttl(1)).listen("127.0.0.1:0")?;
    /// # Ok::<(), framelink_testkit::StartError>(())
    /// ```
    pub fn prepare(mut self, prepare: impl Fn(&TcpStream) -> io::Result<()> + Send + Sync + 'static) -> Self {
        self.0.prepare = Some(Arc::new(prepare));
        self
    }

    /// Is called with what happens on each connection, on the connection's thread.
    pub fn on_event(mut self, observer: impl Fn(SocketAddr, &Event) + Send + Sync + 'static) -> Self {
        self.0.observer = Some(Arc::new(observer));
        self
    }
}

impl<F: Decode + Encode + Send + Sync + 'static> HostileBuilder<F> {
    /// Looks whether it could be started: the same as starting it, but for the sockets.
    ///
    /// # Errors
    /// When the framing, or what was said here, does not go with the fault.
    pub fn check(&self) -> Result<(), Unfit>
    where
        F: Clone,
    {
        Plan::new(self.0.clone()).map(drop)
    }

    /// Starts a server.
    ///
    /// # Errors
    /// [`StartError::Unfit`] and [`StartError::Listen`].
    pub fn listen(self, address: impl ToSocketAddrs) -> Result<Hostile, StartError> {
        let plan = Plan::new(self.0)?;
        let listener = first_of(address, |address| plan.listener(address));
        let listener = listener.map_err(StartError::Listen)?;
        let local_addr = listener.local_addr().map_err(StartError::Listen)?;
        Hostile::accept_on(listener, local_addr, plan).map_err(StartError::Listen)
    }

    /// Connects, and starts a client.
    ///
    /// # Errors
    /// [`StartError::Unfit`] and [`StartError::Dial`].
    pub fn dial(self, address: impl ToSocketAddrs) -> Result<Hostile, StartError> {
        let plan = Plan::new(self.0)?;
        let dialled = first_of(address, |address| Ok((plan.stream(address)?, address)));
        let (stream, peer) = dialled.map_err(StartError::Dial)?;
        let local_addr = stream.local_addr().map_err(StartError::Dial)?;
        Hostile::talk_on(stream, local_addr, peer, plan).map_err(StartError::Dial)
    }
}

impl<F: fmt::Debug> fmt::Debug for HostileBuilder<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostileBuilder")
            .field("framing", &self.0.framing)
            .field("fault", &self.0.fault)
            .field("seed", &self.0.seed)
            .field("delay", &self.0.delay)
            .field("cut_at", &self.0.cut_at)
            .field("count", &self.0.count)
            .field("messages", &self.0.messages.as_ref().map(Vec::len))
            .field("patience", &self.0.patience)
            .finish_non_exhaustive()
    }
}

impl<F> Plan<F> {
    /// The window that a peer is offered is fixed when it connects, so it is made small before.
    fn socket(&self, address: SocketAddr) -> io::Result<Socket> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        if self.fault == Fault::Deaf {
            socket.set_recv_buffer_size(DEAF_BUFFER)?;
        }
        Ok(socket)
    }

    fn listener(&self, address: SocketAddr) -> io::Result<TcpListener> {
        let socket = self.socket(address)?;
        if cfg!(unix) {
            // An address can be had again while its old connections linger.
            socket.set_reuse_address(true)?;
        }
        socket.bind(&address.into())?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        Ok(socket.into())
    }

    fn stream(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let socket = self.socket(address)?;
        socket.connect_timeout(&address.into(), DIAL_TIME)?;
        Ok(socket.into())
    }
}

/// What works with one of the addresses that a name has, or why it does not with the last.
fn first_of<T>(address: impl ToSocketAddrs, work: impl Fn(SocketAddr) -> io::Result<T>) -> io::Result<T> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "the name has no address");
    for address in address.to_socket_addrs()? {
        match work(address) {
            Ok(done) => return Ok(done),
            Err(error) => last = error,
        }
    }
    Err(last)
}
