//! Messages that pass from one connection to another, with another framing.

use std::io;
use std::time::Duration;

use framelink_transport::heartbeat::{Form, Heartbeat, Role};
use framelink_transport::tokio::{Cause, Error, Operation, RecvHalf, SendHalf};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::time::timeout;

use crate::support::framing;
use crate::support::streams::{MANNERS, Reader, Step, Then, Writer, Written, piped, poll_times, run};

/// A queue is full at 64 KiB, and the messages of one write may exceed that by one.
const QUEUE: usize = 64 * 1024;
const AT_ONCE: &[Step] = &[Step::Bytes(usize::MAX)];

type From = RecvHalf<framelink_transport::FramingPair, Reader>;
type To = SendHalf<framelink_transport::FramingPair, Writer>;

fn source(notation: &str, bytes: &[u8], steps: &[Step], then: Then) -> From {
    RecvHalf::new(Reader::new(bytes, steps, then), framing(notation))
}

fn target(notation: &str, steps: &[Step]) -> (To, Written) {
    let (writer, written) = Writer::new(steps);
    (SendHalf::new(writer, framing(notation)), written)
}

/// Passes messages until the source ends, and then ends the target.
async fn relay<R: AsyncRead + Unpin, W: AsyncWrite + Unpin>(
    from: &mut RecvHalf<framelink_transport::FramingPair, R>,
    to: &mut SendHalf<framelink_transport::FramingPair, W>,
) -> Result<usize, Error> {
    let mut passed = 0;
    loop {
        match from.forward(to).await {
            Ok(0) => return to.finish().await.map(|()| passed),
            Ok(count) => passed += count,
            Err(error) => {
                to.flush().await?;
                return Err(error);
            }
        }
    }
}

fn frames(notation: &str, payloads: &[Vec<u8>]) -> Vec<u8> {
    let (mut sender, written) = target(notation, AT_ONCE);
    for payload in payloads {
        run(sender.send(payload)).unwrap();
    }
    written.all()
}

fn payloads(lens: &[usize]) -> Vec<Vec<u8>> {
    lens.iter()
        .enumerate()
        .map(|(at, &len)| (0..len).map(|byte| u8::try_from((byte * 31 + at) % 256).unwrap_or(0)).collect())
        .collect()
}

#[test]
fn messages_pass_unchanged_and_in_order_however_reads_and_writes_are_cut() {
    // Both sides of the size from which messages are written from where they lie.
    let payloads = payloads(&[5, 0, 1, 4095, 4096, 3, 9999, 4097, 0, 7000, 1]);
    for [from, to] in [["net:4", "net:4"], ["ascii:4", "bcd:2"], ["net:2", "net:2,suffix=03"], ["net:4", "line,lf"]] {
        let is_text = to == "line,lf";
        let payloads: Vec<Vec<u8>> =
            payloads.iter().filter(|payload| !is_text || !payload.contains(&b'\n')).cloned().collect();
        let (wire, expected) = (frames(from, &payloads), frames(to, &payloads));
        for reading in MANNERS {
            for writing in MANNERS {
                let mut source = source(from, &wire, reading, Then::End);
                let (mut target, written) = target(to, writing);
                assert_eq!(run(relay(&mut source, &mut target)).unwrap(), payloads.len(), "{reading:?} {writing:?}");
                assert!(written.all() == expected, "{from} to {to}: {reading:?} {writing:?}");
                assert!(written.is_shut_down());
                assert_eq!(
                    (source.messages_received(), target.messages_written()),
                    (payloads.len() as u64, payloads.len() as u64)
                );
            }
        }
    }
}

#[test]
fn messages_cut_at_every_byte_pass_whole() {
    let wire = frames("ascii:4", &payloads(&[3, 0, 2]));
    for cut in 0..=wire.len() {
        let steps = [Step::Bytes(cut.max(1)), Step::Pending, Step::Bytes(usize::MAX)];
        let mut source = source("ascii:4", &wire, &steps, Then::End);
        let (mut target, written) = target("bcd:2", AT_ONCE);
        assert_eq!(run(relay(&mut source, &mut target)).unwrap(), 3, "cut at {cut}");
        assert_eq!(written.all(), frames("bcd:2", &payloads(&[3, 0, 2])), "cut at {cut}");
    }
}

