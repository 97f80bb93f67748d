//! TLS and the PROXY protocol.

use std::net::IpAddr;

use super::Checked;
use crate::profile::bounds::{check_file, check_len, check_number_in, check_time};
use crate::profile::{
    Access, ClientCertificates, ExchangeKind, Profile, ProfileError, ProxyProtocol, Reach, Roots, Side, Tls,
};

/// The most bytes of a DNS name.
const MOST_HOST: usize = 253;
/// The most bytes of the name of a protocol: its length is one byte.
const MOST_PROTOCOL: usize = 255;

const CERTIFICATE: &str = "tls.certificate";
const KEY: &str = "tls.key";
const ROOTS: &str = "tls.roots";
const LISTS: &str = "tls.revocation-lists";
const CLIENTS: &str = "tls.client-certificates";
const ANY: &str = "tls.dangerously-accept-any-certificate";
const NAMES: &str = "tls.allow-names";
const SHA256: &str = "tls.allow-sha256";

pub(super) fn check(profile: &Profile) -> Checked {
    profile.tls().map_or(Ok(()), |tls| check_tls(profile, tls))?;
    let Some(proxy) = profile.proxy_protocol() else { return Ok(()) };
    check_len("proxy-protocol.accept-from", proxy.accept_from.len(), Access::MOST, "networks")?;
    check_time("proxy-protocol.timeout", proxy.timeout)?;
    let (least, most) = ProxyProtocol::BOUNDS;
    check_number_in("proxy-protocol.max-header", proxy.max_header, least..=most, "bytes")
}

fn check_tls(profile: &Profile, tls: &Tls) -> Checked {
    check_files(tls)?;
    check_time("tls.handshake-timeout", tls.handshake_timeout)?;
    check_len("tls.alpn", tls.alpn.len(), Tls::MOST_ALPN, "protocols")?;
    for name in &tls.alpn {
        check_name("tls.alpn", name, (1..=MOST_PROTOCOL).contains(&name.len()), "names of 1 to 255 bytes each")?;
    }
    if let Some(name) = &tls.server_name {
        check_name("tls.server-name", name, is_host(name), "a DNS name or an IP address, such as `switch.example`")?;
    }
    check_len(NAMES, tls.allow_names.len(), Tls::MOST_ALLOWED, "names")?;
    check_len(SHA256, tls.allow_sha256.len(), Tls::MOST_ALLOWED, "fingerprints")?;
    for name in &tls.allow_names {
        check_name(
            NAMES,
            name,
            !name.is_empty() && !name.contains('*'),
            "names in full, such as `terminal-7.example`",
        )?;
    }
    check_pairs(tls)?;
    match profile.exchange {
        // Such a program is a server on this connection.
        ExchangeKind::Simplex(simplex) if simplex.receive == Reach::Accept || simplex.send == Reach::Accept => {
            check_server(tls)
        }
        _ => Ok(()),
    }
}

/// Keys that need or exclude each other.
fn check_pairs(tls: &Tls) -> Checked {
    let both = "a certificate and its key belong together, and only one is named";
    let any = tls.dangerously_accept_any_certificate;
    let unused = "it takes any certificate, so nothing of it is checked";
    let wrong = match () {
        () if tls.certificate.is_some() && tls.key.is_none() => (CERTIFICATE, KEY, both),
        () if tls.key.is_some() && tls.certificate.is_none() => (KEY, CERTIFICATE, both),
        () if any && tls.roots != Roots::System => (ROOTS, ANY, unused),
        () if any && tls.revocation_lists.is_some() => (LISTS, ANY, unused),
        () if any && !tls.allow_names.is_empty() => (
            NAMES,
            ANY,
            "anybody can make a certificate with these names; allow certificates by fingerprint (tls.allow-sha256)",
        ),
        () if any && tls.client_certificates != ClientCertificates::None => {
            (CLIENTS, ANY, "it is for clients: a server always checks the certificates of its clients")
        }
        () => return Ok(()),
    };
    Err(ProfileError::combination(wrong.0, wrong.1, wrong.2))
}

/// Checks whether a server or a client can use TLS as the profile says.
pub(super) fn check_for(profile: &Profile, side: Side) -> Checked {
    match (profile.tls(), side) {
        (Some(tls), Side::Server) => check_server(tls),
        _ => Ok(()),
    }
}

fn check_server(tls: &Tls) -> Checked {
    let checks_clients = tls.client_certificates != ClientCertificates::None;
    let wrong = match () {
        () if tls.certificate.is_none() => return Err(ProfileError::Missing { key: CERTIFICATE }),
        () if checks_clients && tls.roots == Roots::System => {
            let reason = "the system's authorities are for servers of the web; name the file of the authority that issues the \
                          certificates of the clients";
            (ROOTS, CLIENTS, reason)
        }
        () if tls.has_rules() && !checks_clients => {
            let key = if tls.allow_names.is_empty() { SHA256 } else { NAMES };
            (key, CLIENTS, "clients have certificates only if it is `optional` or `required`")
        }
        () => return Ok(()),
    };
    Err(ProfileError::combination(wrong.0, wrong.1, wrong.2))
}

fn check_files(tls: &Tls) -> Checked {
    let roots = if let Roots::File(file) = &tls.roots { Some(file) } else { None };
    let files = [
        (CERTIFICATE, tls.certificate.as_ref()),
        (KEY, tls.key.as_ref()),
        (ROOTS, roots),
        (LISTS, tls.revocation_lists.as_ref()),
    ];
    files.into_iter().try_for_each(|(key, file)| file.map_or(Ok(()), |file| check_file(key, file, "server.pem")))
}

fn check_name(key: &'static str, name: &str, is_allowed: bool, allowed: &str) -> Checked {
    if is_allowed {
        return Ok(());
    }
    let found: String = name.chars().take(64).collect();
    Err(ProfileError::out_of_bounds(key, format!("`{}`", found.escape_debug()), allowed))
}

fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        let is_allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        (1..=63).contains(&label.len()) && label.chars().all(is_allowed)
    };
    name.parse::<IpAddr>().is_ok() || (name.len() <= MOST_HOST && name.split('.').all(is_label))
}
