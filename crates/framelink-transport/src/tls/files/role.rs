//! The TLS of a role or a connector, as its profile says.

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::profile::{Profile, ProfileError, Side};
use crate::tls::{ClientTls, ServerTls, TlsSetup};

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
