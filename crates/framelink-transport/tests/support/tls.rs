//! Runs a test over TLS: a helper stands between the driver, which has TLS, and the test's own peer, which has none.
//!
//! The helper is tokio-rustls, so that the drivers are not tested against themselves.

use std::cell::Cell;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, OnceLock};

use framelink_transport::tls::{ClientTls, ServerTls};
use rustls::{ClientConfig, ServerConfig};
use tokio::io::{AsyncRead, AsyncWrite, copy_bidirectional};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::certificates::{ALL, pair_of, server_name};
use super::peer::{listen, sockets};

thread_local! {
    static IS_ON: Cell<bool> = const { Cell::new(false) };
}

/// Runs a test whose connections have TLS.
pub(crate) fn over_tls(test: impl FnOnce()) {
    IS_ON.set(true);
    test();
    IS_ON.set(false);
}

pub(crate) fn is_on() -> bool {
    IS_ON.get()
}

pub(crate) fn configs() -> &'static (Arc<ClientConfig>, Arc<ServerConfig>) {
    static CONFIGS: OnceLock<(Arc<ClientConfig>, Arc<ServerConfig>)> = OnceLock::new();
    CONFIGS.get_or_init(|| {
        let (client, server) = pair_of(ALL);
        (client.into(), server.into())
    })
}

pub(crate) fn client() -> ClientTls {
    ClientTls::new(Arc::clone(&configs().0), server_name())
}

pub(crate) fn server() -> ServerTls {
    ServerTls::new(Arc::clone(&configs().1))
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime"))
}

/// Returns the address of a helper that dials this server with TLS. Without TLS, returns the address.
pub(crate) fn before_server(server: SocketAddr) -> SocketAddr {
    if !is_on() {
        return server;
    }
    let (listener, address) = listen();
    each(listener, move |plain| async move {
        let socket = tokio::net::TcpStream::connect(server).await?;
        socket.set_nodelay(true)?;
        let socket = TlsConnector::from(Arc::clone(&configs().0)).connect(server_name(), socket).await?;
        pass(plain, socket).await
    });
    address
}

/// Returns the address of a helper that a client dials with TLS, and that dials this peer. Without TLS, or if nobody
/// listens at the address, returns the address.
pub(crate) fn before_peer(peer: SocketAddr) -> SocketAddr {
    if !is_on() {
        return peer;
    }
    let (listener, address) = listen();
    each(listener, move |socket| async move {
        let plain = tokio::net::TcpStream::connect(peer).await?;
        plain.set_nodelay(true)?;
        terminate(socket, plain).await
    });
    address
}

/// Returns a socket to use with TLS instead of this one. Without TLS, returns the socket.
pub(crate) fn before_socket(plain: TcpStream) -> TcpStream {
    if !is_on() {
        return plain;
    }
    let (ours, theirs) = sockets();
    runtime().spawn(async move { terminate(of_runtime(theirs)?, of_runtime(plain)?).await });
    ours
}

fn of_runtime(socket: TcpStream) -> io::Result<tokio::net::TcpStream> {
    socket.set_nonblocking(true)?;
    socket.set_nodelay(true)?;
    tokio::net::TcpStream::from_std(socket)
}

fn each<F: Future<Output = io::Result<()>> + Send + 'static>(
    listener: TcpListener,
    run: impl Fn(tokio::net::TcpStream) -> F + Send + 'static,
) {
    runtime().spawn(async move {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        loop {
            let (socket, _) = listener.accept().await?;
            socket.set_nodelay(true)?;
            tokio::spawn(run(socket));
        }
        #[expect(unreachable_code, reason = "it names the type of the result")]
        io::Result::Ok(())
    });
}

async fn terminate(socket: tokio::net::TcpStream, plain: tokio::net::TcpStream) -> io::Result<()> {
    let socket = TlsAcceptor::from(Arc::clone(&configs().1)).accept(socket).await?;
    pass(plain, socket).await
}

/// Passes bytes and half-closes in both directions. A reset of one side resets the other.
async fn pass(
    mut plain: tokio::net::TcpStream,
    mut secured: impl AsyncRead + AsyncWrite + HasSocket + Unpin,
) -> io::Result<()> {
    let passed = copy_bidirectional(&mut plain, &mut secured).await;
    if passed.is_err() {
        for socket in [&plain, secured.socket()] {
            socket2::SockRef::from(socket).set_linger(Some(std::time::Duration::ZERO))?;
        }
    }
    passed.map(drop)
}

trait HasSocket {
    fn socket(&self) -> &tokio::net::TcpStream;
}

impl HasSocket for tokio_rustls::client::TlsStream<tokio::net::TcpStream> {
    fn socket(&self) -> &tokio::net::TcpStream {
        self.get_ref().0
    }
}

impl HasSocket for tokio_rustls::server::TlsStream<tokio::net::TcpStream> {
    fn socket(&self) -> &tokio::net::TcpStream {
        self.get_ref().0
    }
}
