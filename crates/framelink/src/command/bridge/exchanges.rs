//! One exchange with the host for each message, over connections that all clients share.

use std::sync::Arc;

use framelink_transport::Profile;

use crate::arguments::Bridge;
use crate::failure::Failure;

pub(super) async fn run(bridge: &Bridge, clients: Arc<Profile>, outgoing: Profile) -> Result<(), Failure> {
    let _ = (bridge, clients, outgoing);
    Err(Failure::usage("outgoing connections are long ones here"))
}
