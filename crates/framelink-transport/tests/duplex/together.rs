//! Requests that several tasks have ready leave in one write. A stream in memory records the writes.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, Read as _, Write as _};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use framelink_transport::session::{Matching, Sent};
use framelink_transport::tokio::{CallError, Caller, Connection, Receiver};
use framelink_transport::{FramingPair, Message};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::task::{JoinHandle, yield_now};

use crate::support::many::{DEADLINE, by_key, framing};
use crate::support::peer::{Task, sockets};
use crate::support::runtime;

/// A connection in memory. Both directions share it.
#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Wire>>);

#[derive(Default)]
struct Wire {
    writes: Vec<Vec<u8>>,
    /// The error of the next write.
    fails: Option<io::ErrorKind>,
    /// How many bytes the connection takes, if it is limited.
    room: Option<usize>,
    writer: Option<Waker>,
    unread: VecDeque<u8>,
    reader: Option<Waker>,
    is_shut_down: bool,
}

impl Memory {
    fn wire(&self) -> MutexGuard<'_, Wire> {
        self.0.lock().unwrap()
    }

    /// Returns the writes since the last call.
    fn writes(&self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.wire().writes)
    }

    /// Lets the peer send these bytes, all at once.
    fn arrive(&self, bytes: &[u8]) {
        let mut wire = self.wire();
        wire.unread.extend(bytes);
        let reader = wire.reader.take();
        drop(wire);
        reader.into_iter().for_each(Waker::wake);
    }

    /// Lets the connection take this many more bytes.
    fn make_room(&self, bytes: usize) {
        let mut wire = self.wire();
        wire.room = Some(bytes);
        let writer = wire.writer.take();
        drop(wire);
        writer.into_iter().for_each(Waker::wake);
    }
}

