//! Clients and servers of a profile whose peers misbehave.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use framelink_transport::profile::{ExchangeKind, Short, Side};
use framelink_transport::{Cause, Framing, FramingPair, Profile, ProfileBuilder, SocketOptions};

use crate::support::driver::{DEADLINE, on_every_driver};
use crate::support::party::Party;
use crate::support::peer::{Task, read_exactly, ready, reset};

on_every_driver!(
    a_client_dials_again_after_a_reset_while_it_receives,
    a_client_dials_again_if_its_connection_failed_outside_of_its_calls,
    a_message_is_not_written_to_a_connection_that_has_ended,
    a_short_call_does_not_outlast_its_deadline,
    a_preamble_is_sent_before_any_request,
    a_server_waits_for_a_preamble_only_for_a_limited_time,
    a_client_reports_that_the_preamble_is_missing,
    a_server_of_short_connections_is_not_held_by_a_client_that_never_stops_sending,
    a_reset_of_a_short_connection_is_reported_as_a_reset,
    an_error_names_a_host_name_without_an_address,
    a_slow_server_does_not_blame_its_client,
    a_client_is_not_connected_to_itself,
    a_fixed_source_port_can_be_used_again,
    a_profile_that_no_server_can_use_is_refused_when_binding,
);

const SOON: Duration = Duration::from_millis(200);

fn profile() -> ProfileBuilder {
    Profile::builder("net:2".parse::<Framing>().unwrap())
}

/// Starts a server that calls `serving` with the number of each connection and its stream.
fn server(serving: impl Fn(usize, TcpStream) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            serving(number, ready(stream.unwrap()));
        }
    });
    address
}

/// Starts a server that serves all connections but its first. It resets the first one when the test calls the function,
/// which returns after the reset. The connection is established before.
fn resetting_server(serving: impl Fn(TcpStream) + Send + 'static) -> (SocketAddr, impl FnOnce()) {
    let (go, told) = std::sync::mpsc::channel();
    let (done, is_reset) = std::sync::mpsc::channel();
    let address = server(move |number, stream| match number {
        0 => {
            told.recv_timeout(DEADLINE).unwrap();
            reset(stream);
            done.send(()).unwrap();
        }
        _ => serving(stream),
    });
    let reset_first = move || {
        go.send(()).unwrap();
        is_reset.recv_timeout(DEADLINE).unwrap();
        settle();
    };
    (address, reset_first)
}

/// Leaves the system time to pass the end of a connection on to the client's socket, after the server has closed its own.
fn settle() {
    std::thread::sleep(Duration::from_millis(50));
}

fn a_client_dials_again_after_a_reset_while_it_receives<P: Party>() {
    let (address, reset_first) = resetting_server(|stream| (&stream).write_all(b"\0\x02hi").unwrap());
    let profile = profile().exchange(ExchangeKind::ReceiveOnly).preamble(b"HI", b"").build().unwrap();
    let mut client = P::client(profile, address);
    client.connect().unwrap();
    reset_first();
    let _ = client.recv().unwrap_err();
    assert_eq!(&client.recv().unwrap().unwrap()[..], b"hi", "{}", P::NAME);
}

fn a_client_dials_again_if_its_connection_failed_outside_of_its_calls<P: Party>() {
    let (address, reset_first) = resetting_server(|stream| {
        assert_eq!(read_exactly(&stream, 4), b"\0\x02hi");
        (&stream).write_all(b"\0\x02ok").unwrap();
    });
    let mut client = P::client(profile().build().unwrap(), address);
    client.connect().unwrap();
    reset_first();
    assert!(client.send_outside(b"lost").is_err());
    assert_eq!(&client.call(b"hi").unwrap()[..], b"ok", "{}", P::NAME);
}

fn a_message_is_not_written_to_a_connection_that_has_ended<P: Party>() {
    write_after_the_end::<P>(b"");
    // Bytes that are not received do not hide the end.
    write_after_the_end::<P>(b"\0\x02hi\0");
    write_after_the_end::<P>(&[0; 200_000]);
}

