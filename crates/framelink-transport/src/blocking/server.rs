//! A server, which accepts, serves and drains.

use std::fmt;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;

use super::connector::Blocking;
use super::{Connection, Listener, Stopper};
use crate::admission::ServerEvent;
use crate::driver::{at_once, plain, ready};
use crate::error::Error;
use crate::net::threads;
use crate::profile::Profile;
use crate::registry::Registry;
use crate::server::{
    Answer, DrainReport, ServedGuard, ServedOutcome, ServerControl, ServerCounts, ServerListener, Service, run,
    serve_in_turn, server,
};
use crate::session::Concurrency;
use framelink_session::Message;

server! {
    /// A server that serves all clients that its profile lets in, until it is drained.
    ///
    /// Each connection has a thread. With [more than one](Self::concurrency) request at a time, with heartbeats, or
    /// with a registry, a connection has one thread that reads, one that writes, and threads that run the handler. The
    /// profile's `limits`, `access` and `timeouts` apply.
    ///
    /// If the system cannot accept, for example because file descriptors have run out, the server tries again after 500
    /// ms at most, and open connections go on. A handler that panics ends only its own connection.
    ///
    /// ```
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use std::{sync::Arc, thread, time::Duration};
    /// use framelink_transport::{Framing, Profile, blocking::{Connector, Server}};
    ///
    /// let framing: Framing = "ascii:4".parse()?;
    /// let server = Server::bind("127.0.0.1:0", &Arc::new(Profile::builder(framing).build()?))?;
    /// let (address, handle) = (server.local_addr()?, server.handle());
    /// let running = thread::spawn(move || server.run(|request| Some(request.to_vec())));
    ///
    /// let mut client = Connector::new(framing).connect(address)?;
    /// assert_eq!(&client.call(b"hello", Duration::from_secs(5))?[..], b"hello");
    /// handle.drain(Duration::from_secs(5));
    /// assert!(client.recv()?.is_none(), "it was idle, and is closed in good order");
    /// drop(client);
    /// assert!(running.join().unwrap().is_clean());
    /// # Ok(())
    /// # }
    /// ```
    Blocking, plain ready, A: (Answer), |listener, _| listener, serve_accepted, serve_in_place_to_end, stopper: Stopper
}

impl Connection {
    /// Serves the connection in this thread if one thread is enough, otherwise in several threads.
    async fn serve_accepted<A: Answer, H>(&mut self, service: &Service<H>) -> ServedOutcome<Error>
    where
        H: Fn(Message, Option<SocketAddr>) -> A + Sync,
    {
        let (peer, profile, concurrency) = (self.peer_addr(), &service.profile, service.concurrency);
        let answer = |message| (service.handler)(message, peer);
        match concurrency.limit() > 1 || self.mailbox.is_some() || profile.heartbeat().is_some() {
            true => self.serve_to_end(profile, concurrency, answer).await,
            false => serve_in_turn(self, profile, answer).await,
        }
    }
}

impl ServerListener for Listener {
    type Driver = Blocking;
    type Connection = Connection;

    async fn accept(&mut self, _: impl Future<Output = ()> + Send) -> io::Result<Option<Connection>> {
        Ok(self.accept()?.map(|connection| connection.interrupted_by(self.interrupt())))
    }

    async fn accept_queued(&mut self) -> io::Result<Option<Connection>> {
        Ok(self.accept_queued()?.map(|connection| connection.interrupted_by(self.interrupt())))
    }

    fn handshake_pause(&mut self) -> Option<Duration> {
        self.handshake_pause()
    }

    fn spawn<F: Future<Output = ()> + Send + 'static>(
        &mut self,
        guard: ServedGuard<Blocking>,
        serve: impl FnOnce(ServedGuard<Blocking>) -> F + Send + 'static,
    ) -> io::Result<()> {
        threads::spawn("framelink-serve", move || at_once(serve(guard.begun()))).map(drop)
    }

    fn close(self) -> impl Send {}
}
