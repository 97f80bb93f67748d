//! Calls in flight end in time while other messages arrive, and a reply that arrived before the timeout counts.

use std::thread;
use std::time::{Duration, Instant};

use framelink_testkit::{ReadStep, ScriptedStream};
use framelink_transport::heartbeat::Role;
use framelink_transport::nonblocking::{Event, TryCall};
use framelink_transport::session::{KeyRule, Matching};
use framelink_transport::{Cause, FramingPair, TryRecv, blocking, nonblocking, tokio as on_tokio};

use super::stream::{Flood, PING, ping, scripted};
use crate::support::driver::{DEADLINE, framing};

const NEWS: &[u8] = b"\0\x07no news\0\x07no news\0\x07no news\0\x07no news";
const SHORT: Duration = Duration::from_millis(50);

fn by_key() -> Matching {
    Matching::by_key(KeyRule::at("0:2".parse().unwrap()))
}

/// Returns the next event that concerns a call.
fn of_a_call(duplex: &mut nonblocking::Duplex<FramingPair, impl std::io::Read + nonblocking::WriteStream>) -> Event {
    let began = Instant::now();
    loop {
        match duplex.try_recv().unwrap() {
            TryRecv::Message(Event::Incoming(_)) | TryRecv::Nothing => {}
            TryRecv::Message(event) => return event,
            TryRecv::Closed => panic!("the connection is open"),
        }
        assert!(began.elapsed() < DEADLINE, "the call never ends");
    }
}

#[test]
fn a_call_ends_in_time_during_a_flood_of_messages_on_the_non_blocking_driver() {
    for bytes in [NEWS, PING] {
        let mut connection = nonblocking::Connection::new(Flood::new(bytes, usize::MAX), framing("net:2"));
        connection.watch(ping(), Role::Server);
        let mut duplex = connection.duplex(by_key());
        let TryCall::Begun(begun) = duplex.try_call(b"01", SHORT).unwrap() else { panic!("the window has room") };
        let Event::Failed { call, error } = of_a_call(&mut duplex) else { panic!("the peer sends no reply") };
        assert_eq!(call, begun);
        assert!(matches!(error.error().cause(), Cause::TimedOut { .. }), "{error}");
    }
}

#[test]
fn a_reply_that_arrived_in_time_counts_even_behind_other_messages() {
    let news = std::iter::repeat_n(ReadStep::bytes(NEWS), 1000);
    let (stream, script) = scripted(news, []);
    let mut duplex = nonblocking::Connection::new(stream, framing("net:2")).duplex(by_key());
    let TryCall::Begun(begun) = duplex.try_call(b"01", SHORT).unwrap() else { panic!("the window has room") };
    script.push_reads([ReadStep::bytes(b"\0\x0201")]);
    thread::sleep(SHORT * 2);
    let Event::Reply { call, .. } = of_a_call(&mut duplex) else { panic!("the reply has arrived") };
    assert_eq!(call, begun);
}

#[test]
fn a_call_ends_in_time_during_a_flood_of_messages_on_the_blocking_driver() {
    let flood = Flood::new(NEWS, usize::MAX);
    let connection = blocking::Connection::<FramingPair, _, _>::from_parts(flood.clone(), flood, framing("net:2"));
    let (caller, mut receiver) = connection.duplex(by_key());
    let receiving = thread::spawn(move || while receiver.recv().is_ok() {});
    let error = caller.call(b"01", SHORT).unwrap_err();
    assert!(matches!(error.error().cause(), Cause::TimedOut { .. }), "{error}");
    caller.abort();
    receiving.join().unwrap();
}

#[tokio::test]
async fn a_call_ends_in_time_during_a_flood_of_messages_on_tokio() {
    let (writer, _script) = ScriptedStream::new([], []);
    let connection =
        on_tokio::Connection::<FramingPair, _, _>::from_parts(Flood::new(NEWS, usize::MAX), writer, framing("net:2"));
    let (caller, mut receiver) = connection.duplex(by_key());
    let receiving = tokio::spawn(async move { while receiver.recv().await.is_ok() {} });
    let error = caller.call(b"01", SHORT).await.unwrap_err();
    assert!(matches!(error.error().cause(), Cause::TimedOut { .. }), "{error}");
    caller.abort();
    receiving.await.unwrap();
}