/// The first connection sends `said` and closes.
fn write_after_the_end<P: Party>(said: &'static [u8]) {
    let (got, all) = std::sync::mpsc::channel();
    let (closed, is_closed) = std::sync::mpsc::channel();
    let address = server(move |number, stream| match number {
        0 => {
            (&stream).write_all(said).unwrap();
            drop(stream);
            closed.send(()).unwrap();
        }
        _ => got.send(read_exactly(&stream, 12)).unwrap(),
    });
    let mut client = P::client(profile().exchange(ExchangeKind::SendOnly).build().unwrap(), address);
    client.connect().unwrap();
    is_closed.recv_timeout(DEADLINE).unwrap();
    settle();
    for message in [b"a1", b"a2", b"a3"] {
        client.send(message).unwrap();
    }
    assert_eq!(all.recv_timeout(DEADLINE).unwrap(), b"\0\x02a1\0\x02a2\0\x02a3", "{}", P::NAME);
}

fn a_short_call_does_not_outlast_its_deadline<P: Party>() {
    let (done, until) = std::sync::mpsc::channel::<()>();
    let address = server(move |_, stream| {
        read_exactly(&stream, 4);
        (&stream).write_all(b"\0\x02ok").unwrap();
        let _ = until.recv();
    });
    let short = Short::new().closes(Side::Server);
    let profile = profile().connection(short).reply_timeout(SOON).close_timeout(DEADLINE).build().unwrap();
    let began = Instant::now();
    assert_eq!(&P::client(profile, address).call(b"hi").unwrap()[..], b"ok");
    assert!(began.elapsed() < DEADLINE / 2, "{}: {:?}", P::NAME, began.elapsed());
    drop(done);
}

fn a_preamble_is_sent_before_any_request<P: Party>() {
    let (address, _serving) = P::echo(profile().preamble(b"SERVER", b"CLIENT").build().unwrap());
    let client = ready(TcpStream::connect(address).unwrap());
    assert_eq!(read_exactly(&client, 6), b"SERVER", "{}", P::NAME);

    let (got, all) = std::sync::mpsc::channel();
    let address = server(move |_, stream| got.send(read_exactly(&stream, 6)).unwrap());
    let mut client = P::client(profile().preamble(b"CLIENT", b"SERVER").build().unwrap(), address);
    client.connect().unwrap();
    assert_eq!(all.recv_timeout(DEADLINE).unwrap(), b"CLIENT", "{}", P::NAME);
}

fn a_server_waits_for_a_preamble_only_for_a_limited_time<P: Party>() {
    for (sent, complaint) in [
        (&b""[..], "no whole message within 200ms: 0 of the 5 bytes of the peer's preamble came"),
        (b"HEL", "no whole message within 200ms: 3 of the 5 bytes of the peer's preamble came"),
        (b"HELLO", "nothing came within 200ms"),
    ] {
        let profile = profile().preamble(b"", b"HELLO").first_message_timeout(SOON).build().unwrap();
        let (address, serving) = P::echo(profile);
        let mut client = TcpStream::connect(address).unwrap();
        client.write_all(sent).unwrap();
        let error = serving.join().unwrap_err();
        assert!(matches!(error.cause(), Cause::TimedOut { .. }), "{}: {error}", P::NAME);
        assert!(error.to_string().ends_with(complaint), "{}: {error}", P::NAME);
    }
}

fn a_client_reports_that_the_preamble_is_missing<P: Party>() {
    let address = server(|_, mut stream| {
        (&stream).write_all(b"WEL").unwrap();
        let _ = stream.read(&mut [0; 100]);
    });
    let mut client = P::client(profile().preamble(b"", b"WELCOME").reply_timeout(SOON).build().unwrap(), address);
    let error = client.call(b"hi").unwrap_err().to_string();
    assert!(error.contains("3 of the 7 bytes of the peer's preamble came (not sent)"), "{}: {error}", P::NAME);
}

