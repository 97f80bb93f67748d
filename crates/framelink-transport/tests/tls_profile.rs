//! TLS as a profile says: the files, who is refused, and certificates that are replaced while a server runs.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "support/certificates.rs"]
mod certificates;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use certificates::{Authority, Flaw, Identity, SERVER, Use};
use framelink_transport::blocking::{Client, Server, ServerHandle};
use framelink_transport::tls::{ClientTls, PeerCertificate, ServerTls, explain_files};
use framelink_transport::{Profile, ProfileError};
use rustls::pki_types::PrivateKeyDer;

/// A folder that is removed with its files.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tls-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> String {
        // Renamed into place, as tools do that renew certificates.
        fs::write(self.0.join("new"), text).unwrap();
        fs::rename(self.0.join("new"), self.0.join(name)).unwrap();
        self.path(name)
    }

    /// Writes NAME.pem and NAME.key. Returns the keys of a profile.
    fn identity(&self, name: &str, identity: &Identity) -> String {
        let certificate = self.write(&format!("{name}.pem"), pem("CERTIFICATE", &identity.chain[0]));
        let PrivateKeyDer::Pkcs8(key) = &identity.key else { panic!("another kind of key") };
        let key = self.write(&format!("{name}.key"), pem("PRIVATE KEY", key.secret_pkcs8_der()));
        format!("certificate = '{certificate}'\nkey = '{key}'\n")
    }

    fn roots(&self, name: &str, authority: &Authority) -> String {
        format!("roots = '{}'\n", self.write(name, pem("CERTIFICATE", authority.root())))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn pem(label: &str, der: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in der.chunks(48) {
        for group in line.chunks(3) {
            let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
            for at in 0..4 {
                let digit = DIGITS[(bits >> (18 - 6 * at) & 63) as usize];
                text.push(if at > group.len() { '=' } else { char::from(digit) });
            }
        }
        text.push('\n');
    }
    text + &format!("-----END {label}-----\n")
}

fn profile(tls: &str) -> Arc<Profile> {
    Arc::new(Profile::from_toml(&format!("framing = 'ascii:4'\n[tls]\n{tls}")).unwrap())
}

/// A server that echoes, until it is dropped.
struct Echo {
    address: String,
    handle: ServerHandle,
    thread: Option<thread::JoinHandle<()>>,
}

impl Echo {
    fn start(profile: &Arc<Profile>, tls: Option<ServerTls>) -> Self {
        let server = Server::bind("127.0.0.1:0", profile).unwrap();
        let server = if let Some(tls) = tls { server.tls(tls) } else { server };
        let (address, handle) = (server.local_addr().unwrap().to_string(), server.handle());
        let thread = thread::spawn(move || {
            let _ = server.run(|message| message.to_vec());
        });
        Self { address, handle, thread: Some(thread) }
    }

    /// Makes one call. Returns the text of the error with its causes.
    fn call(&self, profile: &Arc<Profile>) -> Result<(), String> {
        let mut client = Client::new(Profile::clone(profile), self.address.clone()).unwrap();
        match client.call(b"hello") {
            Ok(reply) => {
                assert_eq!(&reply[..], b"hello");
                Ok(())
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.handle.drain(Duration::from_secs(5));
        drop(self.thread.take().map(thread::JoinHandle::join));
    }
}

#[test]
fn both_sides_use_the_files_of_their_profiles() {
    let (folder, authority) = (Folder::new("both"), Authority::new("root"));
    let roots = folder.roots("root.pem", &authority);
    let server = folder.identity("server", &authority.issue(Use::Server, Flaw::None));
    let client = folder.identity("client", &authority.issue(Use::Client, Flaw::None));
    let named = format!("{roots}server-name = '{SERVER}'\n");
    for version in ["1.2", "1.3"] {
        let echo = Echo::start(&profile(&format!("{server}minimum-version = '{version}'")), None);
        assert_eq!(echo.call(&profile(&named)), Ok(()));
        let error = echo.call(&profile(&roots)).unwrap_err();
        assert!(error.contains("is not for the name") && error.contains("127.0.0.1"), "the host is the name: {error}");
        let error = echo.call(&profile(&format!("roots = '{}'\nserver-name = '{SERVER}'", folder.path("server.pem"))));
        assert!(error.unwrap_err().contains("was not issued by a root"), "a server's certificate is no root");
    }
    let mutual = format!("{server}{roots}client-certificates = 'required'\n");
    let echo = Echo::start(&profile(&mutual), None);
    assert_eq!(echo.call(&profile(&format!("{named}{client}"))), Ok(()));
    let error = echo.call(&profile(&named)).unwrap_err();
    assert!(error.contains("requires a certificate of this side"), "{error}");
    drop(echo);
    let echo = Echo::start(&profile(&mutual.replace("required", "optional")), None);
    assert_eq!(echo.call(&profile(&named)), Ok(()));
}

#[test]
fn only_allowed_certificates_are_accepted_by_name_or_fingerprint() {
    let (folder, authority) = (Folder::new("allowed"), Authority::new("root"));
    let (server, client) = (authority.issue(Use::Server, Flaw::None), authority.issue(Use::Client, Flaw::None));
    let hex =
        |der: &[u8]| PeerCertificate::of(der).sha256().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let (server_hex, client_hex) = (hex(&server.chain[0]), hex(&client.chain[0]));
    let roots = folder.roots("root.pem", &authority);
    let (server, client) = (folder.identity("server", &server), folder.identity("client", &client));
    let named = format!("{roots}server-name = '{SERVER}'\n");
    let mutual = format!("{server}{roots}client-certificates = 'required'\n");
    for (rule, is_allowed) in [
        ("allow-names = ['terminal 7']".to_owned(), true),
        ("allow-names = ['terminal 8']".to_owned(), false),
        (format!("allow-sha256 = ['{client_hex}']"), true),
        (format!("allow-sha256 = ['{server_hex}']"), false),
    ] {
        let echo = Echo::start(&profile(&format!("{mutual}{rule}")), None);
        let called = echo.call(&profile(&format!("{named}{client}")));
        assert_eq!(called.is_ok(), is_allowed, "{rule}: {called:?}");
        assert!(called.err().is_none_or(|error| error.contains("is not allowed")), "the client is told");
    }
    // A client may allow this one certificate of the server, with any issuer.
    let echo = Echo::start(&profile(&server), None);
    let any = "dangerously-accept-any-certificate = true\n";
    assert_eq!(echo.call(&profile(any)), Ok(()));
    assert_eq!(echo.call(&profile(&format!("{any}allow-sha256 = ['{server_hex}']"))), Ok(()));
    let error = echo.call(&profile(&format!("{any}allow-sha256 = ['{client_hex}']"))).unwrap_err();
    assert!(error.contains("is not one of those that are allowed (tls.allow-names, tls.allow-sha256)"), "{error}");
}

#[test]
fn files_that_cannot_be_used_are_refused_with_file_reason_and_what_to_do() {
    let (folder, authority) = (Folder::new("wrong"), Authority::new("root"));
    folder.identity("a", &authority.issue(Use::Server, Flaw::None));
    folder.identity("b", &authority.issue(Use::Server, Flaw::None));
    let root = authority.root();
    folder.write("empty.pem", "");
    folder.write("text.pem", "no certificate");
    folder.write("der.pem", root);
    folder.write("cut.pem", &pem("CERTIFICATE", root)[..100]);
    folder.write("encrypted.key", pem("ENCRYPTED PRIVATE KEY", root));
    for (certificate, key, more, told) in [
        (
            "none.pem",
            "a.key",
            "",
            "tls.certificate is `none.pem`, expected a file of certificates in PEM, ours first: No such file",
        ),
        (
            "a.pem",
            "b.key",
            "",
            "tls.key is `b.key`, expected a file with the private key of the certificate in PEM: the key does not belong to the first certificate of `a.pem`",
        ),
        (
            "a.pem",
            "encrypted.key",
            "",
            "the key is encrypted, and no password can be given here; write it without one, to a file that only this program can read: openssl pkey -in encrypted.key",
        ),
        (
            "a.key",
            "a.key",
            "",
            "tls.certificate is `a.key`, expected a file of certificates in PEM, ours first: the file begins with -----BEGIN PRIVATE KEY-----",
        ),
        ("a.pem", "a.pem", "", "the file begins with -----BEGIN CERTIFICATE-----"),
        (
            "empty.pem",
            "a.key",
            "",
            "tls.certificate is `empty.pem`, expected a file of certificates in PEM, ours first: the file is empty",
        ),
        ("text.pem", "a.key", "", "the file has no line that begins with -----BEGIN"),
        ("der.pem", "a.key", "", "the file is in DER; convert it: openssl x509 -inform der -in der.pem"),
        ("cut.pem", "a.key", "", "tls.certificate is `cut.pem`"),
        (".", "a.key", "", "it is not a regular file"),
        (
            "a.pem",
            "a.key",
            "roots = 'empty.pem'",
            "tls.roots is `empty.pem`, expected a file of certificates of authorities in PEM: the file is empty",
        ),
        (
            "a.pem",
            "a.key",
            "revocation-lists = 'a.pem'",
            "tls.revocation-lists is `a.pem`, expected a file of revocation lists in PEM: the file begins",
        ),
    ] {
        let in_folder = |text: &str| text.replace("= '", &format!("= '{}/", folder.0.display()));
        let keys = in_folder(&format!("certificate = '{certificate}'\nkey = '{key}'\n{more}"));
        // Without the folder the texts are short.
        let without = |error: ProfileError| error.to_string().replace(&format!("{}/", folder.0.display()), "");
        let error = without(ClientTls::of_profile(&profile(&keys)).unwrap_err());
        assert!(error.contains(told), "{certificate} {key} {more}: {error}");
        let error = Client::new(Profile::clone(&profile(&keys)), "127.0.0.1:1").map(drop).unwrap_err();
        assert!(error.to_string().contains("tls."), "a role does not start: {error}");
    }
    let profile = profile(&format!("certificate = '{0}/a.pem'\nkey = '{0}/b.key'", folder.0.display()));
    let error = Server::bind("127.0.0.1:0", &profile).map(drop).unwrap_err();
    assert!(error.to_string().contains("the key does not belong to the first certificate"), "{error}");
}

#[test]
fn certificates_are_replaced_while_a_server_runs() {
    let (folder, authority, other) = (Folder::new("replaced"), Authority::new("root"), Authority::new("another"));
    let (old, new) = (folder.roots("old.pem", &authority), folder.roots("new.pem", &other));
    let keys = folder.identity("server", &authority.issue(Use::Server, Flaw::None));
    let tls = ServerTls::of_profile(&profile(&keys)).unwrap();
    let echo = Echo::start(&profile(&keys), Some(tls.clone()));
    let (old, new) =
        (profile(&format!("{old}server-name = '{SERVER}'")), profile(&format!("{new}server-name = '{SERVER}'")));
    let mut kept = Client::new(Profile::clone(&old), echo.address.clone()).unwrap();
    assert_eq!(&kept.call(b"before").unwrap()[..], b"before");
    assert_eq!(tls.reload_if_changed(), Ok(false));

    folder.write("server.pem", "no certificate");
    let error = tls.reload_if_changed().unwrap_err().to_string();
    assert!(error.contains("server.pem") && error.contains("no line that begins"), "{error}");
    assert_eq!(tls.reload_if_changed(), Ok(false), "a change is told once");
    assert_eq!(echo.call(&old), Ok(()), "the old certificate stays");

    folder.identity("server", &other.issue(Use::Server, Flaw::None));
    assert_eq!(tls.reload_if_changed(), Ok(true));
    assert_eq!(echo.call(&new), Ok(()));
    assert!(echo.call(&old).unwrap_err().contains("was not issued by a root"));
    assert_eq!(&kept.call(b"after").unwrap()[..], b"after", "a connection keeps its certificate");
}

#[test]
fn the_files_are_explained_and_what_ends_soon_is_warned_of() {
    let (folder, authority) = (Folder::new("explained"), Authority::new("root"));
    let roots = folder.roots("root.pem", &authority);
    let server = folder.identity("server", &authority.issue(Use::Server, Flaw::None));
    let expired = folder.identity("expired", &authority.issue(Use::Server, Flaw::Expired));
    let explain = |keys: &str, now| explain_files(profile(keys).tls().unwrap(), now).unwrap();
    let has =
        |lines: &[(&str, String)], label: &str, part: &str| lines.iter().any(|(l, t)| *l == label && t.contains(part));

    let today = Duration::from_secs(1_800_000_000); // 2027-01-15
    let lines = explain(&format!("{server}{roots}"), today);
    assert!(
        has(&lines, "tls", &format!("our certificate: CN=the switch, for {SERVER}, valid until 4096-01-01")),
        "{lines:?}"
    );
    assert!(
        has(&lines, "tls", "its SHA-256 is ") && has(&lines, "tls", "1 root certificates of the file"),
        "{lines:?}"
    );
    assert!(!has(&lines, "careful", ""), "{lines:?}");

    let end = Duration::from_secs(978_307_200); // 2001-01-01
    let day = Duration::from_secs(86400);
    for (now, told) in [
        (end + day, Some("our certificate has expired: it was valid until 2001-01-01T00:00:00Z")),
        (end - 20 * day, Some("ends soon: it is valid until 2001-01-01T00:00:00Z, for 20 more days")),
        (end - 31 * day, None),
        (Duration::ZERO, Some("is not valid before 1975-01-01T00:00:00Z")),
    ] {
        let lines = explain(&format!("{expired}{roots}"), now);
        assert_eq!(told.is_some(), has(&lines, "careful", told.unwrap_or_default()), "{lines:?}");
    }
}
