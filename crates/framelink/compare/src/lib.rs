//! What the small servers on tokio share.

use std::io;

use tokio::net::{TcpListener, TcpSocket};

/// As many clients may wait as the system allows by default. tokio's default of 128 makes clients wait for a second if thousands
/// connect at a time.
const BACKLOG: u32 = 4096;

/// Listens on the address that is the first argument of the program.
///
/// # Errors
/// Fails if the system refuses the address.
///
/// # Panics
/// If there is no address.
pub fn listen() -> io::Result<TcpListener> {
    let address = std::env::args().nth(1).and_then(|address| address.parse().ok());
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(address.expect("the address to listen on"))?;
    socket.listen(BACKLOG)
}