#[test]
fn messages_that_arrive_together_leave_in_one_write() {
    let payloads = payloads(&[64; 64]);
    let mut source = source("net:4", &frames("net:4", &payloads), AT_ONCE, Then::Wait);
    let (mut target, written) = target("net:4", AT_ONCE);
    let passes = async { while source.forward(&mut target).await.is_ok() {} };
    assert!(poll_times(passes, 3).is_none(), "it waits for more");
    // The read buffer begins with 2 KiB and doubles, and the messages of all reads are gathered.
    assert_eq!(written.writes(), [frames("net:4", &payloads)]);
}

#[test]
fn large_messages_that_arrive_together_leave_in_few_writes() {
    // The first message makes the read buffer large.
    let payloads = payloads(&[200_000, 16_384, 16_384, 16_384, 100, 16_384]);
    let mut source = source("net:4", &frames("net:4", &payloads), AT_ONCE, Then::End);
    let (mut target, written) = target("net:4", AT_ONCE);
    assert_eq!(run(relay(&mut source, &mut target)).unwrap(), payloads.len());
    assert!(written.all() == frames("net:4", &payloads));
    assert!(written.writes().len() <= 4, "{} writes", written.writes().len());
}

#[test]
fn a_writer_without_vectored_writes_gets_whole_frames() {
    let payloads = payloads(&[10, 8000, 8000]);
    let mut source = source("net:4", &frames("net:4", &payloads), AT_ONCE, Then::End);
    let (writer, written) = Writer::plain(AT_ONCE);
    let mut target = SendHalf::new(writer, framing("net:4"));
    assert_eq!(run(relay(&mut source, &mut target)).unwrap(), 3);
    assert!(written.all() == frames("net:4", &payloads));
}

#[test]
fn a_peer_that_does_not_read_stops_the_other_and_no_message_is_lost() {
    for len in [100, 5_000, 30_000] {
        let payloads = payloads(&vec![len; 2_000_000 / len]);
        let wire = frames("net:4", &payloads);
        let mut source = source("net:4", &wire, &[Step::Bytes(10_000), Step::Pending], Then::End);
        let read = source.byte_count();
        // It takes nothing for a long time, and then a little in each round.
        let mut steps = vec![Step::Pending; 1000];
        steps.extend([Step::Bytes(usize::MAX); 10_000]);
        let (mut target, written) = target("net:4", &steps);
        for _ in 0..900 {
            // Each future is dropped while it waits.
            let _ = poll_times(source.forward(&mut target), 1);
            assert!(target.unwritten_bytes() <= QUEUE + len + 4, "{} bytes are queued", target.unwritten_bytes());
            assert!(read.get() <= 2 * QUEUE as u64 + 3 * len as u64, "{} bytes were read", read.get());
        }
        assert!(written.all().is_empty());
        run(relay(&mut source, &mut target)).unwrap();
        assert!(written.all() == wire, "in order, none lost, none twice");
        assert_eq!(target.messages_written(), payloads.len() as u64);
    }
}

#[test]
fn a_future_that_is_dropped_after_each_poll_loses_nothing() {
    let payloads = payloads(&[3, 5_000, 0, 12_000, 700, 4_096, 1]);
    for manner in MANNERS {
        let mut source = source("net:4", &frames("net:4", &payloads), manner, Then::End);
        let (mut target, written) = target("net:2", manner);
        while !matches!(poll_times(source.forward(&mut target), 1), Some(Ok(0))) {}
        run(target.finish()).unwrap();
        assert!(written.all() == frames("net:2", &payloads), "{manner:?}");
    }
}

#[test]
fn a_message_that_the_other_framing_cannot_send_names_its_side_and_the_limit() {
    // The one that is refused is small, large, and one of several large ones.
    for (lens, most) in
        [(&[5, 300, 5][..], "net:1"), (&[5, 10_000, 5], "bcd:2"), (&[5_000, 6_000, 10_000, 5_000], "bcd:2")]
    {
        let payloads = payloads(lens);
        let refused = lens.iter().position(|&len| len == 300 || len == 10_000).unwrap();
        let mut source = source("net:4", &frames("net:4", &payloads), AT_ONCE, Then::End);
        let (mut target, written) = target(most, AT_ONCE);
        let error = run(relay(&mut source, &mut target)).unwrap_err();
        assert_eq!(error.operation(), Operation::Send);
        assert!(matches!(error.cause(), Cause::Refused(_)), "{error}");
        let limit = if most == "net:1" { "255" } else { "9999" };
        assert!(error.to_string().contains(limit), "{error}");
        assert!(written.all() == frames(most, &payloads[..refused]), "the messages before it are sent: {lens:?}");
        assert_eq!(target.messages_written(), refused as u64);
        assert!(source.messages_received() > refused as u64, "it was received");
    }
}

