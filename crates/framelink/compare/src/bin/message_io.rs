//! message-io: its framed TCP, whose header is a varint, with the loop of its README.

use std::io;

use message_io::network::{NetEvent, Transport};
use message_io::node;

fn main() -> io::Result<()> {
    let address = std::env::args().nth(1).expect("the address to listen on");
    let (handler, listener) = node::split::<()>();
    handler.network().listen(Transport::FramedTcp, address)?;
    listener.for_each(move |event| {
        if let NetEvent::Message(endpoint, message) = event.network() {
            handler.network().send(endpoint, message);
        }
    });
    Ok(())
}
