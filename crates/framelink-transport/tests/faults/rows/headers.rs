//! Rows 4 and 5: headers that are refused.

use std::io::Write;

use framelink_transport::{Blame, Cause, Operation};

use crate::cell::{Cell, Wire, next};
use crate::ends::Ends;

/// Bytes that are no header of the framing, and a word of the error. (Many a text is a valid length in packed digits.)
fn garbage_of(wire: Wire) -> [(&'static [u8], &'static str); 3] {
    match wire {
        Wire::Ascii4 => [(b"00a5hello", "0x61"), (b"\x00\x00\x00\x05hello", "0x00"), (b"GET / HTTP/1.1\r\n", "HTTP")],
        Wire::Bcd2 => [(b"\x00\x0ahello", "0x0a"), (b"\xff\xffhello", "0xff"), (b"\n\nhello", "0x0a")],
        _ => [
            (b"\xff\xff\xff\xffhello", "4294967295"),
            (b"\x16\x03\x01\x02\0\x01", "TLS"),
            (b"GET / HTTP/1.1\r\n", "HTTP"),
        ],
    }
}

pub(crate) fn garbage<D: Ends>(cell: Cell) {
    for (garbage, word) in garbage_of(cell.wire) {
        let (mut ours, peer) = cell.pair::<D>();
        (&peer).write_all(&[&cell.frame(b"good"), garbage].concat()).unwrap();
        assert_eq!(next(&mut ours), b"good", "the message before the garbage is delivered");
        let error = ours.recv().unwrap_err();
        assert!(matches!(error.cause(), Cause::Fault(_)), "{error}");
        assert_eq!((error.operation(), error.blame()), (Operation::Receive, Blame::Peer));
        assert!(error.to_string().contains(word), "{word} is not in: {error}");
        // No new start of a frame is searched for.
        let _ = (&peer).write_all(&cell.frame(b"good again"));
        for _ in 0..3 {
            assert_eq!(ours.recv().unwrap_err().to_string(), error.to_string(), "the error stays");
        }
    }
}

pub(crate) fn oversize<D: Ends>(cell: Cell) {
    const LIMIT: usize = 2048;
    let (mut ours, peer) = cell.pair_with::<D>(cell.framing_with("max=2KiB"));
    (&peer).write_all(&cell.frame(&[b'x'; LIMIT])).unwrap();
    assert_eq!(next(&mut ours).len(), LIMIT, "a payload of exactly the limit is allowed");
    for announced in [LIMIT + 1, 9999] {
        let (mut ours, peer) = cell.pair_with::<D>(cell.framing_with("max=2KiB"));
        // Only the header is sent: no payload byte follows.
        (&peer).write_all(&cell.header(announced)).unwrap();
        let error = ours.recv().unwrap_err();
        assert_eq!(error.blame(), Blame::Peer);
        let text = error.to_string();
        assert!(text.contains(&announced.to_string()) && text.contains("2048"), "{text}");
    }
}
