//! A profile with a sign-on: an upstream exchanges it, and a connector that would skip it refuses the profile.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use framelink_transport::profile::{ProfileBuilder, Sign};
use framelink_transport::{ConnectError, Profile, blocking, nonblocking, tokio};

use super::{DEADLINE, framing, on_tokio};

fn profile(change: impl FnOnce(ProfileBuilder) -> ProfileBuilder) -> Arc<Profile> {
    Arc::new(change(Profile::builder(framing()).connect_timeout(DEADLINE)).build().unwrap())
}

/// Connects in each way of a connector. Returns the outcomes.
fn connecting(address: SocketAddr, profile: &Arc<Profile>) -> [(&'static str, Result<(), ConnectError>); 4] {
    [
        ("blocking", blocking::Connector::with_profile(profile).connect(address).map(drop)),
        ("nonblocking", nonblocking::Connector::with_profile(profile).connect(address).map(drop)),
        ("nonblocking, not waiting", nonblocking::Connector::with_profile(profile).start(address).map(drop)),
        ("tokio", on_tokio(async { tokio::Connector::with_profile(profile).connect(address).await.map(drop) })),
    ]
}

#[test]
fn a_connector_refuses_a_profile_whose_sign_on_or_sign_off_it_would_skip() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    for (key, profile) in [
        ("sign-on", profile(|profile| profile.sign_on(Sign::new(b"0800").expect(b"0810")))),
        ("sign-on", profile(|profile| profile.sign_on(Sign::new(b"0800")).sign_off(Sign::new(b"0820")))),
        ("sign-off", profile(|profile| profile.sign_off(Sign::new(b"0820")))),
    ] {
        for (driver, connected) in connecting(address, &profile) {
            let error = connected.expect_err(driver);
            assert!(matches!(error, ConnectError::Unsigned { key: named } if named == key), "{driver}: {error}");
            let text = error.to_string();
            let words = [key, "not dialled", "Client", "Link", "Upstream::dial"];
            assert!(words.iter().all(|word| text.contains(word)), "{driver}: {text}");
        }
    }
    assert!(listener.accept().is_err(), "no connector has dialled");
    for (driver, connected) in connecting(address, &profile(|profile| profile)) {
        connected.expect(driver);
    }
}

/// Starts a peer that accepts one connection and answers one message on it, if it is the sign-on.
fn host() -> (String, thread::JoinHandle<Vec<u8>>) {
    let mut listener = blocking::Listener::bind("127.0.0.1:0", framing()).unwrap();
    let name = listener.local_addr().unwrap().to_string();
    let answering = thread::spawn(move || {
        let mut connection = listener.accept().unwrap().unwrap();
        let message = connection.recv_within(DEADLINE).unwrap().into_message().unwrap();
        connection.send(b"0810 welcome").unwrap();
        message.to_vec()
    });
    (name, answering)
}

fn an_upstream_dials_and_signs_on(driver: &str, dial: impl FnOnce(&Arc<Profile>, String) -> Result<(), ConnectError>) {
    let (name, host) = host();
    let profile = profile(|profile| profile.sign_on(Sign::new(b"0800 hello").expect(b"0810")));
    dial(&profile, name).expect(driver);
    assert_eq!(host.join().unwrap(), b"0800 hello", "{driver}");
}

#[test]
fn an_upstream_dials_and_signs_on_on_each_driver() {
    an_upstream_dials_and_signs_on("blocking", |profile, name| {
        blocking::Upstream::new(profile, [name]).dial().map(drop)
    });
    an_upstream_dials_and_signs_on("nonblocking", |profile, name| {
        nonblocking::Upstream::new(profile, [name]).dial().map(drop)
    });
    an_upstream_dials_and_signs_on("tokio", |profile, name| {
        on_tokio(async { tokio::Upstream::new(profile, [name]).dial().await.map(drop) })
    });
}
