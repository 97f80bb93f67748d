//! Servers that start again, short connections, and single halves.

use std::future::Future;
use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use framelink_testkit::ReservedPort;
use framelink_transport::profile::{Short, Side};
use framelink_transport::{Framing, Profile, blocking, nonblocking, tokio};

use crate::support::peer::{read_to_end, ready};

/// The side that closes first keeps the address in use for a minute. A restarted server does not wait for that.
#[test]
fn a_server_that_starts_again_has_its_address_while_old_connections_linger() {
    let framing: Framing = "line".parse().unwrap();
    let profile = Profile::builder(framing).connection(Short::new().closes(Side::Server)).build().unwrap();
    let profile = Arc::new(profile);
    let port = ReservedPort::new().unwrap();
    let address = port.address();
    let mut listener = blocking::Listener::bind_profile(address, &profile).unwrap();
    let linger = |listener: &mut blocking::Listener| {
        let mut client = ready(TcpStream::connect(address).unwrap());
        client.write_all(b"hi\n").unwrap();
        let connection = listener.accept().unwrap().unwrap();
        let profile = Arc::clone(&profile);
        let serving = std::thread::spawn(move || connection.serve(&profile, |message| Some(message.to_vec())));
        assert_eq!(read_to_end(&client), b"hi\r\n");
        drop(client);
        assert_eq!(serving.join().unwrap().unwrap(), 1);
    };
    linger(&mut listener);
    drop(listener);
    let mut listener = blocking::Listener::bind_profile(address, &profile).expect("binding the old address");
    linger(&mut listener);
    drop(listener);
    drop(nonblocking::Listener::bind_profile(address, &profile).expect("binding the old address"));
    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime
        .block_on(async { tokio::Listener::bind_profile(address, &profile).await })
        .expect("binding the old address");
}

#[test]
fn a_blocking_listener_can_be_stopped_before_and_while_it_waits() {
    for wait in [Duration::ZERO, Duration::from_millis(50)] {
        for address in ["127.0.0.1:0", "0.0.0.0:0"] {
            let framing: Framing = "line".parse().unwrap();
            let mut listener = blocking::Listener::bind(address, framing).unwrap();
            let stopper = listener.stopper();
            let stopping = std::thread::spawn(move || {
                std::thread::sleep(wait);
                stopper.stop();
            });
            if wait.is_zero() {
                stopping.join().unwrap();
                assert!(listener.accept().unwrap().is_none());
            } else {
                assert!(listener.accept().unwrap().is_none());
                stopping.join().unwrap();
            }
            assert!(listener.accept().unwrap().is_none(), "the listener stays stopped");
        }
    }
}

/// A peer ends a long connection between two calls. The client dials again, and each request is sent once.
#[test]
fn a_client_dials_again_when_its_connection_has_ended() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let host = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for _ in 0..3 {
            let (stream, _) = listener.accept().unwrap();
            requests.push(crate::support::peer::read_exactly(&stream, 4));
            (&stream).write_all(b"ok\r\n").unwrap();
        }
        requests
    });
    let profile = Profile::template("long-sync", "line".parse::<Framing>().unwrap()).unwrap();
    let mut client = blocking::Client::new(profile, address).unwrap();
    for request in [b"r1", b"r2", b"r3"] {
        assert_eq!(&client.call(request).unwrap()[..], b"ok");
        // The host closes the connection in this time.
        std::thread::sleep(Duration::from_millis(30));
    }
    assert_eq!(host.join().unwrap(), [b"r1\r\n", b"r2\r\n", b"r3\r\n"]);
}

/// Two halves of one socket that do not share state, as in two processes.
#[test]
fn a_half_can_be_made_without_the_other() {
    use framelink_transport::{TryRecv, TrySend};
    let framing: Framing = "net:2".parse().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = ready(TcpStream::connect(listener.local_addr().unwrap()).unwrap());
    let stream = listener.accept().unwrap().0;
    let mut receiver = blocking::RecvHalf::new(stream.try_clone().unwrap(), framing);
    let mut sender = blocking::SendHalf::new(stream.try_clone().unwrap(), framing);
    (&peer).write_all(b"\0\x02hi").unwrap();
    assert_eq!(&receiver.recv().unwrap().unwrap()[..], b"hi");
    sender.send(b"ok").unwrap();
    assert_eq!(crate::support::peer::read_exactly(&peer, 4), b"\0\x02ok");

    stream.set_nonblocking(true).unwrap();
    let mut receiver = nonblocking::RecvHalf::new(stream.try_clone().unwrap(), framing);
    let mut sender = nonblocking::SendHalf::new(mio::net::TcpStream::from_std(stream), framing);
    assert_eq!(receiver.try_recv().unwrap(), TryRecv::Nothing);
    (&peer).write_all(b"\0\x02ho").unwrap();
    let message = loop {
        if let TryRecv::Message(message) = receiver.try_recv().unwrap() {
            break message;
        }
    };
    assert_eq!(&message[..], b"ho");
    assert_eq!(sender.try_send(b"ok").unwrap(), TrySend::Written);
    assert_eq!(crate::support::peer::read_exactly(&peer, 4), b"\0\x02ok");
}

/// A non-blocking connection bounds its queue, because it does not wait for a peer that does not read.
#[test]
fn a_non_blocking_queue_is_full_at_its_limit() {
    use framelink_transport::TrySend;
    let framing: Framing = "net:2".parse().unwrap();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut ours = nonblocking::Connector::new(framing).connect(listener.local_addr().unwrap()).unwrap();
    let peer = ready(listener.accept().unwrap().0);
    let mut accepted = 0;
    while ours.try_send(&[7; 1000]).unwrap() != TrySend::Full {
        accepted += 1;
        assert!(ours.unwritten_bytes() < 64 * 1024 + 1002, "{} bytes wait", ours.unwritten_bytes());
        assert!(accepted < 100_000, "the queue accepts messages without bound");
    }
    let reading = std::thread::spawn(move || crate::support::peer::read_exactly(&peer, accepted * 1002).len());
    while !ours.try_flush().unwrap() {
        std::thread::yield_now();
    }
    assert_eq!(reading.join().unwrap(), accepted * 1002);
}

/// A call that is dropped at any poll leaves nothing behind that could answer the next call.
#[test]
fn a_call_of_a_client_may_be_dropped_at_every_poll() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            std::thread::spawn(move || {
                let mut line = [0; 6];
                while std::io::Read::read_exact(&mut &stream, &mut line).is_ok() {
                    if (&stream).write_all(&line).is_err() {
                        return;
                    }
                }
            });
        }
    });
    for template in ["long-sync", "short-sync"] {
        let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let profile = Profile::template(template, "net:2".parse::<Framing>().unwrap()).unwrap();
        let mut client = tokio::Client::new(profile, address.clone()).unwrap();
        runtime.block_on(async {
            for polls in 0..40_u32 {
                let request = (polls * 2).to_be_bytes();
                let mut call = Box::pin(client.call(&request));
                let mut left = polls;
                std::future::poll_fn(|context| {
                    let done = call.as_mut().poll(context).is_ready();
                    left = left.saturating_sub(1);
                    if done || left == 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
                })
                .await;
                drop(call);
                let request = (polls * 2 + 1).to_be_bytes();
                assert_eq!(
                    client.call(&request).await.unwrap()[..],
                    request,
                    "{template}: the reply belongs to the request"
                );
            }
        });
    }
}
