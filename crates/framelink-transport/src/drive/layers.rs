//! What lies between a socket and a session: first a PROXY protocol header, then TLS.

use std::io;
use std::time::Duration;

use crate::admission::HeaderStage;
use crate::error::handshake_timed_out;
use crate::tls::ReaderBox;

/// The layers of a connection that has any. Plain connections have none, so they are in memory of their own.
pub(crate) type LayersBox = Box<Layers>;

/// The layers that received bytes pass.
#[derive(Debug)]
pub(crate) struct Layers {
    /// `None` once the header is complete.
    header: Option<HeaderStage>,
    tls: Option<ReaderBox>,
}

impl Layers {
    /// Returns `None` if there is no layer.
    pub(crate) fn of(header: Option<HeaderStage>, tls: Option<ReaderBox>) -> Option<LayersBox> {
        (header.is_some() || tls.is_some()).then(|| Box::new(Self { header, tls }))
    }

    /// Returns until when the handshake of the first layer that is not ready may take, by the clock of the session.
    #[inline]
    pub(crate) fn handshake_until(&self) -> Option<Duration> {
        match &self.header {
            Some(header) => Some(header.within()),
            None => self.tls.as_ref()?.handshake_until(),
        }
    }

    /// Returns whether the handshake is that of TLS.
    pub(crate) const fn is_tls_handshake(&self) -> bool {
        self.header.is_none()
    }

    /// Returns the error that the handshake was not over in time.
    pub(crate) fn timed_out(&self, after: Duration) -> io::Error {
        match &self.header {
            Some(header) => header.timed_out(after).into(),
            None => handshake_timed_out(after),
        }
    }

    /// Gives the handshake up if it is not over, because the other half is elsewhere.
    pub(crate) fn end_handshake(&self) {
        if let Some(header) = &self.header {
            header.give_up();
        }
        if let Some(tls) = &self.tls {
            tls.end_handshake();
        }
    }

    #[cfg(feature = "tls")]
    pub(crate) fn facts(&self) -> Option<crate::tls::TlsFacts> {
        self.tls.as_ref()?.facts()
    }

    /// Reads payload. `socket` reads from the socket. During a handshake, returns `Interrupted` after progress.
    pub(crate) fn read(
        &mut self,
        space: &mut [u8],
        mut socket: impl FnMut(&mut [u8]) -> io::Result<usize>,
    ) -> io::Result<usize> {
        if let Some(header) = &mut self.header {
            header.advance(socket)?;
            self.header = None;
            return Err(io::ErrorKind::Interrupted.into());
        }
        match &mut self.tls {
            Some(tls) => tls.read(space, socket),
            None => socket(space),
        }
    }
}
