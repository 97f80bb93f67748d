//! A bare proxy: passes bytes in both directions, and knows nothing of frames.

use std::io;

use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::{TcpListener, TcpStream};

const BUFFER: usize = 64 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let address = arguments.next().expect("the address to listen on");
    let host = arguments.next().expect("the address of the host");
    let listener = TcpListener::bind(address).await?;
    loop {
        let (mut client, _) = listener.accept().await?;
        let host = host.clone();
        tokio::spawn(async move {
            let mut host = TcpStream::connect(host).await?;
            client.set_nodelay(true)?;
            host.set_nodelay(true)?;
            copy_bidirectional_with_sizes(&mut client, &mut host, BUFFER, BUFFER).await
        });
    }
}
