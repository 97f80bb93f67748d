//! What the drivers do with a profile: they set its keepalive on their sockets, and refuse profiles that they cannot
//! serve.

use framelink_transport::profile::Duplex;
use framelink_transport::{Framing, Profile, blocking, nonblocking, tokio};

#[cfg(target_os = "linux")]
#[test]
fn keepalive_is_read_back_from_both_ends() {
    use blocking::{Connector, Listener};
    use framelink_transport::{Keepalive, SocketOptions};

    let framing: Framing = "net:2".parse().unwrap();
    let system = Keepalive::of_system().unwrap();
    for (told, read) in [
        ("60s/10s/6", "1m/10s/6/2m".to_owned()),
        ("60s/10s/6/-", "1m/10s/6/-".to_owned()),
        ("60s/10s/6/7s", "1m/10s/6/7s".to_owned()),
        (
            "-/10s/-/-",
            format!(
                "{}/-",
                system.idle().map(|idle| format!("{}s/10s/{}", idle.as_secs(), system.probes().unwrap())).unwrap()
            ),
        ),
    ] {
        let options = SocketOptions::new().keepalive(Some(told.parse().unwrap()));
        let mut listener = Listener::bind_with("127.0.0.1:0", framing, options.clone()).unwrap();
        let ours = Connector::new(framing).options(options).connect(listener.local_addr().unwrap()).unwrap();
        let theirs = listener.accept().unwrap().unwrap();
        for stream in [ours.stream(), theirs.stream()] {
            let back = Keepalive::read_back(stream.unwrap()).unwrap().unwrap();
            let read: Keepalive = read.parse().unwrap();
            assert_eq!(back, read.or(system), "{told}");
        }
    }
    let listener = Listener::bind("127.0.0.1:0", framing).unwrap();
    let ours = Connector::new(framing).connect(listener.local_addr().unwrap()).unwrap();
    assert_eq!(Keepalive::read_back(ours.stream().unwrap()).unwrap(), None, "keepalive is off by default");
}

#[test]
fn a_client_refuses_a_profile_with_many_calls_in_flight() {
    let profile = Profile::builder("line".parse::<Framing>().unwrap()).exchange(Duplex::new()).build().unwrap();
    for error in [
        blocking::Client::new(profile.clone(), "localhost:1").unwrap_err(),
        nonblocking::Client::new(profile.clone(), "localhost:1").unwrap_err(),
        tokio::Client::new(profile, "localhost:1").unwrap_err(),
    ] {
        assert_eq!(error.key(), "exchange", "{error}");
    }
}
