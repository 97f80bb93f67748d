//! Codecs from outside the project, a user's own and one of tokio-util, on all three drivers.

use std::time::Duration;

use framelink_codec::example::OneByte;
use framelink_codec::{Decode, Encode, ForeignCodec};
use framelink_transport::{SocketOptions, blocking, nonblocking, tokio};
use tokio_util::codec::{LengthDelimitedCodec, LinesCodec};

const SECONDS: Duration = Duration::from_secs(10);

/// Starts an echo server on a thread, with the blocking driver and this codec. Returns its address.
fn echo<C: Decode + Encode + Clone + Send + Sync + 'static>(codec: &C) -> std::net::SocketAddr {
    let mut listener =
        blocking::Listener::bind_with("127.0.0.1:0", codec.clone(), SocketOptions::new()).expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        while let Ok(Some(mut connection)) = listener.accept() {
            std::thread::spawn(move || {
                while let Ok(Some(message)) = connection.recv() {
                    if connection.send(&message).is_err() {
                        return;
                    }
                }
            });
        }
    });
    address
}

/// Asserts on each driver that each message is echoed unchanged, and that the `refused` one cannot be sent.
fn check<C: Decode + Encode + Clone + Send + Sync + 'static>(codec: &C, messages: &[Vec<u8>], refused: &[u8]) {
    let address = echo(codec);

    let mut connection = blocking::Connector::with_codec(codec.clone()).connect(address).expect("a connection");
    for message in messages {
        assert!(connection.call(message, SECONDS).expect("a reply")[..] == message[..], "blocking");
    }
    assert!(connection.send(refused).is_err());

    let mut connection = nonblocking::Connector::with_codec(codec.clone()).connect(address).expect("a connection");
    for message in messages {
        assert!(connection.call(message, SECONDS).expect("a reply")[..] == message[..], "non-blocking");
    }
    assert!(connection.try_send(refused).is_err());

    let runtime = ::tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut connection = tokio::Connector::with_codec(codec.clone()).connect(address).await.expect("a connection");
        for message in messages {
            assert!(connection.call(message, SECONDS).await.expect("a reply")[..] == message[..], "tokio");
        }
        assert!(connection.send(refused).await.is_err());
    });
}

#[test]
fn a_users_codec_runs_on_every_driver() {
    check(&OneByte, &[vec![], b"hello".to_vec(), vec![7; 255]], &[7; 256]);
}

#[test]
fn a_length_delimited_codec_of_tokio_util_runs_on_every_driver() {
    let codec = ForeignCodec::new(LengthDelimitedCodec::new());
    let sealed = |len: usize| codec.seal(bytes::Bytes::from(vec![7; len])).expect("a frame").to_vec();
    check(&codec, &[sealed(0), sealed(5), sealed(65_536), sealed(1_000_000)], b"\0\0\0\x05hell");
    assert_eq!(codec.open(&sealed(5)).expect("an item"), &[7; 5][..]);
}

#[test]
fn a_lines_codec_of_tokio_util_runs_on_every_driver() {
    let codec = ForeignCodec::new(LinesCodec::new());
    check(&codec, &[b"\n".to_vec(), b"hello\n".to_vec()], b"no end");
}