fn a_server_of_short_connections_is_not_held_by_a_client_that_never_stops_sending<P: Party>() {
    let (address, serving) = P::echo(profile().connection(Short::new()).close_timeout(SOON).build().unwrap());
    let client = TcpStream::connect(address).unwrap();
    // Empty messages are the most work for each byte.
    let flood = Task::start(move || while (&client).write_all(&[0; 64 * 1024]).is_ok() {});
    assert_eq!(serving.join().unwrap(), 1, "{}", P::NAME);
    flood.join();
}

fn a_reset_of_a_short_connection_is_reported_as_a_reset<P: Party>() {
    let (address, serving) = P::echo(profile().connection(Short::new()).build().unwrap());
    let client = ready(TcpStream::connect(address).unwrap());
    (&client).write_all(b"\0\x02hi").unwrap();
    assert_eq!(read_exactly(&client, 4), b"\0\x02hi");
    reset(client);
    let error = serving.join().unwrap_err();
    assert!(matches!(error.cause(), Cause::Reset(_)), "{}: {error}", P::NAME);
}

fn a_slow_server_does_not_blame_its_client<P: Party>() {
    for size in [100, 60_000, 300_000_usize] {
        let profile = Profile::builder("net:4".parse::<Framing>().unwrap()).frame_timeout(SOON).build().unwrap();
        let (address, serving) = P::echo_slowly(profile, SOON * 2);
        let client = ready(TcpStream::connect(address).unwrap());
        let large = [&u32::try_from(size).unwrap().to_be_bytes()[..], &vec![7; size]].concat();
        let wire = [b"\0\0\0\x01x", &large[..]].concat();
        let sent = wire.clone();
        let writer = client.try_clone().unwrap();
        let writing = Task::start(move || (&writer).write_all(&sent).unwrap());
        assert!(read_exactly(&client, wire.len()) == wire, "{} {size}", P::NAME);
        writing.join();
        drop(client);
        assert_eq!(serving.join().unwrap(), 2, "{} {size}", P::NAME);
    }
}

fn a_client_is_not_connected_to_itself<P: Party>() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let profile = profile().socket(SocketOptions::new().source(free)).build().unwrap();
    let error = P::client(profile, free).call(b"hi").unwrap_err().to_string();
    assert!(error.contains("no program listens there: connected to itself (not sent)"), "{}: {error}", P::NAME);
}

#[cfg(target_os = "linux")]
fn a_fixed_source_port_can_be_used_again<P: Party>() {
    let address = server(|_, stream| {
        let request = read_exactly(&stream, 4);
        (&stream).write_all(&request).unwrap();
        let _ = (&stream).read(&mut [0]);
    });
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = SocketOptions::new().source(free);
    let mut client = P::client(profile().connection(Short::new()).socket(options).build().unwrap(), address);
    let began = Instant::now();
    for _ in 0..2 {
        // The system keeps the port in use for a second; without the option that allows reuse, for a minute.
        let reply = loop {
            match client.call(b"hi") {
                Err(error) if error.to_string().contains("assign") && began.elapsed() < DEADLINE => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                reply => break reply,
            }
        };
        assert_eq!(&reply.unwrap()[..], b"hi", "{}", P::NAME);
    }
}

#[cfg(not(target_os = "linux"))]
fn a_fixed_source_port_can_be_used_again<P: Party>() {}

fn a_profile_that_no_server_can_use_is_refused_when_binding<P: Party>() {
    let framing = FramingPair { send: "line".parse().unwrap(), receive: "until-close".parse().unwrap() };
    let profile = Profile::builder(framing).connection(Short::new().closes(Side::Server)).build().unwrap();
    let complaint = profile.check_for(Side::Server).unwrap_err().to_string();
    let error = P::bind(profile).unwrap_err();
    assert_eq!((error.kind(), error.to_string()), (std::io::ErrorKind::InvalidInput, complaint), "{}", P::NAME);
}

fn an_error_names_a_host_name_without_an_address<P: Party>() {
    let error =
        P::client_of(profile().build().unwrap(), "no.such.host.invalid:7000").call(b"hi").unwrap_err().to_string();
    assert!(error.contains("resolving the peer's address: no.such.host.invalid:7000: "), "{}: {error}", P::NAME);
}
