//! TLS and the PROXY protocol, by words on the command line.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::io::{Read, Write};
use std::process::Stdio;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};

use crate::common::{Host, Running, TempFile, dial, framelink, half_close, read_exactly, read_to_end};

const LISTEN: [&str; 4] = ["--listen", "127.0.0.1:0", "--framing", "ascii:4"];

/// The files of an authority, of a server and of a client.
pub(crate) struct Files {
    root: TempFile,
    server: (TempFile, TempFile),
    client: (TempFile, TempFile),
    renewed: (String, String),
}

impl Files {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, "root");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let key = KeyPair::generate().unwrap();
        let root = params.self_signed(&key).unwrap().pem();
        let issuer = Issuer::new(params, key);
        let issue = |name: &str| {
            let mut params = CertificateParams::new([name.to_owned()]).unwrap();
            params.distinguished_name.push(DnType::CommonName, name);
            let key = KeyPair::generate().unwrap();
            (params.signed_by(&key, &issuer).unwrap().pem(), key.serialize_pem())
        };
        let written = |(certificate, key): (String, String)| {
            (TempFile::with(certificate.as_bytes()), TempFile::with(key.as_bytes()))
        };
        let (server, client) = (written(issue("switch.example")), written(issue("terminal-7.example")));
        Self { root: TempFile::with(root.as_bytes()), server, client, renewed: issue("switch.example") }
    }

    pub(crate) fn root(&self) -> &str {
        self.root.path()
    }

    pub(crate) fn server_paths(&self) -> (&str, &str) {
        (self.server.0.path(), self.server.1.path())
    }

    /// Returns the words of a server.
    pub(crate) fn server(&self) -> String {
        format!("certificate={},key={}", self.server.0.path(), self.server.1.path())
    }

    /// Returns the words of a client.
    pub(crate) fn client(&self) -> String {
        format!("roots={},server-name=switch.example", self.root.path())
    }
}

fn send(address: &str, words: &[&str]) -> (Option<i32>, String, String) {
    let arguments = [&["send", address, "hello", "--framing", "ascii:4"][..], words].concat();
    let done = framelink(arguments).stdin(Stdio::null()).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (done.status.code(), text(&done.stdout), text(&done.stderr))
}

#[test]
fn words_make_a_server_and_a_client_use_tls() {
    let files = Files::new();
    let (mut server, address) =
        Running::listen(&mut framelink([&["serve"][..], &LISTEN, &["--tls", &files.server()]].concat()));
    let address = address.to_string();
    let (code, stdout, stderr) = send(&address, &["--tls", &files.client()]);
    assert_eq!((code, &*stdout), (Some(0), "hello\n"), "{stderr}");
    for (words, told) in [
        (&[][..], "the peer closed the connection instead of replying"),
        (&["--tls", "on,server-name=switch.example"], "was not issued by a root that this side trusts"),
        (&["--tls", &format!("roots={}", files.root.path())], "is not for the name 127.0.0.1"),
        (&["--tls", "roots=/none"], "tls.roots is `/none`"),
        (&["--tls", "maybe"], "found `maybe`"),
    ] {
        let (code, _, stderr) = send(&address, words);
        assert!(code != Some(0) && stderr.contains(told), "{words:?}: {stderr}");
    }
    server.log_line("the peer does not speak TLS: it sent 30 30 30 35");
    let (code, stdout, stderr) = send(&address, &["--tls", "dangerously-accept-any-certificate=true"]);
    assert_eq!((code, &*stdout), (Some(0), "hello\n"), "{stderr}");
    assert!(stderr.contains("careful: a client takes any certificate of the server"), "{stderr}");
}

#[test]
fn a_server_reads_certificates_again_when_they_are_replaced() {
    let files = Files::new();
    let (mut server, address) =
        Running::listen(&mut framelink([&["serve"][..], &LISTEN, &["--tls", &files.server()]].concat()));
    std::fs::write(&files.server.0.0, "no certificate").unwrap();
    server.log_line("certificates stay as they are: tls.certificate is ");
    let (code, _, stderr) = send(&address.to_string(), &["--tls", &files.client()]);
    assert_eq!(code, Some(0), "{stderr}");
    std::fs::write(&files.server.0.0, &files.renewed.0).unwrap();
    std::fs::write(&files.server.1.0, &files.renewed.1).unwrap();
    server.log_line("certificates were read again");
    let (code, _, stderr) = send(&address.to_string(), &["--tls", &files.client()]);
    assert_eq!(code, Some(0), "{stderr}");
}

