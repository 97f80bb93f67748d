//! A bare proxy: passes bytes in both directions, and knows nothing of frames.

use std::io;

use framelink_compare::listen;
use tokio::io::copy_bidirectional_with_sizes;
use tokio::net::TcpStream;

const BUFFER: usize = 64 * 1024;

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let host = std::env::args().nth(2).expect("the address of the host");
    let listener = listen()?;
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
