//! Every fault of the hostile peer, on every driver: a call ends in time, with its own reply or an error.

use std::time::{Duration, Instant};

use framelink_testkit::{Fault, Hostile};
use framelink_transport::session::Sent;
use framelink_transport::{Framing, TryRecv};

use crate::support::driver::{DEADLINE, Driver, framing, on_every_driver};

const CALLS: u32 = 6;
const PATIENCE: Duration = Duration::from_millis(150);

on_every_driver!(
    a_hostile_server_never_gives_one_call_the_reply_of_another,
    a_hostile_server_never_holds_a_receiver_beyond_its_timeout
);

fn peer(fault: Fault, notation: &str) -> Hostile {
    let framing: Framing = notation.parse().unwrap();
    // A fault that dribbles bytes stays within the timeout of a call. A fault that is late does not.
    let delay = if answers(fault) { Duration::from_millis(1) } else { PATIENCE * 2 };
    Hostile::builder(framing, fault).seed(7).delay(delay).count(20_000).listen("127.0.0.1:0").unwrap()
}

/// Returns whether a call with enough time has its reply.
fn answers(fault: Fault) -> bool {
    matches!(fault, Fault::None | Fault::Dribble | Fault::SplitHeader)
}

fn a_hostile_server_never_gives_one_call_the_reply_of_another<D: Driver>() {
    for &fault in Fault::ALL {
        let peer = peer(fault, "ascii:4,max=2KiB");
        let mut connection: Option<D> = None;
        let (mut answered, mut failed) = (0, 0);
        let patience = if answers(fault) { DEADLINE } else { PATIENCE };
        for i in 0..CALLS {
            let request = format!("request {i}");
            let mut ours = connection
                .take()
                .unwrap_or_else(|| D::connect(peer.local_addr(), framing("ascii:4,max=2KiB")).expect("a connection"));
            let began = Instant::now();
            match ours.call(request.as_bytes(), patience) {
                Ok(reply) => {
                    // An unsolicited message that arrives behind the request cannot be told from a reply.
                    // Neither can a copy that arrives at that moment. A shuffled peer sends both, on some connections.
                    let unsolicited = matches!(
                        fault,
                        Fault::Unsolicited | Fault::Twice | Fault::Shuffled | Fault::EmptyFlood | Fault::HeartbeatStorm
                    );
                    assert!(reply[..] == *request.as_bytes() || unsolicited, "{} of {fault}: another reply", D::NAME);
                    answered += 1;
                    connection = Some(ours);
                }
                Err(error) => {
                    assert!(began.elapsed() < DEADLINE, "{} of {fault}: {:?}", D::NAME, began.elapsed());
                    assert!(error.to_string().len() > 30, "{} of {fault}: {error}", D::NAME);
                    // After a request that may have been sent, the connection refuses all use.
                    if error.sent() != Sent::Not {
                        assert!(ours.call(b"again", PATIENCE).is_err(), "{} of {fault}", D::NAME);
                    }
                    failed += 1;
                }
            }
        }
        assert_eq!(answered + failed, CALLS);
        if answers(fault) {
            assert!(answered > 0, "{} of {fault}: this fault answers some calls", D::NAME);
        }
    }
}

fn a_hostile_server_never_holds_a_receiver_beyond_its_timeout<D: Driver>() {
    for &fault in Fault::ALL {
        let peer = peer(fault, "net:2,max=2KiB");
        let mut ours = D::connect(peer.local_addr(), framing("net:2,max=2KiB")).unwrap();
        let began = Instant::now();
        for _ in 0..3 {
            let _ = ours.send_within(b"hello", PATIENCE);
        }
        // Receives until the end, an error, or silence.
        while let Ok(TryRecv::Message(message)) = ours.recv_within(PATIENCE) {
            assert!(message.len() <= 2048, "{} of {fault}: {} bytes", D::NAME, message.len());
        }
        let _ = ours.close(PATIENCE);
        assert!(began.elapsed() < DEADLINE, "{} of {fault}: {:?}", D::NAME, began.elapsed());
    }
}
