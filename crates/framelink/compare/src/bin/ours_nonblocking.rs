//! framelink on non-blocking sockets: a thread for each connection, which waits for its one socket.

use std::error::Error;
use std::sync::Arc;
use std::thread;

use framelink_transport::nonblocking::Listener;
use framelink_transport::{Framing, Profile};
use mio::{Events, Interest, Poll, Token};

const MOST: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).expect("the address to listen on");
    let profile = Profile::builder("net:4".parse::<Framing>()?).connections(MOST).connections_per_client(MOST);
    let profile = Arc::new(profile.build()?);
    let mut listener = Listener::bind_profile(&*address, &profile)?;
    let mut poll = Poll::new()?;
    poll.registry().register(&mut listener, Token(0), Interest::READABLE)?;
    let mut events = Events::with_capacity(1);
    loop {
        poll.poll(&mut events, listener.deadline())?;
        while let Some(connection) = listener.try_accept()? {
            let profile = Arc::clone(&profile);
            thread::spawn(move || {
                connection.serve_in_place(&profile, |request, reply| reply.extend_from_slice(request))
            });
        }
    }
}