impl AsyncRead for Memory {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, space: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut wire = self.wire();
        if wire.unread.is_empty() {
            wire.reader = Some(context.waker().clone());
            return Poll::Pending;
        }
        let count = space.remaining().min(wire.unread.len());
        space.put_slice(&wire.unread.drain(..count).collect::<Vec<_>>());
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Memory {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut wire = self.wire();
        if let Some(kind) = wire.fails {
            return Poll::Ready(Err(kind.into()));
        }
        let count = bytes.len().min(wire.room.unwrap_or(usize::MAX));
        if count == 0 {
            wire.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        wire.room = wire.room.map(|room| room - count);
        wire.writes.push(bytes[..count].to_vec());
        Poll::Ready(Ok(count))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.wire().is_shut_down = true;
        Poll::Ready(Ok(()))
    }
}

type OurCaller = Caller<FramingPair, Memory>;
type OurReceiver = Receiver<FramingPair, Memory, Memory>;
type Called = Result<Message, CallError>;

fn connection(matching: Matching) -> (OurCaller, OurReceiver, Memory) {
    let memory = Memory::default();
    let (caller, receiver) = Connection::from_parts(memory.clone(), memory.clone(), framing("net:2")).duplex(matching);
    (caller, receiver, memory)
}

/// Receives in a task of its own.
fn receive(mut receiver: OurReceiver) -> JoinHandle<()> {
    tokio::spawn(async move { while let Ok(Some(_)) = receiver.recv().await {} })
}

fn request(call: usize) -> Vec<u8> {
    format!("{call:02} request").into_bytes()
}

fn frame(payload: &[u8]) -> Vec<u8> {
    [&u16::try_from(payload.len()).unwrap().to_be_bytes(), payload].concat()
}

fn frames(calls: impl IntoIterator<Item = usize>) -> Vec<u8> {
    calls.into_iter().flat_map(|call| frame(&request(call))).collect()
}

fn spawn_call(caller: &OurCaller, call: usize) -> JoinHandle<Called> {
    let caller = caller.clone();
    tokio::spawn(async move { caller.call(&request(call), DEADLINE).await })
}

/// Lets all other tasks run until they wait.
async fn settle() {
    for _ in 0..8 {
        yield_now().await;
    }
}

/// Begins two calls, which are in flight from now on, and forgets the writes.
async fn keep_company(caller: &OurCaller, memory: &Memory) -> [JoinHandle<Called>; 2] {
    let calls = [90, 91].map(|call| spawn_call(caller, call));
    settle().await;
    assert_eq!(memory.writes().concat(), frames([90, 91]));
    calls
}

/// Polls a future by hand. It is woken by no task.
fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn requests_of_tasks_whose_replies_arrived_at_once_leave_in_one_write() {
    const CALLERS: usize = 64;
    const ROUNDS: usize = 5;
    for matching in [by_key().window(CALLERS), Matching::in_order().window(CALLERS)] {
        runtime().block_on(async {
            let (caller, receiver, memory) = connection(matching);
            receive(receiver);
            let callers: Vec<_> = (0..CALLERS)
                .map(|call| {
                    let caller = caller.clone();
                    tokio::spawn(async move {
                        for _ in 0..ROUNDS {
                            let reply = caller.call(&request(call), DEADLINE).await.unwrap();
                            assert_eq!(&reply[..], request(call));
                        }
                    })
                })
                .collect();
            for round in 0..ROUNDS {
                settle().await;
                let writes = memory.writes();
                // The first request of all is alone.
                assert!(writes.len() <= if round == 0 { 2 } else { 1 }, "round {round}: {} writes", writes.len());
                let requests = writes.concat();
                assert_eq!(requests.len(), frames(0..CALLERS).len(), "round {round}");
                memory.arrive(&requests);
            }
            for caller in callers {
                caller.await.unwrap();
            }
        });
    }
}

#[test]
fn a_lone_call_writes_at_once() {
    let (caller, receiver, memory) = connection(by_key());
    let runtime = runtime();
    let _entered = runtime.enter();
    let mut receiver = pin!(async move {
        let mut receiver = receiver;
        while let Ok(Some(_)) = receiver.recv().await {}
    });
    for call in 0..3 {
        let mut calling = pin!(caller.call(b"01 lone", DEADLINE));
        assert!(poll(calling.as_mut()).is_pending());
        assert_eq!(memory.writes(), [frame(b"01 lone")], "call {call}: written by the first poll");
        memory.arrive(&frame(b"01 reply"));
        assert!(poll(receiver.as_mut()).is_pending());
        assert!(matches!(poll(calling.as_mut()), Poll::Ready(Ok(_))));
    }
}

#[test]
fn a_call_whose_reply_arrived_alone_writes_the_next_request_at_once() {
    let (caller, mut receiver, memory) = connection(by_key());
    let runtime = runtime();
    let _entered = runtime.enter();
    let mut other = pin!(caller.call(b"02 slow", DEADLINE));
    assert!(poll(other.as_mut()).is_pending());
    assert_eq!(memory.writes(), [frame(b"02 slow")]);
    for _ in 0..3 {
        let mut calling = pin!(caller.call(b"01 quick", DEADLINE));
        let mut written = Vec::new();
        while written.is_empty() {
            assert!(poll(calling.as_mut()).is_pending());
            written = memory.writes();
        }
        assert_eq!(written, [frame(b"01 quick")]);
        memory.arrive(&frame(b"01 reply"));
        assert!(poll(pin!(receiver.recv())).is_pending());
        assert!(poll(calling.as_mut()).is_ready());
        // The other call is still in flight, but its task has nothing to send.
        let mut next = pin!(caller.call(b"03 next", DEADLINE));
        assert!(poll(next.as_mut()).is_pending());
        assert_eq!(memory.writes(), [frame(b"03 next")], "written by the first poll");
        memory.arrive(&frame(b"03 reply"));
        assert!(poll(pin!(receiver.recv())).is_pending());
        assert!(poll(next.as_mut()).is_ready());
    }
}

#[test]
fn a_request_does_not_wait_for_the_receiver() {
    runtime().block_on(async {
        let (caller, _receiver, memory) = connection(by_key());
        // The receiver is never polled, and every request leaves.
        let calls: Vec<_> = (0..10).map(|call| spawn_call(&caller, call)).collect();
        settle().await;
        assert_eq!(memory.writes().concat(), frames(0..10));
        calls.iter().for_each(JoinHandle::abort);
    });
}

#[test]
fn a_call_that_is_dropped_before_the_shared_write_sends_its_whole_request_and_delays_no_other() {
    for dropped in 0..3 {
        runtime().block_on(async {
            let (caller, receiver, memory) = connection(by_key());
            receive(receiver);
            let company = keep_company(&caller, &memory).await;
            let mut calls: Vec<_> = (0..3)
                .map(|call| {
                    let (caller, request) = (caller.clone(), request(call));
                    Box::pin(async move { caller.call(&request, DEADLINE).await })
                })
                .collect();
            for call in &mut calls {
                assert!(poll(call.as_mut()).is_pending());
            }
            assert!(memory.writes().is_empty(), "the requests wait for each other");
            drop(calls.remove(dropped));
            // No task is polled here, so the drop has written the requests.
            assert_eq!(memory.writes(), [frames(0..3)]);
            memory.arrive(&frames(0..3));
            for call in calls {
                call.await.unwrap();
            }
            assert_eq!(caller.unanswered(), 0);
            company.iter().for_each(JoinHandle::abort);
        });
    }
}

#[test]
fn each_caller_makes_sure_of_its_own_request() {
    for first in 0..3 {
        runtime().block_on(async {
            let (caller, _receiver, memory) = connection(by_key());
            let company = keep_company(&caller, &memory).await;
            let requests: Vec<_> = (0..3).map(request).collect();
            let mut calls: Vec<_> = requests.iter().map(|request| Box::pin(caller.call(request, DEADLINE))).collect();
            for call in &mut calls {
                assert!(poll(call.as_mut()).is_pending());
            }
            // Any of the three, polled again, writes the requests of all. The others may be neglected.
            assert!(poll(calls[first].as_mut()).is_pending());
            assert_eq!(memory.writes(), [frames(0..3)]);
            company.iter().for_each(JoinHandle::abort);
        });
    }
}

#[test]
fn another_message_takes_the_waiting_requests_with_it() {
    runtime().block_on(async {
        let (caller, _receiver, memory) = connection(by_key());
        let company = keep_company(&caller, &memory).await;
        let mut call = pin!(caller.call(b"01", DEADLINE));
        assert!(poll(call.as_mut()).is_pending());
        caller.send(b"news").await.unwrap();
        assert_eq!(memory.writes(), [[frame(b"01"), frame(b"news")].concat()]);
        company.iter().for_each(JoinHandle::abort);
    });
}

#[test]
fn the_end_of_this_side_comes_after_the_waiting_requests() {
    runtime().block_on(async {
        let (caller, receiver, memory) = connection(by_key());
        receive(receiver);
        let company = keep_company(&caller, &memory).await;
        let mut call = Box::pin(caller.call(b"01", DEADLINE));
        assert!(poll(call.as_mut()).is_pending());
        caller.finish().await.unwrap();
        assert_eq!(memory.writes(), [frame(b"01")]);
        assert!(memory.wire().is_shut_down);
        memory.arrive(&frame(b"01 reply"));
        assert_eq!(&call.await.unwrap()[..], b"01 reply");
        let refused = caller.call(b"02", DEADLINE).await.unwrap_err();
        assert_eq!(refused.sent(), Sent::Not);
        company.iter().for_each(JoinHandle::abort);
    });
}

#[test]
fn large_requests_do_not_wait() {
    runtime().block_on(async {
        let (caller, _receiver, memory) = connection(by_key());
        let company = keep_company(&caller, &memory).await;
        let large = [b"01", &[b'x'; 20_000][..]].concat();
        let mut call = pin!(caller.call(&large, DEADLINE));
        assert!(poll(call.as_mut()).is_pending());
        assert_eq!(memory.writes().concat(), frame(&large), "written by the first poll");
        company.iter().for_each(JoinHandle::abort);
    });
}

#[test]
fn after_a_failure_of_the_shared_write_no_request_was_sent() {
    runtime().block_on(async {
        // The receiver is not polled, so each call finds its outcome by itself.
        let (caller, _receiver, memory) = connection(Matching::in_order());
        let company = keep_company(&caller, &memory).await;
        let calls: Vec<_> = (0..5).map(|call| spawn_call(&caller, call)).collect();
        memory.wire().fails = Some(io::ErrorKind::ConnectionReset);
        for call in calls {
            let error = call.await.unwrap().unwrap_err();
            assert_eq!(error.sent(), Sent::Not, "{error}");
        }
        assert_eq!(caller.in_flight(), 2, "requests that were written before may still be answered");
        company.iter().for_each(JoinHandle::abort);
    });
}

#[test]
fn after_a_failure_inside_the_shared_write_each_call_knows_what_was_sent() {
    runtime().block_on(async {
        let (caller, receiver, memory) = connection(by_key());
        receive(receiver);
        let company = keep_company(&caller, &memory).await;
        memory.wire().room = Some(frames([0]).len() + 3);
        let calls: Vec<_> = (0..4).map(|call| spawn_call(&caller, call)).collect();
        settle().await;
        // One request and a part of the next are written, and then the connection breaks.
        assert_eq!(memory.writes().concat(), frames(0..4)[..frames([0]).len() + 3]);
        memory.wire().fails = Some(io::ErrorKind::ConnectionReset);
        memory.make_room(1000);
        let mut outcomes = Vec::new();
        for call in calls {
            outcomes.push(call.await.unwrap().unwrap_err().sent());
        }
        assert_eq!(outcomes, [Sent::Perhaps, Sent::Perhaps, Sent::Not, Sent::Not]);
        for call in company {
            assert_eq!(call.await.unwrap().unwrap_err().sent(), Sent::Perhaps);
        }
    });
}

#[test]
fn a_socket_that_takes_little_gets_every_frame_whole() {
    runtime().block_on(async {
        let (caller, receiver, memory) = connection(by_key());
        receive(receiver);
        let company = keep_company(&caller, &memory).await;
        memory.wire().room = Some(0);
        let calls: Vec<_> = (0..20).map(|call| spawn_call(&caller, call)).collect();
        settle().await;
        let mut written = Vec::new();
        while written.len() < frames(0..20).len() {
            memory.make_room(7);
            settle().await;
            written.extend(memory.writes().concat());
        }
        assert_eq!(written, frames(0..20));
        memory.arrive(&written);
        for call in calls {
            call.await.unwrap().unwrap();
        }
        company.iter().for_each(JoinHandle::abort);
    });
}

#[test]
fn on_a_pair_the_requests_share_a_write_too() {
    runtime().block_on(async {
        let (sending, receiving) = (Memory::default(), Memory::default());
        let leg = |memory: &Memory| Connection::from_parts(memory.clone(), memory.clone(), framing("net:2"));
        let (caller, receiver) = leg(&sending).simplex(leg(&receiving), by_key());
        let received = receive(receiver);
        let calls: Vec<_> = (0..20).map(|call| spawn_call(&caller, call)).collect();
        settle().await;
        assert_eq!(sending.writes(), [frames([0]), frames(1..20)]);
        receiving.arrive(&frames(0..20));
        for call in calls {
            call.await.unwrap().unwrap();
        }
        assert!(receiving.writes().is_empty());
        received.abort();
    });
}

#[test]
fn on_a_runtime_of_several_threads_every_call_gets_its_reply() {
    let (ours, mut peer) = sockets();
    let echoing = Task::start(move || {
        let mut space = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = peer.read(&mut space) {
            peer.write_all(&space[..count]).unwrap();
        }
    });
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(3).enable_all().build().unwrap();
    runtime.block_on(async {
        ours.set_nonblocking(true).unwrap();
        let stream = tokio::net::TcpStream::from_std(ours).unwrap();
        let (caller, mut receiver) = Connection::from_stream(stream, framing("net:2")).duplex(by_key().window(40));
        let receiving = tokio::spawn(async move { while let Ok(Some(_)) = receiver.recv().await {} });
        let callers = (0..60).map(|call| {
            let caller = caller.clone();
            tokio::spawn(async move {
                for _ in 0..50 {
                    assert_eq!(&caller.call(&request(call), DEADLINE).await.unwrap()[..], request(call));
                }
            })
        });
        for calls in callers.collect::<Vec<_>>() {
            calls.await.unwrap();
        }
        caller.abort();
        receiving.await.unwrap();
    });
    echoing.join();
}
