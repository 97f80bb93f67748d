//! A read buffer grows with received bytes, and returns them in order.

use framelink_codec::ReadBuffer;
use proptest::prelude::*;

/// The size of the first read that a new buffer offers.
const FIRST_READ: usize = 2 * 1024;
/// The size of the largest read that a buffer offers.
const LARGEST_READ: usize = 64 * 1024;

#[test]
fn memory_follows_received_bytes() {
    let mut buffer = ReadBuffer::new();
    assert_eq!(buffer.capacity(), 0, "nothing has arrived");
    let mut arrived = 0;
    for _ in 0..10_000 {
        let count = buffer.space().len().min(97);
        buffer.filled(count);
        arrived += count;
        assert!(buffer.capacity() <= FIRST_READ + 4 * arrived, "{arrived} bytes arrived, {buffer:?}");
    }
}

#[test]
fn a_long_message_of_known_length_gets_memory_as_it_arrives_and_no_more() {
    const FRAME: usize = 1024 * 1024 + 4;
    let (mut buffer, mut arrived) = (ReadBuffer::new(), 0);
    while arrived < FRAME {
        let missing = FRAME - arrived;
        let (before, foretold) = (arrived, buffer.capacity_for(missing));
        let count = buffer.space_for(missing).len().min(missing).min(50_000);
        assert_eq!(buffer.capacity(), foretold, "after {before} bytes");
        assert!(buffer.capacity() <= 2 * (FIRST_READ + arrived) + LARGEST_READ, "{arrived} bytes arrived, {buffer:?}");
        buffer.filled(count);
        arrived += count;
    }
    assert!(buffer.capacity() <= FRAME + LARGEST_READ, "{buffer:?}");
    assert_eq!(buffer.len(), FRAME);
}

#[test]
fn reads_that_fill_the_space_get_more_up_to_64_kib() {
    let mut buffer = ReadBuffer::new();
    let mut sizes = Vec::new();
    for _ in 0..7 {
        let size = buffer.space().len();
        buffer.filled(size);
        buffer.take(size);
        sizes.push(size / 1024);
    }
    assert_eq!(sizes, [2, 4, 8, 16, 32, 64, 64]);
}

#[test]
fn an_empty_buffer_frees_its_memory_and_a_filled_one_keeps_it() {
    let mut buffer = ReadBuffer::new();
    buffer.extend(b"hello");
    buffer.release();
    assert_eq!(buffer.as_ref(), b"hello");
    buffer.take(5);
    buffer.release();
    assert_eq!(buffer.capacity(), 0);
}

proptest! {
    /// Any sequence of reads and takes returns the bytes unchanged.
    #[test]
    fn bytes_come_out_in_the_order_they_went_in(
        steps in prop::collection::vec((0_usize..5000, 0_usize..5000, any::<bool>()), 1..50)
    ) {
        let mut buffer = ReadBuffer::new();
        let (mut written, mut read) = (0_usize, 0_usize);
        for (put, take, release) in steps {
            let space = buffer.space();
            let put = put.min(space.len());
            for (i, byte) in space.iter_mut().take(put).enumerate() {
                *byte = u8::try_from((written + i) % 251).unwrap();
            }
            buffer.filled(put);
            written += put;
            let take = take.min(buffer.len());
            for (i, &byte) in buffer.as_ref()[..take].iter().enumerate() {
                prop_assert_eq!(usize::from(byte), (read + i) % 251);
            }
            buffer.take(take);
            read += take;
            if release {
                buffer.release();
            }
        }
        prop_assert_eq!(buffer.len(), written - read);
    }
}
