//! A blocking client that sends requests and waits for replies, over one long connection: `cargo run --example
//! blocking_client`.
//!
//! The host is a thread of this program. A real host has an address.

use std::error::Error;
use std::thread;

use framelink_transport::blocking::{Client, Listener};
use framelink_transport::session::Sent;
use framelink_transport::{Framing, Profile};

fn main() -> Result<(), Box<dyn Error>> {
    // The header is four ASCII digits: '0' '0' '0' '4' | '0' '8' '0' '0'
    let profile = Profile::template("long-sync", "ascii:4".parse::<Framing>()?)?;
    let mut listener = Listener::bind("127.0.0.1:0", profile.framing())?;
    let address = listener.local_addr()?.to_string();
    let host = thread::spawn(move || {
        let mut connection = listener.accept().ok().flatten()?;
        while let Ok(Some(request)) = connection.recv() {
            connection.send(&[b"ok: ", &request[..]].concat()).ok()?;
        }
        Some(())
    });

    let mut client = Client::new(profile, address)?;
    for request in ["0800 are you there", "0200 pay 10.00", "0400 take it back"] {
        match client.call(request.as_bytes()) {
            Ok(reply) => println!("{request} -> {}", String::from_utf8_lossy(&reply)),
            // `sent` tells a program that moves money whether to send the request again or to reverse it.
            Err(error) if error.sent() == Sent::Not => println!("{request}: {error}, it can be sent again"),
            Err(error) => println!("{request}: {error}, it has to be reversed"),
        }
    }
    client.close()?;
    host.join().map_err(|_| "the host failed")?;
    Ok(())
}
