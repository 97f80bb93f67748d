//! Row 49: streams that interrupt, refuse, take nothing, and take one byte at a time.

use framelink_testkit::{ReadStep, WriteStep};

use crate::cell::{Cell, Role};
use crate::script::OverScript;

const MESSAGES: [&[u8]; 3] = [b"hello", b"", b"hi"];

/// A client writes and a server reads, with each kind of step.
pub(crate) fn reads_and_writes<D: OverScript>(cell: Cell) {
    match cell.role {
        Role::Client => writes::<D>(cell),
        Role::Server => reads::<D>(cell),
    }
}

fn reads<D: OverScript>(cell: Cell) {
    let frames = cell.frames(&MESSAGES);
    let mut in_vain = vec![ReadStep::Interrupted];
    if D::WOULD_BLOCK {
        in_vain.push(ReadStep::WouldBlock);
    }
    // The step is in front of one byte, for each byte in turn, and at last in front of all bytes.
    for at in 0..=frames.len() {
        let steps = frames.iter().enumerate().flat_map(|(number, &byte)| {
            let is_here = at == frames.len() || number == at;
            let before = if is_here { in_vain.clone() } else { Vec::new() };
            before.into_iter().chain([ReadStep::bytes([byte])])
        });
        let steps: Vec<_> = steps.chain([ReadStep::End]).collect();
        let count = steps.len();
        let received = D::receive(cell.framing(), steps);
        assert!(received.error.is_none() && received.messages == MESSAGES, "at {at}: {:?}", received.error);
        // A runtime may read once more before it waits.
        assert!(received.calls.reads <= 2 * count, "at {at}: {} reads of {count} steps", received.calls.reads);
    }
}

fn writes<D: OverScript>(cell: Cell) {
    let frames = cell.frames(&MESSAGES);
    let mut steps = vec![WriteStep::Interrupted, WriteStep::AtMost(1)];
    if D::WOULD_BLOCK {
        steps.insert(0, WriteStep::WouldBlock);
    }
    let steps: Vec<_> = steps.iter().copied().cycle().take(steps.len() * frames.len()).collect();
    let count = steps.len();
    let sent = D::send(cell.framing(), &MESSAGES, steps);
    assert!(sent.error.is_none() && sent.written == frames, "{:?}", sent.error);
    assert!(sent.calls.writes <= 2 * count, "{} writes of {count} steps", sent.calls.writes);
    // A write that takes nothing is an error at once, at every position.
    for at in 0..cell.frame(MESSAGES[0]).len() {
        let mut steps = vec![WriteStep::AtMost(1); at];
        steps.push(WriteStep::Zero);
        let sent = D::send(cell.framing(), &MESSAGES[..1], steps);
        assert!(sent.error.is_some(), "at {at}");
        assert!(frames.starts_with(&sent.written) && sent.written.len() == at, "at {at}");
        assert_eq!(sent.calls.writes, at + 1, "at {at}: the write is not repeated");
    }
}
