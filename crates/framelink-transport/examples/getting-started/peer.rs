// A test peer: answers 0800 with 0810, 0200 with 0210, and every other request likewise.
use std::{error::Error, sync::Arc};

use framelink_transport::{Profile, blocking::Server};

fn main() -> Result<(), String> {
    let server = listen("127.0.0.1:7000").map_err(|error| error.to_string())?;
    println!("listening on 127.0.0.1:7000");
    server.run(|request| answer(&request));
    Ok(())
}

fn listen(address: &str) -> Result<Server, Box<dyn Error>> {
    let profile = Arc::new(Profile::from_toml(include_str!("switch.toml"))?);
    Ok(Server::bind(address, &profile)?)
}

/// The third digit of the message type says whether a message is a request (0) or a response (1).
fn answer(request: &[u8]) -> Option<Vec<u8>> {
    let mut response = request.to_vec();
    *response.get_mut(2)? = b'1';
    Some(response)
}
