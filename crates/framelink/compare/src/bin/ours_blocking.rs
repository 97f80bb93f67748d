//! framelink with a thread for each connection: a server whose handler writes its reply into the send queue.

use std::error::Error;
use std::sync::Arc;

use framelink_transport::blocking::Server;
use framelink_transport::{Framing, Profile};

const MOST: u32 = 1000;

fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).expect("the address to listen on");
    let profile = Profile::builder("net:4".parse::<Framing>()?).connections(MOST).connections_per_client(MOST);
    let server = Server::bind(&*address, &Arc::new(profile.build()?))?;
    server.run_in_place(|request, reply| reply.extend_from_slice(request));
    Ok(())
}
