//! A peer that announces many bytes and sends few causes few allocations. One test, because it counts the allocations
//! of the process.

#![cfg(target_pointer_width = "64")] // what is announced goes beyond 4 GiB

use std::alloc::System;
use std::io::{self, Read};

use bytes::BytesMut;
use framelink_codec::FrameReader;
use framelink_length::Length;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tokio_util::codec::Decoder;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// Headers that announce the most that their framing allows.
const ANNOUNCED: &[(&str, &[u8])] = &[
    ("net:4", b"\0\x10\0\0"),
    ("net:4,max=1024MiB", b"\x40\0\0\0"),
    ("net:4,max=4294967295", b"\xff\xff\xff\xff"),
    ("net:4,max=1024MiB,keep", b"\x40\0\0\0"),
    ("net:8,at=9,gap=3,tail=9,max=9223372036854775551", b"\0\0\0\0\0\0\0\0\0\x7f\xff\xff\xff\xff\xff\xff\x0b"),
    ("ascii:18,max=999999999999999999", b"999999999999999999"),
    ("decimal:3a,max=999999999", b"999999999:"),
    ("varint,max=1024MiB", b"\x80\x80\x80\x80\x04"),
];

const LITTLE: usize = 4 * 1024;

/// Returns a header, then `WouldBlock`.
struct Stalled(&'static [u8]);

impl Read for Stalled {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            count => Ok(count),
        }
    }
}

/// All bytes that were allocated, freed or not.
fn allocated(run: impl FnOnce()) -> usize {
    let region = Region::new(ALLOCATOR);
    run();
    region.change().bytes_allocated
}

#[test]
fn announced_bytes_are_not_allocated() {
    assert!(allocated(|| drop(vec![1_u8; LITTLE])) >= LITTLE, "the allocator counts");
    for &(notation, header) in ANNOUNCED {
        let length: Length = notation.parse().unwrap();

        let by_reader = allocated(|| {
            let mut reader = FrameReader::new(Stalled(header), length);
            for _ in 0..100 {
                assert!(reader.read().is_err(), "{notation}");
            }
            assert_eq!(reader.rest(), header, "{notation}");
        });
        assert!(by_reader < LITTLE, "{notation}: FrameReader allocated {by_reader} bytes");

        let by_decoder = allocated(|| {
            let mut codec = length.codec();
            let mut buffer = BytesMut::new();
            for &byte in header {
                buffer.extend_from_slice(&[byte]);
                for _ in 0..10 {
                    assert!(codec.decode(&mut buffer).unwrap().is_none(), "{notation}");
                }
            }
            assert!(buffer.capacity() < LITTLE, "{notation}: {} bytes of room", buffer.capacity());
        });
        assert!(by_decoder < LITTLE, "{notation}: Decoder allocated {by_decoder} bytes");
    }
}
