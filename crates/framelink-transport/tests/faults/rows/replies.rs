//! Rows 17 to 21: replies that are missing, late, repeated, out of order, or unsolicited.

use std::time::{Duration, Instant};

use framelink_transport::session::{KeyRule, Matching, Sent};
use framelink_transport::{Cause, Incoming};

use crate::cell::Cell;
use crate::driver::DEADLINE;
use crate::ends::Ends;
use crate::many::{Happened, Many as _};
use crate::peer::Task;

/// The timeout of calls that are to time out.
const SOON: Duration = Duration::from_millis(40);

fn by_key() -> Matching {
    Matching::by_key(KeyRule::at("0:2".parse().unwrap()))
}

pub(crate) fn none<D: Ends>(cell: Cell) {
    let (mut ours, peer) = cell.pair::<D>();
    let error = ours.call(b"hello", SOON).unwrap_err();
    assert!(matches!(error.error().cause(), Cause::TimedOut { .. }), "{error}");
    assert_eq!(error.sent(), Sent::NoReply, "{error}");
    // Without a key the connection is unusable after a timeout.
    let error = ours.call(b"again", DEADLINE).unwrap_err();
    assert!(matches!(error.error().cause(), Cause::Unclean(_)), "{error}");
    assert_eq!(error.sent(), Sent::Not, "{error}");
    assert_eq!(cell.read(&peer), b"hello");
    drop(ours);
    assert!(crate::peer::read_to_end(&peer).is_empty(), "no byte of the second call is written");
}

pub(crate) fn late<D: Ends>(cell: Cell) {
    let (mut ours, peer) = cell.pair::<D>();
    assert_eq!(ours.call(b"first", SOON).unwrap_err().sent(), Sent::NoReply);
    cell.write(&peer, b"reply to the first");
    for _ in 0..2 {
        let error = ours.call(b"second", DEADLINE).unwrap_err();
        assert_eq!(error.sent(), Sent::Not, "{error}");
    }

    // With a key the reply is reported as late, and the next call has its own reply.
    let (stream, peer) = cell.sockets();
    let mut ours = D::Many::new(stream, cell.framing(), by_key());
    ours.begin(1, b"01 first", SOON);
    assert_eq!(ours.failure(1).sent(), Sent::NoReply);
    assert_eq!(cell.read(&peer), b"01 first");
    cell.write(&peer, b"01 reply");
    ours.begin(2, b"02 second", DEADLINE);
    assert_eq!(cell.read(&peer), b"02 second");
    cell.write(&peer, b"02 reply");
    assert_eq!(&ours.reply(2)[..], b"02 reply");
    let late = ours.received();
    assert!(
        matches!(&late, Happened::Incoming(Incoming::Late(late)) if &late.message()[..] == b"01 reply"),
        "{late:?}"
    );
}

pub(crate) fn twice<D: Ends>(cell: Cell) {
    let (mut ours, peer) = cell.pair::<D>();
    let replying = Task::start(move || {
        let request = cell.read(&peer);
        std::io::Write::write_all(&mut &peer, &cell.frames(&[&request, &request])).unwrap();
        peer
    });
    assert_eq!(&ours.call(b"first", DEADLINE).unwrap()[..], b"first");
    let error = ours.call(b"second", DEADLINE).unwrap_err();
    assert!(matches!(error.error().cause(), Cause::Unsolicited), "{error}");
    assert_eq!(error.sent(), Sent::Not, "{error}");
    replying.join();

    // With a key the copy answers no call.
    let (stream, peer) = cell.sockets();
    let mut ours = D::Many::new(stream, cell.framing(), by_key());
    ours.begin(1, b"01 first", DEADLINE);
    assert_eq!(cell.read(&peer), b"01 first");
    std::io::Write::write_all(&mut &peer, &cell.frames(&[b"01 reply", b"01 reply"])).unwrap();
    assert_eq!(&ours.reply(1)[..], b"01 reply");
    let copy = ours.received();
    assert!(matches!(&copy, Happened::Incoming(Incoming::Message(copy)) if &copy[..] == b"01 reply"), "{copy:?}");
    ours.begin(2, b"02 second", DEADLINE);
    assert_eq!(cell.read(&peer), b"02 second");
    cell.write(&peer, b"02 reply");
    assert_eq!(&ours.reply(2)[..], b"02 reply");
}

pub(crate) fn in_another_order<D: Ends>(cell: Cell) {
    const CALLS: usize = 8;
    let (stream, peer) = cell.sockets();
    let mut ours = D::Many::new(stream, cell.framing(), by_key());
    for call in 0..CALLS {
        ours.begin(call, format!("{call:02} request").as_bytes(), DEADLINE);
    }
    let requests: Vec<_> = (0..CALLS).map(|_| cell.read(&peer)).collect();
    for request in requests.iter().rev() {
        cell.write(&peer, &[&request[..2], b" reply"].concat());
    }
    for call in 0..CALLS {
        assert_eq!(ours.reply(call)[..], *format!("{call:02} reply").as_bytes());
    }
    assert_eq!((ours.in_flight(), ours.unanswered()), (0, 0));
}

pub(crate) fn unsolicited<D: Ends>(cell: Cell) {
    let (stream, peer) = cell.sockets();
    let looking = stream.try_clone().unwrap();
    let mut ours = D::adopt(stream, cell.framing());
    let replying = Task::start(move || {
        let request = cell.read(&peer);
        cell.write(&peer, &request);
        peer
    });
    assert_eq!(&ours.call(b"first", DEADLINE).unwrap()[..], b"first");
    let peer = replying.join();
    // The message arrives while the connection is idle. The next call begins when it has arrived.
    cell.write(&peer, b"unasked");
    let began = Instant::now();
    while !matches!(looking.peek(&mut [0]), Ok(1)) {
        assert!(began.elapsed() < DEADLINE);
        std::thread::yield_now();
    }
    let error = ours.call(b"second", DEADLINE).unwrap_err();
    assert!(matches!(error.error().cause(), Cause::Unsolicited), "{error}");
    assert_eq!(error.sent(), Sent::Not, "{error}");
}
