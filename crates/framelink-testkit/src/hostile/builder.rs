//! The settings of a peer, before it starts.

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

/// The connections that may wait to be accepted.
const BACKLOG: i32 = 1024;
/// The receive buffer of a peer that reads nothing, in bytes. The system rounds it up to its minimum.
const DEAF_BUFFER: usize = 1;
/// The time limit for connecting.
const DIAL_TIME: Duration = Duration::from_secs(10);

/// Builds a [`Hostile`].
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

    /// Sets the seed. The seed chooses where a frame is cut or a header is split, and which bad header is sent, unless
    /// the builder says so. One seed gives one behaviour; each connection differs. The default is 0.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.0.seed = seed;
        self
    }

    /// Sets the pause of a fault: between bytes (`dribble`, default 1 ms), between the parts of a header
    /// (`split-header`, 50 ms), before a message (`late`, and the late messages of `shuffled`, 1 s), or to wait for
    /// messages that are sent together (`coalesce`, 20 ms) or swapped (`out-of-order`, 100 ms).
    pub const fn delay(mut self, delay: Duration) -> Self {
        self.0.delay = Some(delay);
        self
    }

    /// Sets how many bytes of a cut frame are sent: at most one less than the frame has. By default the seed chooses.
    pub const fn cut_at(mut self, byte: usize) -> Self {
        self.0.cut_at = Some(byte);
        self
    }

    /// Sets a number: empty frames of `empty-flood` (default: without end) and of each burst of `heartbeat-storm` (3),
    /// messages at a time of `unasked` (1), messages before `stops` (3) or before a frame is cut or broken (0),
    /// messages that a `coalesce` client sends at once (all) or a `deaf` client sends (without end).
    pub const fn count(mut self, count: usize) -> Self {
        self.0.count = Some(count);
        self
    }

    /// Sets the messages of a client, and the unsolicited messages of a server. The default is three messages that the
    /// framing can send; one, if a connection carries one message.
    pub fn messages<M: AsRef<[u8]>>(mut self, messages: impl IntoIterator<Item = M>) -> Self {
        self.0.messages = Some(messages.into_iter().map(|message| message.as_ref().to_vec()).collect());
        self
    }

    /// Sets how long a client waits for each reply, and in the end for the other side to close. The default is 2 s.
    pub const fn patience(mut self, patience: Duration) -> Self {
        self.0.patience = patience;
        self
    }

    /// Makes the peer recognise heartbeats: `hear` is called with each message, and returns the answer to a heartbeat,
    /// if it has one. Heartbeats are handled while the peer receives. A fault that stops receiving stops them too. The
    /// default is none.
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

    /// Makes the peer send this heartbeat when it receives and has sent nothing for this time. The default is none.
    pub fn beat(mut self, every: Duration, heartbeat: &[u8]) -> Self {
        self.0.beat = Some((every, heartbeat.to_vec()));
        self
    }

    /// Sets a function that is called with each connection before it is read or written, for example to set socket
    /// options. An error ends the connection. The default is none.
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

    /// Sets a function that is called with each event of a connection, on the thread of the connection.
    pub fn on_event(mut self, observer: impl Fn(SocketAddr, &Event) + Send + Sync + 'static) -> Self {
        self.0.observer = Some(Arc::new(observer));
        self
    }
}

impl<F: Decode + Encode + Send + Sync + 'static> HostileBuilder<F> {
    /// Checks whether the peer can start, without opening a socket.
    ///
    /// # Errors
    /// [`Unfit`] if the framing or a setting does not go with the fault.
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
    /// The size of the receive window is fixed when a peer connects, so the buffer is set before.
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
            // The address can be bound again while its old connections linger.
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

/// Returns the first success for the addresses of a name, or the last error.
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
