//! The certificates of profiles: warned of at the start, and read again when their files change.

use framelink_transport::Profile;
use framelink_transport::tokio::{Listener, Server, Upstream};

use crate::failure::Failure;

/// Warns if a client takes any certificate of the server.
pub(crate) fn warn(profile: &Profile) {
    if let Some(caution) = profile.certificate_caution() {
        tracing::warn!("careful: {caution}");
    }
}

#[cfg(feature = "tls")]
mod watched {
    use std::time::Duration;

    use framelink_transport::tls::{ClientTls, ServerTls};
    use framelink_transport::{Profile, ProfileError};

    use crate::failure::Failure;

    /// How often the files are looked at.
    const EVERY: Duration = Duration::from_secs(2);

    pub(super) fn server(profile: &Profile) -> Result<Option<ServerTls>, Failure> {
        if profile.tls().is_none() {
            return Ok(None);
        }
        let tls = ServerTls::of_profile(profile).map_err(Failure::fault)?;
        let watched = tls.clone();
        watch(move || watched.reload_if_changed());
        Ok(Some(tls))
    }

    pub(super) fn client(profile: &Profile) -> Result<Option<ClientTls>, Failure> {
        if profile.tls().is_none() {
            return Ok(None);
        }
        let tls = ClientTls::of_profile(profile).map_err(Failure::fault)?;
        let watched = tls.clone();
        watch(move || watched.reload_if_changed());
        Ok(Some(tls))
    }

    fn watch(reload: impl Fn() -> Result<bool, ProfileError> + Send + 'static) {
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                match reload() {
                    Ok(false) => {}
                    Ok(true) => tracing::info!("certificates were read again: new connections use them"),
                    Err(error) => tracing::error!("certificates stay as they are: {error}"),
                }
            }
        });
    }
}

/// Uses the TLS of the profile, and reads its files again when they change.
pub(crate) fn of_server(server: Server, profile: &Profile) -> Result<Server, Failure> {
    #[cfg(feature = "tls")]
    if let Some(tls) = watched::server(profile)? {
        return Ok(server.tls(tls));
    }
    let _ = profile;
    Ok(server)
}

/// Like [`of_server`], for a listener.
pub(crate) fn of_listener(listener: Listener, profile: &Profile) -> Result<Listener, Failure> {
    #[cfg(feature = "tls")]
    if let Some(tls) = watched::server(profile)? {
        return Ok(listener.tls(tls));
    }
    let _ = profile;
    Ok(listener)
}

/// Like [`of_server`], for the connections to a host. Warns if any certificate is taken.
pub(crate) fn of_client(upstream: Upstream, profile: &Profile) -> Result<Upstream, Failure> {
    warn(profile);
    #[cfg(feature = "tls")]
    if let Some(tls) = watched::client(profile)? {
        return Ok(upstream.tls(tls));
    }
    Ok(upstream)
}
