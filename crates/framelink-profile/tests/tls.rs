//! Profiles: TLS and the PROXY protocol.
#![cfg(feature = "toml")]
#![allow(clippy::unwrap_used, reason = "a test says what it expects")]

use std::time::Duration;

use framelink_profile::{
    ClientCertificates, Fingerprint, Framing, Profile, ProxyProtocol, ProxyVersion, Roots, Side, Tls, TlsVersion,
};

const WHOLE: &str = r#"framing = "line"

[tls]
certificate = "server.pem"
key = "server.key"
roots = "clients.pem"
revocation-lists = "revoked.pem"
server-name = "switch.example"
client-certificates = "required"
minimum-version = "1.3"
alpn = ["iso8583", "echo"]
handshake-timeout = "3s"
allow-names = ["terminal-7.example"]
allow-sha256 = ["0707070707070707070707070707070707070707070707070707070707070707"]

[proxy-protocol]
accept-from = ["10.0.0.0/8"]
send = "v2"
timeout = "2s"
max-header = "1KiB"
"#;

fn whole() -> Profile {
    let mut tls = Tls::new();
    (tls.certificate, tls.key) = (Some("server.pem".into()), Some("server.key".into()));
    (tls.roots, tls.revocation_lists) = (Roots::File("clients.pem".into()), Some("revoked.pem".into()));
    (tls.server_name, tls.minimum_version) = (Some("switch.example".to_owned()), TlsVersion::V1_3);
    tls.client_certificates = ClientCertificates::Required;
    tls.alpn = vec!["iso8583".to_owned(), "echo".to_owned()];
    tls.handshake_timeout = Duration::from_secs(3);
    tls.allow_names = vec!["terminal-7.example".to_owned()];
    tls.allow_sha256 = vec![Fingerprint([7; 32])];
    let mut proxy = ProxyProtocol::new();
    (proxy.accept_from, proxy.send) = (vec!["10.0.0.0/8".parse().unwrap()], Some(ProxyVersion::V2));
    (proxy.timeout, proxy.max_header) = (Duration::from_secs(2), 1024);
    Profile::builder("line".parse::<Framing>().unwrap()).tls(tls).proxy_protocol(proxy).build().unwrap()
}

#[test]
fn every_key_is_read_and_written() {
    assert_eq!(Profile::from_toml(WHOLE).unwrap(), whole());
    assert_eq!(whole().to_toml(), WHOLE);
    let json = serde_json::to_string(&whole()).unwrap();
    assert_eq!(serde_json::from_str::<Profile>(&json).unwrap(), whole(), "{json}");
    for side in [Side::Client, Side::Server] {
        assert_eq!(whole().check_for(side), Ok(()));
    }
}

#[test]
fn an_empty_table_is_tls_for_a_client_and_no_table_is_none() {
    let client = Profile::from_toml("framing = 'line'\n[tls]").unwrap();
    assert_eq!(client.tls(), Some(&Tls::new()));
    assert_eq!(client.to_toml(), "framing = \"line\"\n\n[tls]\n");
    assert_eq!(Profile::from_toml("framing = 'line'\n[proxy-protocol]").unwrap().to_toml(), "framing = \"line\"\n");
    let defaults = "framing = 'line'\ntls = { roots = 'system', client-certificates = 'none', minimum-version = '1.2', \
                    handshake-timeout = '10s', alpn = [], dangerously-accept-any-certificate = false }";
    assert_eq!(Profile::from_toml(defaults).unwrap(), client);
    assert_eq!(Profile::from_toml("framing = 'line'").unwrap().tls(), None);
}

#[test]
fn a_file_with_the_name_of_the_word_is_not_taken_for_it() {
    let mut tls = Tls::new();
    tls.roots = Roots::File("system".into());
    let profile = Profile::builder("line".parse::<Framing>().unwrap()).tls(tls).build().unwrap();
    let again = Profile::from_toml(&profile.to_toml()).unwrap();
    assert_eq!(again.tls().unwrap().roots, Roots::File("./system".into()));
}

