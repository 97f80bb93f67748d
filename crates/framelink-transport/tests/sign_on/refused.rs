//! A refused sign-on: the address is dialled again later, or never.

use std::sync::Arc;
use std::time::{Duration, Instant};

use framelink_transport::upstream::State;
use framelink_transport::{Cause, ConnectError, Profile, blocking, nonblocking, tokio};

use crate::party::{ALL, Client, on_tokio, profile};
use crate::peer::{Does, Peer};

const WHY: &str = "the peer refused the sign-on: in its reply of 6 bytes, expected 4:2=text:00, found text:91; the address is not \
                   dialled again (refused = \"stop\")";

fn stopping() -> Profile {
    profile(
        "framing = 'ascii:4'\nreconnect = { first = '1ms', cap = '1ms' }\n\
         sign-on = { send = 'text:0800', expect = '0:4=text:0810,4:2=text:00', refused = 'stop' }",
    )
}

fn refuses() -> Vec<Does> {
    vec![Does::Takes(b"00040800"), Does::Says(b"0006081091")]
}

fn accepts() -> Vec<Does> {
    vec![
        Does::Takes(b"00040800"),
        Does::Says(b"0006081000"),
        Does::Takes(b"00040200"),
        Does::Says(b"00040210"),
        Does::Closes,
    ]
}

fn is_final(error: &framelink_transport::CallError) -> bool {
    matches!(error.error().cause(), Cause::Connect(ConnectError::NotWanted { is_final: true, .. }))
}

#[test]
fn an_address_that_refuses_is_not_dialled_again_if_the_profile_says_stop() {
    for driver in ALL {
        let peer = Peer::with(vec![refuses()]);
        let mut client = Client::new(driver, &stopping(), peer.name());
        for call in 0..5 {
            let error = client.call(b"0200").unwrap_err();
            assert!(is_final(&error) && error.to_string().contains(WHY), "{driver:?} {call}: {error}");
        }
        assert!(matches!(client.state(), State::Stopped { .. }), "{driver:?}: {:?}", client.state());
        assert_eq!(peer.accepted(), 1, "{driver:?}");
        drop(client);
        peer.finish();
    }
}

#[test]
fn the_other_addresses_are_still_dialled() {
    for driver in ALL {
        let (primary, backup) = (Peer::with(vec![refuses()]), Peer::with(vec![accepts(), accepts()]));
        let mut client = Client::over(driver, &stopping(), vec![primary.name(), backup.name()]);
        for _ in 0..2 {
            // The peer ends the connection after a call.
            while client.call(b"0200").is_err() {}
        }
        assert_eq!(primary.accepted(), 1, "{driver:?}");
        drop(client);
        primary.finish();
        backup.finish();
    }
}

#[test]
fn without_stop_the_address_is_dialled_again() {
    let profile = profile(
        "framing = 'ascii:4'\nreconnect = { first = '1ms', cap = '1ms' }\n\
         sign-on = { send = 'text:0800', expect = '0:4=text:0810,4:2=text:00' }",
    );
    for driver in ALL {
        let peer = Peer::with(vec![refuses(), accepts()]);
        let mut client = Client::new(driver, &profile, peer.name());
        let error = client.call(b"0200").unwrap_err();
        assert!(!is_final(&error) && !error.to_string().contains("stop"), "{driver:?}: {error}");
        assert_eq!(&client.call(b"0200").unwrap()[..], b"0210", "{driver:?}");
        drop(client);
        peer.finish();
    }
}

/// No caller of a pool or a link waits for a connection that will not come.
#[test]
fn the_callers_of_a_pool_and_of_a_link_are_told_at_once() {
    let with = |more: &str| profile(&format!("{more}\ntimeouts.reply = '60s'\n{}", stopping().to_toml()));
    let pooled = with("connection = { kind = 'pooled', min = 1, wait = '60s' }");
    let shared = with("exchange = 'duplex'\nconnection = { kind = 'shared', keep-up = true }");
    let began = Instant::now();
    let peers: Vec<_> = (0..4).map(|_| Peer::with(vec![refuses()])).collect();
    let pool = blocking::Pool::new(pooled.clone(), [peers[0].name()]).unwrap();
    let (link, inbox) = blocking::Link::new(shared.clone(), peers[1].name()).unwrap();
    for _ in 0..2 {
        assert!(pool.call(b"0200").unwrap_err().to_string().contains(WHY));
        assert!(link.call(b"0200").unwrap_err().to_string().contains(WHY));
    }
    drop((pool, link, inbox));
    on_tokio(async {
        let pool = tokio::Pool::new(pooled, [peers[2].name()]).unwrap();
        let (link, inbox) = tokio::Link::new(shared, peers[3].name()).unwrap();
        for _ in 0..2 {
            assert!(pool.call(b"0200").await.unwrap_err().to_string().contains(WHY));
            assert!(link.call(b"0200").await.unwrap_err().to_string().contains(WHY));
        }
        drop((pool, link, inbox));
    });
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    for peer in peers {
        assert_eq!(peer.accepted(), 1);
        peer.finish();
    }
}

/// A missing variable is found when the role is made; an upstream of its own finds it before it dials.
#[test]
fn nothing_is_dialled_without_an_environment_variable() {
    let profile = profile("framing = 'ascii:4'\nsign-on = 'text:0800{env:FRAMELINK_UNSET}'");
    let why = "sign-on.send contains the environment variable FRAMELINK_UNSET, which is not set";
    assert_eq!(blocking::Client::new(profile.clone(), "127.0.0.1:1").unwrap_err().to_string(), why);
    assert_eq!(nonblocking::Client::new(profile.clone(), "127.0.0.1:1").unwrap_err().to_string(), why);
    assert_eq!(tokio::Client::new(profile.clone(), "127.0.0.1:1").unwrap_err().to_string(), why);
    let profile = Arc::new(profile);
    let error = blocking::Upstream::new(&profile, ["127.0.0.1:1"]).dial().unwrap_err();
    assert!(matches!(error, ConnectError::Profile(_)), "{error}");
    assert_eq!(error.to_string(), format!("not dialled: {why}"));
}
