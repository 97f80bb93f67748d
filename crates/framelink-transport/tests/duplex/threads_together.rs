//! Requests that several threads have ready: one thread writes them for all, and none is left behind.

use std::io::{self, Read, Write};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use framelink_transport::FramingPair;
use framelink_transport::blocking::{Caller, Connection, ReadStream, WriteStream};
use framelink_transport::session::{KeyRule, Matching, Sent};

use crate::support::many::{DEADLINE, by_key, framing};
use crate::support::peer::{Task, sockets};

/// A connection in memory that takes every write, and from which nothing arrives.
#[derive(Clone, Default)]
struct Memory {
    writes: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Read for Memory {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        unreachable!("no thread receives")
    }
}

impl ReadStream for Memory {
    fn set_read_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }
}

impl Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // Other threads run meanwhile, and find this one writing.
        thread::yield_now();
        self.writes.lock().unwrap().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl WriteStream for Memory {
    fn set_write_timeout(&mut self, _: Option<Duration>) -> io::Result<()> {
        Ok(())
    }

    fn write_now(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write(bytes)
    }

    fn shut_down(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn in_memory() -> (Caller<FramingPair, Memory>, impl Drop, Memory) {
    let memory = Memory::default();
    let matching = Matching::by_key(KeyRule::at("0:6".parse().unwrap())).window(1000).unanswered(100_000);
    let (caller, receiver) = Connection::from_parts(memory.clone(), memory.clone(), framing("net:2")).duplex(matching);
    (caller, receiver, memory)
}

/// Returns the calls of all written frames, which have eight bytes each.
fn written(memory: &Memory) -> Vec<usize> {
    let written = memory.writes.lock().unwrap().concat();
    let (frames, rest) = written.as_chunks::<8>();
    assert!(rest.is_empty(), "every frame is whole");
    frames.iter().map(|frame| std::str::from_utf8(&frame[2..]).unwrap().parse().unwrap()).collect()
}

fn request(call: usize) -> [u8; 6] {
    format!("{call:06}").into_bytes().try_into().unwrap()
}

#[test]
fn no_request_stays_in_the_queue_when_callers_run_out_of_time() {
    const THREADS: usize = 8;
    const CALLS: usize = 500;
    // No thread receives, so no other thread writes what a caller leaves.
    let (caller, _receiver, memory) = in_memory();
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let caller = caller.clone();
            Task::start(move || {
                let calls = (0..CALLS).map(|call| thread * CALLS + call);
                let failed = calls.map(|call| {
                    let within = Duration::from_micros((call % 40) as u64);
                    (call, caller.call(&request(call), within).unwrap_err().sent())
                });
                failed.collect::<Vec<_>>()
            })
        })
        .collect();
    let outcomes: Vec<_> = threads.into_iter().flat_map(Task::join).collect();
    let mut written = written(&memory);
    written.sort_unstable();
    for (call, sent) in outcomes {
        let is_written = written.binary_search(&call).is_ok();
        assert_eq!(is_written, sent != Sent::Not, "call {call} ended as {sent}");
    }
}

#[test]
fn a_lone_call_writes_once() {
    let (caller, _receiver, memory) = in_memory();
    for call in 0..5 {
        let failed = caller.call(&request(call), Duration::from_micros(1)).unwrap_err();
        assert_eq!(failed.sent(), Sent::NoReply);
        assert_eq!(memory.writes.lock().unwrap().len(), call + 1);
    }
}

#[test]
fn every_call_of_many_threads_gets_its_reply() {
    const THREADS: usize = 32;
    const CALLS: usize = 50;
    let (stream, mut peer) = sockets();
    let echoing = Task::start(move || {
        let mut space = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = peer.read(&mut space) {
            peer.write_all(&space[..count]).unwrap();
        }
    });
    let (caller, mut receiver) = Connection::from_stream(stream, framing("net:2")).duplex(by_key().window(THREADS));
    let receiving = Task::start(move || while let Ok(Some(_)) = receiver.recv() {});
    let call = |thread: usize| {
        let (caller, request) = (caller.clone(), format!("{thread:02} of a thread"));
        Task::start(move || {
            for _ in 0..CALLS {
                assert_eq!(&caller.call(request.as_bytes(), DEADLINE).unwrap()[..], request.as_bytes());
            }
        })
    };
    (0..THREADS).map(call).collect::<Vec<_>>().into_iter().for_each(Task::join);
    assert_eq!(caller.in_flight(), 0);
    caller.abort();
    receiving.join();
    echoing.join();
}
