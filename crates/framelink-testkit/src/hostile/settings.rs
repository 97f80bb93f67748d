//! The settings of a peer.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::event::Event;
use crate::fault::Fault;

/// Called with each event and the address of the other side.
pub(super) type Observer = Arc<dyn Fn(SocketAddr, &Event) + Send + Sync>;

/// Recognises a heartbeat, and returns its answer if it has one.
pub(super) type Hear = Arc<dyn Fn(&[u8]) -> Option<Option<Vec<u8>>> + Send + Sync>;

/// Called with each connection before it is used.
pub(super) type Prepare = Arc<dyn Fn(&TcpStream) -> io::Result<()> + Send + Sync>;

/// The settings, before they are checked. For `None` the fault chooses.
#[derive(Clone)]
pub(super) struct Settings<F> {
    pub(super) framing: F,
    pub(super) fault: Fault,
    pub(super) seed: u64,
    pub(super) delay: Option<Duration>,
    pub(super) cut_at: Option<usize>,
    pub(super) count: Option<usize>,
    pub(super) messages: Option<Vec<Vec<u8>>>,
    pub(super) patience: Duration,
    pub(super) hear: Option<Hear>,
    /// The heartbeat that is sent after this time without another message.
    pub(super) beat: Option<(Duration, Vec<u8>)>,
    pub(super) prepare: Option<Prepare>,
    pub(super) observer: Option<Observer>,
}
