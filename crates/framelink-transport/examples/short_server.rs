//! A server of short connections, with one exchange each, that can be stopped: `cargo run --example short_server`.

use std::error::Error;
use std::sync::Arc;
use std::thread;

use framelink_transport::blocking::{Client, Listener};
use framelink_transport::{Framing, Profile};

fn main() -> Result<(), Box<dyn Error>> {
    let profile = Arc::new(Profile::template("short-sync", "bcd:2".parse::<Framing>()?)?);
    let mut listener = Listener::bind_profile("127.0.0.1:0", &profile)?;
    let (address, stopper) = (listener.local_addr()?.to_string(), listener.stopper());
    let server = thread::spawn({
        let profile = Arc::clone(&profile);
        move || {
            while let Ok(Some(connection)) = listener.accept() {
                let profile = Arc::clone(&profile);
                thread::spawn(move || {
                    let peer = connection.peer_addr();
                    match connection.serve(&profile, |request| Some(request.iter().rev().copied().collect::<Vec<_>>()))
                    {
                        Ok(answered) => println!("{peer:?}: answered {answered}"),
                        Err(error) => println!("{peer:?}: {error}"),
                    }
                });
            }
        }
    });

    // Each call connects, sends, receives and closes. 0x00 0x05 | 'h' 'e' 'l' 'l' 'o'
    let mut client = Client::new(Profile::clone(&profile), address)?;
    for request in ["hello", "world"] {
        println!("{request} -> {}", String::from_utf8_lossy(&client.call(request.as_bytes())?));
    }
    stopper.stop();
    server.join().map_err(|_| "the server failed")?;
    Ok(())
}
