//! What was said of a peer.

use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::event::Event;
use crate::fault::Fault;

/// What is told of each thing that happens, and with whom.
pub(super) type Observer = Arc<dyn Fn(SocketAddr, &Event) + Send + Sync>;

/// What a message is, if it is a heartbeat: that, and what answers it, if anything does.
pub(super) type Hear = Arc<dyn Fn(&[u8]) -> Option<Option<Vec<u8>>> + Send + Sync>;

/// What is done to each connection before it is used.
pub(super) type Prepare = Arc<dyn Fn(&TcpStream) -> io::Result<()> + Send + Sync>;

/// As it was said; none of it is checked yet. What is `None` is chosen by the fault.
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
    /// What is sent when nothing was for so long.
    pub(super) beat: Option<(Duration, Vec<u8>)>,
    pub(super) prepare: Option<Prepare>,
    pub(super) observer: Option<Observer>,
}
