//! Files in PEM. An error says which file, why, and what to do.

use std::fmt::Display;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};

use crate::profile::ProfileError;

/// The most bytes of a file: 64 MiB. Some authorities have long revocation lists.
const MOST: u64 = 64 * 1024 * 1024;

/// A file that a profile names.
#[derive(Clone, Copy)]
pub(super) struct PemFile<'f> {
    pub(super) key: &'static str,
    pub(super) file: &'f Path,
    /// What the file should contain.
    pub(super) wanted: &'static str,
}

impl PemFile<'_> {
    pub(super) fn certificates(self) -> Result<Vec<CertificateDer<'static>>, ProfileError> {
        self.all(&self.read()?)
    }

    pub(super) fn revocation_lists(self) -> Result<Vec<CertificateRevocationListDer<'static>>, ProfileError> {
        self.all(&self.read()?)
    }

    pub(super) fn private_key(self) -> Result<PrivateKeyDer<'static>, ProfileError> {
        let bytes = self.read()?;
        if is_encrypted(&bytes) {
            let file = self.file.display();
            return Err(self.fault(format!(
                "the key is encrypted, and no password can be given here; write it without one, to a file that only this program \
                 can read: openssl pkey -in {file} -out NEW"
            )));
        }
        PrivateKeyDer::from_pem_slice(&bytes).map_err(|error| self.unreadable(&bytes, &error))
    }

    /// Returns the error that this file cannot be used.
    pub(super) fn fault(self, reason: impl Display) -> ProfileError {
        let Self { key, file, wanted } = self;
        let (found, allowed) = (format!("`{}`", file.display()), format!("{wanted}: {reason}"));
        ProfileError::OutOfBounds { key, found, allowed }
    }

    fn all<T: PemObject>(self, bytes: &[u8]) -> Result<Vec<T>, ProfileError> {
        let all = T::pem_slice_iter(bytes).collect::<Result<Vec<_>, _>>();
        let all = all.map_err(|error| self.unreadable(bytes, &error))?;
        if all.is_empty() { Err(self.unreadable(bytes, &pem::Error::NoItemsFound)) } else { Ok(all) }
    }

    fn unreadable(self, bytes: &[u8], error: &pem::Error) -> ProfileError {
        match error {
            pem::Error::NoItemsFound if bytes.is_empty() => self.fault("the file is empty"),
            pem::Error::NoItemsFound if bytes.starts_with(&[0x30]) => {
                let file = self.file.display();
                self.fault(format!(
                    "the file is in DER; convert it: openssl x509 -inform der -in {file}, or openssl pkey"
                ))
            }
            pem::Error::NoItemsFound => match first_label(bytes) {
                Some(label) => self.fault(format!("the file begins with {label}")),
                None => self.fault("the file has no line that begins with -----BEGIN"),
            },
            error => self.fault(error),
        }
    }

    /// A pipe would have to be waited for, and can be read only once.
    fn read(self) -> Result<Vec<u8>, ProfileError> {
        let cannot = |error: std::io::Error| self.fault(error);
        if !self.file.metadata().map_err(cannot)?.is_file() {
            return Err(self.fault("it is not a regular file"));
        }
        let mut bytes = Vec::new();
        File::open(self.file).and_then(|file| file.take(MOST + 1).read_to_end(&mut bytes)).map_err(cannot)?;
        if bytes.len() as u64 > MOST {
            return Err(self.fault("the file has more than 64 MiB"));
        }
        Ok(bytes)
    }
}

fn is_encrypted(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----") || text.contains("Proc-Type: 4,ENCRYPTED")
}

/// Returns the label of the first part, which says what it is. Nothing else of the file is repeated.
fn first_label(bytes: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(bytes.get(..4096).unwrap_or(bytes)).into_owned();
    let (_, rest) = text.split_once("-----BEGIN ")?;
    let (label, _) = rest.split_once("-----")?;
    let is_label = label.len() <= 64 && label.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ');
    is_label.then(|| format!("-----BEGIN {label}-----"))
}
