//! A scripted stream follows its script and counts calls.

use std::io::{ErrorKind, IoSlice, Read, Write};

use framelink_codec::example::OneByte;
use framelink_codec::{FrameReader, FrameWriter};
use framelink_testkit::{ReadStep, ScriptedStream, WriteStep};
use proptest::collection::vec;
use proptest::prelude::*;

/// Steps, and the result of each read of four bytes.
type Read4 = (&'static [u8], Option<ErrorKind>);

#[test]
fn each_read_step_has_its_result() {
    let cases: [(ReadStep, &[Read4]); 6] = [
        (ReadStep::bytes(b"hi"), &[(b"hi", None)]),
        (ReadStep::bytes(b"sevenly"), &[(b"seve", None), (b"nly", None)]),
        (ReadStep::WouldBlock, &[(b"", Some(ErrorKind::WouldBlock))]),
        (ReadStep::Interrupted, &[(b"", Some(ErrorKind::Interrupted))]),
        (ReadStep::Error(ErrorKind::ConnectionReset), &[(b"", Some(ErrorKind::ConnectionReset))]),
        (ReadStep::End, &[(b"", None)]),
    ];
    for (step, reads) in cases {
        let (mut stream, script) = ScriptedStream::new([ReadStep::bytes(b""), step.clone()], []);
        script.after_reads(ReadStep::bytes(b"after"));
        for &(bytes, error) in reads {
            let mut space = [0; 4];
            match stream.read(&mut space) {
                Ok(count) => assert_eq!((&space[..count], None), (bytes, error), "{step:?}"),
                Err(came) => assert_eq!(Some(came.kind()), error, "{step:?}"),
            }
        }
        assert_eq!(stream.read(&mut [0; 8]).unwrap(), 5, "{step:?}: and then what comes after");
        assert_eq!(script.calls().reads, reads.len() + 1);
    }
}

#[test]
fn each_write_step_has_its_result() {
    let cases = [
        (WriteStep::AtMost(2), Ok(2)),
        (WriteStep::AtMost(9), Ok(5)),
        (WriteStep::ALL, Ok(5)),
        (WriteStep::Zero, Ok(0)),
        (WriteStep::WouldBlock, Err(ErrorKind::WouldBlock)),
        (WriteStep::Interrupted, Err(ErrorKind::Interrupted)),
        (WriteStep::Error(ErrorKind::BrokenPipe), Err(ErrorKind::BrokenPipe)),
    ];
    for (step, comes_to) in cases {
        for is_vectored in [false, true] {
            let (mut stream, script) = ScriptedStream::new([], [step]);
            script.after_writes(WriteStep::Zero);
            let parts = [IoSlice::new(b"h"), IoSlice::new(b""), IoSlice::new(b"ello")];
            let came = if is_vectored { stream.write_vectored(&parts) } else { stream.write(b"hello") };
            assert_eq!(came.map_err(|error| error.kind()), comes_to, "{step:?}");
            assert_eq!(script.written(), &b"hello"[..comes_to.unwrap_or(0)], "{step:?}");
            assert_eq!(stream.write(b"x").unwrap(), 0, "and then what comes after");
            assert_eq!((script.calls().writes, script.calls().vectored_writes), (2, usize::from(is_vectored)));
        }
    }
}

#[test]
fn reads_and_writes_of_nothing_use_no_step() {
    let (mut stream, script) = ScriptedStream::new([ReadStep::End], [WriteStep::WouldBlock]);
    assert_eq!(stream.read(&mut []).unwrap(), 0);
    assert_eq!(stream.write(b"").unwrap(), 0);
    assert_eq!(stream.write_vectored(&[IoSlice::new(b"")]).unwrap(), 0);
    assert_eq!(script.left(), (1, 1));
}

#[test]
fn a_test_reads_the_script_while_another_thread_owns_the_stream() {
    let (stream, script) = ScriptedStream::new(ReadStep::dribble(b"\x02hi"), [WriteStep::AtMost(1)]);
    std::thread::spawn(move || {
        let mut reader = FrameReader::new(stream, OneByte);
        let payload = reader.read().unwrap().unwrap().payload.to_vec();
        FrameWriter::new(reader.into_inner(), OneByte).write(&payload).unwrap();
    })
    .join()
    .unwrap();
    assert_eq!(script.written(), b"\x02hi");
    assert_eq!(script.calls().reads, 3, "as many reads as pieces, none in vain");
}

#[test]
fn debug_shows_lengths_and_no_bytes() {
    let (stream, script) = ScriptedStream::new([ReadStep::bytes(b"4000 1234")], []);
    let shown = format!("{stream:?} {script:?} {:?}", ReadStep::bytes(b"4000 1234"));
    assert!(!shown.contains("4000") && !shown.contains("52, 48"), "{shown}");
    assert!(shown.contains("Bytes(9)"), "{shown}");
}

fn read_steps() -> impl Strategy<Value = Vec<ReadStep>> {
    let step = prop_oneof![
        4 => vec(any::<u8>(), 0..20).prop_map(ReadStep::Bytes),
        1 => Just(ReadStep::WouldBlock),
        1 => Just(ReadStep::Interrupted),
    ];
    vec(step, 0..20)
}

proptest! {
    /// For reads of any size, each byte arrives once and in order, and a call uses at most one step.
    #[test]
    fn prop_all_bytes_come_in_order(steps in read_steps(), sizes in vec(1_usize..8, 1..8)) {
        let all: Vec<u8> = steps.iter().flat_map(|step| match step {
            ReadStep::Bytes(bytes) => bytes.clone(),
            _ => vec![],
        }).collect();
        let (mut stream, script) = ScriptedStream::new(steps, []);
        script.after_reads(ReadStep::End);
        let mut came = Vec::new();
        for size in sizes.iter().cycle() {
            let mut space = vec![0; *size];
            match stream.read(&mut space) {
                Ok(0) => break,
                Ok(count) => came.extend_from_slice(&space[..count]),
                Err(error) => prop_assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)),
            }
        }
        prop_assert_eq!(came, all);
    }

    /// A vectored write takes as many bytes as a plain write of them.
    #[test]
    fn prop_a_vectored_write_is_as_a_plain_one(parts in vec(vec(any::<u8>(), 0..9), 1..5), most in 0_usize..20) {
        let (mut plain, of_plain) = ScriptedStream::new([], [WriteStep::AtMost(most)]);
        let (mut vectored, of_vectored) = ScriptedStream::new([], [WriteStep::AtMost(most)]);
        let slices: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        prop_assert_eq!(plain.write(&parts.concat()).unwrap(), vectored.write_vectored(&slices).unwrap());
        prop_assert_eq!(of_plain.written(), of_vectored.written());
    }
}
