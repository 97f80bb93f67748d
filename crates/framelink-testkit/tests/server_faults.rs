//! Every fault of a server, as a client sees it byte by byte.

mod support;

use std::io::{ErrorKind, Read, Write};
use std::time::{Duration, Instant};

use framelink_testkit::{Fault, Hostile};
use support::{DEADLINE, dial, half_close, length, read_exactly, read_once, read_to_end, send, serve, unframed};

const PAUSE: Duration = Duration::from_millis(150);

#[test]
fn an_honest_server_echoes_until_the_client_ends() {
    let (peer, client) = serve(Fault::None, |peer| peer);
    send(&client, b"0005hello00000002hi");
    half_close(&client);
    assert_eq!(read_to_end(&client), (b"0005hello00000002hi".to_vec(), Ok(())));
    assert!(peer.wait_for(DEADLINE, |counts| counts.ended == 1));
    let counts = peer.stop();
    assert_eq!((counts.connections, counts.messages_received, counts.messages_sent), (1, 3, 3));
    assert_eq!((counts.bytes_received, counts.bytes_sent), (19, 19));
}

#[test]
fn a_server_echoes_with_any_framing() {
    for (framing, sent) in
        [("line", &b"hello\r\nyou\r\n"[..]), ("mllp", b"\x0bhi\x1c\r"), ("until-close", b"all\nof it")]
    {
        let peer = Hostile::listen("127.0.0.1:0", unframed(framing), Fault::None).unwrap();
        let client = dial(peer.local_addr());
        send(&client, sent);
        half_close(&client);
        assert_eq!(read_to_end(&client), (sent.to_vec(), Ok(())), "{framing}");
    }
    for framing in ["quiet:30ms", "each-read"] {
        let peer = Hostile::listen("127.0.0.1:0", unframed(framing), Fault::None).unwrap();
        let client = dial(peer.local_addr());
        send(&client, b"hello");
        assert_eq!(read_exactly(&client, 5), b"hello", "{framing}");
    }
}

#[test]
fn dribble_sends_one_byte_at_a_time() {
    let (_peer, client) = serve(Fault::Dribble, |peer| peer.delay(PAUSE));
    send(&client, b"0002hi");
    let pieces: Vec<_> = (0..6).map(|_| read_once(&client)).collect();
    assert_eq!(pieces, [b"0", b"0", b"0", b"2", b"h", b"i"]);
}

#[test]
fn shuffled_sends_all_answers_in_another_order() {
    const MESSAGES: usize = 400;
    let (peer, client) = serve(Fault::Shuffled, |peer| peer.delay(PAUSE).messages(["news00"]));
    let sent: Vec<String> = (0..MESSAGES).map(|number| format!("0006m{number:05}")).collect();
    send(&client, sent.concat().as_bytes());
    half_close(&client);
    let (came, end) = read_to_end(&client);
    assert_eq!(end, Ok(()));
    let came: Vec<String> = came.chunks(10).map(|frame| String::from_utf8(frame.to_vec()).unwrap()).collect();
    let (answers, unsolicited): (Vec<String>, Vec<String>) =
        came.into_iter().partition(|frame| frame.starts_with("0006m"));
    let mut once = answers.clone();
    once.sort();
    once.dedup();
    assert_eq!(once, sent, "each is answered");
    assert!(answers.len() > MESSAGES && !unsolicited.is_empty(), "some twice, and some unsolicited");
    assert_ne!(answers[..MESSAGES / 2], sent[..MESSAGES / 2]);
    let counts = peer.stop();
    assert_eq!(usize::try_from(counts.messages_received), Ok(MESSAGES));
}

#[test]
fn a_split_header_arrives_in_two_segments() {
    let mut places = Vec::new();
    for seed in 0..8 {
        let (_peer, client) = serve(Fault::SplitHeader, |peer| peer.delay(PAUSE).seed(seed));
        send(&client, b"0002hi");
        let first = read_once(&client);
        assert!((1..4).contains(&first.len()), "{first:?} is a part of the header");
        let second = read_once(&client);
        assert_eq!([&first[..], &second].concat(), b"0002hi");
        places.push(first.len());
    }
    assert!(places.iter().any(|place| *place != places[0]), "the seed chooses the place: {places:?}");
}

