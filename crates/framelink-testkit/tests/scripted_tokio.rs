//! A scripted stream as `AsyncRead` and `AsyncWrite`.
#![cfg(feature = "tokio")]

use std::io::{ErrorKind, IoSlice};
use std::time::Duration;

use framelink_testkit::{ReadStep, ScriptedStream, WriteStep};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[tokio::test]
async fn a_step_that_would_block_is_pending_once() {
    let (mut stream, script) = ScriptedStream::new(
        [ReadStep::WouldBlock, ReadStep::bytes(b"he"), ReadStep::WouldBlock, ReadStep::bytes(b"llo")],
        [WriteStep::WouldBlock, WriteStep::AtMost(1)],
    );
    let mut came = [0; 5];
    stream.read_exact(&mut came).await.unwrap();
    assert_eq!(&came, b"hello");
    stream.write_all(b"you").await.unwrap();
    stream.flush().await.unwrap();
    stream.shutdown().await.unwrap();
    assert_eq!(script.writes(), [&b"y"[..], b"ou"]);
    let calls = script.calls();
    assert_eq!((calls.reads, calls.writes, calls.flushes), (4, 3, 1));
    assert!(script.is_shut_down());
}

#[tokio::test]
async fn a_vectored_write_is_limited_as_a_whole() {
    let (mut stream, script) = ScriptedStream::new([], [WriteStep::AtMost(5)]);
    let count = stream.write_vectored(&[IoSlice::new(b"head"), IoSlice::new(b"payload")]).await.unwrap();
    assert_eq!((count, script.written()), (5, b"headp".to_vec()));
}

#[tokio::test]
async fn errors_and_the_end_are_passed_on() {
    let (mut stream, _script) =
        ScriptedStream::new([ReadStep::Error(ErrorKind::ConnectionReset), ReadStep::End], [WriteStep::Zero]);
    assert_eq!(stream.read(&mut [0; 4]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(stream.read(&mut [0; 4]).await.unwrap(), 0);
    assert_eq!(stream.write_all(b"x").await.unwrap_err().kind(), ErrorKind::WriteZero);
}

#[tokio::test]
async fn a_task_after_the_last_step_does_not_spin_and_more_steps_wake_it() {
    let (mut stream, script) = ScriptedStream::new([], []);
    let reading = tokio::spawn(async move {
        let mut came = [0; 5];
        stream.read_exact(&mut came).await.map(|_| came)
    });
    while script.calls().reads == 0 {
        tokio::task::yield_now().await;
    }
    for _ in 0..1000 {
        tokio::task::yield_now().await;
    }
    assert_eq!(script.calls().reads, 1, "no task was woken in vain");
    script.push_reads(ReadStep::dribble(b"hello"));
    let came = tokio::time::timeout(Duration::from_secs(20), reading).await.unwrap().unwrap().unwrap();
    assert_eq!(&came, b"hello");
}
