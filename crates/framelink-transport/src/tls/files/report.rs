//! What is in the files of a profile, in words.

use std::fmt::Display;
use std::time::Duration;

use x509_cert::Certificate;
use x509_cert::der::Decode as _;

use super::config;
use crate::profile::{Fingerprint, ProfileError, Roots, Tls};
use crate::tls::PeerCertificate;

/// A certificate that ends within this time is warned of.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Reads the files of a profile, and says what they contain: lines with their labels, as those of
/// [`Explanation`](crate::profile::Explanation). Warns of certificates that are not valid at `now`, or end within 30 days.
/// `now` counts from the start of 1970.
///
/// # Errors
/// Names the key of the file that cannot be used, and why.
pub fn explain_files(tls: &Tls, now: Duration) -> Result<Vec<(&'static str, String)>, ProfileError> {
    let mut lines = Vec::new();
    if let Some((chain, _)) = config::own(tls)? {
        let own = PeerCertificate::of(chain.first().map_or(&[], |own| own));
        lines.push(("tls", format!("our certificate: {}", words(&own))));
        lines.push(("tls", format!("its SHA-256 is {}; its key belongs to it", Fingerprint(*own.sha256()))));
        for (number, certificate) in chain.iter().enumerate() {
            let what = if number == 0 {
                "our certificate".to_owned()
            } else {
                format!("certificate {} of the chain", number + 1)
            };
            lines.extend(validity(certificate, now).map(|said| ("careful", format!("{what} {said}"))));
        }
    }
    if !tls.dangerously_accept_any_certificate {
        let count = config::roots(tls)?.len();
        let of = if tls.roots == Roots::System { "the system" } else { "the file" };
        lines.push(("tls", format!("{count} root certificates of {of} can be used")));
        let lists = config::revocation_lists(tls)?;
        if !lists.is_empty() {
            lines.push(("tls", format!("{} revocation lists", lists.len())));
        }
    }
    Ok(lines)
}

/// Returns subject, names, and until when the certificate is valid.
fn words(certificate: &PeerCertificate) -> String {
    let names: Vec<_> = certificate.dns_names().iter().map(String::as_str).collect();
    let names = if names.is_empty() { "no DNS name".to_owned() } else { names.join(", ") };
    let until = Certificate::from_der(certificate.der())
        .map_or_else(|_| "unknown".to_owned(), |read| time(&read.tbs_certificate.validity.not_after));
    format!("{}, for {names}, valid until {until}", certificate.subject())
}

fn validity(der: &[u8], now: Duration) -> Option<String> {
    let validity = Certificate::from_der(der).ok()?.tbs_certificate.validity;
    let (begins, ends) = (validity.not_before.to_unix_duration(), validity.not_after.to_unix_duration());
    match ends.checked_sub(now) {
        _ if begins > now => Some(format!("is not valid before {}", time(&validity.not_before))),
        None => Some(format!("has expired: it was valid until {}", time(&validity.not_after))),
        Some(left) if left < SOON => {
            let days = left.as_secs() / (24 * 60 * 60);
            Some(format!("ends soon: it is valid until {}, for {days} more days", time(&validity.not_after)))
        }
        Some(_) => None,
    }
}

/// Such as `2030-01-02T03:04:05Z`.
fn time(time: &x509_cert::time::Time) -> String {
    let date: &dyn Display = &time.to_date_time();
    date.to_string()
}
