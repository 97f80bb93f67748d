//! The TLS of a connector or a listener: given to it, or as its profile says.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use super::config::halves;
use super::{ClientTls, ReaderBox, ServerTls, WriterBox};
use crate::profile::{Profile, ProfileError, Side, Tls};

/// TLS for the connections of one connector or listener.
#[derive(Clone, Debug)]
pub(crate) enum TlsSetup {
    Client(ClientTls),
    Server(ServerTls),
    OfProfile(Arc<ProfileTls>),
}

impl TlsSetup {
    /// Returns the TLS of a profile, if it has any. [`open`](Self::open) reads its files.
    pub(crate) fn of(profile: &Arc<Profile>, side: Side) -> Option<Self> {
        profile.tls().map(|_| Self::OfProfile(ProfileTls::new(profile, side)))
    }

    /// Reads the files of a profile, unless they were read.
    pub(crate) fn open(&self) -> Result<(), ProfileError> {
        match self {
            Self::Client(_) | Self::Server(_) => Ok(()),
            Self::OfProfile(tls) => tls.made().as_ref().map(drop).map_err(Clone::clone),
        }
    }

    /// Returns the TLS for the server at this address, whose host is its name unless it has another.
    pub(crate) fn for_host(&self, address: &str) -> Self {
        match self {
            Self::Client(tls) => Self::Client(tls.or_host(address)),
            Self::Server(_) => self.clone(),
            Self::OfProfile(tls) => tls.made().as_ref().map_or_else(|_| self.clone(), |made| made.for_host(address)),
        }
    }

    /// Begins TLS on a new connection. An error is left to its handshake.
    pub(crate) fn begin(&self, peer: Option<SocketAddr>) -> (ReaderBox, WriterBox) {
        match self {
            Self::Client(tls) => tls.begin(peer),
            Self::Server(tls) => tls.begin(),
            Self::OfProfile(tls) => match tls.made() {
                Ok(made) => made.begin(peer),
                Err(error) => halves(Err(rustls::Error::General(error.to_string())), None, Tls::HANDSHAKE),
            },
        }
    }
}

/// TLS of a profile. The files are read when the role is made, or when its first connection begins.
pub(crate) struct ProfileTls {
    profile: Arc<Profile>,
    side: Side,
    made: OnceLock<Result<TlsSetup, ProfileError>>,
}

impl ProfileTls {
    pub(crate) fn new(profile: &Arc<Profile>, side: Side) -> Arc<Self> {
        Arc::new(Self { profile: Arc::clone(profile), side, made: OnceLock::new() })
    }

    /// Reads the files, unless they were read.
    pub(crate) fn made(&self) -> &Result<TlsSetup, ProfileError> {
        self.made.get_or_init(|| match self.side {
            Side::Client => ClientTls::of_profile(&self.profile).map(TlsSetup::Client),
            Side::Server => ServerTls::of_profile(&self.profile).map(TlsSetup::Server),
        })
    }
}

impl fmt::Debug for ProfileTls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileTls").field("side", &self.side).finish_non_exhaustive()
    }
}
