//! The bodies of the fuzz targets on fixed inputs.

use framelink_bcd::fuzz::bcd;

#[test]
fn bcd_holds_on_a_handful_of_inputs() {
    for data in [
        &b""[..],
        b"\x00",
        b"\x12\x34",
        b"\x12\x3f",
        b"\xff\xff",
        b"\x0a\xa0",
        b"8321",
        b"\x99\x99\x99\x99\x99\x99\x99\x99\x99",
        b"\x99\x99\x99\x99\x99\x99\x99\x99\x99\x99",
        &[0x55; 65],
    ] {
        bcd(data);
    }
}

#[test]
fn bcd_holds_on_pseudo_random_inputs() {
    // Marsaglia's xorshift64: a short generator with fixed output.
    let mut state = 0x0123_4567_89ab_cdef_u64;
    let mut random = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..5_000 {
        let mut data = [0; 24];
        for chunk in data.chunks_mut(8) {
            // Half of the chunks have only nibbles below 8, so that some inputs are all digits.
            let mask = if random() % 2 == 0 { u64::MAX } else { 0x7777_7777_7777_7777 };
            chunk.copy_from_slice(&(random() & mask).to_be_bytes());
        }
        for len in 0..=data.len() {
            bcd(&data[..len]);
        }
    }
}
