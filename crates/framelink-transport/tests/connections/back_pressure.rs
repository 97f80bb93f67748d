//! A peer that does not read: sends wait, and memory stays bounded.

use std::time::Duration;

use framelink_transport::tokio::{Connection, Connector};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use crate::support::streams::{Reader, Step, Then, framing, piped, poll_times, run, scripted};

/// A queue is full at 64 KiB, and one frame may exceed that.
const QUEUE: usize = 64 * 1024;
const FRAME: usize = 1000;

fn message(number: u32) -> Vec<u8> {
    let mut message = vec![0; FRAME - 2];
    message[..4].copy_from_slice(&number.to_be_bytes());
    message
}

/// A connection and its peer, over sockets with small buffers.
async fn small_sockets() -> (Connection, TcpStream) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_recv_buffer_size(8 * 1024).expect("a smaller buffer");
    socket.bind("127.0.0.1:0".parse().expect("an address")).expect("a port");
    let listener = socket.listen(1).expect("a backlog");
    let address = listener.local_addr().expect("an address");
    let connection = Connector::new(framing("net:2")).connect(address).await.expect("a connection");
    let stream = connection.stream().expect("the connection is open");
    socket2::SockRef::from(stream).set_send_buffer_size(8 * 1024).expect("a smaller buffer");
    (connection, listener.accept().await.expect("a connection").0)
}

#[tokio::test]
async fn messages_that_the_peer_does_not_read_are_accepted_up_to_a_bound_and_arrive_in_order() {
    // Linux doubles the buffer size that a socket is given. Our own queue is added to that.
    const KERNEL: usize = 256 * 1024;
    let test = async {
        let (mut connection, mut peer) = small_sockets().await;
        let mut accepted = 0;
        let mut tries = 0;
        while tries < 100 {
            match poll_times(connection.feed(&message(accepted)), 1) {
                Some(fed) => {
                    fed.unwrap();
                    accepted += 1;
                    tries = 0;
                }
                None => tries += 1,
            }
            let bytes = accepted as usize * FRAME;
            assert!(bytes <= QUEUE + FRAME + KERNEL, "{bytes} bytes were accepted");
            // Lets the runtime look at the sockets.
            tokio::task::yield_now().await;
        }
        assert!(accepted as usize * FRAME >= QUEUE / 2, "{accepted} messages were accepted");

        let reads = async {
            let mut frame = vec![0; FRAME];
            for number in 0..accepted + 500 {
                peer.read_exact(&mut frame).await.unwrap();
                assert_eq!(frame[2..], message(number), "in order");
            }
        };
        let sends = async {
            for number in accepted..accepted + 500 {
                connection.send(&message(number)).await.unwrap();
            }
        };
        tokio::join!(reads, sends);
    };
    timeout(Duration::from_secs(20), test).await.expect("within the deadline");
}

#[tokio::test]
async fn repeatedly_dropped_sends_do_not_grow_the_queue_beyond_its_bound() {
    let test = async {
        let (connection, mut peer) = small_sockets().await;
        let (_receiver, mut sender) = connection.split();
        let mut returned = Vec::new();
        for number in 0..2000 {
            if let Some(sent) = poll_times(sender.send(&message(number)), 1) {
                sent.unwrap();
                returned.push(number);
            }
            let queued = sender.unwritten() * FRAME;
            assert!(queued <= QUEUE + FRAME, "{queued} bytes are queued");
            tokio::task::yield_now().await;
        }
        let queued = sender.unwritten() * FRAME;
        assert!(queued >= QUEUE / 2 - FRAME, "the sockets are full and {queued} bytes are queued");

        let reads = async {
            let mut wire = Vec::new();
            peer.read_to_end(&mut wire).await.unwrap();
            wire
        };
        let ((), wire) = tokio::join!(async { sender.finish().await.unwrap() }, reads);
        let numbers: Vec<u32> =
            wire.chunks(FRAME).map(|frame| u32::from_be_bytes(frame[2..6].try_into().unwrap())).collect();
        assert!(wire.chunks(FRAME).zip(&numbers).all(|(frame, &number)| frame[2..] == message(number)), "whole frames");
        assert!(numbers.is_sorted_by(|one, next| one < next), "in order, none twice: {numbers:?}");
        assert!(returned.iter().all(|number| numbers.contains(number)), "no sent message is lost");
        assert!(numbers.len() < 1000, "most messages are never accepted");
    };
    timeout(Duration::from_secs(20), test).await.expect("within the deadline");
}

#[tokio::test(start_paused = true)]
async fn feeding_stops_at_64_kib_and_one_frame_and_goes_on_when_the_peer_reads() {
    tokio::task::unconstrained(async {
        const PIPE: usize = 8 * 1024;
        let (mut connection, mut peer) = piped("net:2", PIPE);
        let mut fed = 0;
        while poll_times(connection.feed(&message(fed)), 5).is_some() {
            fed += 1;
        }
        let bytes = fed as usize * FRAME;
        assert!(bytes > QUEUE - FRAME && bytes <= QUEUE + PIPE + FRAME, "{bytes} bytes were accepted");

        let reads = async {
            let mut received = 0;
            while received < 5 * fed {
                let mut frame = vec![0; FRAME];
                peer.read_exact(&mut frame).await.expect("a frame");
                assert_eq!(frame[2..], message(received), "in order");
                received += 1;
            }
        };
        let feeds = async {
            for number in fed..5 * fed {
                connection.feed(&message(number)).await.expect("accepted");
            }
            connection.flush().await.expect("written");
        };
        tokio::join!(reads, feeds);
    })
    .await;
}

#[test]
fn a_queue_that_is_never_empty_keeps_its_order_and_its_bound() {
    // The peer takes a little less than is fed, in every round.
    let steps = [Step::Bytes(700), Step::Pending, Step::Bytes(30_000), Step::Pending, Step::Bytes(1)];
    let (mut connection, written) = scripted("net:2", Reader::new(b"", &[Step::Pending], Then::Wait), &steps);
    for number in 0..2000 {
        run(connection.feed(&message(number))).unwrap();
        let fed = (number as usize + 1) * FRAME;
        assert!(fed - written.all().len() <= QUEUE + FRAME, "{fed} bytes were fed");
    }
    run(connection.flush()).unwrap();
    let expected: Vec<u8> = (0..2000).flat_map(|number| [vec![3, 230], message(number)].concat()).collect();
    assert!(written.all() == expected, "in order, none lost");
}

#[tokio::test]
async fn a_slow_receiver_reads_ahead_only_up_to_a_bound() {
    let test = async {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let peer = tokio::net::TcpStream::connect(address).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = Connection::from_stream(stream, framing("net:2"));
        let writer = tokio::spawn(async move {
            let mut sender = Connection::from_stream(peer, framing("net:2"));
            for number in 0..20_000 {
                sender.send(&message(number)).await.expect("written");
            }
            sender
        });
        // The peer sends 20 MB, and one message of it is received.
        assert_eq!(connection.recv().await.unwrap().unwrap()[..], message(0));
        // The writer writes only what the sockets hold, however often the runtime polls it.
        for _ in 0..1000 {
            tokio::task::yield_now().await;
        }
        assert!(!writer.is_finished(), "the receiver holds 20 MB");
        for number in 1..20_000 {
            assert_eq!(connection.recv().await.unwrap().unwrap()[..], message(number), "in order");
        }
        drop(writer.await.unwrap());
        assert!(connection.recv().await.unwrap().is_none());
    };
    timeout(Duration::from_secs(30), test).await.expect("within the deadline");
}
