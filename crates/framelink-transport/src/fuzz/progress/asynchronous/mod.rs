//! The tokio driver. Its tasks are polled by hand when their wakers are woken.

mod connection;
mod duplex;
#[cfg(test)]
mod orders;
mod stream;
mod task;

pub(super) use connection::connection;
pub(super) use duplex::duplex;

use std::sync::Arc;

use super::{FRAMING, Scene};
use crate::profile::FramingPair;
use crate::session::LivenessHandle;

use stream::Stream;

type Connection = crate::tokio::Connection<FramingPair, Stream, Stream>;

fn connect(scene: &Scene) -> (Connection, Option<LivenessHandle>) {
    let [reader, writer] = [(); 2].map(|()| Stream::new(scene));
    let mut connection = Connection::from_parts(reader, writer, Arc::clone(&FRAMING));
    let liveness = scene.heartbeat.as_ref().map(|(heartbeat, role)| connection.watch(Arc::clone(heartbeat), *role));
    (connection, liveness)
}
