//! A profile with a sign-on: an upstream and a connector exchange it.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread;

use framelink_template::Template;
use framelink_transport::profile::{FirstStep, Greeting, ProfileBuilder, Sign};
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

/// `start` does not wait, so it cannot sign on.
#[test]
fn a_connector_that_does_not_wait_refuses_a_profile_whose_sign_on_it_would_skip() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let greeting = || Greeting::new().expect("0:4=text:INFO".parse().unwrap());
    for (key, profile) in [
        ("sign-on", profile(|profile| profile.sign_on(Sign::new(b"0800").expect(b"0810")))),
        ("sign-on", profile(|profile| profile.sign_on(Sign::new(b"0800")).sign_off(Sign::new(b"0820")))),
        ("greeting", profile(|profile| profile.greeting(greeting()))),
        ("first step", profile(|profile| profile.first(FirstStep::send(b"HI")))),
    ] {
        let error = nonblocking::Connector::with_profile(&profile).start(address).expect_err(key);
        assert!(matches!(error, ConnectError::Unsigned { key: named } if named == key), "{error}");
        let text = error.to_string();
        assert!([key, "not dialled", "`connect`", "Client"].iter().all(|word| text.contains(word)), "{text}");
    }
    assert!(listener.accept().is_err(), "no connector has dialled");
    for (driver, connected) in connecting(address, &profile(|profile| profile.sign_off(Sign::new(b"0820")))) {
        connected.expect(driver);
    }
}

#[test]
fn a_connector_with_an_unset_variable_does_not_dial() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let template = "text:0800{env:FRAMELINK_UNSET}".parse::<Template>().unwrap();
    let profile = profile(|profile| profile.sign_on(Sign::new(template)));
    for (driver, connected) in connecting(listener.local_addr().unwrap(), &profile) {
        let error = connected.expect_err(driver).to_string();
        let why = "not dialled: sign-on.send contains the environment variable FRAMELINK_UNSET, which is not set";
        assert!(error == why || driver.contains("not waiting"), "{driver}: {error}");
    }
    assert!(listener.accept().is_err(), "no connector has dialled");
}

#[test]
fn a_connector_signs_on_on_each_driver_and_composes_the_sign_off() {
    let signing = |profile: ProfileBuilder| {
        let template = "text:0820{number:2}".parse::<Template>().unwrap();
        profile.sign_on(Sign::new(b"0800 hello").expect(b"0810")).sign_off(Sign::new(template))
    };
    for driver in 0..3 {
        let ((name, host), profile) = (host(), profile(signing));
        let sign_off = match driver {
            0 => {
                let connector = blocking::Connector::with_profile(&profile);
                connector.connect(&*name).unwrap();
                connector.sign_off()
            }
            1 => {
                let connector = nonblocking::Connector::with_profile(&profile);
                connector.connect(&*name).unwrap();
                connector.sign_off()
            }
            _ => {
                let connector = tokio::Connector::with_profile(&profile);
                on_tokio(async { connector.connect(&*name).await.map(drop) }).unwrap();
                connector.sign_off()
            }
        };
        assert_eq!(sign_off.unwrap(), b"082001");
        assert_eq!(host.join().unwrap(), b"0800 hello", "{driver}");
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