/// The keys, and how the error begins.
#[test]
fn what_cannot_work_is_refused_with_its_place() {
    let a = "a".repeat(64);
    for (keys, told) in [
        (
            "certificate = 'a.pem'",
            "line 3, column 15: tls.certificate does not go with tls.key: a certificate and its key",
        ),
        ("key = 'a.key'", "line 3, column 7: tls.key does not go with tls.certificate"),
        ("roots = ''", "line 3, column 9: tls.roots is ``, expected the name of a file"),
        (
            "roots = 7",
            "line 3, column 9: invalid type: integer `7`, expected \"system\", or the name of a file in quotes",
        ),
        ("server-name = 'a b'", "line 3, column 15: tls.server-name is `a b`, expected a DNS name or an IP address"),
        ("minimum-version = '1.1'", "line 3, column 20: tls.minimum-version: expected one of 1.2, 1.3, found `1.1`"),
        (
            "minimum-version = 1.3",
            "line 3, column 19: invalid type: floating point `1.3`, expected \"1.2\" or \"1.3\", in quotes",
        ),
        (
            "client-certificates = 'yes'",
            "line 3, column 24: tls.client-certificates: expected one of none, optional, required",
        ),
        ("alpn = ['']", "line 3, column 8: tls.alpn is ``, expected names of 1 to 255 bytes each"),
        ("alpn = 'h2'", "line 3, column 8: invalid type: string \"h2\", expected a list of protocols"),
        ("allow-names = ['*.example']", "line 3, column 15: tls.allow-names is `*.example`, expected names in full"),
        (
            "allow-sha256 = ['ab:cd']",
            "line 3, column 16: tls.allow-sha256: expected a SHA-256 fingerprint, which is 64 hex",
        ),
        ("handshake-timeout = '2d'", "line 3, column 21: tls.handshake-timeout is 2d, expected whole milliseconds"),
        ("verify = false", "line 3, column 1: unknown field `verify`, expected one of `certificate`, `key`, `roots`"),
        ("roots = 'ca.pem'\ndangerously-accept-any-certificate = true", "line 3, column 9: tls.roots does not go with"),
        (
            "allow-names = ['a']\ndangerously-accept-any-certificate = true",
            "line 3, column 15: tls.allow-names does not go with",
        ),
    ] {
        let error = Profile::from_toml(&format!("framing = 'line'\n[tls]\n{keys}")).unwrap_err();
        assert!(error.to_string().starts_with(told), "{keys}: {error}");
    }
    for (keys, told) in [
        ("accept-from = ['10.0.0.1/8']", "line 3, column 15: proxy-protocol.accept-from: expected the first address"),
        ("accept-from = [7]", "line 3, column 16: invalid type: integer `7`, expected a network in quotes"),
        ("send = 'v3'", "line 3, column 9: proxy-protocol.send: expected one of v1, v2, found `v3`"),
        ("max-header = 100", "line 3, column 14: proxy-protocol.max-header is 100, expected 107 to 65551 bytes"),
        ("timeout = '0s'", "line 3, column 12: proxy-protocol.timeout: expected a number above 0"),
    ] {
        let error = Profile::from_toml(&format!("framing = 'line'\n[proxy-protocol]\n{keys}")).unwrap_err();
        assert!(error.to_string().starts_with(told), "{keys}: {error}");
    }
    assert!(a.parse::<Fingerprint>().is_ok() && a[..62].parse::<Fingerprint>().is_err());
}

#[test]
fn a_server_needs_a_certificate_and_what_it_checks_clients_with() {
    let own = "certificate = 'a.pem'\nkey = 'a.key'\n";
    for (keys, key) in [
        ("", "tls.certificate"),
        (&*format!("{own}client-certificates = 'optional'"), "tls.roots"),
        (&format!("{own}allow-names = ['a.example']"), "tls.allow-names"),
        (&format!("{own}allow-sha256 = ['{}']", "ab".repeat(32)), "tls.allow-sha256"),
    ] {
        let profile = Profile::from_toml(&format!("framing = 'line'\n[tls]\n{keys}")).unwrap();
        assert_eq!(profile.check_for(Side::Client), Ok(()), "{keys}");
        assert_eq!(profile.check_for(Side::Server).unwrap_err().key(), key, "{keys}");
    }
    let accepts = "framing = 'line'\nexchange = { kind = 'simplex', receive = 'accept' }\n[tls]";
    assert_eq!(Profile::from_toml(accepts).unwrap_err().profile_error().unwrap().key(), "tls.certificate");
}

#[test]
fn access_rules_allow_by_name_or_fingerprint() {
    let profile = whole();
    let tls = profile.tls().unwrap();
    for (names, sha256, is_allowed) in [
        (&["TERMINAL-7.example"][..], 1, true),
        (&["other.example", "terminal-7.example"], 1, true),
        (&["x.terminal-7.example"], 1, false),
        (&[], 7, true),
        (&[], 1, false),
    ] {
        assert_eq!(tls.allows(names.iter().copied(), &[sha256; 32]), is_allowed, "{names:?} {sha256}");
    }
    assert!(Tls::new().allows([], &[1; 32]), "without rules, each valid certificate is allowed");
}

#[test]
fn the_explanation_says_what_is_checked() {
    let told = whole().explain().to_string();
    for line in [
        "tls          version 1.3 or newer, for iso8583 or echo; the handshake takes at most 3s",
        "tls          as a client: the server has a certificate for switch.example of an authority of clients.pem, not revoked in revoked.pem",
        "tls          our certificate is in server.pem; a client of a server needs one of an authority of clients.pem, not revoked in \
         revoked.pem",
        "tls          of valid certificates, allows those with one of 1 names or 1 fingerprints",
        "proxy        as a server: connections from 10.0.0.0/8 begin with a header, of up to 1KiB within 2s; no others may",
        "proxy        as a client: begins each connection with a header of v2",
    ] {
        assert!(told.contains(line), "{line}\n{told}");
    }
}

#[test]
fn a_client_that_takes_any_certificate_is_warned_of() {
    let any = "framing = 'line'\ntls = { dangerously-accept-any-certificate = true";
    let profile = Profile::from_toml(&format!("{any} }}")).unwrap();
    assert!(profile.certificate_caution().unwrap().contains("can read and change all messages"));
    assert!(
        profile
            .explain()
            .lines()
            .any(|(label, text)| label == "careful" && Some(text) == profile.certificate_caution())
    );
    let pinned = Profile::from_toml(&format!("{any}, allow-sha256 = ['{}'] }}", "ab".repeat(32))).unwrap();
    assert_eq!(pinned.certificate_caution(), None, "only one certificate is taken");
}
