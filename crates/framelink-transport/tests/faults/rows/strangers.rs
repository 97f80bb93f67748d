//! Row 41: clients that keep a server's connections busy.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use framelink_transport::Cause;
use framelink_transport::session::Concurrency;

use crate::cell::Cell;
use crate::driver::DEADLINE;
use crate::ends::Ends;
use crate::peer::{Task, ready};
use crate::server::Serve as _;

const EACH: usize = 10;
const LIMIT: Duration = Duration::from_millis(300);

/// Some clients send nothing, some send a message byte by byte, and one is honest.
pub(crate) fn that_are_slow<D: Ends>(cell: Cell) {
    let profile = cell.profile().first_message_timeout(LIMIT).frame_timeout(LIMIT).build().unwrap();
    let server = D::Server::start(profile, Concurrency::new(2), Arc::new(|message: &[u8]| Some(message.to_vec())));
    let dial = || ready(TcpStream::connect(server.address).unwrap());
    let mut slow: Vec<_> = (0..2 * EACH).map(|_| (dial(), Instant::now())).collect();
    let dribbling = Task::start({
        let streams: Vec<_> = slow[..EACH].iter().map(|(stream, _)| stream.try_clone().unwrap()).collect();
        move || {
            // The client sends as long as any of its connections is open.
            for byte in cell.frame(&[b'x'; 9000]) {
                let open = streams.iter().filter(|stream| (&mut &**stream).write_all(&[byte]).is_ok()).count();
                if open == 0 {
                    return;
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        }
    });
    let honest = dial();
    let asked = Instant::now();
    while asked.elapsed() < LIMIT * 2 {
        cell.write(&honest, b"hello");
        assert_eq!(cell.read(&honest), b"hello");
        std::thread::sleep(Duration::from_millis(5));
    }
    for (stream, began) in &mut slow {
        assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)), "the server sends nothing to a slow client");
        assert!(began.elapsed() >= LIMIT && began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    }
    for _ in 0..2 * EACH {
        let error = server.outcome().unwrap_err();
        assert!(matches!(error.cause(), Cause::TimedOut { .. }), "{error}");
    }
    dribbling.join();
}
