//! TLS as a profile says. Its files are read here, and read again when they were replaced.

mod config;
mod pem;
mod report;
mod verify;

pub(super) use config::{client, server, server_name};
pub use report::explain_files;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, UNIX_EPOCH};

use super::shared::lock;
use crate::profile::{Profile, ProfileError, Roots, Side, Tls};

/// The part of a profile that a configuration was made from.
pub(super) struct Source {
    pub(super) tls: Tls,
    /// What the files were like when they were read last.
    seen: Mutex<Stamps>,
}

/// When each file was changed, and how many bytes it had. `None`: it could not be looked at.
type Stamps = Vec<Option<(Duration, u64)>>;

impl Source {
    pub(super) fn of(profile: &Profile, side: Side) -> Result<Arc<Self>, ProfileError> {
        profile.check_for(side)?;
        let tls = profile.tls().cloned().ok_or(ProfileError::Missing { key: "tls" })?;
        // Looked at before they are read, so that a change in between is noticed later.
        let seen = Mutex::new(stamps(&tls));
        Ok(Arc::new(Self { tls, seen }))
    }

    /// Returns whether a file has changed since this was asked last.
    pub(super) fn has_changed(&self) -> bool {
        let now = stamps(&self.tls);
        let mut seen = lock(&self.seen);
        let has_changed = *seen != now;
        *seen = now;
        has_changed
    }
}

fn stamps(tls: &Tls) -> Stamps {
    let stamp = |file: &Path| {
        let file = file.metadata().ok()?;
        Some((file.modified().ok()?.duration_since(UNIX_EPOCH).ok()?, file.len()))
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
