//! Links and clients with `keep-up` that cannot begin to dial at once.

use framelink_transport::profile::{ConnectionKind, ExchangeKind, Shared};
use framelink_transport::tokio::{Client, Link, Upstream};

use super::host::{by_key, listener, profile};

/// A link or client that is made outside a runtime begins to dial with its first use inside one.
#[test]
fn a_link_and_a_client_that_are_made_outside_a_runtime_begin_with_their_first_use() {
    let shared = profile(Shared::new(2), by_key()).keep_up(true).build().unwrap();
    let long = profile(ConnectionKind::Long, ExchangeKind::Sync).keep_up(true).build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (listener, address) = runtime.block_on(listener());
    let (link, _inbox) = Link::new(shared, address.clone()).unwrap();
    let mut client = Client::over(Upstream::new(&long.into(), [address])).unwrap();
    runtime.block_on(async {
        link.connect().await.unwrap();
        client.connect().await.unwrap();
        while link.connections() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    });
    // These values are dropped outside the runtime.
    drop((link, client, listener));
}
