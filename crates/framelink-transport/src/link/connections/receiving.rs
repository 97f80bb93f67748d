//! The task or thread that receives on one connection of a link.

use std::io;
use std::sync::{Arc, Weak};

use super::LinkConnections;
use crate::driver::Driver;
use crate::error::Cause;
use crate::link::handover::{Giver, Taker, handover};
use crate::link::inbox::Outlet;
use crate::link::{LinkConnection, LinkDriver, LinkEvent, LinkReceiver as _};

/// The receiver and the connection that a task serves.
type Receiving<D> = (<D as LinkDriver>::Receiver, Arc<LinkConnection<D>>);

/// A task or thread that waits for its connection. If this is dropped first, the task ends.
pub(super) type ReceiveTask<D> = Giver<Receiving<D>, <D as Driver>::Notify>;

/// Starts the task before the connection is dialled. If there is no thread, nothing is dialled, so nothing can be lost.
pub(super) fn begin<D: LinkDriver>(
    outlet: Outlet<D>,
    connections: Weak<LinkConnections<D>>,
) -> io::Result<ReceiveTask<D>> {
    let (giver, taker) = handover();
    D::spawn("framelink-link", receive(taker, outlet, connections))?;
    Ok(giver)
}

/// Receives until the connection ends. Replies go to their calls, everything else goes to the inbox.
async fn receive<D: LinkDriver>(
    taker: Taker<Receiving<D>, D::Notify>,
    outlet: Outlet<D>,
    connections: Weak<LinkConnections<D>>,
) {
    let Some((mut receiver, connection)) = taker.take().await else { return };
    let of_event = Arc::downgrade(&connection);
    outlet.tell(LinkEvent::Up, &of_event).await;
    let end = loop {
        match receiver.recv().await {
            Ok(Some(incoming)) => {
                connection.proved();
                if !connection.ends_sign_off(&incoming) {
                    outlet.tell(LinkEvent::Incoming(incoming), &of_event).await;
                }
            }
            Ok(None) => break None,
            // This side closed the connection, so nothing was lost.
            Err(error) if matches!(error.cause(), Cause::Closed) => break None,
            Err(error) => break Some(error),
        }
    };
    drop(receiver);
    match &end {
        Some(error) => connection.lost(error),
        None => connection.lost(&"the peer closed the connection"),
    }
    connection.on_end();
    drop(connection);
    if let Some(connections) = connections.upgrade() {
        connections.on_end();
    }
    outlet.tell(LinkEvent::Lost(end), &of_event).await;
}
