//! Every fault of a client, as a server sees it byte by byte.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use framelink_testkit::{Fault, Hostile};
use support::{DEADLINE, Host, ask, half_close, read_exactly, read_once, read_to_end, send, unframed};

const PAUSE: Duration = Duration::from_millis(150);

/// Echoes each of these frames, then expects the client to end.
fn echo(server: &TcpStream, frames: &[&[u8]]) {
    for frame in frames {
        assert_eq!(read_exactly(server, frame.len()), *frame);
        send(server, frame);
    }
    assert_eq!(read_to_end(server), (vec![], Ok(())));
}

#[test]
fn an_honest_client_waits_for_each_reply_and_ends() {
    let (peer, server) = ask(Fault::None, |peer| peer);
    echo(&server, &[b"0003one", b"0003two", b"0005three"]);
    drop(server);
    assert!(peer.wait_for(DEADLINE, |counts| counts.ended == 1));
    let counts = peer.stop();
    assert_eq!((counts.messages_sent, counts.messages_received), (3, 3));
}

#[test]
fn a_client_has_messages_that_its_framing_can_send() {
    let host = Host::listen();
    let _peer = Hostile::dial(host.address, unframed("line"), Fault::None).unwrap();
    let server = host.accept();
    echo(&server, &[b"message 1\r\n", b"message 2\r\n", b"message 3\r\n"]);

    let _peer = Hostile::dial(host.address, unframed("until-close"), Fault::None).unwrap();
    assert_eq!(read_to_end(&host.accept()), (b"message 1".to_vec(), Ok(())));
}

#[test]
fn a_client_stops_waiting_for_a_missing_reply() {
    let (peer, server) = ask(Fault::None, |peer| peer.patience(PAUSE));
    assert_eq!(read_exactly(&server, 23), b"0003one0003two0005three");
    assert!(peer.wait_for(DEADLINE, |counts| counts.ended == 1));
}

#[test]
fn dribble_and_split_header_send_pieces() {
    let (_peer, server) = ask(Fault::Dribble, |peer| peer.delay(PAUSE));
    let pieces: Vec<_> = (0..7).map(|_| read_once(&server)).collect();
    assert_eq!(pieces, [b"0", b"0", b"0", b"3", b"o", b"n", b"e"]);

    let (_peer, server) = ask(Fault::SplitHeader, |peer| peer.delay(PAUSE));
    let first = read_once(&server);
    assert!((1..4).contains(&first.len()), "{first:?} is a part of the header");
    assert_eq!([first, read_once(&server)].concat(), b"0003one");
}

#[test]
fn coalesce_sends_all_in_one_segment() {
    let (_peer, server) = ask(Fault::Coalesce, |peer| peer.count(4));
    let all = b"0003one0003two0005three0003one";
    assert_eq!(read_once(&server), all);
    send(&server, all);
    assert_eq!(read_to_end(&server), (vec![], Ok(())));
}

#[test]
fn a_cut_message_ends_with_fin_or_reset() {
    let (_peer, server) = ask(Fault::CutFin, |peer| peer.cut_at(5));
    assert_eq!(read_to_end(&server), (b"0003o".to_vec(), Ok(())));

    let (_peer, server) = ask(Fault::CutReset, |peer| peer.cut_at(2).count(1));
    assert_eq!(read_exactly(&server, 7), b"0003one", "a good one first");
    send(&server, b"0002ok");
    assert_eq!(read_to_end(&server), (b"00".to_vec(), Err(ErrorKind::ConnectionReset)));
}

#[test]
fn bad_headers_are_sent_and_the_server_closes() {
    for (fault, is_number) in [(Fault::GarbageLength, false), (Fault::Oversize, true)] {
        let (peer, server) = ask(fault, |peer| peer);
        let header = String::from_utf8_lossy(&read_exactly(&server, 4)).into_owned();
        assert_eq!(header.parse::<u32>().is_ok_and(|number| number > 2048), is_number, "{fault}: {header}");
        drop(server);
        assert!(peer.wait_for(DEADLINE, |counts| counts.ended == 1));
    }
}

