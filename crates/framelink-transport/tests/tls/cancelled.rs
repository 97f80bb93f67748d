//! A dropped `send` or `recv` of tokio loses no byte over TLS.

use std::io::Read;

use framelink_transport::tokio::Connection;

use crate::support::peer::{read_frame, small_sockets};
use crate::support::streams::poll_times;
use crate::support::tls::{before_socket, client, over_tls};
use crate::support::{DEADLINE, framing, runtime};

#[test]
fn the_rest_of_a_dropped_send_leaves_before_the_next_message() {
    over_tls(|| {
        let runtime = runtime();
        let (ours, mut peer) = small_sockets();
        runtime.block_on(async {
            let stream = before_socket(ours);
            stream.set_nonblocking(true).unwrap();
            let stream = tokio::net::TcpStream::from_std(stream).unwrap();
            let mut connection = Connection::from_stream(stream, framing("net:2")).tls_client(&client());
            connection.finish_opening(DEADLINE).await.unwrap();
            let reading = std::thread::spawn(move || {
                let mut next = 0_u32;
                while next < 400 {
                    let payload = read_frame(&mut peer).unwrap();
                    let number = u32::from_be_bytes(payload[..4].try_into().unwrap());
                    assert!(number >= next, "{number} comes after {next}");
                    assert!(payload[4..].iter().all(|byte| *byte == 7), "the message is whole");
                    next = number + 1;
                }
                assert_eq!(peer.read(&mut [0]).unwrap(), 0);
            });
            for number in 0..400_u32 {
                let message = [&number.to_be_bytes()[..], &vec![7; 60_000 - number as usize]].concat();
                match number {
                    // The last one is sent to its end.
                    399 => connection.send(&message).await.unwrap(),
                    _ => drop(poll_times(connection.send(&message), 1 + number as usize % 3)),
                }
                if number % 16 == 0 {
                    tokio::task::yield_now().await;
                }
            }
            connection.finish().await.unwrap();
            tokio::task::spawn_blocking(move || reading.join().unwrap()).await.unwrap();
        });
    });
}