#[test]
fn check_reads_the_files_and_says_what_they_are() {
    let files = Files::new();
    let profile = format!(
        "framing = 'line'\n[tls]\ncertificate = '{}'\nkey = '{}'\nroots = '{}'\n",
        files.server.0.path(),
        files.server.1.path(),
        files.root.path()
    );
    let file = TempFile::with(profile.as_bytes());
    let done = framelink(["check", file.path()]).output().unwrap();
    let stdout = String::from_utf8_lossy(&done.stdout);
    assert_eq!(done.status.code(), Some(0), "{}", String::from_utf8_lossy(&done.stderr));
    for told in ["for switch.example, valid until ", "its SHA-256 is ", "1 root certificates of the file can be used"] {
        assert!(stdout.contains(told), "{told}: {stdout}");
    }
    std::fs::write(&files.server.1.0, "").unwrap();
    let done = framelink(["check", file.path()]).output().unwrap();
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.code() == Some(1) && stderr.contains("the file is empty"), "{stderr}");
}

#[test]
fn a_server_takes_the_address_from_the_header_of_a_proxy() {
    let (mut server, address) =
        Running::listen(&mut framelink([&["serve"][..], &LISTEN, &["--proxy", "accept"]].concat()));
    let mut proxy = dial(address);
    proxy.write_all(b"PROXY TCP4 192.0.2.7 192.0.2.1 56324 7000\r\n0002hi").unwrap();
    assert_eq!(read_exactly(&proxy, 6), b"0002hi");
    server.log_line("192.0.2.7:56324: connected");
    let mut other = dial(address);
    other.write_all(b"0002hi").unwrap();
    server.log_line("must begin with a PROXY protocol header");
}

#[test]
fn a_bridge_ends_tls_and_tells_the_host_about_the_client() {
    let files = Files::new();
    let host = Host::listen();
    let to = host.address.to_string();
    let words = format!("{},client-certificates=required,roots={}", files.server(), files.root.path());
    let (_bridge, address) = Running::listen(&mut framelink(
        [&["bridge"][..], &LISTEN, &["--to", &to, "--to-framing", "ascii:4", "--tls", &words, "--proxy", "v2"]]
            .concat(),
    ));
    let host = host.serve(|mut stream| {
        let start = read_exactly(&stream, 16);
        let header = read_exactly(&stream, usize::from(u16::from_be_bytes([start[14], start[15]])));
        assert_eq!(read_exactly(&stream, 9), b"0005hello");
        stream.write_all(b"0002ok").unwrap();
        half_close(&stream);
        let _ = stream.read(&mut [0]);
        (start, header)
    });
    let (certificate, key) = &files.client;
    let client = format!("{},certificate={},key={}", files.client(), certificate.path(), key.path());
    let (code, stdout, stderr) = send(&address.to_string(), &["--tls", &client]);
    assert_eq!((code, &*stdout), (Some(0), "ok\n"), "{stderr}");
    let (start, header) = host.join();
    assert_eq!(start[..14], *b"\r\n\r\n\0\r\nQUIT\n\x21\x11");
    assert_eq!(header[..4], [127, 0, 0, 1], "the address of the client");
    let has = |text: &[u8]| header.windows(text.len()).any(|window| window == text);
    assert!(has(b"terminal-7.example") && has(b"TLSv1.3") && has(b"switch.example"), "{header:?}");
}

#[test]
fn a_bridge_uses_tls_to_the_host() {
    let files = Files::new();
    let (_host, host) =
        Running::listen(&mut framelink([&["serve"][..], &LISTEN, &["--tls", &files.server()]].concat()));
    let (to, words) = (host.to_string(), files.client());
    for kind in ["long", "pooled", "shared:1", "short"] {
        let more = ["--to", &to, "--to-framing", "ascii:4", "--to-tls", &words, "--to-connection", kind];
        let (_bridge, address) = Running::listen(&mut framelink([&["bridge"][..], &LISTEN, &more].concat()));
        let mut client = dial(address);
        client.write_all(b"0002hi").unwrap();
        half_close(&client);
        assert_eq!(read_to_end(&client), b"0002hi", "{kind}");
    }
}