#[test]
fn coalesce_answers_many_with_one_segment() {
    let (_peer, client) = serve(Fault::Coalesce, |peer| peer.delay(PAUSE));
    send(&client, b"0003one0003two");
    send(&client, b"0005three");
    assert_eq!(read_once(&client), b"0003one0003two0005three");
    send(&client, b"0004last");
    assert_eq!(read_once(&client), b"0004last", "one alone is answered too");
}

#[test]
fn a_frame_is_cut_at_the_given_byte_and_ends_with_fin_or_reset() {
    for at in 0..=9 {
        // A frame that is not longer than that loses its last byte.
        let came = &b"0005hello"[..at.min(8)];
        let (_peer, client) = serve(Fault::CutFin, |peer| peer.cut_at(at));
        send(&client, b"0005hello");
        assert_eq!(read_to_end(&client), (came.to_vec(), Ok(())), "FIN after {at}");

        let (_peer, client) = serve(Fault::CutReset, |peer| peer.cut_at(at));
        send(&client, b"0005hello");
        assert_eq!(read_to_end(&client), (came.to_vec(), Err(ErrorKind::ConnectionReset)), "RST after {at}");
    }
}

#[test]
fn one_seed_cuts_a_frame_at_one_byte() {
    let cut = |seed| {
        let (_peer, client) = serve(Fault::CutFin, |peer| peer.seed(seed).count(1));
        send(&client, b"0002hi0026abcdefghijklmnopqrstuvwxyz");
        let (came, end) = read_to_end(&client);
        assert_eq!(end, Ok(()));
        assert!((7..36).contains(&came.len()), "behind a good answer, and inside the second: {came:?}");
        came.len()
    };
    let places: Vec<_> = (0..8).map(cut).collect();
    assert_eq!(places, (0..8).map(cut).collect::<Vec<_>>());
    assert!(places.iter().any(|place| *place != places[0]), "{places:?}");
}

#[test]
fn a_garbage_length_is_no_length_and_an_oversize_one_is_over_the_limit() {
    for seed in 0..20 {
        let (_peer, client) = serve(Fault::GarbageLength, |peer| peer.seed(seed));
        send(&client, b"0005hello");
        let header = read_exactly(&client, 4);
        assert!(header.iter().any(|byte| !byte.is_ascii_digit()), "{header:02x?}");

        let (peer, mut client) = serve(Fault::Oversize, |peer| peer.seed(seed).count(1));
        send(&client, b"0005hello0005again");
        assert_eq!(read_exactly(&client, 9), b"0005hello", "as many good ones as were asked for");
        let announced: usize = String::from_utf8(read_exactly(&client, 4)).unwrap().parse().unwrap();
        assert!(announced > 2048, "{announced}");
        // The server reads on until the client closes.
        client.write_all(b"0004more").unwrap();
        half_close(&client);
        assert!(peer.wait_for(DEADLINE, |counts| counts.ended == 1));
    }
}

#[test]
fn a_line_that_is_oversize_goes_on_beyond_the_limit() {
    let peer = Hostile::listen("127.0.0.1:0", unframed("line,max=100"), Fault::Oversize).unwrap();
    let client = dial(peer.local_addr());
    send(&client, b"hi\n");
    assert!(read_exactly(&client, 101).iter().all(|byte| !b"\r\n".contains(byte)));
}

#[test]
fn an_empty_flood_has_no_end_or_a_given_count() {
    let (peer, client) = serve(Fault::EmptyFlood, |peer| peer);
    assert_eq!(read_exactly(&client, 1 << 20), vec![b'0'; 1 << 20]);
    assert!(peer.stop().messages_sent >= 1 << 18, "and a blocked write ends when it is stopped");

    let (_peer, client) = serve(Fault::EmptyFlood, |peer| peer.count(3000));
    assert_eq!(read_exactly(&client, 12_000), vec![b'0'; 12_000]);
    send(&client, b"0002hi");
    assert_eq!(read_exactly(&client, 6), b"0002hi", "then it is honest");
}

