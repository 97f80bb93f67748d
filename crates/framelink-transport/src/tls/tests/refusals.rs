//! What a handshake is refused for, and what each side is told.

use rustls::AlertDescription as Alert;

use super::certificates::{ALL, Authority, Flaw, TLS12, TLS13, Use, client, pair_of, server};
use super::wire::{AT_ONCE, ends, outcomes};
use crate::tls::TlsError;

/// Returns the text of the side that refuses, and the alert that the other one received.
fn refused(refusing: Result<(), TlsError>, other: Result<(), TlsError>) -> (String, Option<Alert>) {
    let text = refusing.expect_err("a refusal").to_string();
    match other {
        Err(TlsError::PeerRefused(alert)) => (text, Some(alert)),
        _ => (text, None),
    }
}

#[test]
fn a_bad_certificate_of_a_server_is_refused_with_the_reason() {
    let authority = Authority::new("root");
    for (flaw, text, alert) in [
        (Flaw::Expired, "the certificate of the peer has expired", Alert::CertificateExpired),
        (Flaw::NotYetValid, "the certificate of the peer is not valid yet", Alert::CertificateExpired),
        (Flaw::SelfSigned, "the certificate of the peer was not issued by a root", Alert::UnknownCA),
        (Flaw::OtherName, "the certificate of the peer is not for the name switch.example", Alert::BadCertificate),
        (Flaw::OtherUsage, "the certificate of the peer is for another use", Alert::UnsupportedCertificate),
        (Flaw::Revoked, "the certificate of the peer was revoked", Alert::CertificateRevoked),
    ] {
        for versions in [TLS12, TLS13] {
            let configs = (client(&authority, None, ALL), server(authority.issue(Use::Server, flaw), None, versions));
            let (client, server) = ends(configs, AT_ONCE);
            let (ours, theirs) = outcomes(client, server);
            let (told, received) = refused(ours, theirs);
            assert!(told.starts_with(text), "{flaw:?}: {told}");
            assert!(received.is_some(), "{flaw:?}");
            if flaw != Flaw::NotYetValid && flaw != Flaw::OtherName && flaw != Flaw::OtherUsage {
                assert_eq!(received, Some(alert), "{flaw:?}");
            }
        }
    }
}

#[test]
fn a_bad_certificate_of_a_client_is_refused_with_the_reason() {
    let authority = Authority::new("root");
    for (flaw, text) in [
        (Flaw::Expired, "the certificate of the peer has expired"),
        (Flaw::NotYetValid, "the certificate of the peer is not valid yet"),
        (Flaw::SelfSigned, "the certificate of the peer was not issued by a root"),
        (Flaw::OtherUsage, "the certificate of the peer is for another use"),
        (Flaw::Revoked, "the certificate of the peer was revoked"),
    ] {
        for versions in [TLS12, TLS13] {
            let identity = authority.issue(Use::Client, flaw);
            let configs = (
                client(&authority, Some(identity), versions),
                server(authority.issue(Use::Server, Flaw::None), Some(&authority), ALL),
            );
            let (client, server) = ends(configs, AT_ONCE);
            let (ours, theirs) = outcomes(client, server);
            let (told, received) = refused(theirs, ours);
            assert!(told.starts_with(text), "{flaw:?}: {told}");
            assert!(received.is_some(), "{flaw:?}: the client is told");
        }
    }
}

#[test]
fn both_sides_are_told_that_a_certificate_is_required() {
    let authority = Authority::new("root");
    for (versions, expected) in [(TLS12, Alert::CertificateRequired), (TLS13, Alert::CertificateRequired)] {
        let configs = (
            client(&authority, None, versions),
            server(authority.issue(Use::Server, Flaw::None), Some(&authority), ALL),
        );
        let (client, server) = ends(configs, AT_ONCE);
        let (ours, theirs) = outcomes(client, server);
        let (told, received) = refused(theirs, ours);
        assert_eq!(told, "the peer sent no certificate, which is required here");
        assert_eq!(received, Some(expected));
    }
}

#[test]
fn both_sides_know_the_certificate_of_the_other_one() {
    let authority = Authority::new("root");
    let configs = (
        client(&authority, Some(authority.issue(Use::Client, Flaw::None)), ALL),
        server(authority.issue(Use::Server, Flaw::None), Some(&authority), ALL),
    );
    let (client, server) = super::wire::shaken(configs, AT_ONCE);
    let (ours, theirs) = (client.reader.facts().unwrap(), server.reader.facts().unwrap());
    assert_eq!(ours.peer.as_ref().unwrap().subject(), "CN=the switch");
    assert_eq!(theirs.peer.as_ref().unwrap().subject(), "CN=terminal 7");
    assert_eq!(ours.peer.unwrap().dns_names(), ["switch.example"]);
    let peer = theirs.peer.unwrap();
    let hash = ring::digest::digest(&ring::digest::SHA256, peer.der());
    assert_eq!(peer.sha256(), hash.as_ref());
    assert_eq!(theirs.server_name.as_deref(), Some("switch.example"));
    assert_eq!((ours.is_resumed, ours.alpn), (false, None));
}

#[test]
fn a_version_that_only_one_side_allows_is_refused_on_both_sides() {
    let (newer, _) = pair_of(TLS13);
    let (_, older) = pair_of(TLS12);
    let (client, server) = ends((newer, older), AT_ONCE);
    let (ours, theirs) = outcomes(client, server);
    let (told, received) = refused(theirs, ours);
    assert_eq!(told, "the peer supports no version of TLS that is allowed here");
    assert_eq!(received, Some(Alert::ProtocolVersion));
}

#[test]
fn plain_text_is_named_by_both_sides() {
    for (sent, text) in [
        (&b"0005hello"[..], "the peer does not speak TLS: it sent 30 30 30 35 68 65 6c 6c 6f (does it expect"),
        (b"\x00", "the peer does not speak TLS: it sent 00 (does it expect a connection without TLS?)"),
        (
            b"GET / HTTP/1.1\r\n\r\n",
            "the peer does not speak TLS: it sent 47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a, which begins like an HTTP request",
        ),
    ] {
        let (mut client, mut server) = ends(pair_of(ALL), AT_ONCE);
        for end in [&mut client, &mut server] {
            end.wire.from.lock().unwrap().bytes = sent.iter().copied().collect();
            let error = loop {
                if let Err(error) = end.shake_hands() {
                    break error;
                }
            };
            assert!(error.to_string().starts_with(text), "{error}");
        }
    }
}

#[test]
fn a_close_during_the_handshake_is_named() {
    let (mut client, _) = ends(pair_of(ALL), AT_ONCE);
    client.wire.from.lock().unwrap().is_closed = true;
    assert!(!client.shake_hands().is_ok_and(|is_over| is_over));
    let error = client.shake_hands().unwrap_err();
    assert!(error.to_string().starts_with("the peer closed the connection during the TLS handshake"), "{error}");
}
