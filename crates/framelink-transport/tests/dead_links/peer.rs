//! The program on the other host: it speaks bytes by hand.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;

#[test]
#[ignore = "a program of another test"]
fn program() {
    let Ok(manner) = std::env::var("PEER_MANNER") else { return };
    let listener = TcpListener::bind(std::env::var("PEER_ADDRESS").unwrap()).unwrap();
    // Small, so that a window is soon full.
    socket2::SockRef::from(&listener).set_recv_buffer_size(16 * 1024).unwrap();
    println!("\nlistening on {}", listener.local_addr().unwrap());
    for stream in listener.incoming() {
        let (stream, manner) = (stream.unwrap(), manner.clone());
        thread::spawn(move || match &manner[..] {
            "answers" => answer(stream),
            "reads nothing" => loop {
                thread::park();
                drop(stream.try_clone());
            },
            other => panic!("{other}"),
        });
    }
}

/// Answers `PING` with `PONG`, and sends back all else.
fn answer(mut stream: TcpStream) {
    let mut head = [0; 2];
    while stream.read_exact(&mut head).is_ok() {
        let mut payload = vec![0; usize::from(u16::from_be_bytes(head))];
        if stream.read_exact(&mut payload).is_err() {
            return;
        }
        let reply = if payload == b"PING" { &b"PONG"[..] } else { &payload };
        let head = u16::try_from(reply.len()).unwrap().to_be_bytes();
        if stream.write_all(&[&head[..], reply].concat()).is_err() {
            return;
        }
    }
}
