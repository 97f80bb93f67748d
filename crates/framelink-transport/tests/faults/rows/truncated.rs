//! Rows 6 and 11: orderly ends, between frames and inside frames.

use std::io::Write;

use framelink_transport::{Blame, Cause};

use crate::cell::{Cell, Role, next};
use crate::ends::Ends;
use crate::peer::{half_close, read_to_end};

pub(crate) fn at_each_byte<D: Ends>(cell: Cell) {
    let frame = cell.frame(b"hello");
    for came in 0..frame.len() {
        let (mut ours, peer) = cell.pair::<D>();
        (&peer).write_all(&[&cell.frame(b"whole"), &frame[..came]].concat()).unwrap();
        half_close(&peer);
        assert_eq!(next(&mut ours), b"whole");
        match came {
            0 => assert!(ours.recv().unwrap().is_none(), "an end between frames is orderly"),
            _ => {
                let error = ours.recv().unwrap_err();
                assert!(matches!(error.cause(), Cause::Fault(_)) && error.blame() == Blame::Peer, "{error}");
                let text = error.to_string();
                let owed = if came < cell.header_len() { cell.header_len() } else { frame.len() } - came;
                let said = format!("{came} byte{} came, at least {owed} more", if came == 1 { "" } else { "s" });
                assert!(text.contains("stream ended inside a frame") && text.contains(&said), "{said}: {text}");
                assert!(ours.recv().is_err(), "the error never becomes an orderly end");
            }
        }
    }
}

pub(crate) fn half_closed_with_a_reply_owed<D: Ends>(cell: Cell) {
    match cell.role {
        // The peer dials, sends a request and half-closes. The server of each driver answers it.
        Role::Server => {
            let (address, server) =
                D::echo_slowly(cell.profile().build().unwrap(), std::time::Duration::from_millis(20));
            let peer = crate::peer::ready(std::net::TcpStream::connect(address).unwrap());
            (&peer).write_all(&cell.frames(&[b"first", b"then "])).unwrap();
            half_close(&peer);
            assert_eq!(read_to_end(&peer), cell.frames(&[b"first", b"then "]));
            assert_eq!(server.join().unwrap(), 2);
        }
        Role::Client => {
            let (mut ours, peer) = cell.pair::<D>();
            (&peer).write_all(&cell.frame(b"question")).unwrap();
            half_close(&peer);
            assert_eq!(next(&mut ours), b"question");
            assert!(ours.recv().unwrap().is_none());
            ours.send(b"answer").unwrap();
            ours.finish().unwrap();
            assert_eq!(read_to_end(&peer), cell.frame(b"answer"));
        }
    }
}
