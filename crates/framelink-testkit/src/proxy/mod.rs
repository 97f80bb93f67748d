//! The line between two programs, with its own ideas.

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

/// How long connecting to the target may take.
const DIAL_TIME: Duration = Duration::from_secs(10);

/// A TCP proxy between the program under test and its peer, told while it runs what to do with what passes. What it is told holds for
/// connections that stand and for later ones. It ends, its connections with it, when this is dropped.
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
    /// Listens on a free port of this machine and connects whoever comes to `target`.
    ///
    /// # Errors
    /// When the target's name is not known, or no port is free.
    pub fn start(target: impl ToSocketAddrs) -> io::Result<Self> {
        Self::run(target, None)
    }

    /// The same, and messages of this framing are seen as such: [`Proxy::duplicate_next`] doubles a whole one.
    ///
    /// # Errors
    /// As [`Proxy::start`].
    pub fn with_framing<F>(target: impl ToSocketAddrs, framing: F) -> io::Result<Self>
    where
        F: Decode + Send + Sync + 'static,
    {
        Self::run(target, Some(boundaries::frame_len(framing)))
    }

    /// Where to connect to.
    #[must_use]
    pub const fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Delivers what comes from now on so much later, in its order. Defaults to no delay.
    pub fn delay(&self, direction: Direction, delay: Duration) {
        self.control.set(direction, |rules| rules.delay = delay);
    }

    /// Holds back what has not been delivered yet, ends and resets too, until [`Proxy::release`].
    pub fn hold(&self, direction: Direction) {
        self.control.set(direction, |rules| rules.is_held = true);
    }

    /// Delivers what was held back, and what comes.
    pub fn release(&self, direction: Direction) {
        self.control.set(direction, |rules| rules.is_held = false);
    }

    /// Delivers what passes next twice: one chunk, as a read brings it, or with a framing one whole message.
    pub fn duplicate_next(&self, direction: Direction) {
        self.control.set(direction, |rules| rules.duplicates += 1);
    }

    /// Passes at most so many bytes of each connection, counted from its beginning, and then cuts both sides of it.
    pub fn cut_after(&self, direction: Direction, bytes: u64, cut: Cut) {
        self.control.set(direction, |rules| rules.cut = Some((bytes, cut)));
    }

    /// Cuts no more connections.
    pub fn cut_no_more(&self, direction: Direction) {
        self.control.set(direction, |rules| rules.cut = None);
    }

    /// Passes so many bytes a second on each connection; `None`, the default, is no limit.
    pub fn limit(&self, direction: Direction, bytes_per_second: Option<u32>) {
        self.control.set(direction, |rules| rules.bytes_per_second = bytes_per_second);
    }

    /// The bytes that were delivered so far, over all connections, copies too.
    #[must_use]
    pub fn passed(&self, direction: Direction) -> u64 {
        self.control.passed(direction)
    }

    /// Waits until at least so many bytes were delivered; false when they were not within that time.
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
                    // A target that is not there shows as a connection that is closed at once.
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
