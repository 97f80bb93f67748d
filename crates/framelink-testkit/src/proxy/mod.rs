//! A proxy that disturbs the connection between two programs.

mod boundaries;
mod control;
mod pump;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use framelink_codec::Decode;

pub use self::control::{Cut, Direction};

use self::boundaries::FrameLen;
use self::control::Control;
use crate::stop::Stop;

/// The time limit for connecting to the target.
const DIAL_TIME: Duration = Duration::from_secs(10);

/// A TCP proxy between the program under test and its peer. Its rules can change while it runs, and apply to open and
/// later connections. When it is dropped, its connections end.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
/// use framelink_codec::example::OneByte;
/// use framelink_testkit::{Cut, Direction, Fault, Hostile, Proxy};
///
/// let server = Hostile::listen("127.0.0.1:0", OneByte, Fault::None)?;
/// let proxy = Proxy::start(server.local_addr())?;
/// proxy.cut_after(Direction::ToClient, 2, Cut::Fin);
///
/// let mut client = TcpStream::connect(proxy.addr())?;
/// client.write_all(b"\x05hello")?;
/// let mut came = Vec::new();
/// client.read_to_end(&mut came)?;
/// assert_eq!(came, b"\x05h");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Proxy {
    addr: SocketAddr,
    control: Arc<Control>,
    stop: Arc<Stop>,
    thread: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1 and connects each client to `target`.
    ///
    /// # Errors
    /// If the name of the target is unknown, or no port is free.
    pub fn start(target: impl ToSocketAddrs) -> io::Result<Self> {
        Self::run(target, None)
    }

    /// Like [`Proxy::start`], and knows the messages of this framing: [`Proxy::duplicate_next`] then duplicates a whole
    /// message.
    ///
    /// # Errors
    /// As for [`Proxy::start`].
    pub fn with_framing<F>(target: impl ToSocketAddrs, framing: F) -> io::Result<Self>
    where
        F: Decode + Send + Sync + 'static,
    {
        Self::run(target, Some(boundaries::frame_len(framing)))
    }

    /// Returns the address to connect to.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Delays bytes that arrive from now on by this time, in their order. The default is no delay.
    pub fn delay(&self, direction: Direction, delay: Duration) {
        self.control.set(direction, |rules| rules.delay = delay);
    }

    /// Holds all bytes that are not delivered yet, and ends and resets, until [`Proxy::release`].
    pub fn hold(&self, direction: Direction) {
        self.control.set(direction, |rules| rules.is_held = true);
    }

    /// Delivers held bytes, and later ones.
    pub fn release(&self, direction: Direction) {
        self.control.set(direction, |rules| rules.is_held = false);
    }

    /// Duplicates the next chunk (the result of one read) or, with a framing, the next whole message.
    pub fn duplicate_next(&self, direction: Direction) {
        self.control.set(direction, |rules| rules.duplicates += 1);
    }

    /// Passes at most this many bytes of each connection, counted from its start, then cuts both its sides.
    pub fn cut_after(&self, direction: Direction, bytes: u64, cut: Cut) {
        self.control.set(direction, |rules| rules.cut = Some((bytes, cut)));
    }

    /// Stops cutting connections.
    pub fn cut_no_more(&self, direction: Direction) {
        self.control.set(direction, |rules| rules.cut = None);
    }

    /// Limits each connection to this many bytes a second; `None`, the default, is no limit.
    pub fn limit(&self, direction: Direction, bytes_per_second: Option<u32>) {
        self.control.set(direction, |rules| rules.bytes_per_second = bytes_per_second);
    }

    /// Returns how many bytes were delivered over all connections, with duplicates.
    #[must_use]
    pub fn passed(&self, direction: Direction) -> u64 {
        self.control.passed(direction)
    }

    /// Waits until at least this many bytes were delivered; returns false if they were not within the time.
    #[must_use]
    pub fn wait_passed(&self, direction: Direction, bytes: u64, within: Duration) -> bool {
        self.control.wait_passed(direction, bytes, within)
    }

    fn run(target: impl ToSocketAddrs, frame_len: Option<FrameLen>) -> io::Result<Self> {
        let targets: Vec<SocketAddr> = target.to_socket_addrs()?.collect();
        let listener = TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let addr = listener.local_addr()?;
        let (control, stop) = (Arc::new(Control::default()), Arc::new(Stop::default()));
        let (its_control, its_stop) = (Arc::clone(&control), Arc::clone(&stop));
        let thread = Builder::new().spawn(move || {
            its_stop.accept(listener, |client, _| {
                let (targets, frame_len) = (targets.clone(), frame_len.clone());
                let (control, stop) = (Arc::clone(&its_control), Arc::clone(&its_stop));
                Builder::new().spawn(move || {
                    // If the target does not answer, the client sees a connection that is closed at once.
                    if let Some(server) = dial(&targets) {
                        pump::join(client, server, &control, &stop, frame_len.as_ref());
                    }
                })
            });
        })?;
        Ok(Self { addr, control, stop, thread: Some(thread) })
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.stop();
        self.control.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn dial(targets: &[SocketAddr]) -> Option<TcpStream> {
    targets.iter().find_map(|target| TcpStream::connect_timeout(target, DIAL_TIME).ok())
}
