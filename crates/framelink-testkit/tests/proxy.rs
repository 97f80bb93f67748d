//! What a proxy does to bytes between two plain peers.

mod support;

use std::io::{ErrorKind, Read};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use framelink_testkit::{Cut, Direction, Proxy};
use support::{DEADLINE, Host, dial, half_close, length, read_exactly, read_to_end, send};

const BOTH: [Direction; 2] = [Direction::ToServer, Direction::ToClient];
const PAUSE: Duration = Duration::from_millis(150);

/// A proxy, and both ends of a connection through it.
fn line() -> (Proxy, TcpStream, TcpStream) {
    through(|address| Proxy::start(address).expect("a proxy"))
}

fn through(start: impl FnOnce(std::net::SocketAddr) -> Proxy) -> (Proxy, TcpStream, TcpStream) {
    let host = Host::listen();
    let proxy = start(host.address);
    let client = dial(proxy.addr());
    (proxy, client, host.accept())
}

/// The sender and the receiver of a direction.
fn ends<'a>(direction: Direction, client: &'a TcpStream, server: &'a TcpStream) -> (&'a TcpStream, &'a TcpStream) {
    match direction {
        Direction::ToServer => (client, server),
        Direction::ToClient => (server, client),
    }
}

fn expect_silence(mut stream: &TcpStream) {
    stream.set_read_timeout(Some(PAUSE)).expect("a read timeout");
    let kind = stream.read(&mut [0]).map_err(|error| error.kind());
    assert!(matches!(kind, Err(ErrorKind::WouldBlock | ErrorKind::TimedOut)), "{kind:?}");
    stream.set_read_timeout(Some(DEADLINE)).expect("a read deadline");
}

#[test]
fn bytes_and_ends_pass_both_ways() {
    let (proxy, client, server) = line();
    let many = vec![7; 3 << 20];
    std::thread::scope(|scope| {
        scope.spawn(|| {
            send(&client, &many);
            half_close(&client);
        });
        assert!(read_to_end(&server) == (many.clone(), Ok(())));
    });
    send(&server, b"still");
    half_close(&server);
    assert_eq!(read_to_end(&client), (b"still".to_vec(), Ok(())));
    assert_eq!((proxy.passed(Direction::ToServer), proxy.passed(Direction::ToClient)), (3 << 20, 5));
}

#[test]
fn a_reset_passes_as_a_reset() {
    let (_proxy, client, server) = line();
    send(&client, b"hi");
    assert_eq!(read_exactly(&server, 2), b"hi");
    socket2::SockRef::from(&client).set_linger(Some(Duration::ZERO)).unwrap();
    drop(client);
    assert_eq!(read_to_end(&server), (vec![], Err(ErrorKind::ConnectionReset)));
}

#[test]
fn a_delay_applies_to_one_direction_and_does_not_add_up() {
    const DELAY: Duration = Duration::from_millis(400);
    for direction in BOTH {
        let (proxy, client, server) = line();
        proxy.delay(direction, DELAY);
        let (from, to) = ends(direction, &client, &server);
        let before = Instant::now();
        for _ in 0..20 {
            send(from, b"tick");
        }
        assert_eq!(read_exactly(to, 80), b"tick".repeat(20));
        let took = before.elapsed();
        assert!(took >= DELAY && took < DELAY * 10, "{took:?}: one after the other would be 20 delays");
        let before = Instant::now();
        send(to, b"back");
        assert_eq!(read_exactly(from, 4), b"back");
        assert!(before.elapsed() < DELAY, "the other direction has no delay");
    }
}

#[test]
fn held_bytes_arrive_after_release() {
    for direction in BOTH {
        let (proxy, client, server) = line();
        let (from, to) = ends(direction, &client, &server);
        proxy.hold(direction);
        send(from, b"hello");
        half_close(from);
        expect_silence(to);
        send(to, b"through");
        assert_eq!(read_exactly(from, 7), b"through", "the other direction is not held");
        proxy.release(direction);
        assert_eq!(read_to_end(to), (b"hello".to_vec(), Ok(())));
    }
}

#[test]
fn only_the_next_chunk_is_duplicated() {
    for direction in BOTH {
        let (proxy, client, server) = line();
        let (from, to) = ends(direction, &client, &server);
        proxy.duplicate_next(direction);
        send(from, b"one");
        assert_eq!(read_exactly(to, 6), b"oneone");
        send(from, b"two");
        half_close(from);
        assert_eq!(read_to_end(to), (b"two".to_vec(), Ok(())));
    }
}

