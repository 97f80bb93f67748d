//! Peers that misbehave, on threads of their own.

mod builder;
mod client;
mod counts;
mod delivery;
mod error;
mod event;
mod plan;
mod server;
mod settings;
mod shuffle;
mod talk;

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use framelink_codec::{Decode, Encode};

pub use self::builder::HostileBuilder;
pub use self::counts::Counts;
pub use self::error::{StartError, Unfit};
pub use self::event::Event;

use self::counts::Tally;
use self::plan::Plan;
use self::talk::Talk;
use crate::Fault;
use crate::stop::Stop;

/// A peer with a [`Fault`]. When it is dropped, its connections and threads end.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
/// use std::time::Duration;
/// use framelink_codec::example::OneByte;
/// use framelink_testkit::{Fault, Hostile};
///
/// // Three bytes of an answer, then the end.
/// let peer = Hostile::builder(OneByte, Fault::CutFin).cut_at(3).listen("127.0.0.1:0")?;
/// let mut client = TcpStream::connect(peer.local_addr())?;
/// client.write_all(b"\x05hello")?;
/// let mut reply = Vec::new();
/// client.read_to_end(&mut reply)?;
/// assert_eq!(reply, b"\x05he");
///
/// drop(client);
/// assert!(peer.wait_for(Duration::from_secs(5), |counts| counts.ended == 1));
/// assert_eq!(peer.counts().messages_received, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Hostile {
    local_addr: SocketAddr,
    stop: Arc<Stop>,
    tally: Arc<Tally>,
    thread: Option<JoinHandle<()>>,
}

impl Hostile {
    /// Starts a server with default settings.
    ///
    /// # Errors
    /// [`StartError::Unfit`] if the framing does not go with the fault, [`StartError::Listen`] if the address cannot be
    /// bound.
    pub fn listen<F>(address: impl ToSocketAddrs, framing: F, fault: Fault) -> Result<Self, StartError>
    where
        F: Decode + Encode + Send + Sync + 'static,
    {
        Self::builder(framing, fault).listen(address)
    }

    /// Connects a client with default settings. It is connected when this returns.
    ///
    /// # Errors
    /// [`StartError::Unfit`] if the framing does not go with the fault, [`StartError::Dial`] if no connection can be
    /// made.
    pub fn dial<F>(address: impl ToSocketAddrs, framing: F, fault: Fault) -> Result<Self, StartError>
    where
        F: Decode + Encode + Send + Sync + 'static,
    {
        Self::builder(framing, fault).dial(address)
    }

    /// Returns a builder, for other settings.
    pub const fn builder<F>(framing: F, fault: Fault) -> HostileBuilder<F> {
        HostileBuilder::new(framing, fault)
    }

    /// Stops the peer, waits for its threads, and returns what it did.
    pub fn stop(mut self) -> Counts {
        self.end();
        self.counts()
    }

    /// Returns the address on which it listens, or the local address of its connection.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Returns what the peer has done so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.tally.get()
    }

    /// Waits until the counts satisfy the condition; returns false if they do not within the time.
    #[must_use]
    pub fn wait_for(&self, within: Duration, enough: impl Fn(&Counts) -> bool) -> bool {
        self.tally.wait_for(within, enough)
    }

    fn accept_on<F>(listener: TcpListener, local_addr: SocketAddr, plan: Plan<F>) -> io::Result<Self>
    where
        F: Decode + Encode + Send + Sync + 'static,
    {
        Self::run(local_addr, plan, move |plan, stop, tally| {
            stop.accept(listener, |stream, peer| {
                let talk = Talk::new(stream, peer, plan, stop, tally)?;
                Builder::new().spawn(move || talk.run(server::serve))
            });
        })
    }

    fn talk_on<F>(stream: TcpStream, local_addr: SocketAddr, peer: SocketAddr, plan: Plan<F>) -> io::Result<Self>
    where
        F: Decode + Encode + Send + Sync + 'static,
    {
        Self::run(local_addr, plan, move |plan, stop, tally| {
            if let Ok(talk) = Talk::new(stream, peer, plan, stop, tally) {
                talk.run(client::ask);
            }
        })
    }

    fn run<F, W>(local_addr: SocketAddr, plan: Plan<F>, work: W) -> io::Result<Self>
    where
        F: Decode + Encode + Send + Sync + 'static,
        W: FnOnce(&Arc<Plan<F>>, &Arc<Stop>, &Arc<Tally>) + Send + 'static,
    {
        let (stop, tally) = (Arc::new(Stop::default()), Arc::new(Tally::default()));
        let (its_stop, its_tally) = (Arc::clone(&stop), Arc::clone(&tally));
        let thread = Builder::new().spawn(move || work(&Arc::new(plan), &its_stop, &its_tally))?;
        Ok(Self { local_addr, stop, tally, thread: Some(thread) })
    }

    fn end(&mut self) {
        self.stop.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Drop for Hostile {
    fn drop(&mut self) {
        self.end();
    }
}
