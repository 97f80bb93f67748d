//! Peers as a caller writes them: addresses, names, and addresses with a zone.

use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6, ToSocketAddrs};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use framelink_transport::blocking::{Client, Server, Upstream};
#[cfg(target_os = "linux")]
use framelink_transport::zoned_address;
use framelink_transport::{Framing, Peer, Profile, ToPeer};

/// A server and a client need nothing but their profiles.
#[test]
fn a_profile_has_the_addresses_of_both_sides() -> Result<(), Box<dyn std::error::Error>> {
    let profile = || Profile::builder("ascii:4".parse::<Framing>().unwrap());
    let listening = Arc::new(profile().listen("127.0.0.1:0".parse()?).build()?);
    let server = Server::of_profile(&listening)?;
    let (address, handle) = (server.local_addr()?, server.handle());
    let running = thread::spawn(move || server.run(|request| Some(request.to_vec())));

    let dialling = Arc::new(profile().addresses([address.to_string().parse()?]).build()?);
    let upstream = Upstream::of_profile(&dialling)?;
    assert_eq!(&*upstream.addresses()[0], address.to_string());
    assert_eq!(&Client::over(upstream)?.call(b"hello")?[..], b"hello");
    handle.drain(Duration::from_secs(5));
    assert!(running.join().unwrap().is_clean());

    assert_eq!(Upstream::of_profile(&listening).unwrap_err().key(), "addresses");
    let error = Server::of_profile(&dialling).err().unwrap();
    assert!(error.kind() == ErrorKind::InvalidInput && error.to_string().starts_with("listen is missing"), "{error}");
    Ok(())
}

/// Where no name has to be looked up, std has the same addresses.
#[test]
fn whatever_std_has_addresses_of_can_be_dialled() {
    fn check(peer: impl ToPeer + ToSocketAddrs) {
        let expected: Vec<_> = peer.to_socket_addrs().unwrap().collect();
        match peer.to_peer() {
            Peer::Addresses(addresses) => assert_eq!(addresses, expected),
            Peer::Name(name) => assert_eq!(name.to_socket_addrs().unwrap().collect::<Vec<_>>(), expected),
            peer => panic!("{peer:?}"),
        }
    }
    let address: SocketAddr = "127.0.0.1:7000".parse().unwrap();
    let v6: SocketAddrV6 = "[::1]:7000".parse().unwrap();
    check(address);
    check("127.0.0.1:7000".parse::<SocketAddrV4>().unwrap());
    check(v6);
    check((address.ip(), 7000));
    check((Ipv4Addr::LOCALHOST, 7000));
    check((Ipv6Addr::LOCALHOST, 7000));
    check("127.0.0.1:7000");
    check("[::1]:7000");
    let name = "127.0.0.1:7000".to_owned();
    check(&name);
    check(name);
    check(("127.0.0.1", 7000));
    check(("::1", 7000));
    check(("127.0.0.1".to_owned(), 7000));
    check(&[address, v6.into()][..]);
}

#[cfg(target_os = "linux")]
mod zones {
    use super::*;

    #[test]
    fn a_zone_is_the_name_of_an_interface() {
        let SocketAddr::V6(address) = zoned_address("[fe80::1%lo]:7000").unwrap().unwrap() else { panic!() };
        assert_eq!(address.scope_id(), nix::net::if_::if_nametoindex("lo").unwrap());
        assert_eq!((address.ip().to_string(), address.port()), ("fe80::1".to_owned(), 7000));
    }

    #[test]
    fn a_zone_that_is_none_is_told_with_those_there_are() {
        let error = zoned_address("[fe80::1%no such]:7000").unwrap().unwrap_err().to_string();
        assert!(error.starts_with("there is no network interface `no such`; this machine has lo"), "{error}");
    }

    #[test]
    fn a_link_local_address_needs_one() {
        for text in ["[fe80::1]:7000", "[fe80::1%0]:7000"] {
            let error = zoned_address(text).unwrap().unwrap_err().to_string();
            assert!(error.starts_with("fe80::1 is a link-local address and needs a zone"), "{error}");
            assert!(error.contains("[fe80::1%eth0]:7000"), "{error}");
        }
    }

    #[test]
    fn what_std_reads_and_what_is_looked_up_is_left_alone() {
        for text in
            ["[fe80::1%1]:7000", "[::1]:7000", "127.0.0.1:7000", "host:7000", "a%b:7000", "[x%lo]:1", "[::1%lo]:x"]
        {
            assert!(zoned_address(text).is_none(), "{text}");
        }
    }
}
