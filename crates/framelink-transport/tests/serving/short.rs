//! Short connections with a limit of handlers.

use std::sync::Arc;

use framelink_transport::profile::{Short, Side};
use framelink_transport::session::Concurrency;

use crate::support::peer::{Peer, frame};
use crate::support::server::{Serve, on_every_driver, profile};

on_every_driver!(
    tls:a_short_connection_has_one_exchange_with_any_limit);

fn a_short_connection_has_one_exchange_with_any_limit<S: Serve>() {
    for closes in [Side::Client, Side::Server] {
        let profile = profile().connection(Short::new().closes(closes)).build().unwrap();
        let handler = Arc::new(|message: &[u8]| Some(message.to_vec()));
        let server = S::start(profile, Concurrency::new(8), handler);
        let mut peer = Peer::dial(server.address);
        peer.write(&[b"one", b"two"]);
        assert_eq!(peer.read(), b"one", "{}", S::NAME);
        if closes == Side::Client {
            peer.half_close();
        }
        assert!(!peer.read_to_end().starts_with(&frame(b"two")), "{}: one exchange", S::NAME);
        assert_eq!(server.outcome().unwrap(), 1);
    }
}
