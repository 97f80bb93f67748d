//! The program on the other host.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::thread;

use crate::support::peer::{frame, read_frame};

#[test]
#[ignore = "a program of another test"]
fn program() {
    let Ok(manner) = std::env::var("PEER_MANNER") else { return };
    let listener = TcpListener::bind(std::env::var("PEER_ADDRESS").unwrap()).unwrap();
    // A small buffer, so that a window is soon full.
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

/// Answers `PING` with `PONG`, and echoes all other bytes.
fn answer(mut stream: TcpStream) {
    while let Ok(request) = read_frame(&mut stream) {
        let reply = if request == b"PING" { &b"PONG"[..] } else { &request };
        if stream.write_all(&frame(reply)).is_err() {
            return;
        }
    }
}