#[test]
fn a_framing_that_ends_with_the_close_takes_one_message() {
    for lens in [[10, 10], [5_000, 5_000]] {
        let payloads = payloads(&lens);
        let mut source = source("net:4", &frames("net:4", &payloads), AT_ONCE, Then::End);
        let (mut target, written) = target("until-close", AT_ONCE);
        let error = run(relay(&mut source, &mut target)).unwrap_err();
        assert!(matches!(error.cause(), Cause::Refused(_)), "{error}");
        assert!(written.all() == payloads[0] && written.is_shut_down());
    }
}

#[test]
fn faults_of_the_source_come_after_the_messages_before_them() {
    for (wire, text) in [(&b"0002hi0001"[..], "ended inside a frame"), (b"0002hiGET /", "header byte")] {
        let mut source = source("ascii:4", wire, AT_ONCE, Then::End);
        let (mut target, written) = target("net:2", AT_ONCE);
        let error = run(relay(&mut source, &mut target)).unwrap_err();
        assert_eq!(error.operation(), Operation::Receive);
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(written.all(), b"\0\x02hi");
    }
}

#[test]
fn errors_of_the_target_are_errors_of_sending() {
    for len in [10, 5_000] {
        let mut source = source("net:4", &frames("net:4", &payloads(&[len; 3])), AT_ONCE, Then::Wait);
        let (mut target, _) = target("net:4", &[Step::Error(io::ErrorKind::BrokenPipe)]);
        let error = run(relay(&mut source, &mut target)).unwrap_err();
        assert_eq!(error.operation(), Operation::Send, "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn each_end_is_passed_on_and_the_other_direction_goes_on() {
    let ((client_leg, mut client), (host_leg, mut host)) = (piped("net:2", 1024), piped("ascii:4", 1024));
    let (mut from_client, mut to_client) = client_leg.split();
    let (mut from_host, mut to_host) = host_leg.split();
    let relays = tokio::spawn(async move {
        tokio::join!(relay(&mut from_client, &mut to_host), relay(&mut from_host, &mut to_client))
    });
    client.write_all(b"\0\x02hi").await.unwrap();
    client.shutdown().await.unwrap();
    let mut to_host = Vec::new();
    host.read_to_end(&mut to_host).await.unwrap();
    assert_eq!(to_host, b"0002hi");
    host.write_all(b"0003yes").await.unwrap();
    host.shutdown().await.unwrap();
    let mut to_client = Vec::new();
    client.read_to_end(&mut to_client).await.unwrap();
    assert_eq!(to_client, b"\0\x03yes");
    let (up, down) = relays.await.unwrap();
    assert_eq!((up.unwrap(), down.unwrap()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn heartbeats_go_on_on_both_sides_and_are_not_passed() {
    const INTERVAL: Duration = Duration::from_secs(1);
    let heartbeat =
        || Heartbeat::relaxed(Form::literal(b"PING", b"PONG")).interval(INTERVAL).unwrap().timeout(INTERVAL).unwrap();
    let ((mut client_leg, mut client), (mut host_leg, mut host)) = (piped("net:2", 4096), piped("ascii:4", 4096));
    client_leg.watch(heartbeat(), Role::Client);
    host_leg.watch(heartbeat(), Role::Client);
    let (mut from_client, mut to_client) = client_leg.split();
    let (mut from_host, mut to_host) = host_leg.split();
    let relays = tokio::spawn(async move {
        tokio::select! {
            up = relay(&mut from_client, &mut to_host) => up,
            down = relay(&mut from_host, &mut to_client) => down,
        }
    });
    // Both peers answer for a while, and nothing else is sent.
    let answers = async |peer: &mut DuplexStream, ping: &[u8], pong: &[u8]| {
        let mut frame = vec![0; ping.len()];
        let mut count = 0;
        let answering = async {
            loop {
                peer.read_exact(&mut frame).await.unwrap();
                assert_eq!(frame, ping);
                peer.write_all(pong).await.unwrap();
                count += 1;
            }
        };
        assert!(timeout(20 * INTERVAL, answering).await.is_err());
        assert!(count >= 9, "{count} heartbeats");
    };
    tokio::join!(answers(&mut client, b"\0\x04PING", b"\0\x04PONG"), answers(&mut host, b"0004PING", b"0004PONG"),);
    // Both peers stop answering. The first death ends the relay.
    let error = relays.await.unwrap().unwrap_err();
    assert!(matches!(error.cause(), Cause::Dead(_)), "{error}");
}