#[test]
fn silent_reads_everything_and_sends_nothing() {
    let (peer, client) = serve(Fault::Silent, |peer| peer);
    for _ in 0..1000 {
        send(&client, &[b"1996", &[b'm'; 1996][..]].concat());
    }
    assert!(peer.wait_for(DEADLINE, |counts| counts.messages_received == 1000));
    half_close(&client);
    assert_eq!(read_to_end(&client), (vec![], Ok(())));
}

#[test]
fn late_answers_after_the_delay() {
    let (_peer, client) = serve(Fault::Late, |peer| peer.delay(PAUSE));
    let before = Instant::now();
    send(&client, b"0002hi");
    assert_eq!(read_exactly(&client, 6), b"0002hi");
    assert!(before.elapsed() >= PAUSE);
}

#[test]
fn twice_answers_each_message_twice() {
    let (_peer, client) = serve(Fault::Twice, |peer| peer);
    send(&client, b"0002hi");
    half_close(&client);
    assert_eq!(read_to_end(&client), (b"0002hi0002hi".to_vec(), Ok(())));
}

#[test]
fn out_of_order_swaps_two_answers_and_delays_a_single_one() {
    let (_peer, client) = serve(Fault::OutOfOrder, |peer| peer.delay(PAUSE));
    send(&client, b"0001a0001b");
    assert_eq!(read_exactly(&client, 10), b"0001b0001a");
    let before = Instant::now();
    send(&client, b"0001c");
    assert_eq!(read_exactly(&client, 5), b"0001c");
    assert!(before.elapsed() >= PAUSE);
}

#[test]
fn unasked_sends_before_the_first_answer_and_after_each() {
    let (_peer, client) = serve(Fault::Unsolicited, |peer| peer.messages(["hey"]).count(2));
    assert_eq!(read_exactly(&client, 14), b"0003hey0003hey");
    send(&client, b"0002hi");
    half_close(&client);
    assert_eq!(read_to_end(&client), (b"0002hi0003hey0003hey".to_vec(), Ok(())));
}

#[test]
fn deaf_reads_nothing_so_its_window_closes() {
    let (peer, mut client) = serve(Fault::Deaf, |peer| peer);
    client.set_write_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut written = 0;
    let error = loop {
        match client.write(&[b'0'; 65536]) {
            Ok(count) => written += count,
            Err(error) => break error.kind(),
        }
        assert!(written < 64 << 20, "the peer reads");
    };
    assert!(matches!(error, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error:?}");
    assert_eq!(peer.stop().bytes_received, 0);
}

#[test]
fn stops_answers_a_few_and_keeps_the_connection() {
    let (peer, mut client) = serve(Fault::Stops, |peer| peer.count(2));
    send(&client, b"0001a0001b");
    assert_eq!(read_exactly(&client, 10), b"0001a0001b");
    send(&client, b"0001c");
    client.set_read_timeout(Some(PAUSE)).unwrap();
    let nothing = client.read(&mut [0]).unwrap_err().kind();
    assert!(matches!(nothing, ErrorKind::WouldBlock | ErrorKind::TimedOut), "{nothing:?}");
    assert_eq!((peer.counts().messages_received, peer.counts().ended), (2, 0));
}

#[test]
fn a_heartbeat_storm_answers_each_beat_with_more() {
    let (_peer, client) = serve(Fault::HeartbeatStorm, |peer| peer.count(2));
    send(&client, b"0002hi0000");
    half_close(&client);
    assert_eq!(read_to_end(&client), (b"0002hi00000000000000000000".to_vec(), Ok(())));
}

#[test]
fn slam_closes_at_once() {
    let (peer, client) = serve(Fault::Slam, |peer| peer);
    assert_eq!(read_to_end(&client), (vec![], Ok(())));
    assert!(peer.wait_for(DEADLINE, |counts| counts.ended == 1));
}

#[test]
fn each_connection_has_a_thread_of_its_own() {
    let peer = Hostile::listen("127.0.0.1:0", length("net:2"), Fault::None).unwrap();
    let clients: Vec<_> = (0..20).map(|_| dial(peer.local_addr())).collect();
    for client in clients.iter().rev() {
        send(client, b"\0\x02hi");
        assert_eq!(read_exactly(client, 4), b"\0\x02hi");
    }
    assert_eq!(peer.stop().connections, 20);
}
