//! A peer that misbehaves, on threads of its own.

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

/// A peer with a [`Fault`]. It ends, its connections and threads with it, when this is dropped.
///
/// ```
/// use std::io::{Read, Write};
/// use std::net::TcpStream;
/// use std::time::Duration;
/// use framelink_codec::example::OneByte;
/// use framelink_testkit::{Fault, Hostile};
///
/// // Three bytes of an answer, and then the end.
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
    /// A server with all that a builder sets left as it is.
    ///
    /// # Errors
    /// [`StartError::Unfit`] when the framing cannot have this fault, [`StartError::Listen`] when the address cannot be had.
    pub fn listen<F>(address: impl ToSocketAddrs, framing: F, fault: Fault) -> Result<Self, StartError>
    where
        F: Decode + Encode + Send + Sync + 'static,
    {
        Self::builder(framing, fault).listen(address)
    }

    /// A client with all that a builder sets left as it is. It has connected when this returns.
    ///
    /// # Errors
    /// [`StartError::Unfit`] when the framing cannot have this fault, [`StartError::Dial`] when nobody answers.
    pub fn dial<F>(address: impl ToSocketAddrs, framing: F, fault: Fault) -> Result<Self, StartError>
    where
        F: Decode + Encode + Send + Sync + 'static,
    {
        Self::builder(framing, fault).dial(address)
    }

    /// A peer with more to say about it.
    pub const fn builder<F>(framing: F, fault: Fault) -> HostileBuilder<F> {
        HostileBuilder::new(framing, fault)
    }

    /// Ends it, waits for its threads, and says what it did.
    pub fn stop(mut self) -> Counts {
        self.end();
        self.counts()
    }

    /// Where it listens, or the local end of the connection that it made.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// What it did so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        *self.tally.get()
    }

    /// Waits until its counts are as they should be; false when they are not within that time.
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