#[test]
fn with_a_framing_a_whole_message_is_duplicated_wherever_it_is_cut() {
    let frames = b"\0\x03one\0\x03two\0\x05three";
    let doubled = b"\0\x03one\0\x03two\0\x03two\0\x05three";
    for cut in 5..10 {
        let (proxy, client, server) =
            through(|address| Proxy::with_framing(address, length("net:2")).expect("a proxy"));
        // The first message and a part of the second pass at once.
        send(&client, &frames[..cut]);
        assert_eq!(read_exactly(&server, cut), &frames[..cut]);
        proxy.duplicate_next(Direction::ToServer);
        send(&client, &frames[cut..]);
        half_close(&client);
        assert_eq!(read_to_end(&server), (doubled[cut..].to_vec(), Ok(())), "cut at {cut}");
    }
}

#[test]
fn bytes_that_are_no_message_pass_unchanged() {
    let (_proxy, client, server) = through(|address| Proxy::with_framing(address, length("ascii:4")).expect("a proxy"));
    send(&client, b"0002hiGET / HTTP/1.1");
    half_close(&client);
    assert_eq!(read_to_end(&server), (b"0002hiGET / HTTP/1.1".to_vec(), Ok(())));
}

#[test]
fn a_connection_is_cut_after_n_bytes_and_both_sides_see_how() {
    for direction in BOTH {
        for at in 0..=6 {
            for (cut, end) in [(Cut::Fin, Ok(())), (Cut::Reset, Err(ErrorKind::ConnectionReset))] {
                let (proxy, client, server) = line();
                let (from, to) = ends(direction, &client, &server);
                proxy.cut_after(direction, at, cut);
                send(from, b"hello!!");
                let came = b"hello!!"[..usize::try_from(at).unwrap()].to_vec();
                assert_eq!(read_to_end(to), (came, end), "{direction:?} after {at}, {cut:?}");
                assert_eq!(read_to_end(from), (vec![], end), "{direction:?} after {at}, {cut:?}: the sender");
                assert_eq!(proxy.passed(direction), at);
            }
        }
    }
}

#[test]
fn every_connection_is_cut_until_cut_no_more() {
    let host = Host::listen();
    let proxy = Proxy::start(host.address).unwrap();
    proxy.cut_after(Direction::ToServer, 2, Cut::Fin);
    for _ in 0..2 {
        let (client, server) = (dial(proxy.addr()), host.accept());
        send(&client, b"hello");
        assert_eq!(read_to_end(&server), (b"he".to_vec(), Ok(())));
    }
    proxy.cut_no_more(Direction::ToServer);
    let (client, server) = (dial(proxy.addr()), host.accept());
    send(&client, b"hello");
    assert_eq!(read_exactly(&server, 5), b"hello");
}

#[test]
fn a_limit_slows_down() {
    let (proxy, client, server) = line();
    proxy.limit(Direction::ToServer, Some(10_000));
    let before = Instant::now();
    send(&client, &[7; 3_000]);
    assert_eq!(read_exactly(&server, 3_000), [7; 3_000]);
    let took = before.elapsed();
    assert!(took >= Duration::from_millis(250), "{took:?}");
    proxy.limit(Direction::ToServer, None);
    send(&client, &[7; 1 << 20]);
    assert!(proxy.wait_passed(Direction::ToServer, 1 << 19, DEADLINE));
}

#[test]
fn without_a_target_the_connection_is_closed() {
    let gone = Host::listen().address;
    let proxy = Proxy::start(gone).unwrap();
    assert_eq!(read_to_end(&dial(proxy.addr())), (vec![], Ok(())));
}

#[test]
fn dropping_a_proxy_ends_all_connections_at_once() {
    let (proxy, client, server) = line();
    // A held direction, a blocked one, and a slow one that would take hours.
    proxy.hold(Direction::ToServer);
    proxy.delay(Direction::ToClient, Duration::from_secs(3600));
    send(&client, b"held");
    send(&server, b"late");
    let before = Instant::now();
    drop(proxy);
    assert!(before.elapsed() < Duration::from_secs(5), "{:?}", before.elapsed());
    for end in [&client, &server] {
        assert_eq!(read_to_end(end).0, b"", "and nothing of it comes");
    }
}
