//! A close that someone else may have caused is told from an orderly one.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use framelink_transport::tls::{TlsEnd, TlsError};
use framelink_transport::{Cause, blocking};
use rustls::{ClientConnection, StreamOwned};

use crate::support::certificates::server_name;
use crate::support::tls::{configs, server};
use crate::support::{DEADLINE, framing};

/// Sends these bytes and closes, with or without `close_notify`. Returns the other end, and the thread of the peer.
fn close_after(
    notation: &str,
    bytes: &'static [u8],
    is_orderly: bool,
) -> (blocking::Connection, JoinHandle<StreamOwned<ClientConnection, TcpStream>>) {
    let mut listener = blocking::Listener::bind("127.0.0.1:0", framing(notation)).unwrap().tls(server());
    let address = listener.local_addr().unwrap();
    let peer = thread::spawn(move || {
        let client = ClientConnection::new(Arc::clone(&configs().0), server_name()).unwrap();
        let mut stream = StreamOwned::new(client, TcpStream::connect(address).unwrap());
        stream.write_all(bytes).unwrap();
        if is_orderly {
            stream.conn.send_close_notify();
        }
        stream.flush().unwrap();
        stream.sock.shutdown(Shutdown::Write).unwrap();
        stream
    });
    (listener.accept().unwrap().unwrap(), peer)
}

#[test]
fn a_message_that_ends_with_the_close_is_delivered_only_after_an_orderly_close() {
    let (mut accepted, _peer) = close_after("until-close", b"pay 100", true);
    assert_eq!(&accepted.recv().unwrap().unwrap()[..], b"pay 100");
    assert_eq!(accepted.tls().unwrap().end, TlsEnd::CloseNotify);

    let (mut accepted, _peer) = close_after("until-close", b"pay 100", false);
    let error = accepted.recv().unwrap_err();
    assert!(matches!(error.cause(), Cause::Tls(TlsError::CutOff)), "{error}");
    assert!(error.to_string().ends_with(
        "the peer closed the connection without the close_notify of TLS, so that the message may have been cut off"
    ));
}

#[test]
fn other_messages_are_whole_and_the_close_is_told() {
    for (is_orderly, end) in [(true, TlsEnd::CloseNotify), (false, TlsEnd::CutOff)] {
        let (mut accepted, peer) = close_after("net:2", b"\x00\x05hello", is_orderly);
        assert_eq!(&accepted.recv().unwrap().unwrap()[..], b"hello");
        assert!(accepted.recv().unwrap().is_none());
        assert_eq!(accepted.tls().unwrap().end, end);
        drop(peer.join().unwrap());
        assert!(accepted.close(DEADLINE).unwrap().peer_closed);
    }
}

#[test]
fn silence_ends_a_message_and_a_cut_inside_it_is_an_error() {
    let (mut accepted, _peer) = close_after("quiet:1h", b"half", false);
    let error = accepted.recv().unwrap_err();
    assert!(matches!(error.cause(), Cause::Tls(TlsError::CutOff)), "{error}");
}
