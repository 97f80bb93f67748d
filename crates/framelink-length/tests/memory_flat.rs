//! Ten million frames leave no memory behind. One test, because it counts the allocations of the process.

use std::alloc::System;
use std::io::{self, Read};

use framelink_codec::FrameReader;
use framelink_length::{Frames, Length};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const FRAMES: usize = 10_000_000;

/// This many zero bytes, which are empty frames, in reads of all sizes.
struct Zeros {
    left: usize,
    size: usize,
}

impl Read for Zeros {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.size = self.size % 5000 + 1;
        let count = into.len().min(self.left).min(self.size);
        into[..count].fill(0);
        self.left -= count;
        Ok(count)
    }
}

/// The bytes that were allocated and not freed.
fn held(region: &Region<'_, System>) -> usize {
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}

#[test]
fn ten_million_empty_frames_leave_no_memory_behind() {
    let net2: Length = "net:2".parse().unwrap();

    let mut reader = FrameReader::new(Zeros { left: 2 * FRAMES, size: 0 }, net2);
    for _ in 0..FRAMES / 100 {
        assert!(reader.read().unwrap().is_some());
    }
    let region = Region::new(ALLOCATOR);
    let mut frames = FRAMES / 100;
    while let Some(frame) = reader.read().unwrap() {
        assert!(frame.payload.is_empty());
        frames += 1;
    }
    assert_eq!((frames, reader.offset()), (FRAMES, 2 * FRAMES));
    let grown = held(&region);
    assert!(grown <= 16 * 1024, "FrameReader holds {grown} bytes more than after its first frames");
    let allocations = region.change().allocations + region.change().reallocations;
    assert!(allocations <= 20, "FrameReader allocated {allocations} times");

    let zeros = vec![0; 200_000];
    let region = Region::new(ALLOCATOR);
    let frames: usize = (0..FRAMES / (zeros.len() / 2)).map(|_| Frames::new(&net2, &zeros).count()).sum();
    assert_eq!(frames, FRAMES);
    assert_eq!((held(&region), region.change().allocations), (0, 0), "Frames allocates nothing");
}
