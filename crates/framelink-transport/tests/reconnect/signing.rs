//! The sign-on and the sign-off of a connection.

use std::time::Duration;

use framelink_transport::profile::Sign;
use framelink_transport::session::DialoguePart;
use framelink_transport::upstream::{Reason, State};
use framelink_transport::{Cause, ConnectError};

use crate::client::{Driver, parts, profile};
use crate::host::{Does, Host};

const SOON: Duration = Duration::from_millis(200);

pub(crate) async fn a_connection_begins_with_its_sign_on_and_ends_with_its_sign_off(driver: Driver) {
    let host = Host::start(Does::Echo).await;
    let profile = profile().sign_on(Sign::new(b"0800 on").expect(b"0800")).sign_off(Sign::new(b"0820 off"));
    let mut client = parts(&profile, [host.name()]).client(driver);
    assert_eq!(client.call(b"0200").await.unwrap(), b"0200");
    assert_eq!(client.call(b"0201").await.unwrap(), b"0201");
    client.close().await;
    host.has_seen(|seen| seen.closed == 1 || seen.messages.len() == 4).await;
    assert_eq!(host.messages(), [&b"0800 on"[..], b"0200", b"0201", b"0820 off"], "{driver:?}");
}

pub(crate) async fn a_refused_sign_on_is_an_error_of_its_own(driver: Driver) {
    let host = Host::start(Does::Say(b"0810 secret no")).await;
    let profile = profile().sign_on(Sign::new(b"0800 password").expect(b"0810 yes"));
    let mut client = parts(&profile, [host.name()]).client(driver);
    let error = client.call(b"0200").await.unwrap_err();
    let Cause::Connect(ConnectError::NotWanted { address, unexpected, is_final: false }) = error.error().cause() else {
        panic!("{driver:?}: {error}")
    };
    assert_eq!((unexpected.part, unexpected.len), (DialoguePart::SignOn, 14));
    assert_eq!((*address, error.error().blame()), (host.address, framelink_transport::Blame::Peer));
    let told = format!("{error} {error:?}");
    let why = "the peer refused the sign-on: in its reply of 14 bytes, expected 0:8=hex:3038313020796573, found text:0810 sec";
    assert!(told.contains(why), "{told}");
    assert!(!told.contains("secret") && !told.contains("password"), "{told}");
    assert_eq!(client.counts().failures.sign_on, 1);
    match client.state() {
        State::Down { why, .. } => assert_eq!(why.reason(), Reason::SignOn),
        state => panic!("{state:?}"),
    }
    assert_eq!(host.messages(), [b"0800 password"], "{driver:?}: the request is not sent");
}

pub(crate) async fn a_peer_that_does_not_answer_the_sign_on_is_an_error(driver: Driver) {
    for (does, complaints) in [
        (Does::Nothing, &["nothing came within"][..]),
        // The bytes may arrive before our message is written, or after it.
        (Does::Rubbish(b"HTTP/1.1 400"), &["0x48", "came before the request"]),
        (Does::Close, &["the peer closed", "reset", "Broken pipe"]),
        (Does::CloseAfterMessage, &["the peer closed the connection instead of replying", "reset"]),
    ] {
        let host = Host::start(does).await;
        let profile = profile().sign_on(Sign::new(b"0800").expect(b"0810")).connect_timeout(SOON);
        let mut client = parts(&profile, [host.name()]).client(driver);
        let error = client.call(b"0200").await.unwrap_err();
        let is_told = matches!(error.error().cause(), Cause::Connect(ConnectError::SignOn { .. }));
        let text = error.to_string();
        assert!(is_told && complaints.iter().any(|complaint| text.contains(complaint)), "{driver:?} {does:?}: {error}");
        let time = text.split("within ").nth(1).and_then(|rest| rest.split(' ').next());
        assert!(time.is_none_or(|time| !time.contains('.')), "{driver:?}: a part of a millisecond: {text}");
        assert_eq!((client.counts().failures.sign_on, client.counts().connected), (1, 0), "{driver:?} {does:?}");
        // The time is what dialling has left of the limit, in whole milliseconds.
        assert!(text.split("within ").nth(1).is_none_or(|time| !time.contains('.')), "{driver:?} {does:?}: {error}");
    }
}