#[test]
fn an_empty_flood_comes_before_the_messages() {
    let (_peer, server) = ask(Fault::EmptyFlood, |peer| peer.count(5));
    assert_eq!(read_exactly(&server, 27), b"000000000000000000000003one");
}

#[test]
fn silent_sends_nothing_and_reads() {
    let (peer, server) = ask(Fault::Silent, |peer| peer);
    send(&server, b"0002hi");
    assert!(peer.wait_for(DEADLINE, |counts| counts.messages_received == 1));
    half_close(&server);
    assert_eq!(read_to_end(&server), (vec![], Ok(())));
}

#[test]
fn late_sends_after_the_delay() {
    let before = Instant::now();
    let (_peer, server) = ask(Fault::Late, |peer| peer.delay(PAUSE));
    assert_eq!(read_exactly(&server, 7), b"0003one");
    assert!(before.elapsed() >= PAUSE);
}

#[test]
fn twice_sends_each_message_twice() {
    let (_peer, server) = ask(Fault::Twice, |peer| peer);
    echo(&server, &[b"0003one0003one", b"0003two0003two", b"0005three0005three"]);
}

#[test]
fn out_of_order_swaps_two_messages() {
    let (_peer, server) = ask(Fault::OutOfOrder, |peer| peer);
    echo(&server, &[b"0003two0003one", b"0005three"]);
}

#[test]
fn shuffled_sends_all_in_any_order() {
    let mut orders = std::collections::HashSet::new();
    for seed in 0..8 {
        let (_peer, server) = ask(Fault::Shuffled, |peer| peer.seed(seed).messages(["one", "two", "six"]));
        let came = read_exactly(&server, 21);
        let mut frames: Vec<_> = came.chunks(7).collect();
        orders.insert(came.clone());
        frames.sort_unstable();
        assert_eq!(frames, [b"0003one", b"0003six", b"0003two"]);
    }
    assert!(orders.len() > 1, "the seed decides");
}

#[test]
fn unasked_sends_more_than_it_waits_for() {
    let (_peer, server) = ask(Fault::Unsolicited, |peer| peer.messages(["one"]));
    assert_eq!(read_exactly(&server, 21), b"0003one0003one0003one");
    send(&server, b"0002ok");
    assert_eq!(read_to_end(&server), (vec![], Ok(())), "one reply is enough");
}

#[test]
fn deaf_sends_until_the_socket_is_full_and_reads_nothing() {
    let (peer, mut server) = ask(Fault::Deaf, |peer| peer);
    server.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    assert_eq!(read_exactly(&server, 7), b"0003one");
    let mut written = 0;
    while let Ok(count) = server.write(&[b'0'; 65536]) {
        written += count;
        assert!(written < 64 << 20, "the peer reads");
    }
    let counts = peer.stop();
    assert!(counts.messages_sent > 3, "{counts:?}");
    assert_eq!(counts.bytes_received, 0);
}

#[test]
fn stops_sends_a_few_messages_and_keeps_the_connection() {
    let (_peer, mut server) = ask(Fault::Stops, |peer| peer.count(1));
    assert_eq!(read_exactly(&server, 7), b"0003one");
    send(&server, b"0002ok");
    server.set_read_timeout(Some(PAUSE)).unwrap();
    let nothing = server.read(&mut [0]).unwrap_err().kind();
    assert!(matches!(nothing, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{nothing:?}");
}

#[test]
fn a_heartbeat_storm_answers_each_frame_with_more() {
    let (_peer, server) = ask(Fault::HeartbeatStorm, |peer| peer.count(2).messages(["one"]));
    assert_eq!(read_exactly(&server, 15), b"0003one00000000");
    send(&server, b"0000");
    assert_eq!(read_exactly(&server, 12), b"000000000000");
}

#[test]
fn slam_closes_at_once() {
    let (peer, server) = ask(Fault::Slam, |peer| peer);
    assert_eq!(read_to_end(&server), (vec![], Ok(())));
    assert!(peer.wait_for(DEADLINE, |counts| counts.ended == 1));
}
