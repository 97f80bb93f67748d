//! TLS and the PROXY protocol, in words.

use framelink_codec::notation::ShowDuration;

use super::{Listed, ShowBytes};
use crate::profile::{ClientCertificates, Profile, ProxyProtocol, Roots, Tls};

pub(super) fn explain(profile: &Profile, mut say: impl FnMut(&'static str, String)) {
    if let Some(tls) = profile.tls() {
        explain_tls(tls, |text| say("tls", text));
    }
    if let Some(proxy) = profile.proxy_protocol() {
        explain_proxy(proxy, |text| say("proxy", text));
    }
    if let Some(caution) = profile.certificate_caution() {
        say("careful", caution.to_owned());
    }
}

fn explain_tls(tls: &Tls, mut say: impl FnMut(String)) {
    let (version, handshake) = (tls.minimum_version.name(), ShowDuration(tls.handshake_timeout));
    let alpn = if tls.alpn.is_empty() { String::new() } else { format!(", for {}", tls.alpn.join(" or ")) };
    say(format!("version {version} or newer{alpn}; the handshake takes at most {handshake}"));
    let authorities = match &tls.roots {
        Roots::System => "an authority that the system trusts".to_owned(),
        Roots::File(file) => format!("an authority of {}", file.display()),
    };
    let revoked =
        tls.revocation_lists.as_ref().map_or(String::new(), |file| format!(", not revoked in {}", file.display()));
    let name = tls.server_name.as_deref().unwrap_or("the host of the address");
    say(match tls.dangerously_accept_any_certificate {
        true => "as a client: takes any certificate of the server".to_owned(),
        false => format!("as a client: the server has a certificate for {name} of {authorities}{revoked}"),
    });
    if let Some(file) = &tls.certificate {
        let own = format!("our certificate is in {}", file.display());
        say(match tls.client_certificates {
            ClientCertificates::None => format!("{own}; a server asks clients for none"),
            ClientCertificates::Optional => {
                format!("{own}; a client of a server may have one of {authorities}{revoked}")
            }
            ClientCertificates::Required => format!("{own}; a client of a server needs one of {authorities}{revoked}"),
        });
    }
    if tls.has_rules() {
        let (names, fingerprints) = (tls.allow_names.len(), tls.allow_sha256.len());
        say(format!("of valid certificates, allows those with one of {names} names or {fingerprints} fingerprints"));
    }
}

fn explain_proxy(proxy: &ProxyProtocol, mut say: impl FnMut(String)) {
    if !proxy.accept_from.is_empty() {
        let (within, most) = (ShowDuration(proxy.timeout), ShowBytes(proxy.max_header));
        let from = Listed(&proxy.accept_from);
        say(format!(
            "as a server: connections from {from} begin with a header, of up to {most} within {within}; no others may"
        ));
    }
    if let Some(version) = proxy.send {
        say(format!("as a client: begins each connection with a header of {}", version.name()));
    }
}
