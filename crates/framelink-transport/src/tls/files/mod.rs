//! TLS as a profile says. Its files are read here, and read again when they were replaced.

mod config;
mod pem;
mod report;
mod role;
mod verify;

pub use report::explain_files;
pub(super) use role::ProfileTls;

use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::{ClientTls, ServerTls};
use crate::net::lock::Lock;
use crate::profile::{Profile, ProfileError, Roots, Side, Tls};

/// The part of a profile that a configuration was made from.
pub(super) struct Source {
    tls: Tls,
    /// What the files were like when they were read last.
    seen: Lock<Stamps>,
}

/// When each file was changed, and how many bytes it had. `None`: it could not be looked at.
type Stamps = Vec<Option<(SystemTime, u64)>>;

impl Source {
    fn of(profile: &Profile, side: Side) -> Result<Arc<Self>, ProfileError> {
        profile.check_for(side)?;
        let tls = profile.tls().cloned().ok_or(ProfileError::Missing { key: "tls" })?;
        // Looked at before they are read, so that a change in between is noticed later.
        let seen = Lock::new(stamps(&tls));
        Ok(Arc::new(Self { tls, seen }))
    }

    /// Returns whether a file has changed since this was asked last.
    fn has_changed(&self) -> bool {
        let now = stamps(&self.tls);
        let mut seen = self.seen.lock();
        let has_changed = *seen != now;
        *seen = now;
        has_changed
    }
}

fn stamps(tls: &Tls) -> Stamps {
    let stamp = |file: &Path| {
        let file = file.metadata().ok()?;
        Some((file.modified().ok()?, file.len()))
    };
    files(tls).map(|(_, file)| stamp(file)).collect()
}

/// Returns the files that a profile names, with their keys.
fn files(tls: &Tls) -> impl Iterator<Item = (&'static str, &Path)> {
    let roots = if let Roots::File(file) = &tls.roots { Some(file) } else { None };
    let named = [
        ("tls.certificate", tls.certificate.as_ref()),
        ("tls.key", tls.key.as_ref()),
        ("tls.roots", roots),
        ("tls.revocation-lists", tls.revocation_lists.as_ref()),
    ];
    named.into_iter().filter_map(|(key, file)| Some((key, file?.as_path())))
}

/// The methods that read the files of a profile.
macro_rules! of_files {
    ($tls:ident, $side:ident, $config:ident, $made:expr) => {
        impl $tls {
            /// Reads the files of the profile, and uses them as it says. The roles do this by themselves; a program that
            /// replaces certificates makes this value, gives a clone to the role, and calls [`reload`](Self::reload).
            ///
            /// # Errors
            /// Names the key of the file that cannot be used, and why. If the profile has no TLS, or if this side cannot use
            /// it, the error says so.
            pub fn of_profile(profile: &Profile) -> Result<Self, ProfileError> {
                let source = Source::of(profile, Side::$side)?;
                let made: Self = ($made)(config::$config(&source.tls)?, &source.tls)?;
                let mut made = made.handshake_within(source.tls.handshake_timeout);
                made.source = Some(source);
                Ok(made)
            }

            /// Reads the files of the profile again. Connections that begin later use the new ones. If they cannot be used,
            /// nothing changes. Without a profile, this does nothing.
            ///
            /// # Errors
            /// As for [`of_profile`](Self::of_profile).
            pub fn reload(&self) -> Result<(), ProfileError> {
                let Some(source) = &self.source else { return Ok(()) };
                self.replace(config::$config(&source.tls)?);
                Ok(())
            }

            /// Reads the files again if one of them has changed since this was called last. Returns whether one has. Call
            /// this now and then.
            ///
            /// # Errors
            /// As for [`of_profile`](Self::of_profile), once for each change.
            pub fn reload_if_changed(&self) -> Result<bool, ProfileError> {
                let has_changed = self.source.as_ref().is_some_and(|source| source.has_changed());
                if has_changed {
                    self.reload()?;
                }
                Ok(has_changed)
            }
        }
    };
}

of_files!(ServerTls, Server, server, |config, _: &Tls| Ok(Self::new(config)));
of_files!(ClientTls, Client, client, |config, tls: &Tls| {
    let name = tls.server_name.as_deref().map(|name| config::server_name(name)).transpose()?;
    Ok(Self::named(config, name))
});
